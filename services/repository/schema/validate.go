package schema

import (
	"fmt"
	"strings"
)

// An Error says which field of a document is wrong, and why.
type Error struct {
	Field  string // path, as settings.listenPort or tags[2]
	Reason string
}

func (e *Error) Error() string { return e.Field + ": " + e.Reason }

func invalid(field, format string, args ...any) error {
	return &Error{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// maxDepth bounds embedded values inside embedded values.
const maxDepth = 8

// Validate checks a document of type t and returns it in its stored form; doc
// stays as it is. Member names may have any case, unknown members and base
// fields are dropped; embedded values keep an id. Numbers become json.Number,
// dates DateLayout, GUIDs lower case, references {"id": …}.
//
// When creating, the document is whole: required fields must be there,
// defaults fill what is missing, null is as missing. Otherwise it is a change:
// only what is there is checked, and null stays, meaning that a value is taken
// away.
//
// Every error is an *Error.
func (s *Schema) Validate(t *Type, doc map[string]any, creating bool) (map[string]any, error) {
	if t.Abstract {
		return nil, invalid(t.Name, "is abstract")
	}
	v := validator{schema: s, whole: creating}
	return v.object(t, doc, "", 0)
}

// Merge lays a change, as Validate returned it, over a whole document of the
// same type: fields that the change does not have keep their value, null takes
// away, embedded objects are merged, lists replaced. Neither is modified, but
// the result shares parts with both.
func (s *Schema) Merge(t *Type, doc, change map[string]any) map[string]any {
	out := make(map[string]any, len(doc)+len(change))
	for name, v := range doc {
		out[name] = v
	}
	for name, v := range change {
		f := t.Field(name)
		old, hasOld := doc[name].(map[string]any)
		sent, isObject := v.(map[string]any)
		switch {
		case v == nil:
			delete(out, name)
		case f != nil && f.Kind == Embedded && hasOld && isObject:
			out[name] = s.Merge(s.Type(f.Of), old, sent)
		default:
			out[name] = v
		}
	}
	return out
}

// validator is one run of Validate.
type validator struct {
	schema *Schema
	whole  bool
}

func (v *validator) object(t *Type, doc map[string]any, path string, depth int) (map[string]any, error) {
	if depth > maxDepth {
		return nil, invalid(path, "is nested deeper than %d", maxDepth)
	}
	out := make(map[string]any, len(t.Fields))
	for name, value := range doc {
		f := t.Field(name)
		if f == nil {
			if err := v.embeddedID(t, name, value, path, out); err != nil {
				return nil, err
			}
			continue
		}
		got, err := v.field(f, value, join(path, f.Name), depth)
		if err != nil {
			return nil, err
		}
		if _, twice := out[f.Name]; twice {
			return nil, invalid(join(path, f.Name), "is there twice")
		}
		if got != nil || !v.whole {
			out[f.Name] = got
		}
	}
	if v.whole {
		if err := v.complete(t, out, path, depth); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// embeddedID keeps the id of an embedded value.
func (v *validator) embeddedID(t *Type, name string, value any, path string, out map[string]any) error {
	if !t.Embedded || !strings.EqualFold(name, ID) || value == nil {
		return nil
	}
	id, err := guid(value, join(path, ID))
	if err == nil {
		out[ID] = id
	}
	return err
}

// complete fills in defaults and misses what is required.
func (v *validator) complete(t *Type, out map[string]any, path string, depth int) error {
	oneOf := map[string]int{}
	for i := range t.Fields {
		f := &t.Fields[i]
		_, has := out[f.Name]
		if n := oneOf[f.OneOf]; has {
			oneOf[f.OneOf] = n + 1
			continue
		} else if f.OneOf != "" {
			oneOf[f.OneOf] = n
			continue
		}
		value, err := v.missing(f, join(path, f.Name), depth)
		if err != nil {
			return err
		}
		if value != nil {
			out[f.Name] = value
		}
	}
	for word, n := range oneOf {
		if word != "" && n != 1 {
			return invalid(join(path, word), "%d are set, want one", n)
		}
	}
	return nil
}

// missing returns the value of a field that is not there, or nil.
func (v *validator) missing(f *Field, path string, depth int) (any, error) {
	switch {
	case f.List:
		return []any{}, nil
	case f.Default != nil:
		return intNumber(*f.Default), nil
	case f.Kind == Bool:
		return false, nil
	case f.Kind == Embedded && f.Required:
		return v.object(v.schema.Type(f.Of), nil, path, depth+1)
	case f.Required:
		return nil, invalid(path, "is required")
	case f.Kind == Date:
		return NullDate, nil
	case f.Kind == Int && f.allows(0) == "" && (f.Enum == nil || f.Enum.Has(0)):
		return intNumber(0), nil
	}
	return nil, nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
