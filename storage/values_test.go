package storage

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cognate-bi/cognate/storage/dual"
)

func TestValues(t *testing.T) {
	for _, tt := range []struct {
		name      string
		value     func(rng *rand.Rand) float64
		byteWidth int64 // per row
	}{
		{"bytes", func(rng *rand.Rand) float64 { return float64(rng.IntN(255) - 127) }, 1},
		{"the least int8 is the mark of NULL", func(rng *rand.Rand) float64 { return float64(rng.IntN(256) - 128) }, 2},
		{"int16", func(rng *rand.Rand) float64 { return float64(rng.IntN(60_000) - 30_000) }, 2},
		{"int32", func(rng *rand.Rand) float64 { return float64(rng.IntN(4e9) - 2e9) }, 4},
		{"float32", func(rng *rand.Rand) float64 { return float64(rng.IntN(1000)) / 4 }, 4},
		{"float64", func(rng *rand.Rand) float64 { return rng.Float64() }, 8},
		{"beyond int32", func(rng *rand.Rand) float64 { return float64(rng.IntN(1<<40)) + 0.5 }, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			want := make([]float64, 5000)
			vals := make([]dual.Value, len(want))
			for i := range want {
				switch rng.IntN(10) {
				case 0:
					want[i] = math.NaN()
				case 1:
					want[i], vals[i] = math.NaN(), dual.String("text")
				default:
					want[i] = tt.value(rng)
					vals[i] = dual.Number(want[i])
				}
			}
			c := NewCatalog(nil)
			b := c.NewBuilder("T", []string{"f"})
			if err := b.Append([]dual.Vector{dual.Vals(vals)}); err != nil {
				t.Fatal(err)
			}
			col := b.Table().Columns[0]
			same := func(got, want float64) bool { return got == want || got != got && want != want }
			got := make([]float64, 1000)
			for lo := 0; lo < len(want); lo += len(got) {
				col.Values().Floats(got, lo)
				for i, x := range got {
					if !same(x, want[lo+i]) {
						t.Fatalf("row %d: %v, want %v", lo+i, x, want[lo+i])
					}
				}
			}
			rows := []uint32{4999, 0, 17, 17}
			col.Values().FloatsAt(got, rows)
			for i, r := range rows {
				if !same(got[i], want[r]) {
					t.Fatalf("row %d: %v, want %v", r, got[i], want[r])
				}
			}
			if width := col.values.Load().sizeBytes() / int64(len(want)); width != tt.byteWidth {
				t.Errorf("%d bytes per row, want %d", width, tt.byteWidth)
			}
			col.Evict()
			if col.values.Load() != nil {
				t.Error("still there after Evict")
			}
		})
	}
}
