package store

import (
	"context"
	"database/sql"
	"fmt"
)

// ByIDs returns the entities with the given ids, of whatever type, by id. Those
// that are not there are left out.
func (r reader) ByIDs(ctx context.Context, ids []string) (map[string]*Entity, error) {
	return r.byIDs(ctx, canonicalIDs(ids))
}

// A Key names an entity.
type Key struct{ Type, ID string }

// Keys returns the names of the entities that List would return, which costs a
// tenth of that.
func (r reader) Keys(ctx context.Context, typ string, query Query) ([]Key, error) {
	st, err := r.statement(typ, query)
	if err != nil {
		return nil, err
	}
	var keys []Key
	err = r.with(ctx, func(q querier) error {
		return q.rows(ctx, "SELECT e.type, e.id FROM entity e WHERE "+st.where+" ORDER BY "+st.order+st.page, st.args, func(rows *sql.Rows) error {
			var k Key
			err := rows.Scan(&k.Type, &k.ID)
			keys = append(keys, k)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", typ, err)
	}
	return keys, nil
}
