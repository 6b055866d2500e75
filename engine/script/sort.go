package script

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/cognate-bi/cognate/storage"
)

// sortRows returns the rows of t in the order of ORDER BY; nil if there is
// none. Rows that compare equal keep their order.
func (r *runner) sortRows(t *storage.Table, by []orderField) ([]uint32, error) {
	if len(by) == 0 {
		return nil, nil
	}
	order := make([]uint32, t.Rows)
	for i := range order {
		order[i] = uint32(i)
	}
	// The last field first: each pass keeps the order of the one before among
	// equal ranks.
	rank := make([]uint32, t.Rows)
	for _, f := range slices.Backward(by) {
		c := t.Column(f.field)
		if c == nil {
			return nil, fmt.Errorf("ORDER BY: field %q not found in table %s", f.field, t.Name)
		}
		ranks := r.symbolRanks(c.Field.Symbols)
		if f.desc {
			for i, x := range ranks {
				ranks[i] = uint32(len(ranks)) - 1 - x
			}
		}
		c.Through(rank, 0, ranks)
		order = sortByRank(order, rank, len(ranks))
	}
	return order, nil
}

// sortByRank returns rows in ascending order of rank[row], which is below n;
// rows of one rank keep their order. It is a counting sort: ranks are few
// beside rows.
func sortByRank(rows, rank []uint32, n int) []uint32 {
	next := make([]uint32, n+1)
	for _, row := range rows {
		next[rank[row]+1]++
	}
	for i := 1; i < len(next); i++ {
		next[i] += next[i-1]
	}
	out := make([]uint32, len(rows))
	for _, row := range rows {
		out[next[rank[row]]] = row
		next[rank[row]]++
	}
	return out
}

// symbolRanks returns the place of every code in the order of values: NULL,
// numbers, then texts by the collation in force.
func (r *runner) symbolRanks(s *storage.Symbols) []uint32 {
	codes := make([]uint32, s.Len()+1)
	for i := range codes {
		codes[i] = uint32(i)
	}
	texts := r.collationKeys(s)
	slices.SortStableFunc(codes[1:], func(a, b uint32) int {
		x, y := s.Number(a), s.Number(b)
		switch nx, ny := math.IsNaN(x), math.IsNaN(y); {
		case nx && ny:
			return bytes.Compare(texts[a], texts[b])
		case nx:
			return 1
		case ny:
			return -1
		}
		return cmp.Compare(x, y)
	})
	ranks := make([]uint32, len(codes))
	for place, code := range codes {
		ranks[code] = uint32(place)
	}
	return ranks
}

// collationKeys returns what the pure texts are compared by, by code.
func (r *runner) collationKeys(s *storage.Symbols) [][]byte {
	tag, err := language.Parse(r.fn.Locale.CollationLocale)
	if err != nil {
		tag = language.Und
	}
	c := collate.New(tag)
	var buf collate.Buffer
	keys := make([][]byte, s.Len()+1)
	for code := 1; code <= s.Len(); code++ {
		if math.IsNaN(s.Number(uint32(code))) {
			keys[code] = slices.Clone(c.KeyFromString(&buf, s.Text(uint32(code))))
			buf.Reset()
		}
	}
	return keys
}
