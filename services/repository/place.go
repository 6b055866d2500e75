package repository

import (
	"reflect"

	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// fixed are fields that say what an entity is to the rules or to the files of
// apps. Persons change them by operations of their own, which ask for more than
// the right to update, or not at all.
var fixed = map[string][]string{
	"App":      {"stream", "published", versionField},
	objectType: {"app", "engineObjectId", "objectType", "published", "approved"},
	"User":     {"deleteProhibited"},
}

// needPlace asks whether a person may leave an entity where a change puts it.
// Where it refers to another entity than before, the person needs the right to
// update it there, too: the rules of what belongs to an app, for one, ask that
// app. So does a security rule in any case: some may change rules of a few kinds
// only, and no rule becomes one of another kind.
func (r *Repository) needPlace(l *loader, d *decider, t *schema.Type, old *store.Entity, change map[string]any) error {
	if d.access == nil {
		return nil
	}
	change, err := r.schema.Validate(t, change, false)
	if err != nil {
		return err
	}
	after, err := r.schema.Validate(t, r.schema.Merge(t, old.Doc, change), true)
	if err != nil {
		return err
	}
	for _, name := range fixed[t.Name] {
		if !reflect.DeepEqual(after[name], old.Doc[name]) {
			return &schema.Error{Field: name, Reason: "is not changed by an update"}
		}
	}
	if t.Name != "SystemRule" && !moves(t, old.Doc, after) {
		return nil
	}
	if owner := old.Doc["owner"]; owner != nil { // whoever gives it away may lose the right by that
		after["owner"] = owner
	}
	return d.needDraft(l, &store.Entity{Type: old.Type, ID: old.ID, Doc: after, Created: old.Created, Modified: old.Modified, ModifiedBy: old.ModifiedBy}, rules.Update)
}

// moves reports whether an entity refers to another one than before, its owner
// aside.
func moves(t *schema.Type, old, after map[string]any) bool {
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.Kind == schema.Reference && !f.List && f.Name != "owner" && refID(after[f.Name]) != refID(old[f.Name]) {
			return true
		}
	}
	return false
}
