package repository

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

const customDefinition = "CustomPropertyDefinition"

// checkDefinition says what is wrong with the definition of a custom property.
func (r *Repository) checkDefinition(doc map[string]any) error {
	name := text(doc["name"])
	if i := strings.IndexFunc(name, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '_' }); i >= 0 {
		return &schema.Error{Field: "name", Reason: fmt.Sprintf("%q: a custom property is named by letters and digits", name)}
	}
	if kind := text(doc["valueType"]); kind != "" && !strings.EqualFold(kind, "Text") {
		return &schema.Error{Field: "valueType", Reason: fmt.Sprintf("%q: there is Text only", kind)}
	}
	for i, of := range stringsOf(doc["objectTypes"]) {
		if t := r.schema.Type(of); t == nil || t.Field(customList) == nil && t.Name != "AppObject" {
			return &schema.Error{Field: fmt.Sprintf("objectTypes[%d]", i), Reason: fmt.Sprintf("%q has no custom properties", of)}
		}
	}
	return nil
}

// checkCustom checks the custom properties of a document against their
// definitions. Values that the entity has are not asked again.
func (r *Repository) checkCustom(ctx context.Context, tx *store.Tx, t *schema.Type, old *store.Entity, doc map[string]any) error {
	if doc[customList] == nil || t.Field(customList) == nil {
		return nil
	}
	// As it will be stored: its fields come in any case.
	whole, err := r.schema.Validate(t, map[string]any{customList: doc[customList]}, false)
	if err != nil {
		return err
	}
	sent := whole[customList]
	known := map[string]bool{}
	if old != nil {
		for _, p := range objects(old.Doc[customList]) {
			known[refID(p["definition"])+"\x00"+text(p["value"])] = true
		}
	}
	var fresh []map[string]any
	var ids []string
	for _, p := range objects(sent) {
		if id := refID(p["definition"]); !known[id+"\x00"+text(p["value"])] {
			fresh, ids = append(fresh, p), append(ids, id)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	definitions, err := tx.ByIDs(ctx, ids)
	if err != nil {
		return err
	}
	for i, p := range fresh {
		definition := definitions[ids[i]]
		if definition == nil || definition.Type != customDefinition {
			continue // the store says so
		}
		name, value := text(definition.Doc["name"]), text(p["value"])
		if !isOfType(definition, t) {
			return &schema.Error{Field: customList, Reason: fmt.Sprintf("custom property %s is not for %s", name, t.SchemaPath)}
		}
		if !slices.Contains(stringsOf(definition.Doc["choiceValues"]), value) {
			return &schema.Error{Field: customList, Reason: fmt.Sprintf("custom property %s has no value %q", name, value)}
		}
	}
	return nil
}

// dropUses takes values away that a definition no longer has, and all of types
// that it is no longer for.
func (r *Repository) dropUses(ctx context.Context, tx *store.Tx, before, after *store.Entity) error {
	if missing(before.Doc["choiceValues"], after.Doc["choiceValues"]) == 0 && missing(before.Doc["objectTypes"], after.Doc["objectTypes"]) == 0 {
		return nil
	}
	referrers, err := tx.Referrers(ctx, after.ID)
	if err != nil {
		return err
	}
	values := stringsOf(after.Doc["choiceValues"])
	for _, use := range referrers {
		t := r.schema.Type(use.Type)
		e, err := tx.Get(ctx, use.Type, use.ID)
		if err != nil {
			return err
		}
		kept := customItems(e.Doc)
		n := len(kept)
		kept = slices.DeleteFunc(kept, func(item any) bool {
			o := item.(map[string]any)
			return refID(o["definition"]) == after.ID && (!isOfType(after, t) || !slices.Contains(values, text(o["value"])))
		})
		if len(kept) == n {
			continue
		}
		if _, err := tx.Update(ctx, use.Type, use.ID, map[string]any{customList: kept}); err != nil {
			return err
		}
	}
	return nil
}

// missing counts what is in one list of texts and not in another.
func missing(of, in any) (n int) {
	there := stringsOf(in)
	for _, s := range stringsOf(of) {
		if !slices.Contains(there, s) {
			n++
		}
	}
	return n
}
