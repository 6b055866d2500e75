// Package simd holds the hot loops over plain slices: bitmap algebra, set
// membership of codes, marking of codes, gathers.
//
// A bitmap has one bit per row: row r is bit r%64 of word r/64; bits beyond
// the last row are zero. All kernels are portable Go; the assembly variants
// of the hottest ones are to stand beside them with run-time choice.
package simd

import "math/bits"

// A Code is a symbol code of a column, of the width the column has.
type Code interface{ ~uint8 | ~uint16 | ~uint32 }

// Count returns the number of bits set in a.
func Count(a []uint64) (n int) {
	for _, w := range a {
		n += bits.OnesCount64(w)
	}
	return n
}

// AndCount returns the number of bits set in both a and b; b is at least as
// long as a.
func AndCount(a, b []uint64) (n int) {
	b = b[:len(a)]
	for i, w := range a {
		n += bits.OnesCount64(w & b[i])
	}
	return n
}

// And sets dst to dst AND b; b is at least as long as dst.
func And(dst, b []uint64) {
	b = b[:len(dst)]
	for i := range dst {
		dst[i] &= b[i]
	}
}

// Or sets dst to dst OR b; b is at least as long as dst.
func Or(dst, b []uint64) {
	b = b[:len(dst)]
	for i := range dst {
		dst[i] |= b[i]
	}
}

// AndNot clears in dst the bits of b; b is at least as long as dst.
func AndNot(dst, b []uint64) {
	b = b[:len(dst)]
	for i := range dst {
		dst[i] &^= b[i]
	}
}

// Any reports whether a bit is set in a.
func Any(a []uint64) bool {
	for _, w := range a {
		if w != 0 {
			return true
		}
	}
	return false
}

// Fill sets the first n bits of dst and clears what lies behind. dst has room
// for n bits.
func Fill(dst []uint64, n int) {
	full := dst[:n>>6]
	for i := range full {
		full[i] = ^uint64(0)
	}
	rest := dst[n>>6:]
	clear(rest)
	if n&63 != 0 {
		rest[0] = 1<<(n&63) - 1
	}
}
