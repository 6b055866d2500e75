package fn

import (
	"cmp"
	"math"
	"strings"

	"github.com/cognate-bi/cognate/storage/dual"
)

type (
	binaryFunc = func(c *Context, a, b dual.Value) dual.Value
	unaryFunc  = func(c *Context, a dual.Value) dual.Value
)

var binaries = map[string]binaryFunc{
	"+": arithmetic(func(a, b float64) float64 { return a + b }),
	"-": arithmetic(func(a, b float64) float64 { return a - b }),
	"*": arithmetic(func(a, b float64) float64 { return a * b }),
	"/": arithmetic(func(a, b float64) float64 { return a / b }), // x/0 is not finite: NULL

	"&": func(c *Context, a, b dual.Value) dual.Value { return c.textValue(c.text(a) + c.text(b)) },

	"=":  relation(false, func(c *Context, a, b dual.Value) bool { return c.Compare(a, b) == 0 }),
	"<>": relation(true, func(c *Context, a, b dual.Value) bool { return c.Compare(a, b) != 0 }),
	"<":  relation(false, func(c *Context, a, b dual.Value) bool { return c.Compare(a, b) < 0 }),
	"<=": relation(false, func(c *Context, a, b dual.Value) bool { return c.Compare(a, b) <= 0 }),
	">":  relation(false, func(c *Context, a, b dual.Value) bool { return c.Compare(a, b) > 0 }),
	">=": relation(false, func(c *Context, a, b dual.Value) bool { return c.Compare(a, b) >= 0 }),

	"like":     relation(false, func(c *Context, a, b dual.Value) bool { return WildMatch(c.text(b), c.text(a)) }),
	"precedes": relation(false, func(c *Context, a, b dual.Value) bool { return c.text(a) < c.text(b) }),
	"follows":  relation(false, func(c *Context, a, b dual.Value) bool { return c.text(a) > c.text(b) }),

	"and": func(c *Context, a, b dual.Value) dual.Value { return dual.Bool(c.True(a) && c.True(b)) },
	"or":  func(c *Context, a, b dual.Value) dual.Value { return dual.Bool(c.True(a) || c.True(b)) },
	"xor": func(c *Context, a, b dual.Value) dual.Value { return dual.Bool(c.True(a) != c.True(b)) },

	"bitand": bitwise(func(a, b int64) int64 { return a & b }),
	"bitor":  bitwise(func(a, b int64) int64 { return a | b }),
	"bitxor": bitwise(func(a, b int64) int64 { return a ^ b }),
	"<<":     bitwise(func(a, b int64) int64 { return shift(a, b) }),
	">>":     bitwise(func(a, b int64) int64 { return shift(a, -b) }),
}

var unaries = map[string]unaryFunc{
	"+": func(c *Context, a dual.Value) dual.Value { return realValue(c.num(a)) },
	"-": func(c *Context, a dual.Value) dual.Value { return realValue(-c.num(a)) },
	"not": func(c *Context, a dual.Value) dual.Value {
		return dual.Bool(!c.True(a))
	},
	"bitnot": func(c *Context, a dual.Value) dual.Value {
		n, ok := toInt64(c.num(a))
		if !ok {
			return dual.Value{}
		}
		return dual.Formatted(float64(^n), FormatInteger)
	},
}

// Binary returns the operator of two operands with that name in lower case
// (expr.Binary lists them), nil if there is none.
func Binary(op string) func(c *Context, a, b dual.Value) dual.Value { return binaries[op] }

// Unary returns one of + - not bitnot, nil for another name.
func Unary(op string) func(c *Context, a dual.Value) dual.Value { return unaries[op] }

// True reports whether v counts as true: its numeric reading is not 0. NULL
// and text that is no number do not.
func (c *Context) True(v dual.Value) bool {
	x := c.num(v)
	return x != 0 && !math.IsNaN(x)
}

func arithmetic(f func(a, b float64) float64) binaryFunc {
	return func(c *Context, a, b dual.Value) dual.Value { return realValue(f(c.num(a), c.num(b))) }
}

// relation gives NULL for two NULLs and onNull for one.
func relation(onNull bool, holds func(c *Context, a, b dual.Value) bool) binaryFunc {
	return func(c *Context, a, b dual.Value) dual.Value {
		switch {
		case a.IsNull() && b.IsNull():
			return dual.Value{}
		case a.IsNull() || b.IsNull():
			return dual.Bool(onNull)
		}
		return dual.Bool(holds(c, a, b))
	}
}

// Compare orders two values that are not NULL as the operators do: by number
// if both have a numeric reading, else by text, with case.
func (c *Context) Compare(a, b dual.Value) int {
	x, y := c.num(a), math.NaN()
	if !math.IsNaN(x) {
		y = c.num(b)
	}
	if !math.IsNaN(y) {
		return cmp.Compare(x, y)
	}
	return strings.Compare(c.text(a), c.text(b))
}

func bitwise(f func(a, b int64) int64) binaryFunc {
	return func(c *Context, a, b dual.Value) dual.Value {
		x, okX := toInt64(c.num(a))
		y, okY := toInt64(c.num(b))
		if !okX || !okY {
			return dual.Value{}
		}
		return dual.Formatted(float64(f(x, y)), FormatInteger)
	}
}

// toInt64 truncates x; false for NaN and what does not fit.
func toInt64(x float64) (int64, bool) {
	if !(math.Abs(x) < 1<<63) {
		return 0, false
	}
	return int64(x), true
}

// shift shifts to the left by n bits, to the right for negative n.
func shift(a, n int64) int64 {
	switch {
	case n >= 64:
		return 0
	case n >= 0:
		return a << n
	case n <= -64:
		return a >> 63
	}
	return a >> -n
}
