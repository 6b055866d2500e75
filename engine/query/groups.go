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
	table  []uint32 // hashed: open addressing, group+1 or 0
}

// directMax is the largest number of groups held as plain arrays: their
// accumulators stay in the L2 cache.
const directMax = 1 << 17

func newGroups(sizes []uint64) *groups {
	g := &groups{sizes: sizes, direct: true}
	product := uint64(1)
	for _, s := range sizes {
		hi, lo := bits.Mul64(product, s)
		if hi != 0 || lo > directMax || s == 0 {
			g.direct = false
			break
		}
		product = lo
	}
	if g.direct {
		g.n = int(product)
		g.seen = make([]uint8, g.n)
	}
	return g
}

// number writes the group of each record into dst; codes holds one vector per
// dimension.
func (g *groups) number(dst []uint32, codes [][]uint32) {
	if !g.direct {
		g.hash(dst, codes)
		return
	}
	copy(dst, codes[0][:len(dst)])
	for d := 1; d < len(codes); d++ {
		size := uint32(g.sizes[d])
		col := codes[d][:len(dst)]
		for i := range dst {
			dst[i] = dst[i]*size + col[i]
		}
	}
	for _, x := range dst {
		g.seen[x] = 1
	}
}

func (g *groups) hash(dst []uint32, codes [][]uint32) {
	tuple := make([]uint32, len(codes))
	for i := range dst {
		for d := range codes {
			tuple[d] = codes[d][i]
		}
		dst[i] = g.of(tuple)
	}
}

// of returns the group of one combination, new if it has not occurred before.
func (g *groups) of(tuple []uint32) uint32 {
	if g.direct {
		x := uint32(0)
		for d, c := range tuple {
			x = x*uint32(g.sizes[d]) + c
		}
		g.seen[x] = 1
		return x
	}
	if (g.n+1)*2 > len(g.table) {
		g.grow()
	}
	at := g.probe(tuple)
	if g.table[at] == 0 {
		g.tuples = append(g.tuples, tuple...)
		g.n++
		g.table[at] = uint32(g.n)
	}
	return g.table[at] - 1
}

// find returns the group of a combination, -1 if it has not occurred.
func (g *groups) find(tuple []uint32) int {
	if g.direct {
		x := uint64(0)
		for d, c := range tuple {
			if uint64(c) >= g.sizes[d] {
				return -1
			}
			x = x*g.sizes[d] + uint64(c)
		}
		if g.seen[x] == 0 {
			return -1
		}
		return int(x)
	}
	if len(g.table) == 0 {
		return -1
	}
	return int(g.table[g.probe(tuple)]) - 1
}

func (g *groups) probe(tuple []uint32) int {
	h := uint64(len(tuple))
	for _, c := range tuple {
		h = (bits.RotateLeft64(h, 27) ^ uint64(c)) * 0x9e3779b97f4a7c15
	}
	mask := len(g.table) - 1
	at := int(h>>20) & mask
	for {
		x := g.table[at]
		if x == 0 || equal(g.tuples[int(x-1)*len(tuple):][:len(tuple)], tuple) {
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
	g.table = make([]uint32, max(256, 4*len(g.table)))
	k := len(g.sizes)
	for i := range g.n {
		g.table[g.probe(g.tuples[i*k:][:k])] = uint32(i + 1)
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

// merge adds the combinations of o and returns where its groups went.
func (g *groups) merge(o *groups) []uint32 {
	to := make([]uint32, o.n)
	o.each(func(i int, tuple []uint32) { to[i] = g.of(tuple) })
	return to
}
