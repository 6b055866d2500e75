package simd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// packCodes returns codes packed with the slack full of ones, which mean
// nothing. Filling it in parts is what builders do.
func packCodes(codes []uint32, bits int) Packed {
	b := slices.Repeat([]byte{0xFF}, PackedLen(len(codes), bits))
	p := NewPacked(b, bits, len(codes))
	for lo := 0; lo < len(codes); lo += 1 << 10 {
		p.Put(lo, codes[lo:min(lo+1<<10, len(codes))])
	}
	return p
}

// TestPacked compares everything that packed codes do with the same over codes
// of four bytes each.
func TestPacked(t *testing.T) {
	forEachKernel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for width := 1; width <= PackedBits; width++ {
			for _, n := range sizes {
				codes := randomCodes(rng, n, uint32(1)<<min(width, 18)-1)
				if width > 18 && n > 0 { // flags of all codes would be many
					codes[rng.IntN(n)] |= 1 << (width - 1)
				}
				checkUnpack(t, rng, codes, width)
				if n < 5000 && width < 12 || n == 4097 && width == 17 || n == sizes[len(sizes)-1] && width == 21 {
					checkPackedScans(t, rng, codes, width)
				}
			}
		}
	})
}

func checkUnpack(t *testing.T, rng *rand.Rand, codes []uint32, width int) {
	t.Helper()
	p := packCodes(codes, width)
	if got := p.Max(); got != Max(codes) {
		t.Fatalf("%d codes of %d bits: Max = %d, want %d", len(codes), width, got, Max(codes))
	}
	for range 4 {
		lo := rng.IntN(len(codes) + 1)
		hi := lo + rng.IntN(len(codes)-lo+1)
		got := slices.Repeat([]uint32{0xA5A5A5A5}, hi-lo+1)
		p.Unpack(got[:hi-lo], lo)
		if !slices.Equal(got[:hi-lo], codes[lo:hi]) || got[hi-lo] != 0xA5A5A5A5 {
			t.Fatalf("%d codes of %d bits: %d to %d are wrong or written behind", len(codes), width, lo, hi)
		}
		part := p.Part(lo&^7, hi)
		if part.Unpack(got[:hi-lo], lo&7); !slices.Equal(got[:hi-lo], codes[lo:hi]) {
			t.Fatalf("%d codes of %d bits: part %d to %d is wrong", len(codes), width, lo&^7, hi)
		}
		places := make([]uint32, min(len(codes), 100))
		for i := range places {
			places[i] = uint32(rng.IntN(len(codes)))
		}
		at := make([]uint32, len(places))
		p.UnpackAt(at, places)
		for i, r := range places {
			if at[i] != codes[r] || p.At(int(r)) != codes[r] {
				t.Fatalf("%d codes of %d bits: code %d is %d, want %d", len(codes), width, r, at[i], codes[r])
			}
		}
	}
}

func checkPackedScans(t *testing.T, rng *rand.Rand, codes []uint32, width int) {
	t.Helper()
	p, n := packCodes(codes, width), int(Max(codes))+1
	through := randomCodes(rng, n, uint32(1<<32-1))
	want, got := make([]uint32, len(codes)), make([]uint32, len(codes))
	Translate(want, codes, through)
	if p.Translate(got, 0, through); !slices.Equal(got, want) {
		t.Fatalf("%d codes of %d bits: Translate", len(codes), width)
	}
	lo := rng.IntN(len(codes) + 1)
	if p.Translate(got[lo:], lo, through); !slices.Equal(got, want) {
		t.Fatalf("%d codes of %d bits: Translate from %d on", len(codes), width, lo)
	}
	for _, density := range append([]float64{-1}, densities...) {
		var rows []uint64
		if density >= 0 {
			rows = randomRows(rng, len(codes), density)
		}
		seen, wantSeen := make([]uint8, n), make([]uint8, n)
		if open := Mark(wantSeen, codes, rows, n); p.Mark(seen, rows, n) != open || !slices.Equal(seen, wantSeen) {
			t.Fatalf("%d codes of %d bits, density %v: Mark", len(codes), width, density)
		}
		list := AppendRows(nil, rows, 0)
		clear(wantSeen)
		clear(seen)
		MarkAt(wantSeen, codes, list)
		if p.MarkAt(seen, list); !slices.Equal(seen, wantSeen) {
			t.Fatalf("%d codes of %d bits, density %v: MarkAt", len(codes), width, density)
		}
		counts, wantCounts := make([]uint32, n), make([]uint32, n)
		CountCodes(wantCounts, codes, rows)
		if p.Count(counts, rows); !slices.Equal(counts, wantCounts) {
			t.Fatalf("%d codes of %d bits, density %v: Count", len(codes), width, density)
		}
		for _, flags := range randomSets(rng, n) {
			checkPackedMember(t, rng, &p, codes, NewCodeSet(flags), rows)
		}
	}
}

func checkPackedMember(t *testing.T, rng *rand.Rand, p *Packed, codes []uint32, s *CodeSet, rows []uint64) {
	t.Helper()
	lo := rng.IntN(len(codes)/64+1) * 64
	hi := lo + rng.IntN(len(codes)-lo+1)
	words := (hi - lo + 63) / 64
	from := slices.Repeat([]uint64{canary}, words)
	if rows != nil {
		copy(from, rows[lo/64:])
		if hi&63 != 0 {
			from[words-1] &= 1<<(hi&63) - 1
		}
	}
	want := slices.Clone(from)
	dst, check := guarded(t, from)
	var got, some bool
	if rows == nil {
		got, some = p.Member(dst, lo, hi, s), Member(want, codes[lo:hi], s)
	} else {
		got, some = p.MemberAnd(dst, lo, hi, s), MemberAnd(want, codes[lo:hi], s)
	}
	check()
	if got != some || !slices.Equal(dst, want) {
		t.Fatalf("%d codes, %d to %d, and %v: Member", len(codes), lo, hi, rows != nil)
	}
}

// TestPackedScansAllocateNothing: their blocks lie on the stack.
func TestPackedScansAllocateNothing(t *testing.T) {
	codes := randomCodes(rand.New(rand.NewPCG(1, 1)), 10000, uint32(1000))
	p := packCodes(codes, 17)
	flags, counts, rows := make([]uint8, 1001), make([]uint32, 1001), make([]uint64, (len(codes)+63)/64)
	s := NewCodeSet(make([]uint8, 1001))
	if n := testing.AllocsPerRun(5, func() {
		p.Mark(flags, nil, 1001)
		p.Count(counts, nil)
		p.Member(rows, 0, len(codes), s)
		p.MemberAnd(rows, 0, len(codes), s)
		p.Max()
	}); n > 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestPackedOutOfRange(t *testing.T) {
	p := packCodes(make([]uint32, 100), 17)
	for name, do := range map[string]func(){
		"At":      func() { p.At(100) },
		"Unpack":  func() { p.Unpack(make([]uint32, 101), 0) },
		"offset":  func() { p.Unpack(make([]uint32, 1), 100) },
		"Part":    func() { p.Part(8, 101) },
		"unbyted": func() { p.Part(4, 8) },
		"short":   func() { NewPacked(make([]byte, PackedLen(100, 17)-1), 17, 100) },
		"wide":    func() { NewPacked(make([]byte, PackedLen(100, 26)), 26, 100) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			do()
		}()
	}
}

// BenchmarkPacked compares scans of codes of 21 bits with those of four bytes,
// over 6 Mi rows, which no cache of a core holds.
func BenchmarkPacked(b *testing.B) {
	const n, rows = 1 << 21, 6 << 20
	rng := rand.New(rand.NewPCG(3, 4))
	codes := randomCodes(rng, rows, uint32(n-1))
	p := packCodes(codes, 21)
	random, run := make([]uint8, n), make([]uint8, n)
	for i := range n {
		random[i] = uint8(rng.IntN(2))
		run[i] = uint8(2 * i / n)
	}
	bitmap, seen, dst := make([]uint64, rows/64), make([]uint8, n), make([]uint32, 1<<12)
	through := make([]uint32, n)
	one := func(b *testing.B, name string, do func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				do()
			}
			perRow(b, rows)
		})
	}
	each := func(do func(lo int)) func() {
		return func() {
			for lo := 0; lo < rows; lo += len(dst) {
				do(lo)
			}
		}
	}
	forEachKernel(b, func(b *testing.B) {
		bench := func(name string, wide, packed func()) {
			one(b, name+"/wide", wide)
			one(b, name+"/packed", packed)
		}
		bench("codes", each(func(lo int) { copy(dst, codes[lo:]) }), each(func(lo int) { p.Unpack(dst, lo) }))
		bench("through", each(func(lo int) { Translate(dst, codes[lo:lo+len(dst)], through) }), each(func(lo int) { p.Translate(dst, lo, through) }))
		for _, set := range [][]uint8{random, run} {
			s := NewCodeSet(set)
			bench(fmt.Sprint("member/run=", s.run), func() { Member(bitmap, codes, s) }, func() { p.Member(bitmap, 0, rows, s) })
		}
		for _, density := range []float64{0.1, 0.2, 0.5, 0.9} {
			some := randomRows(rng, rows, density)
			list := AppendRows(nil, some, 0)
			bench(fmt.Sprint("mark/", density), func() { Mark(seen, codes, some, 1<<30) }, func() { p.Mark(seen, some, 1<<30) })
			bench(fmt.Sprint("markAt/", density), func() { MarkAt(seen, codes, list) }, func() { p.MarkAt(seen, list) })
		}
		bench("mark/all", func() { Mark(seen, codes, nil, 1<<30) }, func() { p.Mark(seen, nil, 1<<30) })
	})
}
