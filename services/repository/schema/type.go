package schema

import "strings"

// A Type describes the documents of one entity type or embedded value.
type Type struct {
	Name       string // AppObject
	SchemaPath string // App.Object: the name in answers
	Path       string // app/object; empty if it is embedded
	Abstract   bool
	Parent     string   // the abstract type it belongs to, or empty
	Children   []string // of an abstract type
	Embedded   bool     // a value inside an entity's document
	Fields     []Field  // in the order of the description
	Condensed  []string // fields of the condensed form, base fields left out
	Operations Operations

	fields map[string]int // lower-case name → index in Fields
}

// Field returns the field with this name, in any case, or nil.
func (t *Type) Field(name string) *Field {
	if i, ok := t.fields[strings.ToLower(name)]; ok {
		return &t.Fields[i]
	}
	return nil
}

// HasSecrets reports whether documents of t may hold secrets, s being the
// schema of t.
func (s *Schema) HasSecrets(t *Type) bool {
	for i := range t.Fields {
		switch f := &t.Fields[i]; f.Kind {
		case Secret:
			return true
		case Embedded:
			if s.HasSecrets(s.Type(f.Of)) {
				return true
			}
		}
	}
	return false
}
