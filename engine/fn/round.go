package fn

import (
	"math"

	"github.com/cognate-bi/cognate/storage/dual"
)

var roundFuncs = []Func{
	{Name: "Floor", Min: 1, Max: 3, Format: FormatInteger, Eval: lattice(math.Floor, 0)},
	{Name: "Ceil", Min: 1, Max: 3, Format: FormatInteger, Eval: lattice(math.Ceil, 0)},
	{Name: "Round", Min: 1, Max: 3, Format: FormatInteger, Eval: lattice(math.Floor, 0.5)},
	num1("Frac", func(x float64) float64 { return x - math.Floor(x) }),
}

// fixFormats shows as many decimals as a step has, up to 14.
var fixFormats = func() (f [15]*dual.Format) {
	pattern := "###0."
	for i := 1; i < len(f); i++ {
		pattern += "0"
		f[i] = &dual.Format{Type: dual.Fix, Pattern: pattern}
	}
	f[0] = FormatInteger
	return f
}()

// lattice rounds to step*k + offset. The result is computed as k*step in
// doubles, so Round(0.126, 0.00001) is 0.12600000000000002 or so, as in the
// product.
func lattice(toInt func(float64) float64, half float64) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		x := c.num(args[0])
		if len(args) == 1 {
			return dual.Formatted(toInt(x+half), FormatInteger)
		}
		step, offset := math.Abs(c.num(args[1])), c.numAt(args, 2, 0)
		if step == 0 || math.IsInf(step, 0) {
			return dual.Value{}
		}
		k := toInt(snap((x-offset)/step + half))
		return dual.Formatted(k*step+offset, fixFormats[max(decimals(step), decimals(offset))])
	}
}

// snap moves a quotient that misses an integer by the error of the division
// onto it: 0.3/0.1 is 2.9999999999999996, and Floor(0.3, 0.1) should be 0.3.
func snap(q float64) float64 {
	if r := math.Round(q); math.Abs(q-r) <= 4e-16*math.Abs(q) {
		return r
	}
	return q
}

// decimals returns how many decimals x has, at most 14.
func decimals(x float64) int {
	for d, unit := 0, 1.0; d < 14; d, unit = d+1, unit*10 {
		if y := x * unit; math.Abs(y-math.Round(y)) <= 1e-9*math.Abs(y) {
			return d
		}
	}
	return 14
}
