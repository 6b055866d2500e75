package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// field checks what a document holds for f and returns its stored form, nil
// for null.
func (v *validator) field(f *Field, value any, path string, depth int) (any, error) {
	if value == nil {
		return nil, nil
	}
	if !f.List {
		return v.value(f, value, path, depth)
	}
	list, ok := value.([]any)
	if !ok {
		return nil, invalid(path, "want a list")
	}
	out := make([]any, 0, len(list))
	// The items of a list are always whole: a list that is sent replaces.
	items := validator{schema: v.schema, whole: true}
	for i, item := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		got, err := items.value(f, item, at, depth)
		if err != nil {
			return nil, err
		}
		if got == nil {
			return nil, invalid(at, "is null")
		}
		out = append(out, got)
	}
	return out, nil
}

func (v *validator) value(f *Field, value any, path string, depth int) (any, error) {
	switch f.Kind {
	case Text, Secret:
		return f.text(value, path)
	case GUID:
		return guid(value, path)
	case Date:
		return date(value, path)
	case Int:
		return f.int(value, path)
	case Float:
		return f.float(value, path)
	case Bool:
		return boolean(value, path)
	case Reference:
		return reference(value, path)
	case Embedded:
		object, ok := value.(map[string]any)
		if !ok {
			return nil, invalid(path, "want an object")
		}
		return v.object(v.schema.Type(f.Of), object, path, depth+1)
	}
	return value, nil
}

func (f *Field) text(value any, path string) (any, error) {
	s, ok := value.(string)
	switch {
	case !ok:
		return nil, invalid(path, "want a text")
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return nil, invalid(path, "has characters that are none")
	case f.Name == "name" && f.Required && strings.TrimSpace(s) == "":
		return nil, invalid(path, "is empty")
	case f.MaxLen > 0 && utf8.RuneCountInString(s) > f.MaxLen:
		return nil, invalid(path, "is %d characters long, at most %d are allowed", utf8.RuneCountInString(s), f.MaxLen)
	}
	return s, nil
}

func guid(value any, path string) (any, error) {
	s, ok := value.(string)
	if !ok {
		return nil, invalid(path, "want a GUID")
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return nil, invalid(path, "%q is no GUID", s)
	}
	return id.String(), nil
}

func date(value any, path string) (any, error) {
	s, ok := value.(string)
	if !ok {
		return nil, invalid(path, "want a date")
	}
	t, err := ParseDate(s)
	if err != nil {
		return nil, invalid(path, "%v", err)
	}
	return FormatDate(t), nil
}

// boolean accepts texts, too: clients in script languages send them.
func boolean(value any, path string) (any, error) {
	switch x := value.(type) {
	case bool:
		return x, nil
	case string:
		switch strings.ToLower(x) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	return nil, invalid(path, "want true or false")
}

// reference accepts the object that is meant in any form that has an id.
func reference(value any, path string) (any, error) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil, invalid(path, `want {"id": …}`)
	}
	found := ""
	for name, x := range object {
		if !strings.EqualFold(name, ID) || x == nil {
			continue
		}
		id, err := guid(x, join(path, ID))
		if err != nil {
			return nil, err
		}
		if found != "" && found != id { // one could be looked at, and the other taken
			return nil, invalid(path, "has two ids")
		}
		found = id.(string) //nolint:forcetypeassert // guid returns nothing else
	}
	if found != "" {
		return map[string]any{ID: found}, nil
	}
	return nil, invalid(path, "has no id")
}

func (f *Field) int(value any, path string) (any, error) {
	if name, ok := value.(string); ok && f.Enum != nil {
		if n, found := f.Enum.Lookup(name); found {
			return intNumber(n), nil
		}
		return nil, invalid(path, "%q is no value of %s", name, f.Enum.Name)
	}
	n, ok := toInt(value)
	if !ok {
		return nil, invalid(path, "want a whole number")
	}
	if reason := f.allows(float64(n)); reason != "" {
		return nil, invalid(path, "%d is %s", n, reason)
	}
	if f.Enum != nil && !f.Enum.Has(n) {
		return nil, invalid(path, "%d is no value of %s", n, f.Enum.Name)
	}
	return intNumber(n), nil
}

func (f *Field) float(value any, path string) (any, error) {
	x, ok := toFloat(value)
	if !ok {
		return nil, invalid(path, "want a number")
	}
	if reason := f.allows(x); reason != "" {
		return nil, invalid(path, "%v is %s", x, reason)
	}
	return json.Number(strconv.FormatFloat(x, 'f', -1, 64)), nil
}

// allows returns why x is out of the field's range, or nothing.
func (f *Field) allows(x float64) string {
	switch {
	case f.Min != nil && x < *f.Min:
		return fmt.Sprintf("less than %v", *f.Min)
	case f.Max != nil && x > *f.Max:
		return fmt.Sprintf("more than %v", *f.Max)
	}
	return ""
}

func intNumber(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// toInt accepts every form that decoders and callers use for a whole number.
func toInt(value any) (int64, bool) {
	switch x := value.(type) {
	case int:
		return int64(x), true
	case int64:
		return x, true
	case json.Number:
		if n, err := strconv.ParseInt(string(x), 10, 64); err == nil {
			return n, true
		}
	}
	x, ok := toFloat(value)
	if !ok || x != math.Trunc(x) || math.Abs(x) >= 1<<63 {
		return 0, false
	}
	return int64(x), true
}

func toFloat(value any) (float64, bool) {
	switch x := value.(type) {
	case float64:
		return x, !math.IsNaN(x) && !math.IsInf(x, 0)
	case int:
		return float64(x), true
	case int64:
		return float64(x), true
	case json.Number:
		n, err := strconv.ParseFloat(string(x), 64)
		return n, err == nil
	}
	return 0, false
}
