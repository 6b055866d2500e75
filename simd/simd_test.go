package simd

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

// sizes are numbers of rows around the boundaries of words, blocks and
// strides.
var sizes = []int{0, 1, 2, 63, 64, 65, 127, 128, 129, 500, 4095, 4096, 4097, 512*64 - 1, 512 * 64, 512*64 + 65}

// densities of row bitmaps; at 0 and 1 the short cuts are taken.
var densities = []float64{0, 0.001, 0.1, 0.5, 0.99, 1}

// randomRows returns a bitmap of n rows, bits beyond them zero.
func randomRows(rng *rand.Rand, n int, density float64) []uint64 {
	rows := make([]uint64, (n+63)/64)
	for r := range n {
		if rng.Float64() < density {
			rows[r>>6] |= 1 << (r & 63)
		}
	}
	return rows
}

func isSet(rows []uint64, r int) bool { return rows[r>>6]>>(r&63)&1 != 0 }

// randomCodes returns n codes below top+1, not aligned to anything.
func randomCodes[C Code](rng *rand.Rand, n int, top C) []C {
	codes := make([]C, n+1)[1:]
	for i := range codes {
		codes[i] = C(rng.Uint64N(uint64(top) + 1))
	}
	return codes
}

const canary = 0xA5A5A5A5A5A5A5A5

// guarded returns a copy of words with a canary behind it, and a check of it.
func guarded(t *testing.T, words []uint64) (dst []uint64, check func()) {
	t.Helper()
	all := append(slices.Clone(words), canary)
	return all[:len(words)], func() {
		t.Helper()
		if all[len(words)] != canary {
			t.Fatalf("%d words: written behind the end", len(words))
		}
	}
}

func TestBitmapAlgebra(t *testing.T) { forEachKernel(t, testBitmapAlgebra) }

func testBitmapAlgebra(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 130 {
		for _, density := range densities {
			rows := n * 64
			a, b := randomRows(rng, rows, density), append(randomRows(rng, rows, 0.5), canary) // b longer
			count, both := 0, 0
			for r := range rows {
				if isSet(a, r) {
					count++
					if isSet(b, r) {
						both++
					}
				}
			}
			if got := Count(a); got != count {
				t.Fatalf("%d words: Count = %d, want %d", n, got, count)
			}
			if got := AndCount(a, b); got != both {
				t.Fatalf("%d words: AndCount = %d, want %d", n, got, both)
			}
			if got := Any(a); got != (count > 0) {
				t.Fatalf("%d words: Any = %v with %d bits", n, got, count)
			}
			for name, op := range map[string]struct {
				kernel func(dst, b []uint64) int
				want   func(a, b bool) bool
			}{
				"And":    {And, func(a, b bool) bool { return a && b }},
				"Or":     {Or, func(a, b bool) bool { return a || b }},
				"AndNot": {AndNot, func(a, b bool) bool { return a && !b }},
			} {
				dst, check := guarded(t, a)
				count := op.kernel(dst, b)
				check()
				if got := countGeneric(dst); got != count {
					t.Fatalf("%s of %d words: %d bits, want %d", name, n, count, got)
				}
				for r := range rows {
					if isSet(dst, r) != op.want(isSet(a, r), isSet(b, r)) {
						t.Fatalf("%s of %d words: row %d is %v", name, n, r, isSet(dst, r))
					}
				}
			}
		}
	}
}

func TestFill(t *testing.T) {
	for n := range 300 {
		for spare := range 3 {
			words := make([]uint64, (n+63)/64+spare)
			for i := range words {
				words[i] = canary
			}
			dst, check := guarded(t, words)
			Fill(dst, n)
			check()
			for r := range len(dst) * 64 {
				if isSet(dst, r) != (r < n) {
					t.Fatalf("Fill(%d words, %d): row %d is %v", len(dst), n, r, isSet(dst, r))
				}
			}
		}
	}
}

// Kernels over codes run for each width, with the highest code of the width
// in use where that is not too much memory.
func TestCodeKernels(t *testing.T) {
	forEachKernel(t, func(t *testing.T) {
		testCodes(t, []uint8{0, 1, 200, 255})
		testCodes(t, []uint16{3, 300, 65535})
		testCodes(t, []uint32{0, 65536, 100000})
	})
}

func testCodes[C Code](t *testing.T, tops []C) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, top := range tops {
		for _, n := range sizes {
			codes := randomCodes(rng, n, top)
			testWiden(t, codes)
			testTranslate(t, rng, codes, top)
			testMark(t, rng, codes, top, nil)
			testCount(t, codes, top, nil)
			for _, density := range densities {
				rows := randomRows(rng, n, density)
				testMark(t, rng, codes, top, rows)
				testCount(t, codes, top, rows)
			}
		}
	}
}

func testWiden[C Code](t *testing.T, codes []C) {
	t.Helper()
	all := make([]uint32, len(codes)+1)
	all[len(codes)] = 0xA5A5A5A5
	Widen(all[:len(codes)], codes)
	for i, c := range codes {
		if all[i] != uint32(c) {
			t.Fatalf("Widen: code %d is %d, want %d", i, all[i], c)
		}
	}
	if all[len(codes)] != 0xA5A5A5A5 {
		t.Fatal("Widen: written behind the end")
	}
}

func testTranslate[C Code](t *testing.T, rng *rand.Rand, codes []C, top C) {
	t.Helper()
	through := make([]uint32, int(top)+1)
	for i := range through {
		through[i] = rng.Uint32()
	}
	all := make([]uint32, len(codes)+1)
	all[len(codes)] = 0xA5A5A5A5
	Translate(all[:len(codes)], codes, through)
	for i, c := range codes {
		if all[i] != through[c] {
			t.Fatalf("Translate: code %d is %d, want %d", i, all[i], through[c])
		}
	}
	if all[len(codes)] != 0xA5A5A5A5 {
		t.Fatal("Translate: written behind the end")
	}
}

func testMark[C Code](t *testing.T, rng *rand.Rand, codes []C, top C, rows []uint64) {
	t.Helper()
	seen := make([]uint8, int(top)+1)
	for i := range seen {
		seen[i] = uint8(rng.IntN(4) / 3)
	}
	want := slices.Clone(seen)
	found, open := 0, 0
	for _, s := range seen {
		open += 1 - int(s)
	}
	for r, c := range codes {
		if (rows == nil || isSet(rows, r)) && want[c] == 0 {
			want[c] = 1
			found++
		}
	}
	if got := Mark(seen, codes, rows, open); got != open-found || !slices.Equal(seen, want) {
		t.Fatalf("Mark of %d rows: %d open, want %d; marks equal %v", len(codes), got, open-found, slices.Equal(seen, want))
	}
	// Nothing is open: nothing is looked at, and nothing marked.
	clear(seen)
	if got := Mark(seen, codes, rows, 0); got != 0 || slices.Contains(seen, 1) {
		t.Fatalf("Mark with nothing open: %d open, marks %v", got, slices.Contains(seen, 1))
	}
}

func testCount[C Code](t *testing.T, codes []C, top C, rows []uint64) {
	t.Helper()
	counts, want := make([]uint32, int(top)+1), make([]uint32, int(top)+1)
	counts[0], want[0] = 5, 5 // it adds
	for r, c := range codes {
		if rows == nil || isSet(rows, r) {
			want[c]++
		}
	}
	if CountCodes(counts, codes, rows); !slices.Equal(counts, want) {
		t.Fatalf("CountCodes of %d rows: counts differ", len(codes))
	}
}

// Rows in cache, in the last level, beyond: words or codes read per row say
// how far from the memory's bandwidth a kernel is.
var benchRows = []int{1 << 16, 1 << 20, 1 << 24}

func perRow(b *testing.B, rows int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
}

func BenchmarkAndCount(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, rows := range benchRows {
		x, y := make([]uint64, rows/64), make([]uint64, rows/64)
		want := 0
		for i := range x {
			x[i], y[i] = rng.Uint64(), rng.Uint64()
			want += bits.OnesCount64(x[i] & y[i])
		}
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			b.SetBytes(int64(rows) / 4)
			for b.Loop() {
				if got := AndCount(x, y); got != want {
					b.Fatalf("AndCount = %d, want %d", got, want)
				}
			}
			perRow(b, rows)
		})
	}
}

func BenchmarkMark(b *testing.B) {
	b.Run("uint8", func(b *testing.B) { benchMark[uint8](b, 100) })
	b.Run("uint16", func(b *testing.B) { benchMark[uint16](b, 10000) })
	b.Run("uint32", func(b *testing.B) { benchMark[uint32](b, 1000000) })
}

// benchMark keeps a code open that never comes, so that all rows are read.
func benchMark[C Code](b *testing.B, top C) {
	rng := rand.New(rand.NewPCG(5, 6))
	const rows = 1 << 22
	codes := randomCodes(rng, rows, top)
	for _, density := range []float64{0.01, 0.5, 1} {
		bitmap := randomRows(rng, rows, density)
		want := make([]uint8, int(top)+2)
		found := 0
		for r, c := range codes {
			if isSet(bitmap, r) && want[c] == 0 {
				want[c] = 1
				found++
			}
		}
		seen := make([]uint8, int(top)+2)
		b.Run(fmt.Sprintf("density=%v", density), func(b *testing.B) {
			b.SetBytes(rows * int64(sizeOf[C]()))
			for b.Loop() {
				clear(seen)
				if got := Mark(seen, codes, bitmap, len(seen)); got != len(seen)-found {
					b.Fatalf("%d open, want %d", got, len(seen)-found)
				}
			}
			perRow(b, rows)
		})
	}
}

func BenchmarkCountCodes(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 8))
	const rows = 1 << 22
	codes := randomCodes[uint16](rng, rows, 1000)
	counts := make([]uint32, 1001)
	for _, density := range []float64{0.01, 0.5} {
		bitmap := randomRows(rng, rows, density)
		want := Count(bitmap)
		b.Run(fmt.Sprintf("density=%v", density), func(b *testing.B) {
			b.SetBytes(rows * 2)
			for b.Loop() {
				clear(counts)
				CountCodes(counts, codes, bitmap)
			}
			sum := 0
			for _, c := range counts {
				sum += int(c)
			}
			if sum != want {
				b.Fatalf("%d rows counted, want %d", sum, want)
			}
			perRow(b, rows)
		})
	}
}

func BenchmarkTranslate(b *testing.B) {
	rng := rand.New(rand.NewPCG(9, 10))
	const rows = 1 << 20
	codes, dst := randomCodes[uint32](rng, rows, 1<<20), make([]uint32, rows)
	for _, top := range []int{1 << 8, 1 << 20} { // a dictionary in cache and one that is not
		through := make([]uint32, top)
		for i := range through {
			through[i] = uint32(i) + 1
		}
		in := slices.Clone(codes)
		for i := range in {
			in[i] %= uint32(top)
		}
		b.Run(fmt.Sprintf("dictionary=%d", top), func(b *testing.B) {
			b.SetBytes(rows * 8)
			for b.Loop() {
				Translate(dst, in, through)
			}
			if dst[rows-1] != in[rows-1]+1 {
				b.Fatalf("last code %d, want %d", dst[rows-1], in[rows-1]+1)
			}
			perRow(b, rows)
		})
	}
}

func sizeOf[C Code]() int { return bits.Len64(uint64(^C(0))) / 8 }
