package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestSumMasked compares sums with those of one value at a time, at all
// densities and lengths, with nulls and the extremes among the values.
func TestSumMasked(t *testing.T) {
	forEachKernel(t, func(t *testing.T) {
		testSumMasked[int8](t, math.MinInt8, math.MaxInt8)
		testSumMasked[int16](t, math.MinInt16, math.MaxInt16)
		testSumMasked[int32](t, math.MinInt32, math.MaxInt32)
	})
}

func testSumMasked[T Whole](t *testing.T, null, top T) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		n := rng.IntN(400)
		x := make([]T, n+1)[1:] // not aligned
		rows := make([]uint64, (n+63)/64+rng.IntN(2))
		dense := rng.IntN(5)
		want, count := int64(0), 0
		for i := range x {
			x[i] = []T{null, top, null + 1, T(rng.Uint64()), T(rng.IntN(100))}[rng.IntN(5)]
			if rng.IntN(4) < dense {
				rows[i/64] |= 1 << (i % 64)
				if x[i] != null {
					want += int64(x[i])
					count++
				}
			}
		}
		if sum, got := SumMasked(x, rows, null); sum != want || got != count {
			t.Fatalf("%d values by %x: %d of %d, want %d of %d", n, rows, sum, got, want, count)
		}
	}
}

func BenchmarkSumMasked(b *testing.B) {
	x := make([]int32, 1<<16)
	for i := range x {
		x[i] = int32(i * 7919)
	}
	for _, percent := range []int{1, 10, 50, 100} {
		words := shareOf(len(x), percent)
		want, _ := sumMaskedGeneric(x, words, math.MinInt32)
		b.Run(fmt.Sprintf("masked/%d%%", percent), func(b *testing.B) {
			b.SetBytes(int64(len(x)))
			for b.Loop() {
				if sum, _ := SumMasked(x, words, math.MinInt32); sum != want {
					b.Fatal(sum)
				}
			}
		})
		b.Run(fmt.Sprintf("listed/%d%%", percent), func(b *testing.B) {
			b.SetBytes(int64(len(x)))
			var rows []uint32
			for b.Loop() {
				rows = AppendRows(rows[:0], words, 0)
				sum := int64(0)
				for _, r := range rows {
					if v := x[r]; v != math.MinInt32 {
						sum += int64(v)
					}
				}
				if sum != want {
					b.Fatal(sum)
				}
			}
		})
	}
}
