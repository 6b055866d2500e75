package simd

import (
	"math/rand/v2"
	"testing"
)

func TestNarrowAndMax(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for n := range 140 {
		codes := make([]uint32, n)
		top := uint32(0)
		for i := range codes {
			codes[i] = rng.Uint32N(1 << 8)
			top = max(top, codes[i])
		}
		if got := Max(codes); got != top {
			t.Fatalf("%d codes: Max = %d, want %d", n, got, top)
		}
		d8, d16 := make([]uint8, n+1), make([]uint16, n+1)
		d8[n], d16[n] = 0xa5, 0xa5
		Narrow(d8, codes)
		Narrow(d16, codes)
		for i, c := range codes {
			if uint32(d8[i]) != c || uint32(d16[i]) != c {
				t.Fatalf("%d codes: code %d: %d, %d, want %d", n, i, d8[i], d16[i], c)
			}
		}
		if d8[n] != 0xa5 || d16[n] != 0xa5 {
			t.Fatalf("%d codes: wrote behind them", n)
		}
	}
}
