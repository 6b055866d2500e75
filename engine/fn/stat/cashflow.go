package stat

import "math"

// Npv returns the net present value of periodic flows; the first is discounted
// by one period.
func Npv(rate float64, flows []float64) float64 {
	var s Sum
	f := 1.0
	for _, v := range flows {
		f *= 1 + rate
		s.Add(v / f)
	}
	return s.Value()
}

// Xnpv returns the net present value of dated flows, in years of 365 days from
// the earliest date.
func Xnpv(rate float64, flows, dates []float64) float64 {
	if len(flows) == 0 {
		return math.NaN()
	}
	d0 := dates[0]
	for _, d := range dates {
		d0 = min(d0, d)
	}
	var s Sum
	for i, v := range flows {
		s.Add(v / math.Pow(1+rate, (dates[i]-d0)/365))
	}
	return s.Value()
}

// Irr returns the rate at which the flows have no present value, NaN unless
// there are positive and negative ones.
func Irr(flows []float64) float64 {
	if !changesSign(flows) {
		return math.NaN()
	}
	return RateRoot(func(r float64) float64 { return Npv(r, flows) * (1 + r) })
}

// Xirr is Irr of dated flows.
func Xirr(flows, dates []float64) float64 {
	if !changesSign(flows) {
		return math.NaN()
	}
	return RateRoot(func(r float64) float64 { return Xnpv(r, flows, dates) })
}

func changesSign(x []float64) bool {
	pos, neg := false, false
	for _, v := range x {
		pos, neg = pos || v > 0, neg || v < 0
	}
	return pos && neg
}

// RateRoot finds a root of f above -1, a rate: it widens a bracket around 0 in both
// directions, then halves it.
func RateRoot(f func(float64) float64) float64 {
	rates := []float64{0, 0.05, -0.05, 0.1, -0.1, 0.25, -0.25, 0.5, -0.5, 1, -0.75, 2, -0.9, 5, -0.99, 20, -0.999, 100, -0.999999, 1e4, 1e6}
	lo, hi := 0.0, 0.0
	fLo, fHi := f(0), f(0)
	for _, r := range rates[1:] {
		v := f(r)
		if r > 0 {
			if v*fHi <= 0 {
				return Bisect(f, hi, r)
			}
			hi, fHi = r, v
		} else {
			if v*fLo <= 0 {
				return Bisect(f, r, lo)
			}
			lo, fLo = r, v
		}
	}
	return math.NaN()
}

// Bisect returns a root of f between lo and hi, where f has different signs,
// to the precision of a double.
func Bisect(f func(float64) float64, lo, hi float64) float64 {
	fLo := f(lo)
	if fLo == 0 {
		return lo
	}
	for range 200 {
		mid := lo + (hi-lo)/2
		if mid == lo || mid == hi {
			break
		}
		v := f(mid)
		if v == 0 {
			return mid
		}
		if (v < 0) == (fLo < 0) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo + (hi-lo)/2
}
