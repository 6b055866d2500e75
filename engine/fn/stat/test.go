package stat

import "math"

// A Test is the outcome of a test of a mean, or of the difference of two,
// against 0.
type Test struct {
	Dif   float64 // the mean, or the difference
	StErr float64 // its standard error
	Stat  float64 // t or z
	DF    float64 // of t
	P     float64 // two-tailed significance
	Conf  float64 // half the width of the confidence interval
}

// weighted returns weight, mean and squares around the mean.
func weighted(x, w []float64) (n, mean, squares float64) {
	var sw, swx Sum
	for i, v := range x {
		sw.Add(w[i])
		swx.Add(w[i] * v)
	}
	n = sw.Value()
	mean = swx.Value() / n
	var ss Sum
	for i, v := range x {
		ss.Add(w[i] * (v - mean) * (v - mean))
	}
	return n, mean, ss.Value()
}

// TTest tests a mean; w are weights (how often each value was seen), sig is
// the probability beyond each end of the confidence interval.
func TTest(x, w []float64, sig float64) Test {
	n, mean, squares := weighted(x, w)
	return tTest(mean, math.Sqrt(squares/(n-1)/n), n-1, sig)
}

func tTest(dif, stErr, df, sig float64) Test {
	t := Test{Dif: dif, StErr: stErr, Stat: dif / stErr, DF: df}
	t.P = 2 * TUpper(math.Abs(t.Stat), df)
	t.Conf = stErr * TInv(2*sig, df)
	return t
}

// TTest2 tests the difference of the means of two samples, with pooled
// variance or, if the variances may differ, by Welch's method.
func TTest2(x1, w1, x2, w2 []float64, sig float64, pooled bool) Test {
	n1, m1, ss1 := weighted(x1, w1)
	n2, m2, ss2 := weighted(x2, w2)
	if pooled {
		df := n1 + n2 - 2
		return tTest(m1-m2, math.Sqrt((ss1+ss2)/df*(1/n1+1/n2)), df, sig)
	}
	v1, v2 := ss1/(n1-1)/n1, ss2/(n2-1)/n2
	df := (v1 + v2) * (v1 + v2) / (v1*v1/(n1-1) + v2*v2/(n2-1))
	return tTest(m1-m2, math.Sqrt(v1+v2), df, sig)
}

// ZTest tests a mean with a known standard deviation; sigma 0 takes that of
// the sample.
func ZTest(x, w []float64, sigma, sig float64) Test {
	n, mean, squares := weighted(x, w)
	if sigma == 0 {
		sigma = math.Sqrt(squares / (n - 1))
	}
	t := Test{Dif: mean, StErr: sigma / math.Sqrt(n)}
	t.Stat = t.Dif / t.StErr
	t.P = 2 * NormCDF(-math.Abs(t.Stat))
	t.Conf = t.StErr * NormInv(1-sig)
	return t
}
