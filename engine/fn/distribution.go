package fn

import (
	"math"

	"github.com/cognate-bi/cognate/engine/fn/stat"
)

var distributionFuncs = []Func{
	nums("NormDist", 1, 4, normDist),
	nums("NormInv", 3, 3, func(x []float64) float64 { return x[1] + x[2]*stat.NormInv(x[0]) }),
	nums("ChiDensity", 2, 2, func(x []float64) float64 { return stat.ChiPDF(x[0], x[1]) }),
	nums("ChiDist", 2, 2, func(x []float64) float64 { return stat.ChiUpper(x[0], x[1]) }),
	nums("ChiInv", 2, 2, func(x []float64) float64 {
		return stat.Inverse(func(y float64) float64 { return 1 - stat.ChiUpper(y, x[1]) }, 1-x[0])
	}),
	nums("TDensity", 2, 2, func(x []float64) float64 { return stat.TPDF(x[0], x[1]) }),
	nums("TDist", 3, 3, func(x []float64) float64 {
		if x[0] < 0 || x[2] != 1 && x[2] != 2 {
			return math.NaN()
		}
		return x[2] * stat.TUpper(x[0], x[1])
	}),
	nums("TInv", 2, 2, func(x []float64) float64 { return stat.TInv(x[0], x[1]) }),
	nums("FDensity", 3, 3, func(x []float64) float64 { return stat.FPDF(x[0], x[1], x[2]) }),
	nums("FDist", 3, 3, func(x []float64) float64 { return stat.FUpper(x[0], x[1], x[2]) }),
	nums("FInv", 3, 3, func(x []float64) float64 {
		return stat.Inverse(func(y float64) float64 { return 1 - stat.FUpper(y, x[1], x[2]) }, 1-x[0])
	}),
	nums("GammaDensity", 3, 3, func(x []float64) float64 { return stat.GammaPDF(x[0], x[1], x[2]) }),
	nums("GammaDist", 3, 3, func(x []float64) float64 { return stat.GammaP(x[1], x[0]/x[2]) }),
	nums("GammaInv", 3, 3, func(x []float64) float64 {
		return stat.Inverse(func(y float64) float64 { return stat.GammaP(x[1], y/x[2]) }, x[0])
	}),
	nums("BetaDensity", 3, 3, func(x []float64) float64 { return stat.BetaPDF(x[0], x[1], x[2]) }),
	nums("BetaDist", 3, 3, func(x []float64) float64 { return stat.BetaI(x[0], x[1], x[2]) }),
	nums("BetaInv", 3, 3, func(x []float64) float64 {
		return stat.Inverse(func(y float64) float64 { return stat.BetaI(y, x[1], x[2]) }, x[0])
	}),
	nums("BinomFrequency", 3, 3, func(x []float64) float64 { return stat.BinomPMF(x[0], x[1], x[2]) }),
	nums("BinomDist", 3, 3, func(x []float64) float64 { return stat.BinomCDF(x[0], x[1], x[2]) }),
	nums("BinomInv", 3, 3, func(x []float64) float64 {
		return stat.InverseCount(func(k float64) float64 { return stat.BinomCDF(k, x[1], x[2]) }, x[0], math.Trunc(x[1]))
	}),
	nums("PoissonFrequency", 2, 2, func(x []float64) float64 { return stat.PoissonPMF(x[0], x[1]) }),
	nums("PoissonDensity", 2, 2, func(x []float64) float64 { return stat.PoissonPMF(x[0], x[1]) }),
	nums("PoissonDist", 2, 2, func(x []float64) float64 { return stat.PoissonCDF(x[0], x[1]) }),
	nums("PoissonInv", 2, 2, func(x []float64) float64 {
		return stat.InverseCount(func(k float64) float64 { return stat.PoissonCDF(k, x[1]) }, x[0], 1<<53)
	}),
}

// normDist is NormDist(x[, mean[, deviation[, cumulative]]]).
func normDist(x []float64) float64 {
	mean, deviation, cumulative := opt(x, 1), 1.0, true
	if len(x) > 2 {
		deviation = x[2]
	}
	if len(x) > 3 {
		cumulative = x[3] != 0
	}
	if !(deviation > 0) {
		return math.NaN()
	}
	z := (x[0] - mean) / deviation
	if cumulative {
		return stat.NormCDF(z)
	}
	return stat.NormPDF(z) / deviation
}
