package infer

import (
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/simd"
)

// soonRows is the number of alive rows after which looking for the values of a
// small dimension over the rows of the long table is given up.
const soonRows = 1 << 16

// soonWords is how many words of alive rows are looked at at a time.
const soonWords = 64

// soon returns the possible values of a field of a small table, if the first
// alive rows of the long one lead to all that there can be; nil if not. Few
// values are mostly found at once, where marking the key would look at all rows.
func (r *Result) soon(f *model.Field) []uint8 {
	t := f.Tables[0]
	if len(f.Tables) != 1 || t.Loose {
		return nil
	}
	root := r.rootLink(t)
	if root == nil || root.Table.Rows < scanRowsMin || f.Symbols.Len() > soonRows/16 ||
		r.keys[root.Field.ID].met.found.Load() || !r.limitedBut(root) {
		return nil
	}
	way, ok := r.engine.Model.WayTo(root.Table, f)
	if !ok {
		return nil
	}
	within := mark(t.Column(f), r.up[t.ID].rows, f.Symbols.Len())
	seen := make([]uint8, len(within))
	rows, codes := make([]uint32, 0, soonWords*64), make([]uint32, soonWords*64)
	words := r.Rows(root.Table).Words()
	for lo, n := 0, 0; lo < len(words) && n < soonRows; lo += soonWords { // not by the capacity of rows, which grows
		rows = simd.AppendRows(rows[:0], words[lo:min(lo+soonWords, len(words))], uint32(lo)*64)
		way.CodesAt(codes[:len(rows)], rows)
		for _, c := range codes[:len(rows)] {
			seen[c] = 1
		}
		n += len(rows)
		if seen[0] = 0; simd.CountFlags(seen) == simd.CountFlags(within) {
			return seen
		}
	}
	return nil
}

// rootLink returns the link of the root of a table's tree that leads to the
// table; nil for the root itself.
func (r *Result) rootLink(t *model.Table) (l *model.Link) {
	trees := r.engine.trees
	for above := trees.above[t.ID]; above != nil; above = trees.above[l.Table.ID] {
		l = trees.parent(above.Field)
	}
	return l
}
