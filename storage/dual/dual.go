// Package dual holds the value of the associative model: NULL, a number, a
// text, or both at once.
//
// A number without a text of its own is shown by a [Format] (a date pattern,
// a money pattern ...), or by the default number text when it has none. The
// making of that text is the work of engine/number; this package only carries
// the format along.
package dual

import (
	"cmp"
	"hash/maphash"
	"math"
	"math/rand/v2"
)

// Kind says which parts a value has.
type Kind uint8

// The kinds are bits: a dual has both.
const (
	Null Kind = 0
	Num  Kind = 1
	Text Kind = 2
	Both Kind = Num | Text
)

// A Value is NULL, a number, a text, or a text with a number behind it.
//
// The zero Value is NULL. Num is never NaN in a value that has a number.
type Value struct {
	Num    float64
	Text   string
	Format *Format // how a number without own text is shown; nil = default
	Kind   Kind
}

// FormatType is the kind of presentation, named as in the QIX protocol.
type FormatType uint8

// Format types, in the protocol's order of use.
const (
	Unknown   FormatType = iota // U
	ASCII                       // A
	Integer                     // I
	Real                        // R
	Fix                         // F
	Money                       // M
	Date                        // D
	Time                        // T
	Timestamp                   // TS
	Interval                    // IV
)

// A Format says how a number is shown. Formats are immutable and compared by
// value, so an expression hands out one pointer for a whole column.
type Format struct {
	Type     FormatType
	Pattern  string // code as in Num(x, pattern), "" = the type's default
	Decimal  string // "" = the app's separator
	Thousand string
}

// Number returns a value with a number and no text of its own.
// NaN gives NULL: no operation of the language has NaN as a result.
func Number(x float64) Value {
	if math.IsNaN(x) {
		return Value{}
	}
	if x == 0 {
		x = 0 // -0 and 0 are one value
	}
	return Value{Num: x, Kind: Num}
}

// Formatted returns a number that is shown by format f.
func Formatted(x float64, f *Format) Value {
	v := Number(x)
	if v.Kind != Null {
		v.Format = f
	}
	return v
}

// String returns a pure text.
func String(s string) Value { return Value{Text: s, Kind: Text} }

// New returns a dual with a text and a number. NaN gives the pure text.
func New(text string, x float64) Value {
	if math.IsNaN(x) {
		return String(text)
	}
	if x == 0 {
		x = 0
	}
	return Value{Num: x, Text: text, Kind: Both}
}

// Bool returns -1 for true and 0 for false, the language's truth values.
func Bool(b bool) Value {
	if b {
		return Value{Num: -1, Kind: Num}
	}
	return Value{Kind: Num}
}

// IsNull reports whether v is NULL.
func (v Value) IsNull() bool { return v.Kind == Null }

// HasNum reports whether v has a numeric part.
func (v Value) HasNum() bool { return v.Kind&Num != 0 }

// HasText reports whether v has a text of its own.
func (v Value) HasText() bool { return v.Kind&Text != 0 }

// True reports whether v counts as true: a number other than 0.
func (v Value) True() bool { return v.Kind&Num != 0 && v.Num != 0 }

// Float returns the number, or NaN where there is none.
func (v Value) Float() float64 {
	if v.Kind&Num == 0 {
		return math.NaN()
	}
	return v.Num
}

// Same reports whether a and b are one symbol: equal numbers, or, where
// neither has a number, equal texts. NULL is the same as nothing, not even
// NULL (data-model.md, section 2).
func Same(a, b Value) bool {
	switch {
	case a.Kind == Null || b.Kind == Null:
		return false
	case a.HasNum() != b.HasNum():
		return false
	case a.HasNum():
		return a.Num == b.Num
	default:
		return a.Text == b.Text
	}
}

// Identical reports whether a and b agree in every part that is stored:
// kind, number and own text.
func Identical(a, b Value) bool {
	return a.Kind == b.Kind && (!a.HasNum() || a.Num == b.Num) && (!a.HasText() || a.Text == b.Text)
}

// Hash returns a hash that is equal for values that are the [Same].
func (v Value) Hash(seed maphash.Seed) uint64 {
	if v.HasNum() {
		return HashNum(v.Num)
	}
	return maphash.String(seed, v.Text)
}

// numSeed makes hashes of numbers differ between processes, so that no file
// can be made whose numbers all collide.
var numSeed = rand.Uint64()

// HashNum mixes the bits of x (splitmix64's finaliser). -0 and 0 agree.
func HashNum(x float64) uint64 {
	h := math.Float64bits(x+0) ^ numSeed
	h *= 0x9e3779b97f4a7c15
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

// Compare orders values for sorting: NULL, then numbers by number, then pure
// texts byte by byte.
func Compare(a, b Value) int {
	if ra, rb := rank(a), rank(b); ra != rb {
		return cmp.Compare(ra, rb)
	}
	switch rank(a) {
	case 1:
		return cmp.Compare(a.Num, b.Num)
	case 2:
		return cmp.Compare(a.Text, b.Text)
	}
	return 0
}

func rank(v Value) int {
	switch {
	case v.Kind == Null:
		return 0
	case v.HasNum():
		return 1
	default:
		return 2
	}
}
