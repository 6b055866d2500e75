package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/google/uuid"
)

// reader has the methods that a Store and a Tx share.
type reader struct {
	store *Store
	with  func(context.Context, func(querier) error) error
}

// A Query says which entities of a type are wanted. The zero value wants all.
type Query struct {
	Where   filter.Node
	OrderBy []filter.Order // then by time of creation
	Skip    int
	Take    int      // 0 = all
	IDs     []string // nil = all
}

// Get returns an entity; typ may be an abstract type. It returns ErrNotFound
// if there is none of this type with this id.
func (r reader) Get(ctx context.Context, typ, id string) (*Entity, error) {
	list, err := r.List(ctx, typ, Query{IDs: []string{id}})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s %s: %w", typ, id, ErrNotFound)
	}
	return list[0], nil
}

// List returns the entities of a type, of an abstract one those of all its
// children. A wrong filter or order is a *filter.Error, an unknown type an
// *ErrInvalid.
func (r reader) List(ctx context.Context, typ string, query Query) ([]*Entity, error) {
	st, err := r.statement(typ, query)
	if err != nil {
		return nil, err
	}
	var list []*Entity
	err = r.with(ctx, func(q querier) error {
		return q.rows(ctx, "SELECT "+entityColumns+" FROM entity e WHERE "+st.where+" ORDER BY "+st.order+st.page, st.args, func(rows *sql.Rows) error {
			e, err := scanEntity(rows)
			list = append(list, e)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", typ, err)
	}
	return list, nil
}

// Count returns how many entities List would return, Skip and Take aside.
func (r reader) Count(ctx context.Context, typ string, query Query) (int, error) {
	st, err := r.statement(typ, Query{Where: query.Where, IDs: query.IDs})
	if err != nil {
		return 0, err
	}
	var n int
	err = r.with(ctx, func(q querier) error {
		return q.rows(ctx, "SELECT count(*) FROM entity e WHERE "+st.where, st.args, func(rows *sql.Rows) error { return rows.Scan(&n) })
	})
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", typ, err)
	}
	return n, nil
}

// statement is the SQL of a Query on the rows e.
type statement struct {
	where, order, page string
	args               []any
}

func (r reader) statement(typ string, query Query) (statement, error) {
	s := r.store
	t, err := s.entityType(typ)
	if err != nil {
		return statement{}, err
	}
	where, err := filter.Resolve(query.Where, s.cfg.Schema, t)
	if err != nil {
		return statement{}, err
	}
	sort, err := filter.ResolveOrder(query.OrderBy, s.cfg.Schema, t)
	if err != nil {
		return statement{}, err
	}
	var st statement
	sql := []byte(filter.TypeIn("e", s.cfg.Schema.Concrete(t)))
	switch ids := canonicalIDs(query.IDs); {
	case query.IDs == nil:
	case len(ids) == 1: // of a list SQLite does not know how short it is, and may look through all of the type
		sql = append(sql, " AND e.id = ?"...)
		st.args = append(st.args, ids[0])
	default:
		condition, arg := s.dialect.In("e.id", ids)
		sql = append(sql, " AND "+condition...)
		st.args = append(st.args, arg)
	}
	if where != nil {
		sql, st.args = where.AppendSQL(append(sql, " AND "...), st.args, s.dialect, "e")
	}
	st.where = string(sql)
	st.order = string(sort.AppendSQL(nil, s.dialect, "e"))
	if query.Take > 0 || query.Skip > 0 {
		st.page = " LIMIT ? OFFSET ?"
		take := query.Take
		if take == 0 {
			take = 1<<31 - 1
		}
		st.args = append(st.args, take, query.Skip)
	}
	return st, nil
}

// canonicalIDs writes GUIDs as they are stored; what is none is left out.
func canonicalIDs(ids []string) []string {
	out := make([]string, 0, len(ids))
	for _, text := range ids {
		if id, err := uuid.Parse(text); err == nil {
			out = append(out, id.String())
		}
	}
	return out
}

// entityType returns the type of entities with this name.
func (s *Store) entityType(name string) (*schema.Type, error) {
	t := s.cfg.Schema.Type(name)
	if t == nil || t.Embedded {
		return nil, &ErrInvalid{Field: "type", Reason: fmt.Sprintf("there are no entities of type %q", name)}
	}
	return t, nil
}

// byIDs returns entities of any type.
func (r reader) byIDs(ctx context.Context, ids []string) (map[string]*Entity, error) {
	found := make(map[string]*Entity, len(ids))
	condition, arg := r.store.dialect.In("e.id", ids)
	err := r.with(ctx, func(q querier) error {
		return q.rows(ctx, "SELECT "+entityColumns+" FROM entity e WHERE "+condition, []any{arg}, func(rows *sql.Rows) error {
			e, err := scanEntity(rows)
			if err == nil {
				found[e.ID] = e
			}
			return err
		})
	})
	return found, err
}
