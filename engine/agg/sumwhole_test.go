package agg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// TestAddWhole compares sums of flat vectors of each width with sums of the
// same numbers as vectors, with NULL among them.
func TestAddWhole(t *testing.T) {
	for _, top := range []int64{100, 30_000, math.MaxInt32, 1 << 40} {
		for seed := range uint64(50) {
			rng := rand.New(rand.NewPCG(seed, 23))
			column, nums := wholeColumn(t, rng, top)
			lo := rng.IntN(len(nums))
			n := rng.IntN(len(nums) - lo)
			rows := make([]uint32, n)
			groups := make([]uint32, n)
			for i := range rows {
				rows[i], groups[i] = uint32(rng.IntN(len(nums))), uint32(rng.IntN(5))
			}
			for _, groups := range [][]uint32{groups, nil} {
				for _, rows := range [][]uint32{rows, nil} {
					for _, mean := range []bool{false, true} {
						x := append([]float64(nil), nums[lo:lo+n]...)
						for i, r := range rows {
							x[i] = nums[r]
						}
						got, want := sum{mean: mean}, sum{mean: mean}
						got.Grow(5)
						want.Grow(5)
						want.Add(groups, []dual.Vector{dual.Nums(x, nil)})
						if ok := got.AddWhole(groups, column.Values(), rows, lo, n); ok != (top <= math.MaxInt32) {
							t.Fatalf("up to %d: read as integers: %v", top, ok)
						} else if !ok {
							continue
						}
						for g := range 5 {
							if x, y := got.Result(g), want.Result(g); !dual.Identical(x, y) {
								t.Fatalf("seed %d, up to %d, group %d: %v, want %v", seed, top, g, x, y)
							}
						}
						if x, y := got.Total(), want.Total(); !dual.Identical(x, y) {
							t.Fatalf("seed %d, up to %d: total %v, want %v", seed, top, x, y)
						}
					}
				}
			}
		}
	}
}

// TestAddMasked compares sums by bitmaps of rows with sums by lists of them.
func TestAddMasked(t *testing.T) {
	for _, top := range []int64{100, 30_000, math.MaxInt32, 1 << 40} {
		rng := rand.New(rand.NewPCG(uint64(top), 3))
		for range 50 {
			column, nums := wholeColumn(t, rng, top)
			lo := rng.IntN(len(nums))
			n := rng.IntN(len(nums) - lo)
			words := make([]uint64, (n+63)/64)
			rows := []uint32{}
			for i := range n {
				if rng.IntN(3) > 0 {
					words[i/64] |= 1 << (i % 64)
					rows = append(rows, uint32(lo+i))
				}
			}
			got, want := sum{mean: true}, sum{mean: true}
			got.Grow(1)
			want.Grow(1)
			want.AddWhole(nil, column.Values(), rows, 0, 0)
			if ok := got.AddMasked(column.Values(), words, lo, n); ok != (top <= math.MaxInt32) {
				t.Fatalf("up to %d: read as integers: %v", top, ok)
			}
			if x, y := got.Result(0), want.Result(0); !dual.Identical(x, y) {
				t.Fatalf("up to %d, %d rows from %d on: %v, want %v", top, n, lo, x, y)
			}
		}
	}
}

// wholeColumn returns a column of integers from -top to top, and NULL.
func wholeColumn(t *testing.T, rng *rand.Rand, top int64) (*storage.Column, []float64) {
	t.Helper()
	nums := make([]float64, 500)
	for i := range nums {
		if nums[i] = float64(rng.Int64N(2*top+1) - top); rng.IntN(7) == 0 {
			nums[i] = math.NaN()
		}
	}
	nums[0] = float64(top)
	c := storage.NewCatalog(func(v dual.Value) string { return fmt.Sprint(v.Num) })
	b := c.NewBuilder("t", []string{"x"})
	if err := b.Append([]dual.Vector{dual.Nums(nums, nil)}); err != nil {
		t.Fatal(err)
	}
	table := b.Table()
	return table.Columns[0], nums
}

// TestWholeTotal has sums that no float64 holds on the way.
func TestWholeTotal(t *testing.T) {
	for _, x := range []int64{0, 1, -1, 1<<53 + 1, -1<<53 - 1, math.MaxInt64, math.MinInt64, 1<<62 - 1} {
		got := total{whole: x}
		if got.value() != float64(x) {
			t.Errorf("%d: %v, want %v", x, got.value(), float64(x))
		}
	}
}
