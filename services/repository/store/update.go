package store

import (
	"context"
	"fmt"
	"reflect"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// Update changes an entity: fields that doc does not have keep their value,
// null takes it away, a list replaces. If doc has a modifiedDate before the
// entity's, it is ErrStale. A secret that is not sent stays, also in the items
// of a list, as long as the item with its id does.
func (tx *Tx) Update(ctx context.Context, typ, id string, doc map[string]any) (*Entity, error) {
	e, t, err := tx.keep(ctx, typ, id)
	if err != nil {
		return nil, err
	}
	if err := mayReplace(e, doc); err != nil {
		return nil, err
	}
	s := tx.store
	change, err := s.cfg.Schema.Validate(t, doc, false)
	if err != nil {
		return nil, err
	}
	s.identifyItems(t, change)
	secrets := s.takeSecrets(t, change)
	old := e.Doc
	if e.Doc, err = s.cfg.Schema.Validate(t, s.cfg.Schema.Merge(t, old, change), true); err != nil {
		return nil, err
	}
	s.identifyAll(t, e.Doc)
	tx.touch(e)
	if err := tx.put(ctx, t, e); err != nil {
		return nil, tx.spoil(fmt.Errorf("update %s %s: %w", typ, id, err))
	}
	if err := tx.updateSecrets(ctx, t, e, secrets); err != nil {
		return nil, tx.spoil(fmt.Errorf("update %s %s: %w", typ, id, err))
	}
	tx.changed(Updated, e, changedFields(t, old, e.Doc, secrets))
	return e, nil
}

// mayReplace checks that a document is about e, and not about one before it.
func mayReplace(e *Entity, doc map[string]any) error {
	id, err := idOf(doc)
	if err != nil {
		return err
	}
	if id != "" && id != e.ID {
		return &ErrInvalid{Field: schema.ID, Reason: fmt.Sprintf("is %s, not %s", id, e.ID)}
	}
	sent := baseField(doc, schema.ModifiedDate)
	if sent == nil {
		return nil
	}
	text, _ := sent.(string)
	modified, err := schema.ParseDate(text)
	if err != nil {
		return &ErrInvalid{Field: schema.ModifiedDate, Reason: err.Error()}
	}
	if modified.Before(e.Modified) {
		return fmt.Errorf("%s %s: %w", e.Type, e.ID, ErrStale)
	}
	return nil
}

// changedFields lists the fields of t that are not what they were.
func changedFields(t *schema.Type, old, doc map[string]any, secrets []secret) []string {
	var names []string
	for i := range t.Fields {
		name := t.Fields[i].Name
		if !reflect.DeepEqual(old[name], doc[name]) || hasSecret(secrets, name) {
			names = append(names, name)
		}
	}
	return names
}
