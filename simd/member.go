package simd

import "math/bits"

// A CodeSet is a set of codes, prepared for scans of columns. Nothing changes
// after [NewCodeSet]; any number of goroutines may use it.
type CodeSet struct {
	flags []uint8  // by code: 1 for members
	words []uint64 // the same as a bitmap, padded for kernels that keep it in registers
	// table and matrix hold the first 256 codes: a byte each, 0xFF for members,
	// and a bit each, by lower and upper half.
	table  [256]uint8
	matrix [32]uint8
	// Members are the codes from lo to lo+span, all of them, where run is set:
	// then two compares do.
	run      bool
	lo, span uint32
	n        int
}

// registerBytes is what the kernels for small sets of 16-bit codes read.
const registerBytes = 512

// NewCodeSet returns the set of the codes whose flag is 1, not 0. It keeps
// flags, which must not be changed any more. Codes that are looked for in it
// have to be below len(flags).
func NewCodeSet(flags []uint8) *CodeSet {
	s := &CodeSet{flags: flags, words: make([]uint64, max((len(flags)+63)/64, registerBytes/8))}
	PackFlags(s.words, flags)
	s.n = Count(s.words)
	for c, f := range flags[:min(len(flags), 256)] {
		if f != 0 {
			s.table[c] = 0xFF
			s.matrix[c>>7<<4|c&15] |= 1 << (c >> 4 & 7)
		}
	}
	if s.n > 0 {
		first, last := firstBit(s.words), lastBit(s.words)
		s.run, s.lo, s.span = last-first+1 == s.n, uint32(first), uint32(last-first)
	}
	return s
}

// Len returns the number of members.
func (s *CodeSet) Len() int { return s.n }

// Has reports whether a code is a member.
func (s *CodeSet) Has(code uint32) bool { return s.flags[code] != 0 }

// Flags returns the flags that the set was made of.
func (s *CodeSet) Flags() []uint8 { return s.flags }

func firstBit(words []uint64) int {
	for i, w := range words {
		if w != 0 {
			return i<<6 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

func lastBit(words []uint64) int {
	for i := len(words) - 1; i >= 0; i-- {
		if words[i] != 0 {
			return i<<6 + 63 - bits.LeadingZeros64(words[i])
		}
	}
	return -1
}

// Member sets in rows the bit of every row whose code is in the set and clears
// the others; bits behind the last row become 0. It reports whether a row is
// in. len(rows) is (len(codes)+63)/64.
func Member[C Code](rows []uint64, codes []C, s *CodeSet) bool {
	rows = rows[:(len(codes)+63)/64]
	done, left := member(rows, codes, s, false)
	return memberGeneric(rows[done:], codes[done<<6:], s.flags)|left != 0
}

// MemberAnd clears in rows the bit of every row whose code is not in the set,
// and reports whether a row is left. len(rows) is (len(codes)+63)/64. The codes
// of words that are zero are not read.
func MemberAnd[C Code](rows []uint64, codes []C, s *CodeSet) bool {
	rows = rows[:(len(codes)+63)/64]
	done, left := member(rows, codes, s, true)
	return memberAndGeneric(rows[done:], codes[done<<6:], s.flags)|left != 0
}

// memberGeneric is what every other implementation of Member must agree with;
// it returns the OR of the words.
func memberGeneric[C Code](rows []uint64, codes []C, flags []uint8) (left uint64) {
	for w := range rows {
		m := memberWord(codes[w<<6:], flags)
		rows[w] = m
		left |= m
	}
	return left
}

func memberAndGeneric[C Code](rows []uint64, codes []C, flags []uint8) (left uint64) {
	for w, word := range rows {
		if word == 0 {
			continue
		}
		word &= memberWord(codes[w<<6:], flags)
		rows[w] = word
		left |= word
	}
	return left
}

// memberWord looks the first 64 codes up.
func memberWord[C Code](c []C, flags []uint8) (m uint64) {
	if len(c) < 64 {
		for i, code := range c {
			m |= uint64(flags[code]) << i
		}
		return m
	}
	c = c[:64]
	for i := 0; i < 64; i += 8 { // eight independent loads per turn
		m |= (uint64(flags[c[i]]) | uint64(flags[c[i+1]])<<1 | uint64(flags[c[i+2]])<<2 | uint64(flags[c[i+3]])<<3 |
			uint64(flags[c[i+4]])<<4 | uint64(flags[c[i+5]])<<5 | uint64(flags[c[i+6]])<<6 | uint64(flags[c[i+7]])<<7) << i
	}
	return m
}
