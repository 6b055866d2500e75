package fn

import (
	"math"

	"github.com/cognate-bi/cognate/storage/dual"
)

var mathFuncs = []Func{
	num1("Exp", math.Exp),
	num1("Log", math.Log), // not finite for x <= 0: NULL
	num1("Log10", math.Log10),
	num1("Sqr", func(x float64) float64 { return x * x }),
	num1("Sqrt", math.Sqrt),
	num1("fAbs", math.Abs),
	num1As("Sign", FormatInteger, sign),
	num1("Acos", math.Acos),
	num1("Acosh", math.Acosh),
	num1("Asin", math.Asin),
	num1("Asinh", math.Asinh),
	num1("Atan", math.Atan),
	num1("Atanh", math.Atanh),
	num1("Cos", math.Cos),
	num1("Cosh", math.Cosh),
	num1("Sin", math.Sin),
	num1("Sinh", math.Sinh),
	num1("Tan", math.Tan),
	num1("Tanh", math.Tanh),
	nums("Atan2", 2, 2, func(x []float64) float64 { return math.Atan2(x[0], x[1]) }),
	nums("Pow", 2, 2, func(x []float64) float64 { return math.Pow(x[0], x[1]) }),
	nums("fMod", 2, 2, func(x []float64) float64 { return math.Mod(x[0], x[1]) }),
	constant("Pi", dual.Formatted(math.Pi, FormatReal)),
	constant("e", dual.Formatted(math.E, FormatReal)),
	{Name: "Rand", Volatile: true, Eval: func(c *Context, _ []dual.Value) dual.Value {
		if c.Rand == nil {
			return dual.Value{}
		}
		return realValue(c.Rand())
	}},
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x // 0, NaN
}
