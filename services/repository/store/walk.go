package store

import (
	"github.com/cognate-bi/cognate/services/repository/schema"
)

// A place is where an object lies inside a document.
type place struct {
	field  string // path of fields, with a dot behind: customProperties.
	item   string // the same with the ids of items, with slashes: customProperties/5b0f…/
	inItem bool   // below an item of a list
}

// visitor is called for a field of an object, holder, whether or not the
// object has it.
type visitor func(at place, f *schema.Field, holder map[string]any)

// walk visits all fields of a document and of the objects embedded in it; an
// object's field before what is below it.
func walk(s *schema.Schema, t *schema.Type, doc map[string]any, at place, visit visitor) {
	for i := range t.Fields {
		f := &t.Fields[i]
		visit(at, f, doc)
		if f.Kind != schema.Embedded {
			continue
		}
		inner := s.Type(f.Of)
		for _, object := range objects(f, doc) {
			below := place{field: at.field + f.Name + ".", item: at.item + f.Name + "/", inItem: at.inItem || f.List}
			if f.List {
				id, _ := object[schema.ID].(string)
				below.item += id + "/"
			}
			walk(s, inner, object, below, visit)
		}
	}
}

// objects returns the objects that a field holds: references, embedded values.
func objects(f *schema.Field, holder map[string]any) []map[string]any {
	if !f.List {
		if object, ok := holder[f.Name].(map[string]any); ok {
			return []map[string]any{object}
		}
		return nil
	}
	items, _ := holder[f.Name].([]any)
	list := make([]map[string]any, 0, len(items))
	for _, item := range items {
		if object, ok := item.(map[string]any); ok {
			list = append(list, object)
		}
	}
	return list
}

// identifyItems gives an id to every embedded item of a list that has none.
func (s *Store) identifyItems(t *schema.Type, doc map[string]any) {
	walk(s.cfg.Schema, t, doc, place{}, func(_ place, f *schema.Field, holder map[string]any) {
		if f.Kind == schema.Embedded && f.List {
			s.identify(f, holder)
		}
	})
}

// identifyAll gives an id to every embedded value that has none.
func (s *Store) identifyAll(t *schema.Type, doc map[string]any) {
	walk(s.cfg.Schema, t, doc, place{}, func(_ place, f *schema.Field, holder map[string]any) {
		if f.Kind == schema.Embedded {
			s.identify(f, holder)
		}
	})
}

func (s *Store) identify(f *schema.Field, holder map[string]any) {
	for _, object := range objects(f, holder) {
		if object[schema.ID] == nil {
			object[schema.ID] = s.cfg.NewID()
		}
	}
}
