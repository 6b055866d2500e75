package simd

import (
	"math/rand/v2"
	"testing"
)

func TestStructure(t *testing.T) {
	forEachKernel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		for n := range 300 {
			long := make([]byte, n+3)
			for i := range long {
				long[i] = ",\n\"\x00\x80\xac;a"[rng.IntN(8)]
				if rng.IntN(3) == 0 {
					long[i] = byte(rng.Uint32())
				}
			}
			text := string(long)[3:] // not aligned
			dst := make([]uint64, (n+63)/64+1)
			dst[len(dst)-1] = 0xa5
			Structure(dst, text, ',', '\n', '"')
			for i := range n {
				want := text[i] == ',' || text[i] == '\n' || text[i] == '"'
				if got := dst[i/64]>>(i%64)&1 != 0; got != want {
					t.Fatalf("%d bytes: byte %d, %q: %v", n, i, text[i], got)
				}
			}
			if n%64 != 0 && dst[n/64]>>(n%64) != 0 {
				t.Fatalf("%d bytes: bits behind them", n)
			}
			if dst[len(dst)-1] != 0xa5 {
				t.Fatalf("%d bytes: wrote behind the words", n)
			}
		}
	})
}
