package fn

import (
	"math"
	"math/bits"

	"github.com/cognate-bi/cognate/storage/dual"
)

var integerFuncs = []Func{
	integers("Mod", 2, FormatCounter, mod),
	integers("Div", 2, FormatInteger, func(x []float64) float64 { return math.Trunc(x[0] / x[1]) }),
	num1As("Even", nil, func(x float64) float64 { return parity(x, 0) }),
	num1As("Odd", nil, func(x float64) float64 { return parity(x, 1) }),
	num1As("BitCount", FormatInteger, bitCount),
	num1As("Fact", FormatInteger, func(x float64) float64 { return product(math.Trunc(x), math.Trunc(x)) }),
	integers("Permut", 2, FormatInteger, func(x []float64) float64 { return product(math.Trunc(x[0]), math.Trunc(x[1])) }),
	integers("Combin", 2, FormatInteger, combin),
}

// integers is a function of numbers with whole results.
func integers(name string, args int, format *dual.Format, f func(x []float64) float64) Func {
	fun := nums(name, args, args, f)
	eval := fun.Eval
	fun.Eval = func(c *Context, args []dual.Value) dual.Value {
		v := eval(c, args)
		if !v.IsNull() {
			v.Format = format
		}
		return v
	}
	return fun
}

// mod is the mathematical modulo: never negative, of integers only.
func mod(x []float64) float64 {
	a, b := x[0], x[1]
	if a != math.Trunc(a) || b != math.Trunc(b) || b <= 0 {
		return math.NaN()
	}
	r := math.Mod(a, b)
	if r < 0 {
		r += b
	}
	return r
}

func parity(x, remainder float64) float64 {
	switch {
	case x != math.Trunc(x):
		return math.NaN()
	case math.Abs(math.Mod(x, 2)) == remainder:
		return -1
	}
	return 0
}

func bitCount(x float64) float64 {
	n, ok := toInt64(x)
	if !ok {
		return math.NaN()
	}
	return float64(bits.OnesCount64(uint64(n)))
}

// product returns n * (n-1) * ... of k factors; beyond 170 it is not finite.
func product(n, k float64) float64 {
	if n < 0 || k < 0 || k > n || math.IsNaN(n+k) {
		return math.NaN()
	}
	p := 1.0
	for i := 0.0; i < k && !math.IsInf(p, 0); i++ {
		p *= n - i
	}
	return p
}

func combin(x []float64) float64 {
	n, k := math.Trunc(x[0]), math.Trunc(x[1])
	if n < 0 || k < 0 || k > n || math.IsNaN(n+k) {
		return math.NaN()
	}
	k = min(k, n-k)
	p := 1.0
	for i := 1.0; i <= k && !math.IsInf(p, 0); i++ {
		p = p * (n - k + i) / i
	}
	return math.Round(p)
}
