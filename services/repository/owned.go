package repository

import (
	"context"
	"errors"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
)

// ownedMax bounds what is told of what users own.
const ownedMax = 10_000

// Owned is something that somebody owns.
type Owned struct {
	Type     *schema.Type
	Resource map[string]any // whole
}

// OwnedResources returns what users own and the caller may read, at most limit;
// 0 = 10,000. The filter counts for types that have what it asks for.
func (r *Repository) OwnedResources(ctx context.Context, c *Caller, users []string, q Query, limit int) ([]Owned, error) {
	if limit <= 0 || limit > ownedMax {
		limit = ownedMax
	}
	if _, err := filter.Parse(q.Filter); err != nil {
		return nil, err
	}
	q.where = &filter.Among{Path: "owner", Texts: users}
	var out []Owned
	for _, t := range r.schema.Types() {
		if f := t.Field("owner"); t.Embedded || t.Abstract || f == nil || f.Kind != schema.Reference {
			continue
		}
		if q.Take = limit - len(out); q.Take == 0 {
			break
		}
		found, err := r.List(ctx, c, t, q)
		var unknown *filter.Error
		if errors.As(err, &unknown) {
			continue // this type has nothing of the name
		}
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			out = append(out, Owned{t, e})
		}
	}
	return out, nil
}
