package script

import (
	"math/bits"
	"math/rand/v2"

	"github.com/cognate-bi/cognate/simd"
)

// A pairTable numbers pairs of numbers in the order in which they come.
//
// As long as the first numbers times the second ones are few it is a table with
// a place for every pair; after that it is a hash table of the pairs that there
// are. The zero value is an empty table.
type pairTable struct {
	n int // pairs

	stride int      // places per first number
	direct []uint32 // place of (a, b) is a*stride+b: number + 1, 0 where there is none yet

	pairs []uint64 // pair of number n-1; pairs[0] is of nobody
	slots []uint64 // open addressing: hash and number + 1, 0 = free; a power of two
	shift int      // of a hash: its slot is in the upper bits, so that a table grows in its order
	salt  uint64   // of the hash: no data can be made to collide
}

// directPairs is the number of places up to which there is one for every pair:
// 4 MiB, more than which a hash table of the pairs that occur is likely to beat.
const directPairs = 1 << 20

// number replaces every at[i] by the number of the pair at[i], codes[i].
func (t *pairTable) number(at, codes []uint32) {
	if len(at) == 0 {
		return
	}
	if t.slots == nil && t.reserve(int(simd.Max(at)), int(simd.Max(codes))) {
		t.numberDirect(at, codes)
		return
	}
	t.numberHashed(at, codes)
}

// reserve makes room in the direct table for numbers up to those given. It
// reports false, and makes the hash table, if that would be too large.
func (t *pairTable) reserve(a, b int) bool {
	stride := t.stride
	if b >= stride {
		stride = 1 << bits.Len(uint(b))
	}
	rows := a + 1
	if stride > 0 && len(t.direct) > 0 {
		rows = max(rows, len(t.direct)/t.stride)
	}
	if rows > directPairs/stride {
		t.hash()
		return false
	}
	if stride == t.stride && rows*stride <= len(t.direct) {
		return true
	}
	rows = min(1<<bits.Len(uint(rows-1)), directPairs/stride) // doubled, so that growing is rare
	wider := make([]uint32, rows*stride)
	for i := range len(t.direct) / max(t.stride, 1) {
		copy(wider[i*stride:], t.direct[i*t.stride:(i+1)*t.stride])
	}
	t.direct, t.stride = wider, stride
	return true
}

func (t *pairTable) numberDirect(at, codes []uint32) {
	direct, stride, last := t.direct, t.stride, uint32(t.n)
	codes = codes[:len(at)]
	for i, a := range at {
		place := int(a)*stride + int(codes[i])
		if direct[place] == 0 {
			last++
			direct[place] = last
		}
		at[i] = direct[place] - 1
	}
	t.n = int(last)
}

// hash moves the pairs of the direct table into a hash table.
func (t *pairTable) hash() {
	t.salt = rand.Uint64()
	t.pairs = make([]uint64, t.n+1)
	for place, number := range t.direct {
		if number != 0 {
			t.pairs[number] = pairOf(uint32(place/t.stride), uint32(place%t.stride))
		}
	}
	t.direct, t.stride = nil, 0
	t.size(max(1<<12, 4<<bits.Len(uint(t.n))))
	for i, pair := range t.pairs[1:] {
		t.put(uint64(t.hashOf(pair))<<32 | uint64(i+1))
	}
}

func pairOf(a, b uint32) uint64 { return uint64(a)<<32 | uint64(b) }

func (t *pairTable) hashOf(pair uint64) uint32 {
	hi, lo := bits.Mul64(pair^t.salt, 0x9E3779B97F4A7C15)
	return uint32((hi ^ lo) >> 32)
}

// pairBlock is the number of pairs that are looked up together. A large table
// does not fit the caches; reading the slots of a block first, and the pairs
// that they point to, lets the processor wait for all of them at once.
const pairBlock = 64

func (t *pairTable) numberHashed(at, codes []uint32) {
	for lo := 0; lo < len(at); lo += pairBlock {
		hi := min(lo+pairBlock, len(at))
		if !t.room(pairBlock) {
			t.grow()
		}
		t.numberBlock(at[lo:hi], codes[lo:hi])
	}
}

func (t *pairTable) numberBlock(at, codes []uint32) {
	var hashes [pairBlock]uint32
	var slots, pairs [pairBlock]uint64
	codes = codes[:len(at)]
	for i, a := range at {
		hashes[i] = t.hashOf(pairOf(a, codes[i]))
		slots[i] = t.slots[hashes[i]>>t.shift]
	}
	for i := range at {
		pairs[i] = t.pairs[uint32(slots[i])]
	}
	for i, a := range at {
		pair := pairOf(a, codes[i])
		if pairs[i] == pair && slots[i] != 0 {
			at[i] = uint32(slots[i]) - 1
			continue
		}
		at[i] = t.enter(pair, hashes[i])
	}
}

// enter returns the number of a pair, which is likely to be new. There is room
// for it.
func (t *pairTable) enter(pair uint64, hash uint32) uint32 {
	mask := len(t.slots) - 1
	slot := int(hash >> t.shift)
	for ; t.slots[slot] != 0; slot = (slot + 1) & mask {
		if e := t.slots[slot]; uint32(e>>32) == hash && t.pairs[uint32(e)] == pair {
			return uint32(e) - 1
		}
	}
	t.n++
	t.slots[slot] = uint64(hash)<<32 | uint64(t.n)
	t.pairs = append(t.pairs, pair)
	return uint32(t.n - 1)
}

// room reports whether there is room for so many more pairs.
func (t *pairTable) room(more int) bool { return t.n+more <= len(t.slots)/8*5 }

// grow makes the hash table larger.
func (t *pairTable) grow() {
	old := t.slots
	t.size(4 * len(old))
	for _, e := range old {
		if e != 0 {
			t.put(e)
		}
	}
}

// size makes an empty hash table of so many slots, a power of two.
func (t *pairTable) size(n int) {
	t.slots = make([]uint64, n)
	t.shift = 32 - bits.Len(uint(n-1))
}

// put puts an entry whose pair is not there in its slot.
func (t *pairTable) put(e uint64) {
	mask := len(t.slots) - 1
	slot := int(uint32(e>>32) >> t.shift)
	for t.slots[slot] != 0 {
		slot = (slot + 1) & mask
	}
	t.slots[slot] = e
}

// find replaces every at[i] by the number + 1 of the pair at[i], codes[i], 0
// where it has none.
func (t *pairTable) find(at, codes []uint32) {
	codes = codes[:len(at)]
	if t.slots != nil {
		for lo := 0; lo < len(at); lo += pairBlock {
			hi := min(lo+pairBlock, len(at))
			t.findBlock(at[lo:hi], codes[lo:hi])
		}
		return
	}
	direct, stride := t.direct, t.stride
	for i, a := range at {
		at[i] = 0
		if place := int(a)*stride + int(codes[i]); int(codes[i]) < stride && place < len(direct) {
			at[i] = direct[place]
		}
	}
}

func (t *pairTable) findBlock(at, codes []uint32) {
	var hashes [pairBlock]uint32
	var slots [pairBlock]uint64
	codes = codes[:len(at)]
	for i, a := range at {
		hashes[i] = t.hashOf(pairOf(a, codes[i]))
		slots[i] = t.slots[hashes[i]>>t.shift]
	}
	mask := len(t.slots) - 1
	for i, a := range at {
		pair, e := pairOf(a, codes[i]), slots[i]
		at[i] = 0
		for slot := int(hashes[i] >> t.shift); e != 0; e = t.slots[slot] {
			if uint32(e>>32) == hashes[i] && t.pairs[uint32(e)] == pair {
				at[i] = uint32(e)
				break
			}
			slot = (slot + 1) & mask
		}
	}
}
