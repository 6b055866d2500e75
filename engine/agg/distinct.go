package agg

import "github.com/cognate-bi/cognate/storage/dual"

// bitWordsMax is where the pairs of a distinct aggregation move from bitmaps
// (fast, but as large as groups times values) to a hash set: 32 MiB.
const bitWordsMax = 1 << 22

// distinct hands each different combination of arguments of a group to the
// inner aggregator once.
type distinct struct {
	inner  Aggregator
	args   []interner
	tuples tuples
	seen   pairs

	ids, more []uint32 // scratch of Add: a number per row
	newGroups []uint32
	newRows   []int32
}

func newDistinct(inner Aggregator, nArgs int) *distinct {
	d := &distinct{inner: inner, args: make([]interner, nArgs), tuples: tuples{ids: map[uint64]uint32{}}}
	for i := range d.args {
		d.args[i] = newInterner()
	}
	return d
}

func (d *distinct) Grow(nGroups int) {
	d.inner.Grow(nGroups)
	d.seen.grow(nGroups)
}

func (d *distinct) Add(groups []uint32, args []dual.Vector) {
	d.ids = d.args[0].all(d.ids[:0], &args[0])
	for k := 1; k < len(args); k++ {
		d.more = d.args[k].all(d.more[:0], &args[k])
		for i, id := range d.more {
			d.ids[i] = d.tuples.id(d.ids[i], id, k)
		}
	}
	d.newGroups, d.newRows = d.newGroups[:0], d.newRows[:0]
	for i, id := range d.ids {
		g := groupOf(groups, i)
		if d.seen.has(g, id) || !d.seen.add(g, id) {
			continue
		}
		d.newGroups = append(d.newGroups, g)
		d.newRows = append(d.newRows, int32(i))
	}
	if len(d.newRows) == 0 {
		return
	}
	fresh := make([]dual.Vector, len(args))
	for k := range args {
		fresh[k] = args[k].Gather(d.newRows)
	}
	d.inner.Add(d.newGroups, fresh)
}

// Merge replays what o has seen, in its order.
func (d *distinct) Merge(o Aggregator, to []uint32) {
	theirs := o.(*distinct)
	var groups []uint32
	columns := make([][]dual.Value, len(d.args))
	for _, key := range theirs.seen.order {
		groups = append(groups, to[key>>32])
		id := uint32(key)
		for k := len(d.args) - 1; k > 0; k-- {
			pair := theirs.tuples.pairs[id]
			columns[k] = append(columns[k], theirs.args[k].values[pair.second])
			id = pair.first
		}
		columns[0] = append(columns[0], theirs.args[0].values[id])
	}
	if len(groups) == 0 {
		return
	}
	args := make([]dual.Vector, len(columns))
	for k := range columns {
		args[k] = dual.Vals(columns[k])
	}
	d.Add(groups, args)
}

func (d *distinct) Result(g int) dual.Value { return d.inner.Result(g) }

// tuples numbers pairs of ids; longer tuples are pairs of a pair and an id.
// The place of the second id is part of the key.
type tuples struct {
	ids   map[uint64]uint32
	pairs []pair
}

type pair struct{ first, second uint32 }

func (t *tuples) id(first, second uint32, place int) uint32 {
	// Ids of one aggregation stay far below 2^30 for lack of memory.
	key := uint64(place&3)<<62 | uint64(first)<<31 | uint64(second)
	if id, ok := t.ids[key]; ok {
		return id
	}
	id := uint32(len(t.pairs))
	t.ids[key] = id
	t.pairs = append(t.pairs, pair{first, second})
	return id
}

// pairs is a set of (group, id) that remembers the order of their coming.
type pairs struct {
	order []uint64   // group<<32 | id
	bits  [][]uint64 // per group, as long as its largest id asks for
	words int
	hash  map[uint64]struct{} // instead of bits once those are too large
}

func (s *pairs) grow(nGroups int) { s.bits = grown(s.bits, nGroups) }

// has is a quick look, small enough to be inlined: it may miss a pair that is
// there, and never finds one that is not.
func (s *pairs) has(g, id uint32) bool {
	b := s.bits[g]
	return int(id/64) < len(b) && b[id/64]>>(id%64)&1 != 0
}

// add adds a pair and reports whether it is new.
func (s *pairs) add(g, id uint32) bool {
	key := uint64(g)<<32 | uint64(id)
	isNew := false
	if s.hash == nil {
		isNew = s.mark(g, id)
	}
	if s.hash != nil { // also if mark has just given up
		n := len(s.hash)
		s.hash[key] = struct{}{}
		isNew = len(s.hash) > n
	}
	if isNew {
		s.order = append(s.order, key)
	}
	return isNew
}

// mark sets the bit of a pair and reports whether it was clear. If there are
// too many bits it makes the hash set instead.
func (s *pairs) mark(g, id uint32) bool {
	w := int(id / 64)
	b := s.bits[g]
	if w >= len(b) {
		more := max(w+1, min(2*len(b), 1024)) - len(b)
		if s.words += more; s.words > bitWordsMax {
			s.toHash()
			return false
		}
		b = append(b, make([]uint64, more)...)
		s.bits[g] = b
	}
	bit := uint64(1) << (id % 64)
	isNew := b[w]&bit == 0
	b[w] |= bit
	return isNew
}

func (s *pairs) toHash() {
	s.hash = make(map[uint64]struct{}, len(s.order))
	for _, key := range s.order {
		s.hash[key] = struct{}{}
	}
	clear(s.bits)
}
