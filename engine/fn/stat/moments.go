package stat

import "math"

// Mean returns the arithmetic mean, NaN of nothing.
func Mean(x []float64) float64 { return Total(x) / float64(len(x)) }

// centralSum returns the sum of (x-mean)^k.
func centralSum(x []float64, mean float64, k int) float64 {
	var s Sum
	for _, v := range x {
		d := v - mean
		p := d
		for range k - 1 {
			p *= d
		}
		s.Add(p)
	}
	return s.Value()
}

// StDev returns the sample standard deviation (divisor n-1), NaN for n < 2.
func StDev(x []float64) float64 {
	if len(x) < 2 {
		return math.NaN()
	}
	return math.Sqrt(centralSum(x, Mean(x), 2) / float64(len(x)-1))
}

// Skew returns the sample skewness with bias correction, NaN for n < 3 or
// equal values.
func Skew(x []float64) float64 {
	n, s := float64(len(x)), StDev(x)
	if n < 3 || s == 0 {
		return math.NaN()
	}
	return n / ((n - 1) * (n - 2)) * centralSum(x, Mean(x), 3) / (s * s * s)
}

// Kurtosis returns the sample excess kurtosis, NaN for n < 4 or equal values.
func Kurtosis(x []float64) float64 {
	n, s := float64(len(x)), StDev(x)
	if n < 4 || s == 0 {
		return math.NaN()
	}
	return n*(n+1)/((n-1)*(n-2)*(n-3))*centralSum(x, Mean(x), 4)/(s*s*s*s) - 3*(n-1)*(n-1)/((n-2)*(n-3))
}

// Fractile returns the inclusive quantile of sorted values: position
// 1+(n-1)*q, interpolated. NaN for q outside 0 to 1.
func Fractile(sorted []float64, q float64) float64 {
	return FractileOf(len(sorted), func(k int) float64 { return sorted[k] }, q)
}

// FractileExc returns the exclusive quantile of sorted values: position
// (n+1)*q, interpolated. NaN if that is outside 1 to n.
func FractileExc(sorted []float64, q float64) float64 {
	return FractileExcOf(len(sorted), func(k int) float64 { return sorted[k] }, q)
}

// FractileOf is [Fractile] of n values, of which at returns the k-th least,
// from 0 on.
func FractileOf(n int, at func(k int) float64, q float64) float64 {
	if !(q >= 0 && q <= 1) {
		return math.NaN()
	}
	return atPosition(n, at, 1+float64(n-1)*q)
}

// FractileExcOf is [FractileExc] of n values, of which at returns the k-th
// least, from 0 on.
func FractileExcOf(n int, at func(k int) float64, q float64) float64 {
	return atPosition(n, at, float64(n+1)*q)
}

func atPosition(n int, at func(k int) float64, p float64) float64 {
	if !(p >= 1 && p <= float64(n)) {
		return math.NaN()
	}
	i := int(p)
	x := at(i - 1)
	if i == n {
		return x
	}
	return x + (p-float64(i))*(at(i)-x)
}
