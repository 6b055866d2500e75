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
	words int      // of one bitmap
	at    []uint32 // per group: where its bitmap begins in bits, 0 = it has none
	bits  []uint64 // the first bitmap belongs to no group
	pairs *pairSet // instead of bits once those are too large
}

var _ Totaler = (*DistinctCodes)(nil)

// NewDistinctCodes returns a DistinctCodes for codes below size.
func NewDistinctCodes(size int) *DistinctCodes {
	words := (size + 63) / 64
	return &DistinctCodes{words: words, bits: make([]uint64, words)}
}

// Grow implements [Aggregator].
func (a *DistinctCodes) Grow(nGroups int) {
	if a.at = grown(a.at, nGroups); a.pairs != nil {
		a.pairs.n = grown(a.pairs.n, nGroups)
	}
}

// Add implements [Aggregator].
func (a *DistinctCodes) Add(groups []uint32, args []dual.Vector) {
	codes := args[0].Codes
	if groups == nil {
		groups = make([]uint32, len(codes))
	}
	if a.pairs == nil && a.reserve(groups) {
		setBits(a.bits, a.at, groups, codes)
		return
	}
	for i, g := range groups {
		a.pairs.add(g, codes[i])
	}
}

// setBits sets the bits of the codes. It does not look whether they are set:
// while a bitmap fills that is a toss-up, which a processor predicts badly.
func setBits(bits []uint64, at, groups, codes []uint32) {
	codes = codes[:len(groups)]
	for i, g := range groups {
		c := codes[i]
		bits[at[g]+c/64] |= 1 << (c % 64)
	}
}

// reserve gives each of the groups a bitmap. If there are too many it makes
// the hash set instead and reports false.
func (a *DistinctCodes) reserve(groups []uint32) bool {
	for _, g := range groups {
		if a.at[g] != 0 {
			continue
		}
		if len(a.bits)+a.words > bitWordsMax {
			a.toPairs()
			return false
		}
		a.at[g] = uint32(len(a.bits))
		a.bits = append(a.bits, make([]uint64, a.words)...)
	}
	return true
}

func (a *DistinctCodes) toPairs() {
	if a.pairs != nil {
		return
	}
	s := &pairSet{n: make([]uint32, len(a.at))}
	a.each(s.add)
	a.pairs, a.bits = s, nil
}

// each calls f with every pair that was added, in some order.
func (a *DistinctCodes) each(f func(group, code uint32)) {
	if a.pairs != nil {
		a.pairs.each(f)
		return
	}
	var codes []uint32
	for g := range a.at {
		codes = simd.AppendRows(codes[:0], a.bitmap(g), 0)
		for _, c := range codes {
			f(uint32(g), c)
		}
	}
}

// bitmap returns the bits of a group, nil if it has none.
func (a *DistinctCodes) bitmap(g int) []uint64 {
	if a.at[g] == 0 {
		return nil
	}
	return a.bits[a.at[g]:][:a.words]
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
	for g, at := range o.at {
		if at == 0 {
			continue
		}
		if !a.reserve(to[g : g+1]) {
			return false
		}
		mine := a.bitmap(int(to[g]))
		for i, w := range o.bitmap(g) {
			mine[i] |= w
		}
	}
	return true
}

// Result implements [Aggregator].
func (a *DistinctCodes) Result(g int) dual.Value {
	if a.pairs != nil {
		return dual.Formatted(float64(a.pairs.n[g]), fn.FormatInteger)
	}
	return countValues(a.bitmap(g))
}

// Total implements [Totaler].
func (a *DistinctCodes) Total() dual.Value {
	all := make([]uint64, a.words)
	if a.pairs != nil {
		a.pairs.each(func(_, code uint32) { all[code/64] |= 1 << (code % 64) })
		return countValues(all)
	}
	for g := range a.at {
		for i, w := range a.bitmap(g) {
			all[i] |= w
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
