package fn

import (
	"math"
	"slices"

	"github.com/cognate-bi/cognate/engine/fn/stat"
	"github.com/cognate-bi/cognate/storage/dual"
)

var rangeFuncs = []Func{
	rangeNums("RangeSum", 0, stat.Total), rangeNums("NumSum", 0, stat.Total),
	rangeNums("RangeAvg", 1, stat.Mean), rangeNums("NumAvg", 1, stat.Mean),
	rangeNums("RangeMax", 1, slices.Max[[]float64]), rangeNums("NumMax", 1, slices.Max[[]float64]),
	rangeNums("RangeMin", 1, slices.Min[[]float64]), rangeNums("NumMin", 1, slices.Min[[]float64]),
	rangeNums("RangeStDev", 2, stat.StDev),
	rangeNums("RangeSkew", 3, stat.Skew),
	rangeNums("RangeKurtosis", 4, stat.Kurtosis),
	rangeNums("RangeIrr", 2, stat.Irr),
	rangeFractile("RangeFractile", stat.Fractile),
	rangeFractile("RangeFractileExc", stat.FractileExc),
	rangeCount("RangeCount", func(v dual.Value) bool { return !v.IsNull() }),
	rangeCount("RangeNumericCount", dual.Value.HasNum), rangeCount("NumCount", dual.Value.HasNum),
	rangeCount("RangeTextCount", func(v dual.Value) bool { return v.Kind == dual.Text }),
	rangeCount("RangeNullCount", dual.Value.IsNull),
	rangeCount("RangeMissingCount", func(v dual.Value) bool { return !v.HasNum() }),
	{Name: "RangeOnly", Min: 1, Max: -1, Eval: rangeOnly},
	{Name: "RangeMode", Min: 1, Max: -1, Eval: rangeMode},
	{Name: "RangeMaxString", Min: 1, Max: -1, Eval: rangeString(func(a, b string) bool { return a > b })},
	{Name: "RangeMinString", Min: 1, Max: -1, Eval: rangeString(func(a, b string) bool { return a < b })},
	{Name: "RangeCorrel", Min: 2, Max: -1, Eval: func(c *Context, args []dual.Value) dual.Value {
		return realValue(stat.Correl(c.pairs(args)))
	}},
	{Name: "RangeNpv", Min: 2, Max: -1, Eval: func(c *Context, args []dual.Value) dual.Value {
		return realValue(stat.Npv(c.num(args[0]), numbers(args[1:])))
	}},
	{Name: "RangeXnpv", Min: 3, Max: -1, Eval: func(c *Context, args []dual.Value) dual.Value {
		flows, dates := c.pairs(args[1:])
		return realValue(stat.Xnpv(c.num(args[0]), flows, dates))
	}},
	{Name: "RangeXirr", Min: 2, Max: -1, Eval: func(c *Context, args []dual.Value) dual.Value {
		return realValue(stat.Xirr(c.pairs(args)))
	}},
}

// numbers returns the numbers of args; text and NULL are left out.
func numbers(args []dual.Value) []float64 {
	x := make([]float64, 0, len(args))
	for _, a := range args {
		if a.HasNum() {
			x = append(x, a.Num)
		}
	}
	return x
}

// pairs returns args as x1, y1, x2, y2 ..., without incomplete pairs.
func (c *Context) pairs(args []dual.Value) (x, y []float64) {
	for i := 0; i+1 < len(args); i += 2 {
		a, b := c.num(args[i]), c.num(args[i+1])
		if !math.IsNaN(a + b) {
			x, y = append(x, a), append(y, b)
		}
	}
	return x, y
}

// rangeNums is a function of the numeric arguments, NULL for fewer than nMin.
func rangeNums(name string, nMin int, f func([]float64) float64) Func {
	return Func{Name: name, Min: 1, Max: -1, Eval: func(_ *Context, args []dual.Value) dual.Value {
		x := numbers(args)
		if len(x) < nMin {
			return dual.Value{}
		}
		return realValue(f(x))
	}}
}

func rangeFractile(name string, f func(sorted []float64, q float64) float64) Func {
	return Func{Name: name, Min: 2, Max: -1, Eval: func(c *Context, args []dual.Value) dual.Value {
		x := numbers(args[1:])
		slices.Sort(x)
		return realValue(f(x, c.num(args[0])))
	}}
}

func rangeCount(name string, counts func(dual.Value) bool) Func {
	return Func{Name: name, Min: 1, Max: -1, Format: FormatInteger, Eval: func(_ *Context, args []dual.Value) dual.Value {
		n := 0
		for _, a := range args {
			if counts(a) {
				n++
			}
		}
		return integer(n)
	}}
}

func rangeOnly(_ *Context, args []dual.Value) dual.Value {
	var only dual.Value
	for _, a := range args {
		switch {
		case a.IsNull():
		case only.IsNull():
			only = a
		case !dual.Same(only, a):
			return dual.Value{}
		}
	}
	return only
}

// rangeMode finds the one most frequent argument. Arguments are few: all are
// compared with all once they are sorted.
func rangeMode(_ *Context, args []dual.Value) dual.Value {
	sorted := slices.Clone(args)
	slices.SortStableFunc(sorted, dual.Compare)
	var mode dual.Value
	best, tie := 0, false
	for i := 0; i < len(sorted); {
		j := i + 1
		for j < len(sorted) && dual.Same(sorted[i], sorted[j]) {
			j++
		}
		if n := j - i; !sorted[i].IsNull() && n >= best {
			tie = n == best
			best, mode = n, sorted[i]
		}
		i = j
	}
	if tie {
		return dual.Value{}
	}
	return mode
}

func rangeString(before func(a, b string) bool) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		var best dual.Value
		for _, a := range args {
			if a.IsNull() {
				continue
			}
			if s := c.text(a); best.IsNull() || before(s, best.Text) {
				best = dual.String(s)
			}
		}
		return best
	}
}
