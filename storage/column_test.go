package storage

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/dual"
)

// TestColumnForms asks columns of every width, packed ones and parts of them
// included, everything and compares with the list of codes that they are made
// of.
func TestColumnForms(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	bits := map[int]bool{}
	for _, top := range []uint32{0, 200, 60000, 70000, 200000, 1<<21 + 5, 1 << 25} {
		for _, rows := range []int{0, 1, 63, 64, 1000, 5000} {
			codes := make([]uint32, rows)
			for i := range codes {
				codes[i] = rng.Uint32N(top + 1)
			}
			if rows > 0 {
				codes[rng.IntN(rows)] = top
			}
			wide := NewColumn(nil, codes)
			for _, c := range []*Column{wide, wide.pack(top), wide.pack(top).Of(nil)} {
				bits[c.Bits()] = true
				checkColumn(t, rng, c, codes, int(top)+1)
				lo := rng.IntN(rows/8+1) * 8
				hi := lo + rng.IntN(rows-lo+1)
				checkColumn(t, rng, c.Part(lo, hi), codes[lo:hi], int(top)+1)
			}
		}
	}
	for _, want := range []int{0, 8, 16, 32, 17, 18, 22} {
		if !bits[want] {
			t.Errorf("no column of %d bits: %v", want, bits)
		}
	}
}

func checkColumn(t *testing.T, rng *rand.Rand, c *Column, codes []uint32, n int) {
	t.Helper()
	fail := func(what string) {
		t.Helper()
		t.Fatalf("%d rows of %d bits: %s", len(codes), c.Bits(), what)
	}
	got := make([]uint32, len(codes))
	if c.Codes(got, 0); !slices.Equal(got, codes) {
		fail("Codes")
	}
	through := make([]uint32, n)
	for i := range min(n, 1<<20) {
		through[i] = rng.Uint32()
	}
	lo := rng.IntN(len(codes) + 1)
	c.Through(got[lo:], lo, through)
	rows := make([]uint64, (len(codes)+63)/64)
	var list []uint32
	seen, counts := make([]uint8, n), make([]uint32, n)
	for r, code := range codes {
		if r >= lo && got[r] != through[code] {
			fail("Through")
		}
		if c.Code(r) != code {
			fail("Code")
		}
		if rng.IntN(3) == 0 {
			rows[r/64] |= 1 << (r % 64)
			list = append(list, uint32(r))
			seen[code] = 1
			counts[code]++
		}
	}
	c.CodesAt(got, list)
	for i, r := range list {
		if got[i] != codes[r] {
			fail("CodesAt")
		}
	}
	marked := make([]uint8, n)
	if open := c.Mark(marked, rows, n); !slices.Equal(marked, seen) || open != n-simd.CountFlags(seen) {
		fail("Mark")
	}
	clear(marked)
	if c.MarkAt(marked, list); !slices.Equal(marked, seen) {
		fail("MarkAt")
	}
	counted := make([]uint32, n)
	if c.Count(counted, rows); !slices.Equal(counted, counts) {
		fail("Count")
	}
	checkMembers(t, rng, c, codes, rows, n)
}

func checkMembers(t *testing.T, rng *rand.Rand, c *Column, codes []uint32, rows []uint64, n int) {
	t.Helper()
	flags := make([]uint8, n)
	for range min(n, 5000) {
		flags[rng.IntN(n)] = 1
	}
	set := simd.NewCodeSet(flags)
	from := rng.IntN(len(rows)+1) * 64 // in rows
	if from > len(codes) {
		return
	}
	in, both := slices.Clone(rows[from/64:]), slices.Clone(rows[from/64:])
	someIn, someBoth := c.Member(in, from, set), c.MemberAnd(both, from, set)
	isIn, isBoth := false, false
	for r := from; r < len(codes); r++ {
		bit, w := uint64(1)<<(r%64), (r-from)/64
		want := flags[codes[r]] == 1
		isIn, isBoth = isIn || want, isBoth || want && rows[r/64]&bit != 0
		if (in[w]&bit != 0) != want || (both[w]&bit != 0) != (want && rows[r/64]&bit != 0) {
			t.Fatalf("%d rows of %d bits: row %d is member: %v", len(codes), c.Bits(), r, !want)
		}
	}
	if someIn != isIn || someBoth != isBoth {
		t.Fatalf("%d rows of %d bits: some member: %v, %v", len(codes), c.Bits(), someIn, someBoth)
	}
}

// TestSealPacks loads more values than two bytes hold, seals, puts to rest and
// restores: codes are packed and say the same everywhere.
func TestSealPacks(t *testing.T) {
	const n = 70000
	c := NewCatalog(nil)
	b := c.NewBuilder("T", []string{"x", "y"})
	nums, few := make([]float64, n), make([]float64, n)
	for i := range nums {
		nums[i], few[i] = float64((i*7919)%n), float64(i%3)
	}
	for range 2 {
		if err := b.Append([]dual.Vector{dual.Nums(nums, nil), dual.Nums(few, nil)}); err != nil {
			t.Fatal(err)
		}
	}
	c.Put(b.Table())
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	if got, want := c.Tables()[0].Memory(), int64(simd.PackedLen(2*n, 17)+2*n); got != want {
		t.Errorf("%d bytes of codes, want %d", got, want)
	}
	rest := atRest(t, c)
	r, err := Restore(rest.directory, rest, RestoreOptions{Mapped: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*Catalog{"sealed": c, "restored": r} {
		col := c.Tables()[0].Column("x")
		if col.Bits() != 17 {
			t.Fatalf("%s: %d bits", name, col.Bits())
		}
		for row := range 2 * n {
			if got := col.Field.Symbols.Number(col.Code(row)); got != nums[row%n] {
				t.Fatalf("%s: row %d is %v, want %v", name, row, got, nums[row%n])
			}
		}
		if err := c.Verify(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if u := r.Memory(); u.CodeBytes != 0 || u.MappedBytes == 0 {
		t.Errorf("memory of mapped codes: %+v", u)
	}
}
