// Package bitset holds dense sets of rows or codes: one bit each.
package bitset

import (
	"iter"
	"math/bits"

	"github.com/cognate-bi/cognate/simd"
)

// A Set holds numbers from 0 to Len-1. The zero Set is empty and has length
// 0. Bits at and beyond Len are zero.
//
// A Set that has been published is not changed any more; operations that
// change a set belong to its one owner.
type Set struct {
	words []uint64
	n     int
}

// New returns an empty set over 0..n-1.
func New(n int) *Set { return &Set{words: make([]uint64, (n+63)/64), n: n} }

// Full returns the set of all of 0..n-1.
func Full(n int) *Set {
	s := New(n)
	simd.Fill(s.words, n)
	return s
}

// FromFlags returns the set of the positions whose flag is 1, not 0.
func FromFlags(flags []uint8) *Set {
	s := New(len(flags))
	simd.PackFlags(s.words, flags)
	return s
}

// Of returns the set over 0..n-1 that holds the given members.
func Of(n int, members ...uint32) *Set {
	s := New(n)
	for _, m := range members {
		s.Add(int(m))
	}
	return s
}

// Len returns the number of possible members.
func (s *Set) Len() int { return s.n }

// Words returns the bitmap itself.
func (s *Set) Words() []uint64 { return s.words }

// Has reports whether i is a member; a number out of range is not.
func (s *Set) Has(i int) bool {
	return i >= 0 && i < s.n && s.words[i>>6]>>(i&63)&1 != 0
}

// Add makes i a member.
func (s *Set) Add(i int) { s.words[i>>6] |= 1 << (i & 63) }

// Remove makes i no member.
func (s *Set) Remove(i int) { s.words[i>>6] &^= 1 << (i & 63) }

// Count returns the number of members.
func (s *Set) Count() int { return simd.Count(s.words) }

// Empty reports whether there is no member.
func (s *Set) Empty() bool { return !simd.Any(s.words) }

// Clone returns a copy.
func (s *Set) Clone() *Set {
	return &Set{words: append([]uint64(nil), s.words...), n: s.n}
}

// And keeps only the members that are in o too, which has the same length.
func (s *Set) And(o *Set) { simd.And(s.words, o.words) }

// Or adds the members of o, which has the same length.
func (s *Set) Or(o *Set) { simd.Or(s.words, o.words) }

// AndNot removes the members of o, which has the same length.
func (s *Set) AndNot(o *Set) { simd.AndNot(s.words, o.words) }

// Not replaces s by its complement.
func (s *Set) Not() {
	for i := range s.words {
		s.words[i] = ^s.words[i]
	}
	if s.n&63 != 0 {
		s.words[len(s.words)-1] &= 1<<(s.n&63) - 1
	}
}

// Equal reports whether both sets have the same length and members.
func (s *Set) Equal(o *Set) bool {
	if s.n != o.n {
		return false
	}
	for i, w := range s.words {
		if w != o.words[i] {
			return false
		}
	}
	return true
}

// Flags returns one byte per possible member: 1 for a member, 0 otherwise.
func (s *Set) Flags() []uint8 {
	f := make([]uint8, s.n)
	simd.UnpackFlags(f, s.words)
	return f
}

// All yields the members in ascending order.
func (s *Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for w, word := range s.words {
			for ; word != 0; word &= word - 1 {
				if !yield(w<<6 + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}

// Hash mixes the members into h, so that equal sets give equal results.
func (s *Set) Hash(h uint64) uint64 {
	h ^= uint64(s.n) * 0x9e3779b97f4a7c15
	for _, w := range s.words {
		h = (bits.RotateLeft64(h, 23) ^ w) * 0xff51afd7ed558ccd
		h ^= h >> 32
	}
	return h
}
