package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// A secret is one that a document brought.
type secret struct {
	path string // password, settings/<id of the item>/secretValue
	text string // empty: take it away
}

// takeSecrets takes the secrets out of a document whose items have ids.
func (s *Store) takeSecrets(t *schema.Type, doc map[string]any) []secret {
	var list []secret
	walk(s.cfg.Schema, t, doc, place{}, func(at place, f *schema.Field, holder map[string]any) {
		v, has := holder[f.Name]
		if f.Kind != schema.Secret || !has {
			return
		}
		text, _ := v.(string)
		list = append(list, secret{path: at.item + f.Name, text: text})
		delete(holder, f.Name)
	})
	return list
}

// hasSecret reports whether one of list lies in a field.
func hasSecret(list []secret, field string) bool {
	for _, x := range list {
		if x.path == field || strings.HasPrefix(x.path, field+"/") {
			return true
		}
	}
	return false
}

// putSecrets writes the secrets of an entity that are in list.
func (tx *Tx) putSecrets(ctx context.Context, id string, list []secret) error {
	for _, x := range list {
		if err := tx.q.exec(ctx, "DELETE FROM secret WHERE entity = ? AND path = ?", id, x.path); err != nil {
			return err
		}
		if x.text == "" {
			continue
		}
		if tx.store.aead == nil {
			return ErrNoKey
		}
		sealed := seal(tx.store.aead, x.text, secretPlace(id, x.path))
		if err := tx.q.exec(ctx, "INSERT INTO secret (entity, path, sealed) VALUES (?, ?, ?)", id, x.path, sealed); err != nil {
			return err
		}
	}
	return nil
}

// updateSecrets writes those in list and drops those of items that are gone.
func (tx *Tx) updateSecrets(ctx context.Context, t *schema.Type, e *Entity, list []secret) error {
	if !tx.store.cfg.Schema.HasSecrets(t) {
		return nil
	}
	if err := tx.putSecrets(ctx, e.ID, list); err != nil {
		return err
	}
	places := map[string]bool{}
	walk(tx.store.cfg.Schema, t, e.Doc, place{}, func(at place, f *schema.Field, _ map[string]any) {
		if f.Kind == schema.Secret {
			places[at.item+f.Name] = true
		}
	})
	var gone []string
	err := tx.q.rows(ctx, "SELECT path FROM secret WHERE entity = ?", []any{e.ID}, func(rows *sql.Rows) error {
		var path string
		err := rows.Scan(&path)
		if err == nil && !places[path] {
			gone = append(gone, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range gone {
		if err := tx.q.exec(ctx, "DELETE FROM secret WHERE entity = ? AND path = ?", e.ID, path); err != nil {
			return err
		}
	}
	return nil
}

func secretPlace(id, path string) string { return id + "/" + path }

// Secret returns a secret for a service that needs it; it never goes to a
// client. Path is the field's, with the id of an item behind its list:
// settings/<id>/secretValue. It returns ErrNotFound if there is none.
func (r reader) Secret(ctx context.Context, id, path string) (string, error) {
	if r.store.aead == nil {
		return "", ErrNoKey
	}
	id = strings.ToLower(id)
	var sealed []byte
	err := r.with(ctx, func(q querier) error {
		return q.rows(ctx, "SELECT sealed FROM secret WHERE entity = ? AND path = ?", []any{id, path}, func(rows *sql.Rows) error {
			return rows.Scan(&sealed)
		})
	})
	if err == nil && sealed == nil {
		err = ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("secret %s of %s: %w", path, id, err)
	}
	text, err := unseal(r.store.aead, sealed, secretPlace(id, path))
	if err != nil {
		return "", fmt.Errorf("secret %s of %s: %w", path, id, err)
	}
	return text, nil
}
