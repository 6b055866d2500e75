package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// member is one member of a JSON object. Objects are read as lists of these
// where the order of the description is kept.
type member struct {
	name string
	raw  json.RawMessage
}

func members(raw json.RawMessage) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("want an object, have %v: %w", t, err)
	}
	var list []member
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: key.(string)} // the key of an object is a string
		if err := dec.Decode(&m.raw); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		list = append(list, m)
	}
	return list, nil
}

// rawType is a type as entities.json has it.
type rawType struct {
	Kind   string          `json:"kind"`
	Fields json.RawMessage `json:"fields"`
	Enum   json.RawMessage `json:"enum"`
}

// rawField is a field as entities.json has it.
type rawField struct {
	T          string          `json:"t"`
	Required   bool            `json:"required"`
	MaxLen     int             `json:"maxLen"`
	Rule       bool            `json:"rule"`
	Enum       json.RawMessage `json:"enum"`
	Min        *float64        `json:"min"`
	Max        *float64        `json:"max"`
	Default    *int64          `json:"default"`
	Deprecated bool            `json:"deprecated"`
}

// rawEntities is entities.json before references between types are resolved.
type rawEntities struct {
	names []string
	types map[string]rawType
	enums map[string]*Enum
}

func readEntities(src []byte) (*rawEntities, error) {
	var file struct {
		Types json.RawMessage `json:"types"`
	}
	if err := json.Unmarshal(src, &file); err != nil {
		return nil, err
	}
	list, err := members(file.Types)
	if err != nil {
		return nil, err
	}
	raw := &rawEntities{types: map[string]rawType{}, enums: map[string]*Enum{}}
	for _, m := range list {
		var t rawType
		if err := json.Unmarshal(m.raw, &t); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		raw.names = append(raw.names, m.name)
		raw.types[m.name] = t
		if t.Enum == nil {
			continue
		}
		values, err := members(t.Enum)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		if raw.enums[m.name], err = newEnum(m.name, values); err != nil {
			return nil, err
		}
	}
	return raw, nil
}

func (r *rawEntities) isEntity(name string) bool { return r.types[name].Kind == "entity" }

// addTypes adds the entity types and named enumerations; the messages of the
// description are shapes of single operations and no concern of a schema.
func (s *Schema) addTypes(raw *rawEntities) error {
	slices.Sort(raw.names)
	for _, name := range raw.names {
		if e := raw.enums[name]; e != nil {
			s.enums = append(s.enums, e)
		}
		if !raw.isEntity(name) {
			continue
		}
		t := &Type{Name: name, fields: map[string]int{}}
		fields, err := members(raw.types[name].Fields)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, m := range fields {
			f, err := raw.field(name, m)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			t.fields[strings.ToLower(f.Name)] = len(t.Fields)
			t.Fields = append(t.Fields, f)
		}
		if err := raw.addCondensed(t); err != nil {
			return err
		}
		s.types = append(s.types, t)
		s.byName[strings.ToLower(name)], s.byName[name] = t, t
	}
	return nil
}

func (r *rawEntities) field(owner string, m member) (Field, error) {
	var raw rawField
	if err := json.Unmarshal(m.raw, &raw); err != nil {
		return Field{}, fmt.Errorf("field %s: %w", m.name, err)
	}
	f := Field{
		Name: m.name, MaxLen: raw.MaxLen, Min: raw.Min, Max: raw.Max, Default: raw.Default, Rule: raw.Rule,
		Required: raw.Required && !raw.Deprecated, Deprecated: raw.Deprecated,
	}
	if err := f.setKind(raw.T, r); err != nil {
		return Field{}, err
	}
	if raw.Enum != nil {
		values, err := members(raw.Enum)
		if err != nil {
			return Field{}, fmt.Errorf("field %s: %w", m.name, err)
		}
		if f.Enum, err = newEnum(owner+"."+m.name, values); err != nil {
			return Field{}, err
		}
	}
	return f, nil
}

func (r *rawEntities) addCondensed(t *Type) error {
	raw, ok := r.types[t.Name+"Condensed"]
	if !ok {
		return nil
	}
	fields, err := members(raw.Fields)
	if err != nil {
		return fmt.Errorf("%sCondensed: %w", t.Name, err)
	}
	for _, m := range fields {
		if t.Field(m.name) == nil {
			return fmt.Errorf("%sCondensed has field %s, which %s has not", t.Name, m.name, t.Name)
		}
		t.Condensed = append(t.Condensed, m.name)
	}
	return nil
}
