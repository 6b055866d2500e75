package agg

import "github.com/cognate-bi/cognate/storage/dual"

// numeric is an aggregator whose results are NULL or numbers of one format.
type numeric interface {
	// numbers writes the results of the first groups into dst, NaN for NULL, and
	// returns their format.
	numbers(dst []float64) *dual.Format
}

// Numbers writes the results of groups 0 to len(dst)-1 into dst, NaN for NULL,
// and returns the format that they are shown by. It reports false if results
// of the aggregation may be other values than numbers without a text.
func Numbers(a Aggregator, dst []float64) (format *dual.Format, ok bool) {
	if d, distinct := a.(*distinct); distinct {
		a = d.inner
	}
	n, ok := a.(numeric)
	if !ok {
		return nil, false
	}
	format = n.numbers(dst)
	for i, x := range dst {
		if x == 0 {
			dst[i] = 0 // -0 and 0 are one value
		}
	}
	return format, true
}
