package stat

import "math"

// NormCDF returns P(X <= x) of the standard normal distribution.
func NormCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// NormPDF returns the standard normal density.
func NormPDF(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }

// NormInv is the inverse of NormCDF.
func NormInv(p float64) float64 {
	if !(p > 0 && p < 1) {
		return math.NaN()
	}
	return -math.Sqrt2 * math.Erfcinv(2*p)
}

// ChiUpper returns P(X > x) of the chi-square distribution.
func ChiUpper(x, df float64) float64 { return 1 - GammaP(df/2, x/2) }

// TUpper returns P(T > t) of Student's distribution.
func TUpper(t, df float64) float64 {
	p := BetaI(df/(df+t*t), df/2, 0.5) / 2
	if t < 0 {
		return 1 - p
	}
	return p
}

// TInv returns the t with two-tailed probability p.
func TInv(p, df float64) float64 {
	if !(p > 0 && p <= 1 && df > 0) {
		return math.NaN()
	}
	return invert(func(t float64) float64 { return 1 - 2*TUpper(t, df) }, 1-p, 0)
}

// FUpper returns P(X > x) of the F distribution.
func FUpper(x, d1, d2 float64) float64 {
	if x <= 0 {
		return 1
	}
	return BetaI(d2/(d2+d1*x), d2/2, d1/2)
}

// GammaPDF and the following are densities.
func GammaPDF(x, shape, scale float64) float64 {
	if !(shape > 0 && scale > 0 && x >= 0) {
		return math.NaN()
	}
	lg, _ := math.Lgamma(shape)
	return math.Exp((shape-1)*math.Log(x/scale)-x/scale-lg) / scale
}

// ChiPDF is the chi-square density.
func ChiPDF(x, df float64) float64 { return GammaPDF(x, df/2, 2) }

// BetaPDF is the beta density.
func BetaPDF(x, a, b float64) float64 {
	if !(a > 0 && b > 0 && x >= 0 && x <= 1) {
		return math.NaN()
	}
	return math.Exp((a-1)*math.Log(x) + (b-1)*math.Log1p(-x) - lbeta(a, b))
}

// TPDF is Student's density.
func TPDF(t, df float64) float64 {
	if !(df > 0) {
		return math.NaN()
	}
	return math.Exp(-(df+1)/2*math.Log1p(t*t/df)-lbeta(df/2, 0.5)) / math.Sqrt(df)
}

// FPDF is the density of the F distribution.
func FPDF(x, d1, d2 float64) float64 {
	if !(x >= 0 && d1 > 0 && d2 > 0) {
		return math.NaN()
	}
	return math.Exp(d1/2*math.Log(d1/d2) + (d1/2-1)*math.Log(x) - (d1+d2)/2*math.Log1p(d1*x/d2) - lbeta(d1/2, d2/2))
}

// BinomPMF returns P(X = k) of n trials.
func BinomPMF(k, n, p float64) float64 {
	k, n = math.Trunc(k), math.Trunc(n)
	if !(k >= 0 && k <= n && p >= 0 && p <= 1) {
		return math.NaN()
	}
	if p == 0 || p == 1 {
		if (p == 0) == (k == 0) && (p == 1) == (k == n) {
			return 1
		}
		return 0
	}
	ln, _ := math.Lgamma(n + 1)
	lk, _ := math.Lgamma(k + 1)
	lnk, _ := math.Lgamma(n - k + 1)
	return math.Exp(ln - lk - lnk + k*math.Log(p) + (n-k)*math.Log1p(-p))
}

// BinomCDF returns P(X <= k) of n trials.
func BinomCDF(k, n, p float64) float64 {
	k, n = math.Trunc(k), math.Trunc(n)
	switch {
	case !(k >= 0 && k <= n && p >= 0 && p <= 1):
		return math.NaN()
	case k == n:
		return 1
	}
	return BetaI(1-p, n-k, k+1)
}

// PoissonPMF returns P(X = k).
func PoissonPMF(k, mean float64) float64 {
	k = math.Trunc(k)
	if !(k >= 0 && mean > 0) {
		return math.NaN()
	}
	lk, _ := math.Lgamma(k + 1)
	return math.Exp(k*math.Log(mean) - mean - lk)
}

// PoissonCDF returns P(X <= k).
func PoissonCDF(k, mean float64) float64 {
	k = math.Trunc(k)
	if !(k >= 0 && mean > 0) {
		return math.NaN()
	}
	return 1 - GammaP(k+1, mean)
}

// Inverse returns the x >= 0 at which a growing cdf reaches p.
func Inverse(cdf func(float64) float64, p float64) float64 {
	if !(p >= 0 && p < 1) {
		return math.NaN()
	}
	return invert(cdf, p, 0)
}

// InverseCount returns the smallest count k in 0 to kMax with cdf(k) >= p.
func InverseCount(cdf func(float64) float64, p, kMax float64) float64 {
	if !(p >= 0 && p <= 1) || math.IsNaN(cdf(0)) {
		return math.NaN()
	}
	lo, hi := -1.0, 1.0 // cdf(lo) < p <= cdf(hi)
	for hi < kMax && cdf(hi) < p {
		lo, hi = hi, hi*2
	}
	hi = min(hi, kMax)
	for hi-lo > 1 {
		mid := math.Floor((lo + hi) / 2)
		if cdf(mid) < p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

func invert(cdf func(float64) float64, p, lo float64) float64 {
	hi := 1.0
	for ; cdf(hi) < p; hi *= 2 {
		if hi > 1e300 {
			return math.NaN()
		}
	}
	if math.IsNaN(cdf(hi)) {
		return math.NaN()
	}
	return Bisect(func(x float64) float64 { return cdf(x) - p }, lo, hi)
}
