package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// A reference is one row of the table of this name.
type reference struct {
	field    string
	position int
	target   string
	of       *schema.Type
}

// references lists what a document refers to.
func (s *Store) references(t *schema.Type, doc map[string]any) []reference {
	var list []reference
	next := map[string]int{}
	walk(s.cfg.Schema, t, doc, place{}, func(at place, f *schema.Field, holder map[string]any) {
		if f.Kind != schema.Reference {
			return
		}
		field := at.field + f.Name
		for _, object := range objects(f, holder) {
			id, _ := object[schema.ID].(string)
			list = append(list, reference{field: field, position: next[field], target: id, of: s.cfg.Schema.Type(f.Of)})
			next[field]++
		}
	})
	return list
}

// refer checks that what e refers to exists, and writes it down.
func (tx *Tx) refer(ctx context.Context, t *schema.Type, e *Entity) error {
	list := tx.store.references(t, e.Doc)
	if len(list) == 0 {
		return nil
	}
	types, err := tx.typesOf(ctx, list)
	if err != nil {
		return err
	}
	for _, r := range list {
		if !slices.Contains(tx.store.cfg.Schema.Concrete(r.of), types[r.target]) {
			return &ErrInvalid{Field: r.field, Reason: fmt.Sprintf("there is no %s %s", r.of.Name, r.target)}
		}
	}
	for chunk := range slices.Chunk(list, 200) {
		args := make([]any, 0, 4*len(chunk))
		for _, r := range chunk {
			args = append(args, e.ID, r.field, r.position, r.target)
		}
		values := strings.Repeat(", (?, ?, ?, ?)", len(chunk))[2:]
		if err := tx.q.exec(ctx, "INSERT INTO reference (source, field, position, target) VALUES "+values, args...); err != nil {
			return err
		}
	}
	return nil
}

// typesOf returns the types of the targets that exist.
func (tx *Tx) typesOf(ctx context.Context, list []reference) (map[string]string, error) {
	ids := make([]string, len(list))
	for i, r := range list {
		ids[i] = r.target
	}
	types := map[string]string{}
	condition, arg := tx.store.dialect.In("id", ids)
	err := tx.q.rows(ctx, "SELECT id, type FROM entity WHERE "+condition, []any{arg}, func(rows *sql.Rows) error {
		var id, typ string
		if err := rows.Scan(&id, &typ); err != nil {
			return err
		}
		types[id] = typ
		return nil
	})
	return types, err
}

// Targets returns the ids of what entities refer to, each once, by theirs.
func (r reader) Targets(ctx context.Context, ids []string) (map[string][]string, error) {
	found := map[string][]string{}
	condition, arg := r.store.dialect.In("source", canonicalIDs(ids))
	err := r.with(ctx, func(q querier) error {
		return q.rows(ctx, "SELECT DISTINCT source, target FROM reference WHERE "+condition, []any{arg}, func(rows *sql.Rows) error {
			var source, target string
			err := rows.Scan(&source, &target)
			found[source] = append(found[source], target)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("what %d entities refer to: %w", len(ids), err)
	}
	return found, nil
}

// A Referrer is an entity that refers to another.
type Referrer struct {
	Type, ID string
	Field    string // path without positions
}

// Referrers returns what refers to an entity, each field once.
func (r reader) Referrers(ctx context.Context, id string) ([]Referrer, error) {
	var list []Referrer
	err := r.with(ctx, func(q querier) error {
		const query = "SELECT DISTINCT e.type, e.id, r.field FROM reference r JOIN entity e ON e.id = r.source WHERE r.target = ? ORDER BY e.type, e.id, r.field"
		return q.rows(ctx, query, []any{strings.ToLower(id)}, func(rows *sql.Rows) error {
			var x Referrer
			err := rows.Scan(&x.Type, &x.ID, &x.Field)
			list = append(list, x)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("referrers of %s: %w", id, err)
	}
	return list, nil
}
