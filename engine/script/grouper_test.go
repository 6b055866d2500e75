package script

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// randomKey returns a value of at most nDistinct numbers, of which some are
// NULL, some have a text, some a format.
func randomKey(rng *rand.Rand, nDistinct int) dual.Value {
	x := rng.IntN(nDistinct)
	switch rng.IntN(12) {
	case 0:
		return dual.Value{}
	case 1:
		return dual.String(fmt.Sprint("t", x))
	case 2:
		return dual.New(fmt.Sprint(x), float64(x)) // the default text
	case 3:
		return dual.New(fmt.Sprint("no. ", x), float64(x))
	case 4:
		return dual.Formatted(float64(x), &dual.Format{Type: dual.Date})
	case 5:
		return dual.Number(float64(x) / 4)
	}
	return dual.Number(float64(x))
}

// randomVector returns n values as a vector of any kind.
func randomVector(rng *rand.Rand, n, nDistinct int) dual.Vector {
	switch rng.IntN(4) {
	case 0:
		return dual.Constant(randomKey(rng, nDistinct), n)
	case 1:
		nums := make([]float64, n)
		for i := range nums {
			nums[i] = float64(rng.IntN(nDistinct)) / 2
		}
		return dual.Nums(nums, nil)
	}
	vals := make([]dual.Value, n)
	for i := range vals {
		vals[i] = randomKey(rng, nDistinct)
	}
	if rng.IntN(2) == 0 {
		return dual.Vals(vals)
	}
	return randomCodes(rng, n, &dual.Dict{Vals: vals})
}

func randomCodes(rng *rand.Rand, n int, d *dual.Dict) dual.Vector {
	codes := make([]uint32, n)
	for i := range codes {
		codes[i] = uint32(rng.IntN(d.Len()))
	}
	return dual.Coded(codes, d)
}

// randomField returns the values of a field; of every other one they are numbers.
func randomField(rng *rand.Rand, nDistinct int) *dual.Dict {
	f := &storage.Field{Symbols: &storage.Symbols{}}
	for range nDistinct {
		v := randomKey(rng, nDistinct)
		if nDistinct%2 == 0 {
			v = dual.Number(v.Float())
		}
		if _, err := f.Symbols.Code(v); err != nil {
			panic(err)
		}
	}
	return f.Dict()
}

// TestGrouper compares groups of random keys with those made row by row.
func TestGrouper(t *testing.T) {
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 2))
		nKeys := 1 + rng.IntN(4)
		distinct := make([]int, nKeys)
		for k := range distinct {
			distinct[k] = []int{1, 3, 100, 5000}[rng.IntN(4)]
		}
		fields := make([]*dual.Dict, nKeys)
		for k := range fields {
			fields[k] = randomField(rng, distinct[k])
		}
		fast, slow := newGrouper(nKeys, number.Default().Text), newRowGrouper(nKeys, number.Default().Text)
		for range 1 + rng.IntN(4) {
			n := []int{1, 63, 600, 5000}[rng.IntN(4)]
			keys := make([]dual.Vector, nKeys)
			for k := range keys {
				keys[k] = randomVector(rng, n, distinct[k])
				if seed%2 == 0 && rng.IntN(8) > 0 { // all but a few batches come from one field
					keys[k] = randomCodes(rng, n, fields[k])
				}
			}
			got, err := fast.add(n, keys)
			want, werr := slow.add(n, keys)
			if err != nil || werr != nil || !slices.Equal(got, want) {
				t.Fatalf("seed %d: groups %v, %v; want %v, %v", seed, got, err, want, werr)
			}
		}
		if fast.n != slow.n {
			t.Fatalf("seed %d: %d groups, want %d", seed, fast.n, slow.n)
		}
		for k := range nKeys {
			sameVector(t, seed, fast.column(k), slow.column(k))
		}
	}
}

func sameVector(t *testing.T, seed uint64, got, want dual.Vector) {
	t.Helper()
	if got.N != want.N {
		t.Fatalf("seed %d: %d values, want %d", seed, got.N, want.N)
	}
	for i := range got.N {
		a, b := got.At(i), want.At(i)
		if !dual.Identical(a, b) || (a.Format == nil) != (b.Format == nil) {
			t.Fatalf("seed %d: value %d is %+v, want %+v", seed, i, a, b)
		}
	}
}

// TestPairTable compares numbers of pairs with those of a map: few and many
// first and second numbers, which become more from batch to batch.
func TestPairTable(t *testing.T) {
	hashed := 0
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var fast pairTable
		slow := map[uint64]uint32{}
		a, b := 1+rng.IntN(10), 1+rng.IntN(10)
		for range rng.IntN(8) {
			n := rng.IntN(3000)
			at, codes, want := make([]uint32, n), make([]uint32, n), make([]uint32, n)
			for i := range at {
				at[i], codes[i] = uint32(rng.IntN(a)), uint32(rng.IntN(b))
				pair := uint64(at[i])<<32 | uint64(codes[i])
				if _, ok := slow[pair]; !ok {
					slow[pair] = uint32(len(slow))
				}
				want[i] = slow[pair]
			}
			looked := slices.Clone(at)
			fast.number(at, codes)
			fast.find(looked, codes)
			for i, number := range looked {
				if number != want[i]+1 {
					t.Fatalf("seed %d: pair found as %d, want %d", seed, number, want[i]+1)
				}
			}
			none := []uint32{uint32(a), 0, ^uint32(0)}
			fast.find(none, []uint32{0, uint32(b), ^uint32(0)})
			if !slices.Equal(none, make([]uint32, 3)) {
				t.Fatalf("seed %d: pairs that there are not found as %d", seed, none)
			}
			if !slices.Equal(at, want) || fast.n != len(slow) {
				t.Fatalf("seed %d: %d pairs %v, want %d %v", seed, fast.n, at, len(slow), want)
			}
			a, b = a*(1+rng.IntN(9)), b*(1+rng.IntN(9))
		}
		if fast.slots != nil {
			hashed++
		}
	}
	if hashed == 0 || hashed == 200 {
		t.Errorf("%d of 200 tables are hashed: the test misses a way", hashed)
	}
}
