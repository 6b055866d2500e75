package simd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A runner is a *testing.T or *testing.B.
type runner[T any] interface {
	Run(name string, body func(T)) bool
}

// TestMember compares all kernels with one look at a flag per row: sets of few
// and of many codes, runs and scattered ones, columns of any length.
func TestMember(t *testing.T) {
	forEachKernel(t, func(t *testing.T) {
		testMember(t, []uint8{0, 1, 127, 128, 200, 255})
		testMember(t, []uint16{3, 300, 1023, 1024, 2047, 2048, 4095, 4096, 30000, 65535})
		testMember(t, []uint32{0, 65536, 100000})
	})
}

func testMember[C Code](t *testing.T, tops []C) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, top := range tops {
		for _, set := range randomSets(rng, int(top)+1) {
			s := NewCodeSet(set)
			for _, n := range sizes {
				codes := randomCodes(rng, n, top)
				checkMember(t, codes, s, nil)
				for _, density := range densities {
					checkMember(t, codes, s, randomRows(rng, n, density))
				}
			}
		}
	}
}

// randomSets returns sets over n codes: empty, all, runs, scattered ones.
func randomSets(rng *rand.Rand, n int) (sets [][]uint8) {
	for _, share := range []float64{0, 0.3, 1} {
		flags := make([]uint8, n)
		for i := range flags {
			if rng.Float64() < share {
				flags[i] = 1
			}
		}
		sets = append(sets, flags)
	}
	run := make([]uint8, n)
	lo := rng.IntN(n)
	for i := lo; i < lo+1+rng.IntN(n-lo); i++ {
		run[i] = 1
	}
	last := make([]uint8, n)
	last[n-1] = 1
	return append(sets, run, last)
}

func checkMember[C Code](t *testing.T, codes []C, s *CodeSet, rows []uint64) {
	t.Helper()
	and := rows != nil
	if !and {
		rows = slices.Repeat([]uint64{canary}, (len(codes)+63)/64)
	}
	dst, check := guarded(t, rows)
	kernel := Member[C]
	if and {
		kernel = MemberAnd[C]
	}
	left := kernel(dst, codes, s)
	check()
	some := false
	for r, c := range codes {
		want := s.flags[c] == 1 && (!and || isSet(rows, r))
		some = some || want
		if isSet(dst, r) != want {
			t.Fatalf("%d rows of codes to %d, and %v: row %d (code %d) is %v", len(codes), len(s.flags)-1, and, r, c, !want)
		}
	}
	if left != some {
		t.Fatalf("%d rows: %v, want %v", len(codes), left, some)
	}
	if n := len(codes); n&63 != 0 && dst[n>>6]>>(n&63) != 0 {
		t.Fatalf("%d rows: bits behind the last row", n)
	}
}

func TestCodeSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for _, n := range []int{1, 2, 63, 64, 65, 255, 256, 257, 4096, 70000} {
		for _, flags := range randomSets(rng, n) {
			s := NewCodeSet(flags)
			want := 0
			for c, f := range flags {
				want += int(f)
				if s.Has(uint32(c)) != (f == 1) {
					t.Fatalf("%d codes: code %d is %v", n, c, !s.Has(uint32(c)))
				}
			}
			if s.Len() != want {
				t.Fatalf("%d codes: Len = %d, want %d", n, s.Len(), want)
			}
		}
	}
}

func TestFlags(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 9))
	for n := range 300 {
		a, b := make([]uint8, n), make([]uint8, n+2)
		for i := range b {
			b[i] = uint8(rng.IntN(2))
		}
		count := 0
		for i := range a {
			a[i] = uint8(rng.IntN(2))
			count += int(a[i])
		}
		if got := CountFlags(a); got != count {
			t.Fatalf("%d flags: CountFlags = %d, want %d", n, got, count)
		}
		words, check := guarded(t, slices.Repeat([]uint64{canary}, (n+63)/64))
		PackFlags(words, a)
		check()
		for r := range len(words) * 64 {
			if isSet(words, r) != (r < n && a[r] == 1) {
				t.Fatalf("%d flags: bit %d is %v", n, r, isSet(words, r))
			}
		}
		back := slices.Repeat([]uint8{7}, n+1)
		if UnpackFlags(back[:n], words); !slices.Equal(back[:n], a) || back[n] != 7 {
			t.Fatalf("%d flags: unpacked %v, want %v", n, back, a)
		}
		and, or, orNot := append(slices.Clone(a), 7), append(slices.Clone(a), 7), append(slices.Clone(a), 7)
		AndFlags(and[:n], b)
		OrFlags(or[:n], b)
		OrNotFlags(orNot[:n], b)
		for i := range a {
			if and[i] != a[i]&b[i] || or[i] != a[i]|b[i] || orNot[i] != a[i]|(1-b[i]) {
				t.Fatalf("%d flags: AND %d, OR %d, OR NOT %d of %d and %d", n, and[i], or[i], orNot[i], a[i], b[i])
			}
		}
		if and[n] != 7 || or[n] != 7 || orNot[n] != 7 {
			t.Fatalf("%d flags: written behind the end", n)
		}
	}
}

func BenchmarkMember(b *testing.B) {
	forEachKernel(b, func(b *testing.B) {
		benchMember[uint8](b, 200, false)
		benchMember[uint16](b, 2556, false)
		benchMember[uint16](b, 20000, false)
		benchMember[uint16](b, 20000, true)
		benchMember[uint32](b, 1000000, false)
		benchMember[uint32](b, 1000000, true)
	})
}

// benchMember scans 16 Mi rows with half of the codes in the set, scattered or
// as a run.
func benchMember[C Code](b *testing.B, top C, run bool) {
	const rows = 1 << 24
	rng := rand.New(rand.NewPCG(3, 4))
	flags := make([]uint8, int(top)+1)
	for i := range flags {
		flags[i] = uint8(rng.IntN(2))
		if run {
			flags[i] = uint8(2 * i / len(flags))
		}
	}
	s := NewCodeSet(flags)
	codes := randomCodes(rng, rows, top)
	want := 0
	for _, c := range codes {
		want += int(flags[c])
	}
	bitmap := make([]uint64, rows/64)
	b.Run(fmt.Sprintf("%T/codes=%d/run=%v", top, top, run), func(b *testing.B) {
		b.SetBytes(rows * int64(sizeOf[C]()))
		for b.Loop() {
			Member(bitmap, codes, s)
		}
		if got := Count(bitmap); got != want {
			b.Fatalf("%d rows, want %d", got, want)
		}
		perRow(b, rows)
	})
}
