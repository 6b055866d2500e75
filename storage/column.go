package storage

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/cognate-bi/cognate/simd"
)

// A Column is one field of one table: a code for every row.
//
// Codes are stored in the narrowest of 0 (all rows have one code), 1, 2 or 4
// bytes, and once the catalog is sealed in 17 to 25 bits where that is less.
// Nothing changes after that.
type Column struct {
	Field *Field

	rows int
	all  uint32 // the one code, when no slice is set
	// covers says that rows have all codes from 1 to it; 0 = not known.
	covers uint32
	u8     []uint8
	u16    []uint16
	u32    []uint32
	packed simd.Packed

	values atomic.Pointer[Values]
	making sync.Mutex // held by who makes the values

	// Of a column that comes from a catalog at rest.
	lazy
	source Source // what the codes lie in
	mapped bool   // ... takes no memory of the process
}

// NewColumn returns a column with the given codes in their narrowest form.
func NewColumn(f *Field, codes []uint32) *Column {
	var b codeBuilder
	b.append(codes, math.MaxUint32)
	return b.column(f)
}

// NewColumnTop returns a column of codes 0 in the narrowest width but 0 for
// codes up to top. Whoever makes it fills it through [Column.U8], [Column.U16]
// or [Column.U32] before anyone else sees it.
func NewColumnTop(f *Field, rows int, top uint32) *Column {
	c := &Column{Field: f, rows: rows}
	switch bitsOf(top) {
	case 8:
		c.u8 = make([]uint8, rows)
	case 16:
		c.u16 = make([]uint16, rows)
	default:
		c.u32 = make([]uint32, rows)
	}
	return c
}

// ConstantColumn returns a column whose rows all have the same code.
func ConstantColumn(f *Field, rows int, code uint32) *Column {
	return &Column{Field: f, rows: rows, all: code}
}

// Rows returns the number of rows.
func (c *Column) Rows() int { return c.rows }

// Bits returns the bits per row: 0, 8, 16, 32, or 17 to 25 of packed codes.
func (c *Column) Bits() int {
	c.ready()
	switch {
	case c.u8 != nil:
		return 8
	case c.u16 != nil:
		return 16
	case c.u32 != nil:
		return 32
	}
	return c.packed.Bits()
}

// U8 returns the codes of a column of 8 bits, nil for others.
func (c *Column) U8() []uint8 {
	c.ready()
	return c.u8
}

// U16 returns the codes of a column of 16 bits, nil for others.
func (c *Column) U16() []uint16 {
	c.ready()
	return c.u16
}

// U32 returns the codes of a column of 32 bits, nil for others.
func (c *Column) U32() []uint32 {
	c.ready()
	return c.u32
}

// packedMin is the least number of bits of packed codes: two bytes hold fewer.
const packedMin = 17

// isPacked reports whether codes are packed.
func (c *Column) isPacked() bool { return c.packed.Bits() != 0 }

// pack returns the column with packed codes, itself where they would not be
// narrower. No code is above top.
func (c *Column) pack(top uint32) *Column {
	width := max(bits.Len32(top), packedMin)
	if c.u32 == nil || c.mapped || width > simd.PackedBits {
		return c
	}
	n := simd.PackedLen(c.rows, width)
	p := &Column{Field: c.Field, rows: c.rows, covers: c.covers}
	p.packed = simd.NewPacked(large[byte](n, n), width, c.rows)
	p.packed.Put(0, c.u32)
	return p
}

// Code returns the code of a row.
func (c *Column) Code(row int) uint32 {
	c.ready()
	switch {
	case c.u8 != nil:
		return uint32(c.u8[row])
	case c.u16 != nil:
		return uint32(c.u16[row])
	case c.u32 != nil:
		return c.u32[row]
	case c.isPacked():
		return c.packed.At(row)
	}
	return c.all
}

// Codes writes the codes of rows lo to lo+len(dst) into dst.
func (c *Column) Codes(dst []uint32, lo int) {
	c.ready()
	hi := lo + len(dst)
	switch {
	case c.u8 != nil:
		simd.Widen(dst, c.u8[lo:hi])
	case c.u16 != nil:
		simd.Widen(dst, c.u16[lo:hi])
	case c.u32 != nil:
		copy(dst, c.u32[lo:hi])
	case c.isPacked():
		c.packed.Unpack(dst, lo)
	default:
		for i := range dst {
			dst[i] = c.all
		}
	}
}

// CodesAt writes the codes of the given rows into dst, which is as long.
func (c *Column) CodesAt(dst, rows []uint32) {
	c.ready()
	dst = dst[:len(rows)]
	switch {
	case c.u8 != nil:
		codesAt(dst, c.u8, rows)
	case c.u16 != nil:
		codesAt(dst, c.u16, rows)
	case c.u32 != nil:
		codesAt(dst, c.u32, rows)
	case c.isPacked():
		c.packed.UnpackAt(dst, rows)
	default:
		for i := range dst {
			dst[i] = c.all
		}
	}
}

func codesAt[C simd.Code](dst []uint32, codes []C, rows []uint32) {
	for i, r := range rows {
		dst[i] = uint32(codes[r])
	}
}

// Through writes through[code] of rows lo to lo+len(dst) into dst.
func (c *Column) Through(dst []uint32, lo int, through []uint32) {
	c.ready()
	hi := lo + len(dst)
	switch {
	case c.u8 != nil:
		simd.Translate(dst, c.u8[lo:hi], through)
	case c.u16 != nil:
		simd.Translate(dst, c.u16[lo:hi], through)
	case c.u32 != nil:
		simd.Translate(dst, c.u32[lo:hi], through)
	case c.isPacked():
		c.packed.Translate(dst, lo, through)
	default:
		for i := range dst {
			dst[i] = through[c.all]
		}
	}
}

// Mark sets seen[code] = 1 for every row in the bitmap rows (nil: all rows).
// It may stop once `open` so far unseen codes have been found, and returns how
// many of them are still open. seen has an entry for every code and NULL.
func (c *Column) Mark(seen []uint8, rows []uint64, open int) int {
	c.ready()
	switch {
	case c.u8 != nil:
		return simd.Mark(seen, c.u8, rows, open)
	case c.u16 != nil:
		return simd.Mark(seen, c.u16, rows, open)
	case c.u32 != nil:
		return simd.Mark(seen, c.u32, rows, open)
	case c.isPacked():
		return c.packed.Mark(seen, rows, open)
	}
	if c.rows == 0 || (rows != nil && !simd.Any(rows)) || seen[c.all] != 0 {
		return open
	}
	seen[c.all] = 1
	return open - 1
}

// Member writes the bitmap of the rows from lo on whose code is in the set, as
// many as rows has words for or the column has rows; it reports whether a row is
// in. lo is a multiple of 64.
func (c *Column) Member(rows []uint64, lo int, set *simd.CodeSet) bool {
	hi := c.end(lo, rows)
	switch {
	case c.u8 != nil:
		return simd.Member(rows, c.u8[lo:hi], set)
	case c.u16 != nil:
		return simd.Member(rows, c.u16[lo:hi], set)
	case c.u32 != nil:
		return simd.Member(rows, c.u32[lo:hi], set)
	case c.isPacked():
		return c.packed.Member(rows, lo, hi, set)
	}
	if hi == lo || !set.Has(c.all) {
		clear(rows)
		return false
	}
	simd.Fill(rows, hi-lo)
	return true
}

// MemberAnd clears, of the rows from lo on, those whose code is not in the set,
// and reports whether a row is left.
func (c *Column) MemberAnd(rows []uint64, lo int, set *simd.CodeSet) bool {
	hi := c.end(lo, rows)
	switch {
	case c.u8 != nil:
		return simd.MemberAnd(rows, c.u8[lo:hi], set)
	case c.u16 != nil:
		return simd.MemberAnd(rows, c.u16[lo:hi], set)
	case c.u32 != nil:
		return simd.MemberAnd(rows, c.u32[lo:hi], set)
	case c.isPacked():
		return c.packed.MemberAnd(rows, lo, hi, set)
	}
	if hi == lo || set.Has(c.all) {
		return simd.Any(rows)
	}
	clear(rows)
	return false
}

// end returns the row behind those that a bitmap from row lo on stands for.
func (c *Column) end(lo int, rows []uint64) int {
	c.ready()
	return min(lo+64*len(rows), c.rows)
}

// MarkAt sets seen[code] = 1 for the given rows.
func (c *Column) MarkAt(seen []uint8, rows []uint32) {
	c.ready()
	switch {
	case c.u8 != nil:
		simd.MarkAt(seen, c.u8, rows)
	case c.u16 != nil:
		simd.MarkAt(seen, c.u16, rows)
	case c.u32 != nil:
		simd.MarkAt(seen, c.u32, rows)
	case c.isPacked():
		c.packed.MarkAt(seen, rows)
	case len(rows) > 0:
		seen[c.all] = 1
	}
}

// Count adds to counts[code] the number of rows in the bitmap rows (nil: all
// rows) that have the code.
func (c *Column) Count(counts []uint32, rows []uint64) {
	c.ready()
	switch {
	case c.u8 != nil:
		simd.CountCodes(counts, c.u8, rows)
	case c.u16 != nil:
		simd.CountCodes(counts, c.u16, rows)
	case c.u32 != nil:
		simd.CountCodes(counts, c.u32, rows)
	case c.isPacked():
		c.packed.Count(counts, rows)
	case rows == nil:
		counts[c.all] += uint32(c.rows)
	default:
		counts[c.all] += uint32(simd.Count(rows))
	}
}

// Part returns rows lo to hi (exclusive) as a column that shares the codes. lo
// is a multiple of 8.
func (c *Column) Part(lo, hi int) *Column {
	c.ready()
	p := &Column{Field: c.Field, rows: hi - lo, all: c.all, source: c.source, mapped: c.mapped}
	switch {
	case c.u8 != nil:
		p.u8 = c.u8[lo:hi]
	case c.u16 != nil:
		p.u16 = c.u16[lo:hi]
	case c.u32 != nil:
		p.u32 = c.u32[lo:hi]
	case c.isPacked():
		p.packed = c.packed.Part(lo, hi)
	}
	return p
}

// Of returns the same column under another field, whose symbol table has
// every code at the same place.
func (c *Column) Of(f *Field) *Column {
	c.ready()
	return &Column{Field: f, rows: c.rows, all: c.all, u8: c.u8, u16: c.u16, u32: c.u32, packed: c.packed, source: c.source, mapped: c.mapped}
}

// sizeBytes returns the process's own memory of the codes, the flat vector not
// included.
func (c *Column) sizeBytes() int64 {
	if !c.isReady() || c.mapped {
		return 0
	}
	return c.codeBytes()
}

func (c *Column) codeBytes() int64 {
	return int64(cap(c.u8) + 2*cap(c.u16) + 4*cap(c.u32) + len(c.packed.Bytes()))
}

// A codeBuilder collects codes and widens itself when a code asks for it.
type codeBuilder struct {
	c        Column
	expected int // rows; 0 = not known
}

// append appends codes, none of which is above limit.
func (b *codeBuilder) append(codes []uint32, limit uint32) {
	if len(codes) == 0 {
		return
	}
	if b.c.Bits() == 0 && b.appendSame(codes) {
		return
	}
	if b.c.Bits() < bitsOf(limit) {
		b.widen(bitsOf(max(b.c.all, simd.Max(codes))))
	}
	n := len(codes)
	switch {
	case b.c.u8 != nil:
		b.c.u8 = room(b.c.u8, n, b.expected)
		simd.Narrow(b.c.u8[b.c.rows:], codes)
	case b.c.u16 != nil:
		b.c.u16 = room(b.c.u16, n, b.expected)
		simd.Narrow(b.c.u16[b.c.rows:], codes)
	default:
		b.c.u32 = room(b.c.u32, n, b.expected)
		copy(b.c.u32[b.c.rows:], codes)
	}
	b.c.rows += n
}

// appendSame appends codes to a column of no bits, if they let it have it.
func (b *codeBuilder) appendSame(codes []uint32) bool {
	for _, code := range codes {
		if code != codes[0] {
			return false
		}
	}
	if b.c.rows > 0 && b.c.all != codes[0] {
		return false
	}
	b.c.all = codes[0]
	b.c.rows += len(codes)
	return true
}

func bitsOf(top uint32) int {
	switch {
	case top <= math.MaxUint8:
		return 8
	case top <= math.MaxUint16:
		return 16
	}
	return 32
}

// widen makes the codes at least so many bits wide.
func (b *codeBuilder) widen(width int) {
	if b.c.Bits() >= width {
		return
	}
	old := Column{rows: b.c.rows, all: b.c.all, u8: b.c.u8, u16: b.c.u16}
	b.c.u8, b.c.u16, b.c.u32 = nil, nil, nil
	n := old.rows
	var part [1 << 12]uint32
	switch width {
	case 8:
		b.c.u8 = room([]uint8{}, n, b.expected)
	case 16:
		b.c.u16 = room([]uint16{}, n, b.expected)
	default:
		b.c.u32 = room([]uint32{}, n, b.expected)
		old.Codes(b.c.u32, 0)
		return
	}
	for lo := 0; lo < n; lo += len(part) {
		codes := part[:min(len(part), n-lo)]
		old.Codes(codes, lo)
		if width == 8 {
			simd.Narrow(b.c.u8[lo:], codes)
		} else {
			simd.Narrow(b.c.u16[lo:], codes)
		}
	}
}

// room returns s with n more elements, whose values mean nothing. What is
// taken for rows that are expected but do not come is never touched, and is
// bounded by the rows that have come: what is expected may be far too much.
func room[C interface{ uint8 | uint16 | uint32 }](s []C, n, expected int) []C {
	if want := len(s) + n; want > cap(s) {
		s = append(large[C](0, max(want, min(expected, 16*want), len(s)+len(s)/2)), s...)
	}
	return s[:len(s)+n]
}

// cover notes that what was appended last made the values of the field from
// code before+1 to code now.
func (b *codeBuilder) cover(before, now uint32) {
	if b.c.covers == before {
		b.c.covers = now
	}
}

func (b *codeBuilder) column(f *Field) *Column {
	return &Column{Field: f, rows: b.c.rows, all: b.c.all, covers: b.c.covers, u8: exact(b.c.u8), u16: exact(b.c.u16), u32: exact(b.c.u32)}
}
