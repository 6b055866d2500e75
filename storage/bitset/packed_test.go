package bitset

import (
	"math/rand/v2"
	"testing"
)

func TestPack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 63, 64, 65, 4097, 70_000} {
		for _, density := range []float64{0, 0.001, 0.5, 1} {
			s := New(n)
			for i := range n {
				if rng.Float64() < density {
					s.Add(i)
				}
			}
			if got := s.Pack().Unpack(); !got.Equal(s) {
				t.Fatalf("n %d, density %v: %d members came back, want %d", n, density, got.Count(), s.Count())
			}
		}
	}
	if one := Of(1_500_000, 77).Pack(); one.SizeBytes() > 100 {
		t.Errorf("one of 1.5 M values takes %d bytes", one.SizeBytes())
	}
}
