package query

import "math/bits"

// groups numbers the combinations of dimension codes that occur.
//
// While the product of the cardinalities is small the number is the mixed
// radix index of the codes; beyond, combinations are numbered by a hash table
// in order of first appearance.
type groups struct {
	sizes  []uint64 // codes per dimension, NULL included; 0 = not known yet
	direct bool
	seen   []uint8 // direct: which indexes occurred

	n      int
	tuples []uint32 // hashed: codes of group g at g*len(sizes)
	table  []slot   // hashed: open addressing

	// packed says that the mixed radix index of a combination fits 64 bits:
	// it is the whole key then, and tuples need no comparison.
	packed bool
	keys   []uint64 // scratch: keys of a batch
}

// A slot of the hash table: a group with its key, the mixed radix index or a
// hash of the combination.
type slot struct {
	key   uint64
	group uint32 // group+1, 0 = free
}

// Largest numbers of groups held as plain arrays. With accumulators arrays
// beat hashing even out of the caches, up to what memory they may take: more of
// it where many rows come. Without them a group is one byte.
const (
	directMax      = 1 << 19
	directMaxRows  = 1 << 21 // ... and at most half of the rows
	directMaxAlone = 1 << 24
)

// newGroups numbers combinations of codes below sizes (0: not known) that have
// accumulators.
func newGroups(sizes []uint64) *groups { return newGroupsUpTo(sizes, directMax) }

func newGroupsUpTo(sizes []uint64, most uint64) *groups {
	g := &groups{sizes: sizes, direct: true}
	product := uint64(1)
	for _, s := range sizes {
		hi, lo := bits.Mul64(product, s)
		if hi != 0 || s == 0 {
			g.direct, g.packed = false, false
			return g
		}
		product = lo
	}
	g.direct, g.packed = product <= most, true
	if g.direct {
		g.n = int(product)
		g.seen = make([]uint8, g.n)
	}
	return g
}

// number returns the group of each record, in dst unless the codes of a single
// dimension are the groups; codes holds one vector per dimension.
func (g *groups) number(dst []uint32, codes [][]uint32) []uint32 {
	if !g.direct {
		g.hash(dst, codes)
		return dst
	}
	index := codes[0][:len(dst)]
	for d := 1; d < len(codes); d++ {
		size := uint32(g.sizes[d])
		col := codes[d][:len(dst)]
		for i, x := range index {
			dst[i] = x*size + col[i]
		}
		index = dst
	}
	for _, x := range index {
		g.seen[x] = 1
	}
	return index
}

// hash puts the group of each row of codes, which are by column, into dst.
func (g *groups) hash(dst []uint32, codes [][]uint32) {
	if !g.packed {
		tuple := make([]uint32, len(codes))
		for i := range dst {
			for d := range codes {
				tuple[d] = codes[d][i]
			}
			dst[i] = g.of(tuple)
		}
		return
	}
	keys := append(g.keys[:0], make([]uint64, len(dst))...)
	g.keys = keys
	for d, col := range codes {
		size := g.sizes[d]
		for i, c := range col[:len(keys)] {
			keys[i] = keys[i]*size + uint64(c)
		}
	}
	last, group := ^uint64(0), uint32(0)
	for i, k := range keys {
		if k != last { // neighbours are often equal
			last, group = k, g.ofKey(k)
		}
		dst[i] = group
	}
}

// ofKey returns the group of a packed key, new if it has not occurred before.
func (g *groups) ofKey(key uint64) uint32 {
	if (g.n+1)*2 > len(g.table) {
		g.grow()
	}
	at := g.slotOf(key)
	if g.table[at].group == 0 {
		k := len(g.sizes)
		g.tuples = append(g.tuples, make([]uint32, k)...)
		tuple := g.tuples[g.n*k:]
		rest := key
		for d := k - 1; d >= 0; d-- {
			tuple[d] = uint32(rest % g.sizes[d])
			rest /= g.sizes[d]
		}
		g.n++
		g.table[at] = slot{key, uint32(g.n)}
	}
	return g.table[at].group - 1
}

func (g *groups) slotOf(key uint64) int {
	mask := len(g.table) - 1
	at := int(key*0x9e3779b97f4a7c15>>32) & mask
	for g.table[at].group != 0 && g.table[at].key != key {
		at = (at + 1) & mask
	}
	return at
}

// keyOf returns the packed key of a combination, or a hash of it.
func (g *groups) keyOf(tuple []uint32) uint64 {
	key := uint64(0)
	if g.packed {
		for d, c := range tuple {
			key = key*g.sizes[d] + uint64(c)
		}
		return key
	}
	for _, c := range tuple {
		key = (bits.RotateLeft64(key, 27) ^ uint64(c)) * 0x9e3779b97f4a7c15
	}
	return key
}

// of returns the group of one combination, new if it has not occurred before.
func (g *groups) of(tuple []uint32) uint32 {
	switch {
	case g.direct:
		x := uint32(g.keyOf(tuple))
		g.seen[x] = 1
		return x
	case g.packed:
		return g.ofKey(g.keyOf(tuple))
	}
	if (g.n+1)*2 > len(g.table) {
		g.grow()
	}
	key := g.keyOf(tuple)
	at := g.probe(key, tuple)
	if g.table[at].group == 0 {
		g.tuples = append(g.tuples, tuple...)
		g.n++
		g.table[at] = slot{key, uint32(g.n)}
	}
	return g.table[at].group - 1
}

// find returns the group of a combination, -1 if it has not occurred.
func (g *groups) find(tuple []uint32) int {
	if g.packed {
		for d, c := range tuple {
			if uint64(c) >= g.sizes[d] {
				return -1
			}
		}
	}
	key := g.keyOf(tuple)
	switch {
	case g.direct && g.seen[key] == 0:
		return -1
	case g.direct:
		return int(key)
	case len(g.table) == 0:
		return -1
	case g.packed:
		return int(g.table[g.slotOf(key)].group) - 1
	}
	return int(g.table[g.probe(key, tuple)].group) - 1
}

// probe finds the slot of a combination by its hash.
func (g *groups) probe(key uint64, tuple []uint32) int {
	mask := len(g.table) - 1
	at := int(key>>20) & mask
	for {
		s := g.table[at]
		if s.group == 0 || s.key == key && equal(g.tuples[int(s.group-1)*len(tuple):][:len(tuple)], tuple) {
			return at
		}
		at = (at + 1) & mask
	}
}

func equal(a, b []uint32) bool {
	for i, x := range a {
		if x != b[i] {
			return false
		}
	}
	return true
}

func (g *groups) grow() {
	old := g.table
	g.table = make([]slot, max(256, 4*len(old)))
	mask := len(g.table) - 1
	for _, s := range old {
		if s.group == 0 {
			continue
		}
		at := int(s.key>>20) & mask
		if g.packed {
			at = int(s.key*0x9e3779b97f4a7c15>>32) & mask
		}
		for g.table[at].group != 0 {
			at = (at + 1) & mask
		}
		g.table[at] = s
	}
}

// each calls f for every combination that occurred. The tuple is only valid
// during the call.
func (g *groups) each(f func(group int, tuple []uint32)) {
	k := len(g.sizes)
	if !g.direct {
		for i := range g.n {
			f(i, g.tuples[i*k:][:k])
		}
		return
	}
	tuple := make([]uint32, k)
	for i, s := range g.seen {
		if s == 0 {
			continue
		}
		x := uint64(i)
		for d := k - 1; d >= 0; d-- {
			tuple[d] = uint32(x % g.sizes[d])
			x /= g.sizes[d]
		}
		f(i, tuple)
	}
}

// occurred returns the codes of all combinations that occurred, one behind the
// other.
func (g *groups) occurred() []uint32 {
	if !g.direct {
		return g.tuples
	}
	var list []uint32
	g.each(func(_ int, tuple []uint32) { list = append(list, tuple...) })
	return list
}

// merge adds the combinations of o and returns where its groups went.
func (g *groups) merge(o *groups) []uint32 {
	to := make([]uint32, o.n)
	if g.direct && o.direct { // of the same sizes
		for i, s := range o.seen {
			to[i] = uint32(i)
			g.seen[i] |= s
		}
		return to
	}
	o.each(func(i int, tuple []uint32) { to[i] = g.of(tuple) })
	return to
}
