package script

import (
	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A grouper numbers the combinations of values in order of appearance. It goes
// key by key over a batch: the values of a key become codes, codes of the first
// key a number, and number and code of each further key another one.
type grouper struct {
	n     int
	keys  []groupKey
	first []uint32 // of the first key: code → number + 1, 0 where there is none yet
	last  uint32   // the highest number in first
	at    []uint32 // the numbers of the batch
}

// A groupKey is one of the keys of a grouper.
type groupKey struct {
	coder  *storage.Coder
	pairs  pairTable // of the number by the keys before and the code
	codes  []uint32  // of the batch
	groups []uint32  // the code of every group
}

// newGrouper returns a grouper of nKeys values; without any, all rows are one
// group.
func newGrouper(nKeys int, show func(dual.Value) string) *grouper {
	g := &grouper{keys: make([]groupKey, nKeys)}
	for i := range g.keys {
		g.keys[i].coder = storage.NewCoder(show)
	}
	return g
}

// add returns the group of each of n rows, valid until the next call; nil is
// group 0 for all of them.
func (g *grouper) add(n int, keys []dual.Vector) ([]uint32, error) {
	if len(keys) == 0 {
		g.n = 1
		return nil, nil
	}
	if err := g.code(n, keys); err != nil {
		return nil, err
	}
	g.at = resized(g.at, n)
	g.numberFirst()
	for i := 1; i < len(g.keys); i++ {
		g.keys[i].pairs.number(g.at, g.keys[i].codes)
	}
	g.note()
	return g.at, nil
}

// code makes the codes of a batch; every key has a field of its own.
func (g *grouper) code(n int, keys []dual.Vector) error {
	const small = 512 // rows below which starting goroutines costs more than it gains
	var tasks errgroup.Group
	for i := range g.keys {
		k := &g.keys[i]
		k.codes = resized(k.codes, n)
		if n < small || len(keys) == 1 {
			if err := k.coder.Codes(k.codes, &keys[i]); err != nil {
				return err
			}
			continue
		}
		tasks.Go(func() error { return k.coder.Codes(k.codes, &keys[i]) })
	}
	return tasks.Wait()
}

// numberFirst numbers the codes of the first key.
func (g *grouper) numberFirst() {
	k := &g.keys[0]
	if more := k.coder.Field().Symbols.Len() + 1 - len(g.first); more > 0 {
		g.first = append(g.first, make([]uint32, more)...)
	}
	first, at := g.first, g.at[:len(k.codes)]
	last := g.last
	for i, code := range k.codes {
		if first[code] == 0 {
			last++
			first[code] = last
		}
		at[i] = first[code] - 1
	}
	g.last = last
}

// note keeps the codes of the groups that are new in the batch: the first row
// of each is the one whose group is the next number.
func (g *grouper) note() {
	for row, group := range g.at {
		if int(group) != g.n {
			continue
		}
		g.n++
		for i := range g.keys {
			k := &g.keys[i]
			k.groups = append(k.groups, k.codes[row])
		}
	}
}

// column returns the values of a key by group.
func (g *grouper) column(i int) dual.Vector {
	return dual.Coded(g.keys[i].groups, g.keys[i].coder.Field().Dict())
}

// resized returns a slice of n codes that mean nothing, s where it has room.
func resized(s []uint32, n int) []uint32 {
	if cap(s) < n {
		return make([]uint32, n)
	}
	return s[:n]
}
