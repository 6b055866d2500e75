package storage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cognate-bi/cognate/storage/dual"
)

// TestWholeIndex compares the index with a map, for numbers that lie close
// together or far apart, come up, down or at random, and change their ways.
func TestWholeIndex(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var w wholeIndex
		want := map[uint32]uint32{}
		next := rng.Uint32()
		for phase := range 4 {
			kind, width := rng.IntN(4), uint32(1)<<rng.IntN(32)
			for range rng.IntN(20000) {
				switch kind {
				case 0:
					next++
				case 1:
					next--
				case 2:
					next = rng.Uint32N(width)
				default:
					next += rng.Uint32N(width)
				}
				code := w.find(next)
				if code != want[next] {
					t.Fatalf("seed %d, phase %d: %d has code %d, want %d", seed, phase, next, code, want[next])
				}
				if have := w.enter(next, uint32(len(want)+1)); have != code {
					t.Fatalf("seed %d, phase %d: %d has code %d as it is entered, want %d", seed, phase, next, have, code)
				}
				if code == 0 {
					want[next] = uint32(len(want) + 1)
				}
			}
		}
		for u, code := range want {
			if got := w.find(u); got != code {
				t.Fatalf("seed %d: %d has code %d, want %d", seed, u, got, code)
			}
		}
		if limit := 32*len(want) + 8*directMin + 1024; w.sizeBytes() > limit {
			t.Errorf("seed %d: %d bytes for %d numbers", seed, w.sizeBytes(), len(want))
		}
	}
}

// TestNumCodes compares the codes of numbers in bulk with those one by one.
func TestNumCodes(t *testing.T) {
	odd := []float64{0, math.Copysign(0, -1), -1, 0.5, math.NaN(), math.Inf(1), 1<<32 - 1, 1 << 32, 1 << 60, -1 << 63}
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 2))
		var bulk, single Symbols
		for range 20 {
			nums, got := make([]float64, rng.IntN(300)), make([]uint32, 300)
			top := 1 << rng.IntN(34)
			for i := range nums {
				if nums[i] = float64(rng.IntN(top)); rng.IntN(20) == 0 {
					nums[i] = odd[rng.IntN(len(odd))]
				}
			}
			if rng.IntN(10) == 0 { // a text in between
				v := dual.String(fmt.Sprint("text ", rng.IntN(3)))
				a, _ := bulk.Code(v)
				if b, _ := single.Code(v); a != b {
					t.Fatalf("seed %d: text has code %d, want %d", seed, a, b)
				}
			}
			if err := bulk.numCodes(got, nums); err != nil {
				t.Fatal(err)
			}
			for i, x := range nums {
				want, _ := single.Code(dual.Number(x))
				if got[i] != want || want != 0 && bulk.Number(want) != x {
					t.Fatalf("seed %d: %v has code %d, want %d", seed, x, got[i], want)
				}
				if found := single.Find(dual.Number(x)); found != want {
					t.Fatalf("seed %d: %v is found as %d, want %d", seed, x, found, want)
				}
			}
		}
	}
}
