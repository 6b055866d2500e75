package repository

import (
	"context"
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// withList returns a new library with the white list of its kind, if it names
// none, and without files, as those have to be uploaded. owned has given the
// fields their names.
func (r *Repository) withList(ctx context.Context, from reader, t *schema.Type, doc map[string]any) (map[string]any, error) {
	k, ok := kindOf(t.Name)
	if !ok {
		return doc, nil
	}
	delete(doc, "references")
	if refID(doc["whiteList"]) != "" {
		return doc, nil
	}
	list, err := whiteList(ctx, from, k)
	if err != nil {
		return nil, err
	}
	doc["whiteList"] = ref(list.ID)
	if k == LibraryContent && text(doc["type"]) == "" {
		doc["type"] = "media"
	}
	return doc, nil
}

// checkLibrary checks the name of a library that addresses call by its name:
// nobody else has it, and it can be a segment of a path.
func (r *Repository) checkLibrary(ctx context.Context, tx *store.Tx, t *schema.Type, id string, doc map[string]any) error {
	k, ok := kindOf(t.Name)
	name, sent := doc["name"].(string)
	if !ok || !k.byName() || !sent {
		return nil
	}
	if reason := badSegment(name); reason != "" {
		return &schema.Error{Field: "name", Reason: fmt.Sprintf("%.100q %s", name, reason)}
	}
	found, err := tx.List(ctx, t.Name, store.Query{Where: filter.Equal("name", name)})
	if err != nil {
		return err
	}
	for _, e := range found {
		if e.ID != id {
			return fmt.Errorf("%s %q: %w", t.Name, name, ErrExists)
		}
	}
	return nil
}

// updateLibrary changes a library. Which files it has stays; where they are
// served follows its name.
func (r *Repository) updateLibrary(ctx context.Context, tx *store.Tx, t *schema.Type, old *store.Entity, sent map[string]any) (*store.Entity, error) {
	doc := make(map[string]any, len(sent))
	for name, v := range sent {
		if f := t.Field(name); f != nil {
			name = f.Name
		}
		if name != "references" {
			doc[name] = v
		}
	}
	if err := r.checkLibrary(ctx, tx, t, old.ID, doc); err != nil {
		return nil, err
	}
	changed, err := tx.Update(ctx, t.Name, old.ID, doc)
	k, _ := kindOf(t.Name)
	if err != nil || libraryName(k, changed) == libraryName(k, old) {
		return changed, err
	}
	files, err := tx.ByIDs(ctx, refIDs(changed.Doc["references"]))
	if err != nil {
		return nil, err
	}
	for id, e := range files {
		p := strings.TrimPrefix(text(e.Doc["externalPath"]), externalPath(k, libraryName(k, old), ""))
		moved := map[string]any{"externalPath": externalPath(k, libraryName(k, changed), p), "logicalPath": logicalPath(k, libraryName(k, changed), p)}
		if _, err := tx.Update(ctx, referenceType, id, moved); err != nil {
			return nil, err
		}
	}
	return changed, nil
}
