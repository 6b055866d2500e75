package schema

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed entities.json
var entitiesJSON []byte

//go:embed operations.tsv
var operationsTSV string

// A Schema is the set of all types. Nothing changes after Load, so any number
// of goroutines may read it.
type Schema struct {
	types  []*Type          // in the order of their names
	byName map[string]*Type // key in lower case, and as it is
	byPath map[string]*Type
	enums  []*Enum

	operations []operation
}

// Load parses the embedded descriptions. It takes some milliseconds: load once
// and pass the result around. An error means a broken build.
func Load() (*Schema, error) {
	s := &Schema{byName: map[string]*Type{}, byPath: map[string]*Type{}}
	raw, err := readEntities(entitiesJSON)
	if err != nil {
		return nil, fmt.Errorf("schema: entities.json: %w", err)
	}
	if err := s.addTypes(raw); err != nil {
		return nil, fmt.Errorf("schema: entities.json: %w", err)
	}
	if err := s.addOperations(operationsTSV); err != nil {
		return nil, fmt.Errorf("schema: operations.tsv: %w", err)
	}
	if err := s.inherit(); err != nil {
		return nil, fmt.Errorf("schema: inheritance: %w", err)
	}
	for _, t := range s.types {
		t.SchemaPath = s.schemaPath(t)
	}
	return s, nil
}

// Types returns all types, embedded ones included, in the order of their
// names. The caller must not change the slice.
func (s *Schema) Types() []*Type { return s.types }

// Enums returns the enumerations that have a name of their own.
func (s *Schema) Enums() []*Enum { return s.enums }

// Type returns the type with this name, in any case: its own, as AppObject, or
// that of its schemaPath, as App.Object. Without one it returns nil.
func (s *Schema) Type(name string) *Type {
	if t := s.byName[name]; t != nil { // as programs spell it
		return t
	}
	return s.byName[strings.ReplaceAll(strings.ToLower(name), ".", "")]
}

// ByPath returns the type with this path below the interface's root, in any
// case, as "app/object"; without one it returns nil.
func (s *Schema) ByPath(path string) *Type {
	return s.byPath[strings.ToLower(strings.Trim(path, "/"))]
}

// Concrete returns the names of the types whose entities t stands for: its own
// or, if it is abstract, its children's.
func (s *Schema) Concrete(t *Type) []string {
	if t.Abstract {
		return t.Children
	}
	return []string{t.Name}
}

// FieldOf finds a field of t. An abstract type lends its children's, too: lists
// of all tasks are filtered by what only some of them have.
func (s *Schema) FieldOf(t *Type, name string) *Field {
	if f := t.Field(name); f != nil {
		return f
	}
	for _, child := range t.Children {
		if f := s.Type(child).Field(name); f != nil {
			return f
		}
	}
	return nil
}

// schemaPath is the name of a type in answers: a path of two parts makes a
// name of two parts, App.Object.
func (s *Schema) schemaPath(t *Type) string {
	first, _, nested := strings.Cut(t.Path, "/")
	if parent := s.ByPath(first); nested && parent != nil && strings.HasPrefix(t.Name, parent.Name) {
		return parent.Name + "." + t.Name[len(parent.Name):]
	}
	return t.Name
}
