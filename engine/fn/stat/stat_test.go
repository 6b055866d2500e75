package stat

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// The oracle is a sum of 2000 bits.
func TestSumAgainstBigFloat(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 63, 1000} {
		for _, spread := range []int{1, 20, 100} {
			exact := new(big.Float).SetPrec(2000)
			var left, right Sum
			for i := range n {
				x := math.Ldexp(rng.Float64()-0.5, rng.IntN(spread))
				exact.Add(exact, big.NewFloat(x))
				if i%2 == 0 {
					left.Add(x)
				} else {
					right.Add(x)
				}
			}
			left.AddSum(right)
			want, _ := exact.Float64()
			// Twice the digits: an error of 1e-28 of the largest terms remains.
			if got := left.Value(); math.Abs(got-want) > math.Abs(want)*1e-15+math.Ldexp(1e-26, spread) {
				t.Errorf("%d terms, spread %d: %v, want %v", n, spread, got, want)
			}
		}
	}
}

func TestSumOfInfinity(t *testing.T) {
	var s Sum
	s.Add(math.Inf(1))
	s.Add(1)
	if !math.IsInf(s.Value(), 1) {
		t.Errorf("sum = %v", s.Value())
	}
}

// A density is the derivative of its distribution.
func TestDensities(t *testing.T) {
	for _, tt := range []struct {
		name     string
		pdf, cdf func(x float64) float64
	}{
		{"normal", NormPDF, NormCDF},
		{"chi", func(x float64) float64 { return ChiPDF(x, 5) }, func(x float64) float64 { return 1 - ChiUpper(x, 5) }},
		{"t", func(x float64) float64 { return TPDF(x, 7) }, func(x float64) float64 { return 1 - TUpper(x, 7) }},
		{"F", func(x float64) float64 { return FPDF(x, 4, 9) }, func(x float64) float64 { return 1 - FUpper(x, 4, 9) }},
		{"gamma", func(x float64) float64 { return GammaPDF(x, 2.5, 1) }, func(x float64) float64 { return GammaP(2.5, x) }},
		{"beta", func(x float64) float64 { return BetaPDF(x, 2, 3) }, func(x float64) float64 { return BetaI(x, 2, 3) }},
	} {
		for _, x := range []float64{0.1, 0.3, 0.7, 0.9} {
			const h = 1e-5
			slope := (tt.cdf(x+h) - tt.cdf(x-h)) / (2 * h)
			if got := tt.pdf(x); math.Abs(got-slope) > 1e-6 {
				t.Errorf("%s: density at %v = %v, slope %v", tt.name, x, got, slope)
			}
		}
	}
}

// A count distribution adds up its frequencies.
func TestCounts(t *testing.T) {
	binom, poisson := 0.0, 0.0
	for k := range 11 {
		binom += BinomPMF(float64(k), 10, 0.3)
		poisson += PoissonPMF(float64(k), 4)
		if got := BinomCDF(float64(k), 10, 0.3); math.Abs(got-binom) > 1e-12 {
			t.Errorf("binomial %d: %v, want %v", k, got, binom)
		}
		if got := PoissonCDF(float64(k), 4); math.Abs(got-poisson) > 1e-12 {
			t.Errorf("poisson %d: %v, want %v", k, got, poisson)
		}
	}
}

func TestRates(t *testing.T) {
	for _, want := range []float64{-0.5, -0.01, 0, 0.07, 0.8, 12} {
		flows := []float64{-1000, 0, 0}
		flows[2] = 1000 * (1 + want) * (1 + want)
		if got := Irr(flows); math.Abs(got-want) > 1e-9 {
			t.Errorf("Irr = %v, want %v", got, want)
		}
		if got := Xirr(flows, []float64{0, 100, 730}); math.Abs(got-want) > 1e-9 {
			t.Errorf("Xirr = %v, want %v", got, want)
		}
	}
	if got := Irr([]float64{1, 2}); !math.IsNaN(got) {
		t.Errorf("Irr without outlay = %v", got)
	}
}
