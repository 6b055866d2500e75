package agg

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

// codedField returns a dictionary of n values that are pairwise different,
// after NULL.
func codedField(n int) *dual.Dict {
	vals := make([]dual.Value, n+1)
	for c := 1; c <= n; c++ {
		vals[c] = dual.Number(float64(c) / 4)
	}
	return &dual.Dict{Vals: vals}
}

// batchOf returns rows of random groups and codes.
func batchOf(rng *rand.Rand, nGroups int, dict *dual.Dict) ([]uint32, []dual.Vector) {
	groups, codes := make([]uint32, rng.IntN(300)), make([]uint32, 300)
	for i := range groups {
		groups[i] = uint32(rng.IntN(nGroups))
		codes[i] = uint32(rng.IntN(dict.Len()))
	}
	return groups, []dual.Vector{dual.Coded(codes[:len(groups)], dict)}
}

// TestDistinctCodes compares with Count(DISTINCT) of values, in two parts that
// are merged; some of them begin as the hash set that large ones become.
func TestDistinctCodes(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 21))
		nGroups, dict := 1+rng.IntN(40), codedField(rng.IntN(200))
		var got, want [2]Aggregator
		to := make([]uint32, nGroups)
		for p := range got {
			mine := NewDistinctCodes(dict.Len())
			got[p] = mine
			want[p], _ = New(context(), Spec{Name: "Count", Distinct: true, NArgs: 1})
			got[p].Grow(nGroups)
			want[p].Grow(nGroups)
			pairsFrom := rng.IntN(10)
			for b := range 5 {
				if b == pairsFrom {
					mine.toPairs()
				}
				groups, args := batchOf(rng, nGroups, dict)
				got[p].Add(groups, args)
				want[p].Add(groups, args)
			}
		}
		for g := range to {
			to[g] = uint32(rng.IntN(nGroups))
		}
		got[0].Merge(got[1], to)
		want[0].Merge(want[1], to)
		whole := newDistinct(&count{counts: [4]int{0, 1, 1, 1}}, 1)
		whole.Grow(1)
		got[0].(*DistinctCodes).each(func(_, code uint32) {
			whole.Add(nil, []dual.Vector{dual.Coded([]uint32{code}, dict)})
		})
		for g := range nGroups {
			if x, y := got[0].Result(g).Num, want[0].Result(g).Num; x != y {
				t.Fatalf("seed %d, group %d: %v, want %v", seed, g, x, y)
			}
		}
		if x, y := got[0].(Totaler).Total().Num, whole.Result(0).Num; x != y {
			t.Fatalf("seed %d: total %v, want %v", seed, x, y)
		}
	}
}

// TestDistinctCodesOutgrowBitmaps goes past what the bitmaps may take.
func TestDistinctCodesOutgrowBitmaps(t *testing.T) {
	const nGroups, size = 5000, 1 << 16 // 39 MiB of bits
	a := NewDistinctCodes(size)
	a.Grow(nGroups)
	groups, codes := make([]uint32, 2*nGroups), make([]uint32, 2*nGroups)
	for i := range groups {
		groups[i], codes[i] = uint32(i%nGroups), uint32(i%3*1000)
	}
	a.Add(groups[:nGroups], []dual.Vector{{N: nGroups, Codes: codes[:nGroups]}})
	a.Add(groups[nGroups:], []dual.Vector{{N: nGroups, Codes: codes[nGroups:]}})
	if a.pairs == nil {
		t.Fatal("still bitmaps")
	}
	for g := range nGroups {
		want := map[uint32]bool{codes[g]: true, codes[g+nGroups]: true}
		delete(want, 0)
		if got := a.Result(g).Num; got != float64(len(want)) {
			t.Fatalf("group %d: %v, want %d", g, got, len(want))
		}
	}
	if got := a.Total().Num; got != 2 {
		t.Fatalf("total %v, want 2", got)
	}
}

// TestTotals compares totals of groups with the aggregation of all rows.
func TestTotals(t *testing.T) {
	specs := []Spec{{Name: "Sum", NArgs: 1}, {Name: "Avg", NArgs: 1}, {Name: "Count", NArgs: 1}, {Name: "NullCount", NArgs: 1}, {Name: "Min", NArgs: 1}, {Name: "Max", NArgs: 1}}
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 22))
		nGroups, dict := 1+rng.IntN(20), codedField(rng.IntN(60))
		groups, args := batchOf(rng, nGroups, dict)
		for _, s := range specs {
			split, whole := mustNew(t, context(), s), mustNew(t, context(), s)
			split.Grow(nGroups)
			whole.Grow(1)
			split.Add(groups, args)
			whole.Add(nil, args)
			got, want := split.(Totaler).Total(), whole.Result(0)
			if !dual.Identical(got, want) && !(math.IsNaN(got.Num) && math.IsNaN(want.Num)) {
				t.Fatalf("seed %d: total of %s is %v, want %v", seed, s.Name, got, want)
			}
		}
	}
}

func mustNew(t *testing.T, c *fn.Context, s Spec) Aggregator {
	t.Helper()
	a, err := New(c, s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
