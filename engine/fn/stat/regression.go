package stat

import "math"

// Correl returns Pearson's correlation of pairs, NaN for fewer than two or
// where one side does not vary.
func Correl(x, y []float64) float64 {
	if len(x) < 2 {
		return math.NaN()
	}
	sxx, sxy, syy := products(x, y, Mean(x), Mean(y))
	if sxx == 0 || syy == 0 {
		return math.NaN()
	}
	return sxy / math.Sqrt(sxx*syy)
}

// products returns the sums of squares and products around a point.
func products(x, y []float64, x0, y0 float64) (sxx, sxy, syy float64) {
	var xx, xy, yy Sum
	for i := range x {
		dx, dy := x[i]-x0, y[i]-y0
		xx.Add(dx * dx)
		xy.Add(dx * dy)
		yy.Add(dy * dy)
	}
	return xx.Value(), xy.Value(), yy.Value()
}

// A Line is a least-squares line y = M*x + B with its statistics.
type Line struct {
	M, B             float64
	SEM, SEB, SEY    float64 // standard errors of M, B and the estimate of y
	R2, F, DF        float64
	SSReg, SSResid   float64
	N                int
	Xmean, Ymean, SX float64 // SX is the sum of squares of x around the mean or fixed point
}

// FitLine fits a line to the points. It reports false if there are too few, or
// all x are equal.
func FitLine(x, y []float64) (Line, bool) {
	return fit(x, y, Mean(x), Mean(y), 2, 1/float64(len(x)))
}

// FitLineThrough fits a line that passes (x0, y0).
func FitLineThrough(x, y []float64, x0, y0 float64) (Line, bool) {
	return fit(x, y, x0, y0, 1, 0)
}

// fit fits the line through a point known to lie on it; fixed is the number of
// parameters that cost a degree of freedom, and atMean the weight 1/n that an
// estimated centre adds to the variance of B.
func fit(x, y []float64, x0, y0, fixed, atMean float64) (Line, bool) {
	n := len(x)
	if float64(n) < fixed {
		return Line{}, false
	}
	sxx, sxy, syy := products(x, y, x0, y0)
	if sxx == 0 {
		return Line{}, false
	}
	l := Line{N: n, Xmean: x0, Ymean: y0, SX: sxx, M: sxy / sxx, DF: float64(n) - fixed}
	l.B = y0 - l.M*x0
	var resid Sum
	for i := range x {
		d := y[i] - y0 - l.M*(x[i]-x0)
		resid.Add(d * d)
	}
	l.SSResid = resid.Value()
	l.SSReg = syy - l.SSResid
	l.R2 = l.SSReg / syy
	l.F = l.SSReg / (l.SSResid / l.DF)
	l.SEY = math.Sqrt(l.SSResid / l.DF)
	l.SEM = l.SEY / math.Sqrt(sxx)
	l.SEB = l.SEY * math.Sqrt(atMean+x0*x0/sxx)
	return l, true
}
