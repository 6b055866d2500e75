package bitset

import "github.com/RoaringBitmap/roaring/v2"

// A Packed set is the compressed form of a set that is kept and seldom looked
// at: a few values of a long field take a few bytes. It is immutable.
//
// Dense sets are the faster form to work on by far (4 to 10 times at 1 to 50 %
// of members); see [Set].
type Packed struct {
	bits *roaring.Bitmap
	n    int
}

// Pack returns the compressed form of s.
func (s *Set) Pack() Packed {
	b := roaring.New()
	for i := range s.All() {
		b.Add(uint32(i))
	}
	b.RunOptimize()
	return Packed{b, s.n}
}

// Unpack returns the set itself.
func (p Packed) Unpack() *Set {
	s := New(p.n)
	if p.bits == nil {
		return s
	}
	for it := p.bits.Iterator(); it.HasNext(); {
		s.Add(int(it.Next()))
	}
	return s
}

// SizeBytes returns the memory of the compressed form.
func (p Packed) SizeBytes() int {
	if p.bits == nil {
		return 0
	}
	return int(p.bits.GetSizeInBytes())
}
