package storage

import "math/rand/v2"

// A wholeIndex finds the codes of whole numbers below 2^32, which most numbers
// of most files are: keys, dates, quantities, prices in cents.
//
// Numbers that lie close together are found by a table with a place for each
// number between the least and the greatest, others by a hash table whose
// slots hold all of the number, mixed by a bijection. Either way a number is
// found with one access to memory, and without one to the symbol table.
type wholeIndex struct {
	n      int    // numbers in it
	lo, hi uint32 // least and greatest number, where n > 0

	first  uint32   // number of direct[0]
	direct []uint32 // code of number first+i, 0 = none
	hashed []uint64 // open addressing: mixed number and code, 0 = free; a power of two

	salt, factor uint32 // of the mixing: they differ, so that no file can be made to collide
}

const (
	// directMin is the number of places that are not worth a hash table.
	directMin = 1 << 14
	// directPlaces is the number of places per number up to which there is a
	// place for each number. A hash table is smaller from 6 on, but numbers
	// become more, and a table of places need not be made anew for them.
	directPlaces = 16
	// warmBytes is the size from which on a table does not stay in the caches.
	warmBytes = 1 << 19
)

// wholeOf returns x if it is a whole number below 2^32. -0 is 0, and NaN none.
func wholeOf(x float64) (u uint32, ok bool) {
	u = uint32(int64(x))
	return u, float64(u) == x
}

// find returns the code of u, 0 if it has none.
func (w *wholeIndex) find(u uint32) uint32 {
	if w.direct != nil {
		if at := u - w.first; uint64(at) < uint64(len(w.direct)) {
			return w.direct[at]
		}
		return 0
	}
	if w.hashed == nil {
		return 0
	}
	return uint32(w.hashed[w.slot(w.mix(u))])
}

// mix is a bijection.
func (w *wholeIndex) mix(u uint32) uint32 {
	h := (u ^ w.salt) * w.factor
	h ^= h >> 15
	h *= mixFactor
	return h ^ h>>16
}

// unmix is the inverse of mix; back is the inverse of the factor.
func (w *wholeIndex) unmix(h, back uint32) uint32 {
	h ^= h >> 16
	h *= mixInverse
	h ^= h>>15 ^ h>>30
	return h*back ^ w.salt
}

const (
	mixFactor  = 0x846ca68b
	mixInverse = 0x43021123 // mixFactor * mixInverse = 1
)

// inverse returns the y for which x*y is 1. x is odd. Each step of Newton's
// method doubles the bits that are right, which are 3 at first.
func inverse(x uint32) uint32 {
	y := x
	for range 4 {
		y *= 2 - x*y
	}
	return y
}

// slot returns the slot of the mixed number h, or the free one where it
// belongs.
func (w *wholeIndex) slot(h uint32) uint32 {
	mask := uint32(len(w.hashed) - 1)
	slot := h & mask
	for e := w.hashed[slot]; e != 0 && uint32(e>>32) != h; e = w.hashed[slot] {
		slot = (slot + 1) & mask
	}
	return slot
}

// enter returns the code of u; if it has none, it gets the code and enter
// returns 0.
func (w *wholeIndex) enter(u, code uint32) (have uint32) {
	if at := u - w.first; uint64(at) < uint64(len(w.direct)) {
		if have = w.direct[at]; have == 0 {
			w.direct[at] = code
			w.count(u)
		}
		return have
	}
	if w.n < len(w.hashed)/8*5 {
		h := w.mix(u)
		slot := w.slot(h)
		if have = uint32(w.hashed[slot]); have == 0 {
			w.hashed[slot] = uint64(h)<<32 | uint64(code)
			w.count(u)
		}
		return have
	}
	if have = w.find(u); have == 0 {
		w.put(u, code)
	}
	return have
}

// count notes that u is a number of the index.
func (w *wholeIndex) count(u uint32) {
	if w.n == 0 {
		w.lo, w.hi = u, u
	}
	w.n++
	w.lo, w.hi = min(w.lo, u), max(w.hi, u)
}

// put gives a number that is not there a code.
func (w *wholeIndex) put(u, code uint32) {
	w.count(u)
	switch {
	case uint64(u-w.first) < uint64(len(w.direct)):
		w.direct[u-w.first] = code
		return
	case w.direct != nil || w.n > len(w.hashed)/8*5:
		w.grow(w.n / 2)
	}
	w.set(u, code)
}

// set writes the code of a number for which there is room.
func (w *wholeIndex) set(u, code uint32) {
	if w.direct != nil {
		w.direct[u-w.first] = code
		return
	}
	h := w.mix(u)
	w.hashed[w.slot(h)] = uint64(h)<<32 | uint64(code)
}

// grow makes the tables anew, with room for so many more numbers. Old tables
// are read, and large ones written, in their order.
func (w *wholeIndex) grow(more int) {
	old := *w
	w.size(more)
	if w.direct != nil && old.direct != nil {
		copy(w.direct[old.first-w.first:], old.direct)
		return
	}
	back := inverse(w.factor)
	for i, code := range old.direct {
		if code != 0 {
			w.set(old.first+uint32(i), code)
		}
	}
	for _, e := range old.hashed {
		if e != 0 {
			w.set(w.unmix(uint32(e>>32), back), uint32(e))
		}
	}
}

// size makes empty tables for the numbers noted and so many more.
func (w *wholeIndex) size(more int) {
	if w.factor == 0 {
		w.salt, w.factor = rand.Uint32(), rand.Uint32()|1
	}
	if places := uint64(w.hi-w.lo) + 1; places <= max(directMin, directPlaces*uint64(w.n)) {
		// Room on the sides to which the numbers grow.
		spare := places/2 + 64
		if w.direct == nil {
			spare = places/16 + 64
		}
		lo, end := uint64(w.first), uint64(w.first)+uint64(len(w.direct))
		if w.direct == nil || w.lo < w.first {
			lo = uint64(w.lo) - min(spare, uint64(w.lo))
		}
		if w.direct == nil || uint64(w.hi) >= end {
			end = min(uint64(w.hi)+1+spare, 1<<32)
		}
		w.first = uint32(lo)
		w.direct, w.hashed = large[uint32](int(end-lo), int(end-lo)), nil
		return
	}
	n := 64
	for n/8*5 < w.n+more {
		n *= 2
	}
	w.direct, w.hashed = nil, large[uint64](n, n)
}

// sizeBytes returns the memory of the tables.
func (w *wholeIndex) sizeBytes() int { return 4*cap(w.direct) + 8*cap(w.hashed) }

// guess writes the codes of numbers into dst, 0 for those that have none or
// whose place is not the first one to look at. No step waits for what another
// one has read, so the processor reads many places at a time.
func (w *wholeIndex) guess(dst []uint32, nums []float64) {
	dst = dst[:len(nums)]
	switch {
	case w.direct != nil:
		direct, first := w.direct, w.first
		for i, x := range nums {
			u, ok := wholeOf(x)
			code := uint32(0)
			if at := u - first; ok && uint64(at) < uint64(len(direct)) {
				code = direct[at]
			}
			dst[i] = code
		}
	case w.hashed != nil:
		hashed := w.hashed
		mask := uint32(len(hashed) - 1)
		for i, x := range nums {
			u, ok := wholeOf(x)
			h := w.mix(u)
			e := hashed[h&mask]
			code := uint32(e)
			if uint32(e>>32) != h || !ok {
				code = 0
			}
			dst[i] = code
		}
	default:
		clear(dst)
	}
}

// warm reads what looking up the numbers will read, where that does not stay
// in the caches: the processor then waits for all of it at once. The result
// means nothing; using it keeps the loads from being left out.
func (w *wholeIndex) warm(nums []float64) (sum uint64) {
	switch {
	case w.sizeBytes() < warmBytes:
	case w.direct != nil:
		for _, x := range nums {
			if at := uint32(int64(x)) - w.first; uint64(at) < uint64(len(w.direct)) {
				sum += uint64(w.direct[at])
			}
		}
	default:
		mask := uint32(len(w.hashed) - 1)
		for _, x := range nums {
			sum += w.hashed[w.mix(uint32(int64(x)))&mask]
		}
	}
	return sum
}
