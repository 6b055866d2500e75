package storage_test

import (
	"fmt"
	"testing"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// BenchmarkDecimals adds prices as they come from a text file: numbers with the
// texts that they were read from.
func BenchmarkDecimals(b *testing.B) {
	for _, tt := range []struct{ name, format string }{{"default text", "%.4g"}, {"two decimals", "%.2f"}} {
		vals := make([]dual.Value, 1<<16)
		for i := range vals {
			text := fmt.Sprintf(tt.format, float64(i%9973)/8)
			x, _ := number.Default().ParseNum(text, "", "", "")
			vals[i] = dual.New(text, x)
		}
		b.Run(tt.name, func(b *testing.B) {
			for b.Loop() {
				c := storage.NewCatalog(number.Default().Text)
				if err := c.NewBuilder("T", []string{"price"}).Append([]dual.Vector{dual.Vals(vals)}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(vals)), "ns/value")
		})
	}
}
