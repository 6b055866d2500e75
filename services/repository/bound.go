package repository

import (
	"context"
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

const (
	// fewIDs is up to how many entities, named one by one, a database need not
	// choose from.
	fewIDs = 1000
	// targetsMax is how many entities of a type are looked at to bound those
	// that refer to them.
	targetsMax = 2000
)

// bounded narrows a query to what the caller may be able to read, as far as the
// database can tell.
func (d *decider) bounded(ctx context.Context, t *schema.Type, q store.Query) (filter.Node, error) {
	if d.access == nil || t.Abstract || q.IDs != nil && len(q.IDs) <= fewIDs {
		return q.Where, nil
	}
	bound, err := d.access.Bound(t.SchemaPath, rules.Read, &shape{ctx: ctx, r: d.r, t: t, targets: map[string][]rules.Entity{}})
	if err != nil {
		return nil, fmt.Errorf("bound the %s that can be read: %w", t.Name, err)
	}
	return filter.All(q.Where, bound), nil
}

// A shape is what the database can search of a type.
type shape struct {
	ctx context.Context
	r   *Repository
	t   *schema.Type

	targets map[string][]rules.Entity // by type, of the shapes behind, too; nil: too many
}

var _ rules.Shape = (*shape)(nil)

// Column implements [rules.Shape], after what [resource] gives for a name.
func (s *shape) Column(name string) rules.Column {
	if strings.HasPrefix(name, "@") {
		if s.t.Field("customProperties") == nil {
			return rules.Unsearchable
		}
		if _, ok := filter.Alike(name[1:]); !ok {
			return rules.Unsearchable
		}
		return rules.TextColumn
	}
	switch f := s.t.Field(name); {
	case f == nil:
	case f.Kind == schema.Text:
		return rules.TextColumn
	case f.Kind == schema.Bool && !f.List:
		return rules.FlagColumn
	case f.Kind == schema.Reference && f.List:
		return rules.LinkList
	case f.Kind == schema.Reference:
		return rules.LinkColumn
	}
	return rules.Unsearchable
}

// Targets implements [rules.Shape].
func (s *shape) Targets(name string) (all []rules.Entity, ok bool, err error) {
	of := s.t.Field(name).Of
	all, known := s.targets[of]
	if known {
		return all, all != nil, nil
	}
	keys, err := s.r.store.Keys(s.ctx, of, store.Query{Take: s.r.targetsMax + 1})
	if err != nil {
		return nil, false, err
	}
	if len(keys) <= s.r.targetsMax {
		all = make([]rules.Entity, len(keys))
		l := s.r.lazy(s.ctx, s.r.store, keys)
		for i, k := range keys {
			all[i] = l.keyed(k)
		}
	}
	s.targets[of] = all
	return all, all != nil, nil
}

// Behind implements [rules.Shape].
func (s *shape) Behind(name string) (string, rules.Shape) {
	t := s.r.schema.Type(s.t.Field(name).Of)
	if t.Abstract {
		return "", nil
	}
	return t.SchemaPath, &shape{s.ctx, s.r, t, s.targets}
}
