package script

import (
	"fmt"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A rowGrouper is what grouper has to agree with: it goes row by row. It numbers the combinations of values in order of appearance.
type rowGrouper struct {
	n       int
	catalog *storage.Catalog
	builder *storage.Builder
	first   []uint32            // of the first key: code → number + 1, 0 where there is none yet
	nFirst  uint32              // numbers given by first
	pairs   []map[uint64]uint32 // per further key: (number so far, code) → number
	codes   [][]uint32          // per key: the code of every group
}

// newRowGrouper returns a grouper of nKeys values; without any, all rows are one
// group.
func newRowGrouper(nKeys int, show func(dual.Value) string) *rowGrouper {
	g := &rowGrouper{catalog: storage.NewCatalog(show), codes: make([][]uint32, nKeys)}
	names := make([]string, nKeys)
	for i := range names {
		names[i] = fmt.Sprint(i)
		g.pairs = append(g.pairs, map[uint64]uint32{})
	}
	g.builder = g.catalog.NewBuilder("", names)
	return g
}

// add returns the group of each of n rows; nil is group 0 for all of them.
func (g *rowGrouper) add(n int, keys []dual.Vector) ([]uint32, error) {
	if len(keys) == 0 {
		g.n = 1
		return nil, nil
	}
	base := g.builder.Rows()
	if err := g.builder.Append(keys); err != nil {
		return nil, err
	}
	for len(g.first) <= g.builder.Field(0).Symbols.Len() {
		g.first = append(g.first, 0)
	}
	groups := make([]uint32, n)
	for i := range groups {
		groups[i] = g.group(base+i, len(keys))
	}
	return groups, nil
}

// group returns the group of a row of the builder.
func (g *rowGrouper) group(row, nKeys int) uint32 {
	code := g.builder.Code(0, row)
	isNew := g.first[code] == 0
	if isNew {
		g.nFirst++
		g.first[code] = g.nFirst
	}
	at := g.first[code] - 1
	for k := 1; k < nKeys; k++ {
		pair := uint64(at)<<32 | uint64(g.builder.Code(k, row))
		next, ok := g.pairs[k][pair]
		if isNew = !ok; isNew {
			next = uint32(len(g.pairs[k]))
			g.pairs[k][pair] = next
		}
		at = next
	}
	if isNew {
		g.n++
		for k := range nKeys {
			g.codes[k] = append(g.codes[k], g.builder.Code(k, row))
		}
	}
	return at
}

// column returns the values of a key by group.
func (g *rowGrouper) column(i int) dual.Vector {
	return dual.Coded(g.codes[i], g.builder.Field(i).Dict())
}
