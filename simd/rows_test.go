package simd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAppendRows compares lists of rows with the bits, at all densities and
// lengths, behind what was there before.
func TestAppendRows(t *testing.T) {
	forEachKernel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for range 500 {
			words := make([]uint64, rng.IntN(40))
			var want []uint32
			base := uint32(rng.IntN(1000)) * 64
			dense := rng.IntN(5)
			for i := range words {
				words[i] = []uint64{0, 1 << rng.IntN(64), rng.Uint64() & rng.Uint64(), rng.Uint64(), ^uint64(0)}[max(0, dense-rng.IntN(2))]
				if rng.IntN(2) == 0 {
					words[i] &= 1<<48 - 1 // the last 16 rows are written all the same
				}
				for b := range 64 {
					if words[i]>>b&1 != 0 {
						want = append(want, base+uint32(64*i+b))
					}
				}
			}
			before := []uint32{7, 9}[:rng.IntN(3)]
			room := append(slices.Clone(before), make([]uint32, len(want)+rng.IntN(20))...)
			all := append(room, slices.Repeat([]uint32{canary32}, 32)...)
			got := AppendRows(all[:len(before):len(room)], words, base)
			if !slices.Equal(got, append(slices.Clone(before), want...)) {
				t.Fatalf("%x from %d on: %v, want %v behind %v", words, base, got, want, before)
			}
			if slices.ContainsFunc(all[len(room):], func(x uint32) bool { return x != canary32 }) {
				t.Fatalf("%x: written behind the room for %d rows", words, len(want))
			}
		}
	})
}

// canary32 is behind what a kernel may write.
const canary32 = 0xDEADBEEF

func BenchmarkAppendRows(b *testing.B) {
	forEachKernel(b, func(b *testing.B) {
		for _, percent := range []int{1, 3, 20, 50, 100} {
			words := shareOf(1<<16, percent)
			b.Run(fmt.Sprintf("%d%%", percent), func(b *testing.B) {
				b.SetBytes(int64(len(words)) * 64) // rows
				var rows []uint32
				for b.Loop() {
					rows = AppendRows(rows[:0], words, 0)
				}
			})
		}
	})
}

// shareOf returns a bitmap of n rows with so many percent of them, at random.
func shareOf(n, percent int) []uint64 {
	rng := rand.New(rand.NewPCG(5, 6))
	words := make([]uint64, n/64)
	for i := range n {
		if rng.IntN(100) < percent {
			words[i/64] |= 1 << (i % 64)
		}
	}
	return words
}
