package rules

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
)

type valueKind uint8

const (
	textValue valueKind = iota
	numberValue
	dateValue
	refValue // stands for an entity; text is its id, typeName its type
)

// A Value is one value of an attribute: a text, a number, a truth value or a
// date. The zero Value is the empty text.
type Value struct {
	kind     valueKind
	text     string
	typeName string
	number   float64
	at       time.Time
}

// Text returns a text as a value.
func Text(s string) Value { return Value{text: s} }

// Texts returns several texts as values.
func Texts(s ...string) []Value {
	values := make([]Value, len(s))
	for i := range s {
		values[i] = Text(s[i])
	}
	return values
}

// Number returns a number as a value.
func Number(x float64) Value {
	return Value{kind: numberValue, text: strconv.FormatFloat(x, 'f', -1, 64), number: x}
}

// Bool returns "true" or "false": conditions compare truth values as texts.
func Bool(b bool) Value { return Text(strconv.FormatBool(b)) }

// Date returns a point in time as a value.
func Date(t time.Time) Value {
	return Value{kind: dateValue, text: t.UTC().Format(time.RFC3339Nano), at: t}
}

// reference returns the value of an operand that names an entity.
func reference(e Entity) Value {
	return Value{kind: refValue, text: e.ID(), typeName: e.Type()}
}

// String returns the value as conditions compare it and explanations show it.
func (v Value) String() string { return v.text }

// equal compares two values: numbers and dates by what they are if either is
// one and the other reads as one, everything else as text. Entities are equal
// if type and id are; one without an id, as not stored, equals nothing.
func equal(a, b Value, exact bool) bool {
	if a.kind == refValue || b.kind == refValue {
		sameType := a.kind != b.kind || strings.EqualFold(a.typeName, b.typeName)
		return a.text != "" && sameType && strings.EqualFold(a.text, b.text)
	}
	if a.kind == numberValue || b.kind == numberValue || a.kind == dateValue || b.kind == dateValue {
		if c, ok := compare(a, b); ok {
			return c == 0
		}
	}
	if exact {
		return a.text == b.text
	}
	return strings.EqualFold(a.text, b.text)
}

// compare orders two numbers or two dates; texts that read as such count.
func compare(a, b Value) (int, bool) {
	if x, ok := a.asNumber(); ok {
		y, ok := b.asNumber()
		return cmp.Compare(x, y), ok
	}
	if x, ok := a.asDate(); ok {
		y, ok := b.asDate()
		return x.Compare(y), ok
	}
	return 0, false
}

func (v Value) asNumber() (float64, bool) {
	switch v.kind {
	case numberValue:
		return v.number, !math.IsNaN(v.number)
	case textValue:
		if v.text == "" || strings.Trim(v.text, "0123456789.-+eE") != "" {
			return 0, false // no hexadecimal, no infinity
		}
		x, err := strconv.ParseFloat(v.text, 64)
		return x, err == nil
	}
	return 0, false
}

func (v Value) asDate() (time.Time, bool) {
	switch v.kind {
	case dateValue:
		return v.at, true
	case textValue:
		for _, layout := range []string{time.RFC3339Nano, time.DateTime, time.DateOnly} {
			if t, err := time.Parse(layout, v.text); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}
