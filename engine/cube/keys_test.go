package cube

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/storage/dual"
)

// TestSortKeys holds the places of rows by the keys of their values against a
// stable sort that compares the values.
func TestSortKeys(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	for round := range 400 {
		n := []int{0, 1, 2, 63, radixMin - 1, radixMin, 1000}[round%7]
		at := make([]int32, n) // rows may be any of what there is, in any order
		for i := range at {
			at[i] = int32(n - 1 - i)
		}
		var vectors []dual.Vector
		var signs []int
		var keys sortKeys
		for range rng.IntN(4) {
			v, sign := randomVector(rng, n), 1-2*rng.IntN(2)
			vectors, signs = append(vectors, v), append(signs, sign)
			keys = append(keys, valueKeys(&v, at, sign))
		}
		want := slices.Clone(at)
		slices.SortStableFunc(want, func(a, b int32) int {
			for i := range vectors {
				if d := compareNullLast(vectors[i].At(int(a)), vectors[i].At(int(b)), signs[i]); d != 0 {
					return d
				}
			}
			return 0
		})
		got := slices.Clone(at)
		permute(got, keys.places(n))
		if !slices.Equal(got, want) {
			t.Fatalf("round %d, %d rows by %d columns, signs %v: got %v, want %v", round, n, len(keys), signs, got, want)
		}
	}
}

// randomVector has numbers, some of them often, NULLs, and sometimes texts.
func randomVector(rng *rand.Rand, n int) dual.Vector {
	some := []float64{0, math.Copysign(0, -1), 1, -1, 1e300, -1e300, math.Inf(1), math.Inf(-1), math.NaN(), 255, 256}
	number := func() float64 {
		if rng.IntN(2) == 0 {
			return some[rng.IntN(len(some))]
		}
		return rng.NormFloat64()
	}
	if rng.IntN(2) == 0 {
		nums := make([]float64, n)
		for i := range nums {
			nums[i] = number()
		}
		return dual.Nums(nums, nil)
	}
	texts := rng.IntN(2) == 0
	vals := make([]dual.Value, n)
	for i := range vals {
		x := number()
		switch {
		case x != x:
		case texts && rng.IntN(3) == 0:
			vals[i] = dual.String(string(rune('a' + rng.IntN(3))))
		default:
			vals[i] = dual.Number(x)
		}
	}
	return dual.Vals(vals)
}

func BenchmarkSortKeys(b *testing.B) {
	rng := rand.New(rand.NewPCG(4, 2))
	for _, n := range []int{32, 64, 128, 256, 512} {
		keys := sortKeys{make([]uint64, n)}
		for i := range n {
			keys[0][i] = numberKey(rng.Float64()*1e6, -1)
		}
		b.Run(fmt.Sprintf("compare/rows=%d", n), func(b *testing.B) {
			for b.Loop() {
				keys.compared(n)
			}
		})
		b.Run(fmt.Sprintf("radix/rows=%d", n), func(b *testing.B) {
			for b.Loop() {
				keys.counted(n)
			}
		})
	}
}
