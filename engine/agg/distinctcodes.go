package agg

import (
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/dual"
)

// DistinctCodes is Count(DISTINCT f) of a plain field: it counts the different
// codes of each group, but for 0, NULL. It takes coded vectors of that field
// only, whose codes stand for different values.
//
// Each group has a bitmap of its own, one bit per code, from its first row on.
// Where the bitmaps together become larger than bitWordsMax it goes on with a
// hash set of (group, code).
type DistinctCodes struct {
	words int        // of one bitmap
	bits  [][]uint64 // per group, nil = no row yet
	slab  []uint64   // for the bitmaps to come
	n     int        // bitmaps
	pairs *pairSet   // instead of bits once those are too large
}

var _ Totaler = (*DistinctCodes)(nil)

// NewDistinctCodes returns a DistinctCodes for codes below size.
func NewDistinctCodes(size int) *DistinctCodes {
	return &DistinctCodes{words: (size + 63) / 64}
}

// Grow implements [Aggregator].
func (a *DistinctCodes) Grow(nGroups int) {
	if a.pairs != nil {
		a.pairs.n = grown(a.pairs.n, nGroups)
	} else {
		a.bits = grown(a.bits, nGroups)
	}
}

// Add implements [Aggregator]. It does not look whether bits are set: while a
// bitmap fills that is a toss-up, a branch that is hard to predict.
func (a *DistinctCodes) Add(groups []uint32, args []dual.Vector) {
	codes := args[0].Codes
	if groups == nil {
		groups = make([]uint32, len(codes))
	}
	if a.pairs != nil {
		a.addPairs(groups, codes)
		return
	}
	bits, codes := a.bits, codes[:len(groups)]
	for i, g := range groups {
		b, c := bits[g], codes[i]
		if b == nil {
			if b = a.newBitmap(g); b == nil {
				a.addPairs(groups[i:], codes[i:])
				return
			}
		}
		b[c/64] |= 1 << (c % 64)
	}
}

func (a *DistinctCodes) addPairs(groups, codes []uint32) {
	for i, g := range groups {
		a.pairs.add(g, codes[i])
	}
}

// newBitmap gives a group its bitmap. If there are too many it makes the hash
// set instead and returns nil.
func (a *DistinctCodes) newBitmap(g uint32) []uint64 {
	if a.n++; a.n*a.words > bitWordsMax {
		a.toPairs()
		return nil
	}
	if len(a.slab) == 0 {
		a.slab = make([]uint64, a.words*min(a.n, 64))
	}
	a.bits[g], a.slab = a.slab[:a.words:a.words], a.slab[a.words:]
	return a.bits[g]
}

func (a *DistinctCodes) toPairs() {
	if a.pairs != nil {
		return
	}
	s := &pairSet{n: make([]uint32, len(a.bits))}
	a.each(s.add)
	a.pairs, a.bits, a.slab = s, nil, nil
}

// each calls f with every pair that was added, in some order.
func (a *DistinctCodes) each(f func(group, code uint32)) {
	if a.pairs != nil {
		a.pairs.each(f)
		return
	}
	var codes []uint32
	for g, b := range a.bits {
		codes = simd.AppendRows(codes[:0], b, 0)
		for _, c := range codes {
			f(uint32(g), c)
		}
	}
}

// Merge implements [Aggregator]. It leaves o as it was.
func (a *DistinctCodes) Merge(o Aggregator, to []uint32) {
	theirs := o.(*DistinctCodes)
	if a.pairs == nil && theirs.pairs == nil && a.mergeBits(theirs, to) {
		return
	}
	a.toPairs()
	theirs.each(func(g, code uint32) { a.pairs.add(to[g], code) })
}

// mergeBits reports whether it had room for all bits.
func (a *DistinctCodes) mergeBits(o *DistinctCodes, to []uint32) bool {
	for g, theirs := range o.bits {
		if theirs == nil {
			continue
		}
		mine := a.bits[to[g]]
		if mine == nil {
			if mine = a.newBitmap(to[g]); mine == nil {
				return false
			}
		}
		simd.Or(mine, theirs)
	}
	return true
}

// Result implements [Aggregator].
func (a *DistinctCodes) Result(g int) dual.Value {
	if a.pairs != nil {
		return dual.Formatted(float64(a.pairs.n[g]), fn.FormatInteger)
	}
	return countValues(a.bits[g])
}

// Total implements [Totaler].
func (a *DistinctCodes) Total() dual.Value {
	all := make([]uint64, a.words)
	if a.pairs != nil {
		a.pairs.each(func(_, code uint32) { all[code/64] |= 1 << (code % 64) })
		return countValues(all)
	}
	for _, b := range a.bits {
		if b != nil {
			simd.Or(all, b)
		}
	}
	return countValues(all)
}

// countValues counts the bits but for that of NULL.
func countValues(bits []uint64) dual.Value {
	n := simd.Count(bits)
	if len(bits) > 0 {
		n -= int(bits[0] & 1)
	}
	return dual.Formatted(float64(n), fn.FormatInteger)
}

// A pairSet is a set of (group, code) without NULL: a hash table with open
// addressing, at most half full.
type pairSet struct {
	keys []uint64 // group<<32 | code, 0 = free; a power of two of them
	len  int
	n    []uint32 // pairs by group
}

// add adds a pair unless it is there or the code is NULL.
func (s *pairSet) add(group, code uint32) {
	if code == 0 {
		return
	}
	if 2*s.len >= len(s.keys) {
		s.grow()
	}
	key := uint64(group)<<32 | uint64(code)
	if slot := s.find(key); *slot == 0 {
		*slot = key
		s.len++
		s.n[group]++
	}
}

// find returns the slot of a key, or the free one where it belongs.
func (s *pairSet) find(key uint64) *uint64 {
	mask := uint64(len(s.keys) - 1)
	for i := key * 0x9e3779b97f4a7c15 >> 32 & mask; ; i = (i + 1) & mask {
		if k := &s.keys[i]; *k == 0 || *k == key {
			return k
		}
	}
}

func (s *pairSet) grow() {
	old := s.keys
	s.keys = make([]uint64, max(1024, 2*len(old)))
	for _, key := range old {
		if key != 0 {
			*s.find(key) = key
		}
	}
}

func (s *pairSet) each(f func(group, code uint32)) {
	for _, key := range s.keys {
		if key != 0 {
			f(uint32(key>>32), uint32(key))
		}
	}
}
