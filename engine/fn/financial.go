package fn

import (
	"math"
	"strings"

	"github.com/cognate-bi/cognate/engine/fn/stat"
	"github.com/cognate-bi/cognate/storage/dual"
)

// All but the last solve the annuity equation
//
//	pv*(1+r)^n + pmt*(1+r*type)*((1+r)^n-1)/r + fv = 0
//
// for one of its parts; type 1 pays at the start of a period.
var financialFuncs = []Func{
	nums("FV", 3, 5, func(x []float64) float64 {
		growth, annuity := annuity(x[0], x[1], opt(x, 4))
		return -(opt(x, 3)*growth + x[2]*annuity)
	}),
	nums("PV", 3, 5, func(x []float64) float64 {
		growth, annuity := annuity(x[0], x[1], opt(x, 4))
		return -(opt(x, 3) + x[2]*annuity) / growth
	}),
	nums("Pmt", 3, 5, func(x []float64) float64 {
		growth, annuity := annuity(x[0], x[1], opt(x, 4))
		return -(x[2]*growth + opt(x, 3)) / annuity
	}),
	nums("nPer", 3, 5, nPer),
	nums("Rate", 3, 5, rate),
	{Name: "BlackAndSchole", Min: 6, Max: 6, Eval: strict(blackAndSchole)},
}

func opt(x []float64, i int) float64 {
	if i < len(x) {
		return x[i]
	}
	return 0
}

// annuity returns (1+r)^n and the factor of the payment.
func annuity(r, n, due float64) (growth, factor float64) {
	if r == 0 {
		return 1, n
	}
	growth = math.Pow(1+r, n)
	return growth, (1 + r*due) * (growth - 1) / r
}

// nPer is nPer(rate, pmt, pv[, fv[, type]]).
func nPer(x []float64) float64 {
	r, pmt, pv, fv, due := x[0], x[1], x[2], opt(x, 3), opt(x, 4)
	if r == 0 {
		return -(pv + fv) / pmt
	}
	p := pmt * (1 + r*due) / r
	return math.Log((p-fv)/(p+pv)) / math.Log1p(r)
}

// rate is Rate(nper, pmt, pv[, fv[, type]]).
func rate(x []float64) float64 {
	n, pmt, pv, fv, due := x[0], x[1], x[2], opt(x, 3), opt(x, 4)
	return stat.RateRoot(func(r float64) float64 {
		growth, factor := annuity(r, n, due)
		return pv*growth + pmt*factor + fv
	})
}

// blackAndSchole is BlackAndSchole(strike, time, underlying, vol, rate, callOrPut).
func blackAndSchole(c *Context, args []dual.Value) dual.Value {
	k, t, s, vol, r := c.num(args[0]), c.num(args[1]), c.num(args[2]), c.num(args[3]), c.num(args[4])
	put := false
	switch strings.ToLower(c.text(args[5])) {
	case "c", "call", "0":
	case "p", "put", "1":
		put = true
	default:
		return dual.Value{}
	}
	d1 := (math.Log(s/k) + (r+vol*vol/2)*t) / (vol * math.Sqrt(t))
	d2 := d1 - vol*math.Sqrt(t)
	if put {
		return realValue(k*math.Exp(-r*t)*stat.NormCDF(-d2) - s*stat.NormCDF(-d1))
	}
	return realValue(s*stat.NormCDF(d1) - k*math.Exp(-r*t)*stat.NormCDF(d2))
}
