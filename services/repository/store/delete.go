package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// Delete removes an entity. Those that refer to it lose the reference; an item
// of a list goes with what it needs (a value with its custom property). If the
// reference is one that they need themselves, Delete returns an *ErrInUse and
// nothing has changed.
func (tx *Tx) Delete(ctx context.Context, typ, id string) error {
	e, _, err := tx.keep(ctx, typ, id)
	if err != nil {
		return err
	}
	sources, err := tx.referrers(ctx, e.ID)
	if err != nil {
		return fmt.Errorf("delete %s %s: %w", typ, id, err)
	}
	// All are asked before the first is changed.
	changed := make([][]string, len(sources))
	for i, source := range sources {
		var blocked error
		if changed[i], blocked = tx.store.forget(source, e.ID); blocked != nil {
			return fmt.Errorf("delete %s %s: %w", typ, id, blocked)
		}
	}
	for i, source := range sources {
		tx.touch(source)
		if err := tx.put(ctx, tx.store.cfg.Schema.Type(source.Type), source); err != nil {
			return tx.spoil(fmt.Errorf("delete %s %s: %w", typ, id, err))
		}
		tx.changed(Updated, source, changed[i])
	}
	if err := tx.q.exec(ctx, "DELETE FROM entity WHERE id = ?", e.ID); err != nil {
		return tx.spoil(fmt.Errorf("delete %s %s: %w", typ, id, err))
	}
	tx.changed(Deleted, e, nil)
	return nil
}

// referrers returns the entities that refer to one, kept from other
// transactions, in the order of their ids.
func (tx *Tx) referrers(ctx context.Context, target string) ([]*Entity, error) {
	query := "SELECT " + entityColumns + " FROM entity e WHERE e.id <> ? AND e.id IN (SELECT source FROM reference WHERE target = ?) ORDER BY e.id"
	var list []*Entity
	err := tx.q.rows(ctx, query+tx.store.forKeep, []any{target, target}, func(rows *sql.Rows) error {
		e, err := scanEntity(rows)
		list = append(list, e)
		return err
	})
	return list, err
}

// forget takes the references to target out of e's document and returns the
// fields that changed, or an *ErrInUse.
func (s *Store) forget(e *Entity, target string) (changed []string, err error) {
	t := s.cfg.Schema.Type(e.Type)
	f := forgetter{schema: s.cfg.Schema, target: target}
	for i := range t.Fields {
		f.changed = false
		if need := f.field(&t.Fields[i], e.Doc, false); need != "" {
			return nil, &ErrInUse{Type: e.Type, ID: e.ID, Field: need}
		}
		if f.changed {
			changed = append(changed, t.Fields[i].Name)
		}
	}
	return changed, nil
}

// forgetter takes references to one entity out of a document.
type forgetter struct {
	schema  *schema.Schema
	target  string
	changed bool
}

// object forgets below an object. drop says that the object cannot be without
// the reference and its list has to do without it; need is a path that cannot.
func (f *forgetter) object(t *schema.Type, object map[string]any, inItem bool) (drop bool, need string) {
	for i := range t.Fields {
		field := &t.Fields[i]
		if field.Kind == schema.Reference && !field.List && field.Required && inItem && f.isTarget(object[field.Name]) {
			return true, ""
		}
		if need := f.field(field, object, inItem); need != "" {
			return false, need
		}
	}
	return false, ""
}

// field forgets in one field and returns the path of a reference that the
// document cannot be without, or nothing.
func (f *forgetter) field(field *schema.Field, holder map[string]any, inItem bool) (need string) {
	switch {
	case field.Kind == schema.Embedded && field.List:
		return f.items(field, holder)
	case field.Kind == schema.Embedded:
		if object, ok := holder[field.Name].(map[string]any); ok {
			if _, need := f.object(f.schema.Type(field.Of), object, inItem); need != "" {
				return field.Name + "." + need
			}
		}
	case field.Kind != schema.Reference:
	case field.List:
		f.references(field, holder)
	case f.isTarget(holder[field.Name]):
		if field.Required || field.OneOf != "" {
			return field.Name
		}
		delete(holder, field.Name)
		f.changed = true
	}
	return ""
}

func (f *forgetter) items(field *schema.Field, holder map[string]any) (need string) {
	t := f.schema.Type(field.Of)
	items, _ := holder[field.Name].([]any)
	kept := make([]any, 0, len(items))
	for _, item := range items {
		object, _ := item.(map[string]any)
		drop, need := f.object(t, object, true)
		if need != "" {
			return field.Name + "." + need
		}
		if !drop {
			kept = append(kept, item)
		}
	}
	f.keep(field, holder, items, kept)
	return ""
}

func (f *forgetter) references(field *schema.Field, holder map[string]any) {
	items, _ := holder[field.Name].([]any)
	kept := make([]any, 0, len(items))
	for _, item := range items {
		if !f.isTarget(item) {
			kept = append(kept, item)
		}
	}
	f.keep(field, holder, items, kept)
}

func (f *forgetter) keep(field *schema.Field, holder map[string]any, items, kept []any) {
	if len(kept) < len(items) {
		holder[field.Name] = kept
		f.changed = true
	}
}

func (f *forgetter) isTarget(v any) bool {
	object, _ := v.(map[string]any)
	return object[schema.ID] == f.target
}
