package repository

import (
	"context"
	"fmt"
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
func (r *Repository) needPlace(ctx context.Context, l *loader, d *decider, t *schema.Type, old *store.Entity, change map[string]any) error {
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
	if err := mayBeRule(d, &store.Entity{Type: t.Name, Doc: after}); err != nil {
		return err
	}
	if err := r.needTargets(ctx, l, d, t, old.Doc, after); err != nil {
		return err
	}
	if t.Name != "SystemRule" && !moves(t, old.Doc, after) {
		return nil
	}
	if owner := old.Doc["owner"]; owner != nil { // whoever gives it away may lose the right by that
		after["owner"] = owner
	}
	return d.needDraft(l, &store.Entity{Type: old.Type, ID: old.ID, Doc: after, Created: old.Created, Modified: old.Modified, ModifiedBy: old.ModifiedBy}, rules.Update)
}

// mayBeRule refuses a person's security rule that says it is part of the
// installation: nobody could change or delete it any more.
func mayBeRule(d *decider, e *store.Entity) error {
	if d.access != nil && e.Type == "SystemRule" && text(e.Doc["type"]) == rules.KindReadOnly {
		return fmt.Errorf("rule %s: %w", text(e.Doc["name"]), ErrReadOnly)
	}
	return nil
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

// needTargets refuses references to entities that a person may not read, as if
// they did not exist: answers show what an entity refers to. Those that are there
// already stay. Owners are shown anyway, to everybody who sees what they own.
func (r *Repository) needTargets(ctx context.Context, l *loader, d *decider, t *schema.Type, old, after map[string]any) error {
	if d.access == nil {
		return nil
	}
	had, has := map[string]target{}, map[string]target{}
	r.targets(t, "", old, had)
	r.targets(t, "", after, has)
	var ids []string
	for id := range has {
		if _, ok := had[id]; !ok {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := l.from.ByIDs(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		got := rules.None
		if e := found[id]; e != nil {
			if got, err = d.may(l, e, rules.Read); err != nil {
				return err
			}
		}
		if got == rules.None {
			return &schema.Error{Field: has[id].field, Reason: fmt.Sprintf("there is no %s %s", has[id].of, id)}
		}
	}
	return nil
}

// A target is a reference: the path of its field, and the type it refers to.
type target struct{ field, of string }

// targets collects what a document refers to, by ids.
func (r *Repository) targets(t *schema.Type, at string, doc map[string]any, into map[string]target) {
	for i := range t.Fields {
		f := &t.Fields[i]
		switch v := doc[f.Name]; {
		case v == nil || f.Name == "owner":
		case f.Kind == schema.Reference:
			for _, id := range refIDs(v) {
				into[id] = target{at + f.Name, f.Of}
			}
		case f.Kind == schema.Embedded:
			inner := objects(v)
			if o, ok := v.(map[string]any); ok {
				inner = append(inner, o)
			}
			for _, o := range inner {
				r.targets(r.schema.Type(f.Of), at+f.Name+".", o, into)
			}
		}
	}
}
