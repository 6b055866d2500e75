package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/google/uuid"
)

// Create adds an entity of a concrete type. Its id is the document's, or a new
// one if that has none. An id or unique name that is taken is ErrExists, a
// wrong document an *ErrInvalid.
func (tx *Tx) Create(ctx context.Context, typ string, doc map[string]any) (*Entity, error) {
	t, err := tx.store.entityType(typ)
	if err != nil {
		return nil, err
	}
	e := &Entity{Type: t.Name, ModifiedBy: tx.User}
	if e.ID, err = idOf(doc); err != nil {
		return nil, err
	}
	if e.ID == "" {
		e.ID = tx.store.cfg.NewID()
	}
	if e.Doc, err = tx.store.cfg.Schema.Validate(t, doc, true); err != nil {
		return nil, err
	}
	tx.store.identifyAll(t, e.Doc)
	secrets := tx.store.takeSecrets(t, e.Doc)
	e.Created = tx.now()
	e.Modified = e.Created
	if err := tx.insert(ctx, t, e); err != nil {
		return nil, tx.spoil(fmt.Errorf("create %s: %w", typ, err))
	}
	if err := tx.putSecrets(ctx, e.ID, secrets); err != nil {
		return nil, tx.spoil(fmt.Errorf("create %s: %w", typ, err))
	}
	tx.changed(Added, e, nil)
	return e, nil
}

func (tx *Tx) insert(ctx context.Context, t *schema.Type, e *Entity) error {
	taken := false
	err := tx.q.rows(ctx, "SELECT 1 FROM entity WHERE id = ?", []any{e.ID}, func(*sql.Rows) error {
		taken = true
		return nil
	})
	if err != nil {
		return err
	}
	if taken {
		return fmt.Errorf("id %s: %w", e.ID, ErrExists)
	}
	r, err := tx.store.row(t, e)
	if err != nil {
		return err
	}
	err = tx.q.exec(ctx, "INSERT INTO entity (id, type, name, created, modified, modified_by, doc, folded) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		e.ID, e.Type, r.name, e.Created.UnixMilli(), e.Modified.UnixMilli(), e.ModifiedBy, r.doc, r.folded)
	if err != nil {
		return err
	}
	return tx.refer(ctx, t, e)
}

// idOf returns the id in a document, or nothing: a GUID of zeros is what some
// clients send for none.
func idOf(doc map[string]any) (string, error) {
	v := baseField(doc, schema.ID)
	if v == nil || v == "" {
		return "", nil
	}
	text, _ := v.(string)
	id, err := uuid.Parse(text)
	if err != nil {
		return "", &ErrInvalid{Field: schema.ID, Reason: fmt.Sprintf("%v is no GUID", v)}
	}
	if id == uuid.Nil {
		return "", nil
	}
	return id.String(), nil
}

// baseField returns a base field of a document as a client sent it.
func baseField(doc map[string]any, name string) any {
	for key, v := range doc {
		if strings.EqualFold(key, name) {
			return v
		}
	}
	return nil
}
