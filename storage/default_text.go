package storage

import (
	"math"
	"strconv"

	"github.com/cognate-bi/cognate/storage/dual"
)

// defaults tells which texts are those that numbers are shown as by default.
type defaults struct {
	show func(dual.Value) string // nil: of whole numbers only

	asked, point bool // whether show writes fractions with a decimal point, once it was asked
}

// isDefault reports whether the text of a dual is the default text of its
// number: what show makes of it. Most decimals are told without making a text.
func (d *defaults) isDefault(v dual.Value) bool {
	if isInteger(v.Num) {
		return isDigitsOf(v.Text, int64(v.Num))
	}
	if d.show == nil {
		return false
	}
	if !d.asked { // settings do not change within a batch
		d.asked, d.point = true, d.show(dual.Number(0.5)) == "0.5"
	}
	if d.point {
		if is, sure := isDecimalOf(v.Text, v.Num); sure {
			return is
		}
	}
	return d.show(dual.Number(v.Num)) == v.Text
}

// digitsMax is the number of significant digits of the default text. Decimals of
// so many or fewer digits are different numbers, each shown as its decimal.
const digitsMax = 15

// pow10 are the powers of ten that a decimal of [digitsMax] digits from 0.0001
// on can be a fraction of; all are exact.
var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// isDecimalOf reports whether text is a plain decimal as x is written by
// default with a decimal point: no zeros in front or at the end, no exponent.
// It is not sure of texts of other forms and of decimals that are not exactly
// the nearest number to x.
func isDecimalOf(text string, x float64) (is, sure bool) {
	if text != "" && text[0] == '-' {
		text, x = text[1:], -x
	}
	point, mantissa := -1, uint64(0)
	if len(text) > digitsMax+len("0.000") {
		return false, false
	}
	for i := range len(text) {
		d := text[i] - '0'
		switch {
		case d <= 9:
			mantissa = mantissa*10 + uint64(d) // at most 20 digits, of which the first ones are 0: checked below
		case text[i] == '.' && point < 0:
			point = i
		default:
			return false, false
		}
	}
	decimals := len(text) - point - 1
	switch {
	case point < 1 || decimals < 1:
		return false, false
	case text[len(text)-1] == '0' || text[0] == '0' && point > 1:
		return false, true // such texts are not made
	case mantissa >= 1e15 || decimals >= len(pow10):
		return false, false
	}
	// Both are exact, so the quotient is the number nearest to the text.
	if y := float64(mantissa) / pow10[decimals]; y != x || y < 1e-4 {
		return false, false
	}
	return true, true
}

// isDigitsOf reports whether text is x as it is written by default: no sign
// but a minus, no zeros in front. It is below 1e15.
func isDigitsOf(text string, x int64) bool {
	negative := text != "" && text[0] == '-'
	if negative {
		text = text[1:]
		x = -x
	}
	if text == "" || len(text) > 15 || text[0] == '0' && (len(text) > 1 || negative) {
		return false
	}
	n := int64(0)
	for i := range len(text) {
		d := text[i] - '0'
		if d > 9 {
			return false
		}
		n = n*10 + int64(d)
	}
	return n == x
}

// isInteger reports whether x is whole and not so large that it is shown with
// an exponent.
func isInteger(x float64) bool { return x == math.Trunc(x) && math.Abs(x) < 1e15 }

// appendInteger appends the default text of a whole number, which is the same
// in every locale; nil for other numbers and very large ones.
func appendInteger(dst []byte, x float64) []byte {
	if !isInteger(x) {
		return nil
	}
	return strconv.AppendInt(dst, int64(x), 10)
}
