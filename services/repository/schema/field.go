package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// A Kind says what values a field holds.
type Kind int

const (
	Text      Kind = iota // string
	GUID                  // string in lower case
	Date                  // string 2006-01-02T15:04:05.000Z
	Int                   // 64 bits, bit masks included
	Float                 //
	Bool                  //
	Any                   // anything that JSON can say
	Secret                // text that is written and never read back
	Reference             // {"id": …} of an entity of type Of
	Embedded              // an object of type Of
)

// kinds are the elementary types of the description.
var kinds = map[string]Kind{
	"string": Text, "host": Text, "uri": Text, "lef": Text, "http-header-name": Text,
	"uuid": GUID, "date-time": Date, "bool": Bool, "float": Float, "object": Any,
	"int": Int, "int64": Int, "bit-mask": Int, "file-size": Int, "milliseconds": Int,
	"seconds": Int, "minutes": Int, "hours": Int, "days": Int,
	"encrypted-text": Secret,
}

// A Field is one member of a type's documents.
type Field struct {
	Name     string
	Kind     Kind
	Format   string // the description's word for the kind: seconds, uri, bit-mask, …
	List     bool
	Of       string // type that a reference or embedded value has
	Enum     *Enum  // of an Int, or nil
	MaxLen   int    // runes of a text; 0 = no limit
	Min, Max *float64
	Required bool
	OneOf    string // exactly one of the fields with the same word is set, or empty
	Default  *int64 // of an Int
	Rule     bool   // may be used in conditions of security rules
	// Deprecated fields are kept in answers with their default.
	Deprecated bool
}

// An Enum maps the values of a field to names.
type Enum struct {
	Name   string // TaskExecutionStatus; that of an enumeration of one field is Type.field
	Values []EnumValue
}

// An EnumValue is one value of an Enum.
type EnumValue struct {
	Value int64
	Name  string
}

// Has reports whether v is one of the values.
func (e *Enum) Has(v int64) bool {
	for _, x := range e.Values {
		if x.Value == v {
			return true
		}
	}
	return false
}

// Lookup returns the value with this name, in any case.
func (e *Enum) Lookup(name string) (int64, bool) {
	for _, x := range e.Values {
		if strings.EqualFold(x.Name, name) {
			return x.Value, true
		}
	}
	return 0, false
}

// setKind splits a type of the description: [X] is a list of X, XCondensed a
// reference to X, another name with a capital an enumeration or embedded.
func (f *Field) setKind(t string, raw *rawEntities) error {
	if inner, ok := strings.CutPrefix(t, "["); ok {
		f.List = true
		t = strings.TrimSuffix(inner, "]")
	}
	f.Format = t
	if kind, ok := kinds[t]; ok {
		f.Kind = kind
		return nil
	}
	if e := raw.enums[t]; e != nil {
		f.Kind, f.Enum = Int, e
		return nil
	}
	if target, ok := strings.CutSuffix(t, "Condensed"); ok && raw.isEntity(target) {
		f.Kind, f.Of = Reference, target
		return nil
	}
	if raw.isEntity(t) {
		f.Kind, f.Of = Embedded, t
		return nil
	}
	return fmt.Errorf("field %s: unknown type %q", f.Name, t)
}

func newEnum(name string, members []member) (*Enum, error) {
	e := &Enum{Name: name}
	for _, m := range members {
		v, err := strconv.ParseInt(m.name, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("enumeration %s: %w", name, err)
		}
		text, err := strconv.Unquote(string(m.raw))
		if err != nil {
			return nil, fmt.Errorf("enumeration %s: value %d: %w", name, v, err)
		}
		e.Values = append(e.Values, EnumValue{Value: v, Name: text})
	}
	return e, nil
}
