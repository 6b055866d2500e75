package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// A Synthetic stands for several entities of a type, to be changed together: it
// has what is the same in all of them.
type Synthetic struct {
	Name, Type string
	Access     []string // what the caller may do with every one of them
	Children   []Synthetic
	Properties []Property
	Latest     time.Time // when the last of them was changed
}

// A Property is a field of a Synthetic. That of a scalar is its value, where all
// have the same. That of a list is a [ListValue]; lists of references are named
// refList_ and their type, and each custom property is a list with its name
// behind an @.
type Property struct {
	Name        string
	Value       any
	IsDifferent bool
	IsModified  bool // to be changed
}

// A ListValue is what lists of several entities have in common, and what is to
// be added to each and removed: ids of references, texts.
type ListValue struct {
	Common, Some   []any // in every list; in some, not in every one
	Added, Removed []any
}

const (
	refListPrefix = "refList_"
	// customList is the list of custom properties, whose items are objects with
	// value and definition.
	customList = "customProperties"
)

// Synthetic returns what entities of a type, at least one, have in common.
func (r *Repository) Synthetic(ctx context.Context, c *Caller, t *schema.Type, ids []string) (*Synthetic, error) {
	d, found, err := r.list(ctx, c, t, Query{IDs: append([]string{}, ids...)})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no %s of the selection: %w", t.Name, ErrNotFound)
	}
	l, access := r.loader(ctx, r.store, found...), rules.All
	out := &Synthetic{}
	docs := make([]map[string]any, len(found))
	for i, e := range found {
		got, err := d.may(l, e, access)
		if err != nil {
			return nil, err
		}
		access &= got
		docs[i] = e.Doc
		if e.Modified.After(out.Latest) {
			out.Latest = e.Modified
		}
	}
	definitions, err := r.propertiesOf(ctx, t)
	if err != nil {
		return nil, err
	}
	latest := out.Latest
	*out = r.common(t, docs)
	out.Latest, out.Type, out.Access = latest, t.SchemaPath, append([]string{}, access.Names()...)
	for _, p := range definitions {
		lists := make([][]any, len(docs))
		for i, doc := range docs {
			lists[i] = customValues(doc, p.ID)
		}
		out.Properties = append(out.Properties, listProperty("@"+text(p.Doc["name"]), lists))
	}
	return out, nil
}

// common returns what documents of a type have in common.
func (r *Repository) common(t *schema.Type, docs []map[string]any) Synthetic {
	out := Synthetic{Type: t.SchemaPath, Access: []string{}, Children: []Synthetic{}}
	for i := range t.Fields {
		f := &t.Fields[i]
		switch {
		case f.Kind == schema.Secret, f.Kind == schema.Embedded && f.List:
		case f.Kind == schema.Embedded:
			inner := make([]map[string]any, len(docs))
			for j, doc := range docs {
				inner[j], _ = doc[f.Name].(map[string]any)
			}
			child := r.common(r.schema.Type(f.Of), inner)
			child.Name = f.Name
			out.Children = append(out.Children, child)
		case f.List:
			lists := make([][]any, len(docs))
			for j, doc := range docs {
				lists[j] = itemsOf(doc[f.Name])
			}
			out.Properties = append(out.Properties, listProperty(propertyName(f), lists))
		default:
			out.Properties = append(out.Properties, scalarProperty(f, docs))
		}
	}
	return out
}

// propertyName is how a property of a field is called.
func propertyName(f *schema.Field) string {
	if f.Kind == schema.Reference && f.List {
		return refListPrefix + f.Of
	}
	return f.Name
}

func scalarProperty(f *schema.Field, docs []map[string]any) Property {
	p := Property{Name: f.Name, Value: docs[0][f.Name]}
	for _, doc := range docs[1:] {
		if !reflect.DeepEqual(doc[f.Name], p.Value) {
			return Property{Name: f.Name, IsDifferent: true}
		}
	}
	return p
}

func listProperty(name string, lists [][]any) Property {
	counts, order := map[any]int{}, []any{}
	for _, list := range lists {
		for _, item := range unique(list) {
			if counts[item] == 0 {
				order = append(order, item)
			}
			counts[item]++
		}
	}
	v := ListValue{Common: []any{}, Some: []any{}, Added: []any{}, Removed: []any{}}
	for _, item := range order {
		if counts[item] == len(lists) {
			v.Common = append(v.Common, item)
		} else {
			v.Some = append(v.Some, item)
		}
	}
	return Property{Name: name, Value: v, IsDifferent: len(v.Some) > 0}
}

// itemsOf returns the items of a list as they compare: ids of references, and
// other values, numbers as text.
func itemsOf(v any) (out []any) {
	list, _ := v.([]any)
	for _, item := range list {
		switch item := item.(type) {
		case map[string]any:
			out = append(out, text(item["id"]))
		case string, bool:
			out = append(out, item)
		case json.Number:
			out = append(out, item)
		}
	}
	return out
}

func unique(list []any) (out []any) {
	for _, item := range list {
		if !slices.Contains(out, item) {
			out = append(out, item)
		}
	}
	return out
}

// customValues are the values of a custom property in a document.
func customValues(doc map[string]any, definition string) (out []any) {
	for _, p := range objects(doc[customList]) {
		if refID(p["definition"]) == definition {
			out = append(out, p["value"])
		}
	}
	return out
}

// UpdateAll changes the modified properties in all entities of a type, all or
// none. It is [ErrStale] if one of them was changed after s.Latest.
func (r *Repository) UpdateAll(ctx context.Context, c *Caller, t *schema.Type, ids []string, s *Synthetic) error {
	d, err := r.decider(ctx, c)
	if err != nil {
		return err
	}
	definitions, err := r.propertiesOf(ctx, t)
	if err != nil {
		return err
	}
	return r.change(ctx, c, func(tx *store.Tx) error {
		for _, id := range ids {
			e, err := tx.Get(ctx, t.Name, id)
			if err != nil {
				return err
			}
			// Before it is told whether it has changed: it may not be the caller's to know.
			if err := d.need(r.loader(ctx, tx, e), e, rules.Read); err != nil {
				return err
			}
			if !r.schema.Type(e.Type).Operations.Has(schema.Update) {
				return fmt.Errorf("%s %s is not changed by updates: %w", e.Type, e.ID, ErrForbidden)
			}
			if e.Modified.After(s.Latest) {
				return fmt.Errorf("%s %s: %w", e.Type, e.ID, ErrStale)
			}
			m := modifier{r: r, definitions: definitions}
			doc, err := m.changes(t, e.Doc, s)
			if err != nil {
				return err
			}
			if len(doc) == 0 {
				continue
			}
			if _, err := r.update(ctx, tx, d, t, e.ID, doc); err != nil {
				return fmt.Errorf("%s %s: %w", e.Type, e.ID, err)
			}
		}
		return nil
	})
}

// A modifier makes the change of one entity from a Synthetic.
type modifier struct {
	r           *Repository
	definitions []*store.Entity // of custom properties
}

// changes returns what a document is to be given.
func (m *modifier) changes(t *schema.Type, old map[string]any, s *Synthetic) (map[string]any, error) {
	doc := map[string]any{}
	for i := range s.Properties {
		if p := &s.Properties[i]; p.IsModified {
			if err := m.change(t, old, doc, p); err != nil {
				return nil, err
			}
		}
	}
	for i := range s.Children {
		child := &s.Children[i]
		f := t.Field(child.Name)
		if f == nil || f.Kind != schema.Embedded || f.List {
			return nil, &schema.Error{Field: child.Name, Reason: "is no part of " + t.SchemaPath}
		}
		inner, _ := old[f.Name].(map[string]any)
		changed, err := m.changes(m.r.schema.Type(f.Of), inner, child)
		if err != nil {
			return nil, err
		}
		if len(changed) > 0 {
			doc[f.Name] = changed
		}
	}
	return doc, nil
}

// change adds one property to a change.
func (m *modifier) change(t *schema.Type, old, doc map[string]any, p *Property) error {
	if name, ok := strings.CutPrefix(p.Name, "@"); ok {
		return m.custom(old, doc, name, p)
	}
	if strings.EqualFold(p.Name, customList) || strings.EqualFold(p.Name, refListPrefix+"CustomPropertyValue") {
		return m.customAll(old, doc, p)
	}
	f := fieldOf(t, p.Name)
	switch {
	case f == nil || f.Kind == schema.Secret || f.Kind == schema.Embedded:
		return &schema.Error{Field: p.Name, Reason: "is no property of " + t.SchemaPath + " that many can be given"}
	case !f.List:
		doc[f.Name] = p.Value
		if id, ok := p.Value.(string); ok && f.Kind == schema.Reference {
			doc[f.Name] = ref(id)
		}
		return nil
	}
	with := itemsOf(old[f.Name])
	with, err := merged(p, with)
	if err != nil {
		return err
	}
	if f.Kind == schema.Reference {
		for i, id := range with {
			with[i] = map[string]any{"id": id}
		}
	}
	doc[f.Name] = with
	return nil
}

// fieldOf returns the field that a property means: by its name, or, of a list of
// references, by their type.
func fieldOf(t *schema.Type, name string) *schema.Field {
	of, isList := cutPrefixFold(name, refListPrefix)
	if !isList {
		return t.Field(name)
	}
	for i := range t.Fields {
		if f := &t.Fields[i]; f.List && f.Kind == schema.Reference && (strings.EqualFold(f.Of, of) || strings.EqualFold(f.Name, of)) {
			return f
		}
	}
	return nil
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// merged returns a list with what a property adds and without what it removes;
// or the one that it is.
func merged(p *Property, list []any) ([]any, error) {
	switch v := p.Value.(type) {
	case []any:
		return unique(itemsOf(v)), nil
	case nil:
		return []any{}, nil
	case ListValue:
		return merge(list, v.Added, v.Removed), nil
	case map[string]any:
		added, okAdded := v["added"].([]any)
		removed, okRemoved := v["removed"].([]any)
		if okAdded || okRemoved {
			return merge(list, itemsOf(any(added)), itemsOf(any(removed))), nil
		}
	}
	return nil, &schema.Error{Field: p.Name, Reason: "is a list: want an object with added and removed, or the list itself"}
}

func merge(list, added, removed []any) []any {
	kept := slices.DeleteFunc(slices.Clone(list), func(item any) bool { return slices.Contains(removed, item) })
	return append([]any{}, unique(append(kept, added...))...)
}

// custom changes the values of one custom property.
func (m *modifier) custom(old, doc map[string]any, name string, p *Property) error {
	i := slices.IndexFunc(m.definitions, func(d *store.Entity) bool { return strings.EqualFold(text(d.Doc["name"]), name) })
	if i < 0 {
		return &schema.Error{Field: p.Name, Reason: "there is no such custom property for this type"}
	}
	definition := m.definitions[i].ID
	if s, ok := p.Value.(string); ok {
		p = &Property{Name: p.Name, Value: []any{s}}
	}
	values, err := merged(p, customValues(current(old, doc), definition))
	if err != nil {
		return err
	}
	list := slices.DeleteFunc(customItems(current(old, doc)), func(item any) bool {
		return refID(item.(map[string]any)["definition"]) == definition
	})
	for _, v := range values {
		list = append(list, map[string]any{"value": v, "definition": ref(definition)})
	}
	doc[customList] = list
	return nil
}

// customAll adds and removes values of custom properties, each with its
// definition.
func (m *modifier) customAll(old, doc map[string]any, p *Property) error {
	v, ok := p.Value.(map[string]any)
	if !ok {
		return &schema.Error{Field: p.Name, Reason: "want an object with added and removed"}
	}
	list := customItems(current(old, doc))
	drop := func(of map[string]any) {
		list = slices.DeleteFunc(list, func(item any) bool {
			o := item.(map[string]any)
			return refID(o["definition"]) == refID(of["definition"]) && o["value"] == of["value"]
		})
	}
	for _, removed := range objects(v["removed"]) {
		drop(removed)
	}
	for _, added := range objects(v["added"]) {
		value, ok := added["value"].(string)
		if !ok { // nor could it be compared with others
			return &schema.Error{Field: p.Name, Reason: "the value of a custom property is a text"}
		}
		drop(added)
		list = append(list, map[string]any{"value": value, "definition": ref(refID(added["definition"]))})
	}
	doc[customList] = list
	return nil
}

// current is the document with what is changed already.
func current(old, doc map[string]any) map[string]any {
	if doc[customList] != nil {
		return doc
	}
	return old
}

func customItems(doc map[string]any) []any {
	out := []any{}
	for _, o := range objects(doc[customList]) {
		out = append(out, o)
	}
	return out
}
