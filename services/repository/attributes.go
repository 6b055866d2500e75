package repository

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

func sameCategory(a, b rules.Category) bool { return strings.EqualFold(string(a), string(b)) }

// Attributes returns what conditions may read of resources of a type: fields,
// those one step behind references, custom properties, and of users what their
// directories gave them.
func (r *Repository) Attributes(ctx context.Context, c *Caller, t *schema.Type) ([]string, error) {
	if err := r.mayEditRules(ctx, c); err != nil {
		return nil, err
	}
	found := map[string]bool{"id": true}
	for i := range t.Fields {
		f := &t.Fields[i]
		if !f.Rule {
			continue
		}
		found[f.Name] = true
		if f.Kind != schema.Reference {
			continue
		}
		of := r.schema.Type(f.Of)
		for j := range of.Fields {
			if inner := &of.Fields[j]; inner.Rule && inner.Kind != schema.Reference && inner.Kind != schema.Embedded {
				found[f.Name+"."+inner.Name] = true
			}
		}
		properties, err := r.propertiesOf(ctx, of)
		if err != nil {
			return nil, err
		}
		for _, p := range properties {
			found[f.Name+".@"+text(p.Doc["name"])] = true
		}
	}
	properties, err := r.propertiesOf(ctx, t)
	if err != nil {
		return nil, err
	}
	for _, p := range properties {
		found["@"+text(p.Doc["name"])] = true
	}
	if t.Name == "User" {
		delete(found, "attributes")
		if err := r.userAttributes(ctx, found); err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// propertiesOf returns the definitions of custom properties that entities of a
// type may have.
func (r *Repository) propertiesOf(ctx context.Context, t *schema.Type) ([]*store.Entity, error) {
	if t.Field("customProperties") == nil {
		return nil, nil
	}
	all, err := r.store.List(ctx, "CustomPropertyDefinition", store.Query{})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(p *store.Entity) bool { return !isOfType(p, t) }), nil
}

// isOfType reports whether entities of a type may have a custom property.
func isOfType(definition *store.Entity, t *schema.Type) bool {
	types, _ := definition.Doc["objectTypes"].([]any)
	return slices.ContainsFunc(types, func(v any) bool {
		name := text(v)
		return strings.EqualFold(name, t.SchemaPath) || strings.EqualFold(name, t.Name)
	})
}

// userAttributes adds the attributes that users have from directories, and those
// that come with a request.
func (r *Repository) userAttributes(ctx context.Context, found map[string]bool) error {
	users, err := r.store.List(ctx, "User", store.Query{Take: attributeUsersMax})
	if err != nil {
		return err
	}
	for _, user := range users {
		for _, a := range objects(user.Doc["attributes"]) {
			found[text(a["attributeType"])] = true
		}
	}
	for _, name := range []string{"browser", "context", "device", "ip", "os", "secureRequest"} {
		found["environment."+name] = true
	}
	found["group"] = true
	return nil
}

const (
	// attributeUsersMax is of how many users the attributes are looked at.
	attributeUsersMax = 10_000
	// attributeValuesMax is how many values are told at most.
	attributeValuesMax = 1000
)

// mayEditRules lets a caller to what helps to write rules. It tells of entities
// behind those that he may read what he may not read otherwise: of owners, say.
func (r *Repository) mayEditRules(ctx context.Context, c *Caller) error {
	seen, err := r.Sections(ctx, c, []string{"QmcSection_SystemRule", "QmcSection_Audit"})
	if err == nil && len(seen) == 0 {
		err = fmt.Errorf("attributes for rules: %w", ErrForbidden)
	}
	return err
}

// AttributeValues returns values that an attribute has on resources that the
// caller may read, those that contain a text, sorted: for who writes a rule and
// nobody else.
func (r *Repository) AttributeValues(ctx context.Context, c *Caller, t *schema.Type, attribute, containing string, limit int, ids []string) ([]string, error) {
	if limit <= 0 || limit > attributeValuesMax {
		limit = attributeValuesMax
	}
	if err := r.mayEditRules(ctx, c); err != nil {
		return nil, err
	}
	steps := strings.Split(strings.ToLower(attribute), ".")
	if len(steps) > 4 {
		return nil, fmt.Errorf("attribute %q: too many steps: %w", attribute, ErrInvalid)
	}
	_, found, err := r.list(ctx, c, t, Query{IDs: ids, Take: attributeUsersMax})
	if err != nil {
		return nil, err
	}
	values, containing := map[string]bool{}, filter.Fold(containing)
	note := func(s string) {
		if strings.Contains(filter.Fold(s), containing) {
			values[s] = true
		}
	}
	for _, e := range r.entities(ctx, found) {
		if err := eachValue(e, steps, note); err != nil {
			return nil, err
		}
	}
	// A custom property has values that nothing has yet.
	if name, ok := strings.CutPrefix(steps[len(steps)-1], "@"); ok {
		if err := r.choices(ctx, name, note); err != nil {
			return nil, err
		}
	}
	sorted := slices.Sorted(maps.Keys(values))
	return sorted[:min(limit, len(sorted))], nil
}

// eachValue calls f with the values behind steps of an entity.
func eachValue(e rules.Entity, steps []string, f func(string)) error {
	if len(steps) > 1 {
		behind, err := e.Related(steps[0])
		for _, b := range behind {
			if err == nil {
				err = eachValue(b, steps[1:], f)
			}
		}
		return err
	}
	values, err := e.Attr(steps[0])
	for _, v := range values {
		f(v.String())
	}
	return err
}

// choices calls f with the choice values of a custom property.
func (r *Repository) choices(ctx context.Context, name string, f func(string)) error {
	found, err := r.store.List(ctx, "CustomPropertyDefinition", store.Query{Where: filter.Equal("name", name)})
	for _, p := range found {
		for _, v := range stringsOf(p.Doc["choiceValues"]) {
			f(v)
		}
	}
	return err
}

// stringsOf returns the texts of a list of a document.
func stringsOf(v any) (out []string) {
	list, _ := v.([]any)
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
