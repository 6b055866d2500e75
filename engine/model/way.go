package model

import (
	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage"
)

// A Way leads from the rows of a base table to the codes of a field where
// every base row has at most one: in the base table itself, or over links
// that are unique on the far side.
type Way struct {
	Field  *Field
	Column *storage.Column // of the base table
	// Through maps the column's codes to the field's codes; nil when the
	// column is the field's own.
	Through []uint32
}

// Codes writes the field's codes of base rows lo to lo+len(dst) into dst.
func (w *Way) Codes(dst []uint32, lo int) {
	if w.Through == nil {
		w.Column.Codes(dst, lo)
		return
	}
	w.Column.Through(dst, lo, w.Through)
}

// CodesAt writes the field's codes of the given base rows into dst.
func (w *Way) CodesAt(dst, rows []uint32) {
	w.Column.CodesAt(dst, rows)
	if w.Through != nil {
		simd.Translate(dst[:len(rows)], dst[:len(rows)], w.Through)
	}
}

// A Step is one link on the way between two tables.
type Step struct{ From, To *Link }

// Path returns the links from table a to table b: none if they are the same,
// ok = false if they are not connected.
func (m *Model) Path(a, b *Table) (path []Step, ok bool) {
	if a == b {
		return nil, true
	}
	if a.Tree != b.Tree {
		return nil, false
	}
	back := map[*Table]Step{a: {}}
	open := []*Table{a}
	for len(open) > 0 {
		t := open[0]
		open = open[1:]
		for _, l := range t.Links {
			for _, o := range l.Field.Links {
				if _, seen := back[o.Table]; seen {
					continue
				}
				back[o.Table] = Step{l, o}
				open = append(open, o.Table)
			}
		}
	}
	for t := b; t != a; {
		s := back[t]
		path = append(path, s)
		t = s.From.Table
	}
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return path, true
}

// WayTo returns the way from the rows of base to a field, ok = false if there
// is none on which every row of base has at most one value.
//
// Ways are made once and shared.
func (m *Model) WayTo(base *Table, f *Field) (*Way, bool) {
	key := [2]int{base.ID, f.ID}
	if w, ok := m.ways.Load(key); ok {
		way := w.(*Way)
		return way, way != nil
	}
	way := m.makeWay(base, f)
	m.ways.Store(key, way)
	return way, way != nil
}

func (m *Model) makeWay(base *Table, f *Field) *Way {
	if col := base.Column(f); col != nil {
		return &Way{Field: f, Column: col}
	}
	// Of several tables that hold a key field the nearest has its values; one
	// behind it may lack some.
	var nearest []Step
	var holder *Table
	for _, t := range f.Tables {
		if path, ok := m.Path(base, t); ok && (holder == nil || len(path) < len(nearest)) {
			nearest, holder = path, t
		}
	}
	if holder == nil {
		return nil
	}
	rowOf := make([][]int32, len(nearest))
	for i, step := range nearest {
		if rowOf[i] = m.rowOf(step); rowOf[i] == nil {
			return nil
		}
	}
	return &Way{Field: f, Column: nearest[0].From.Column, Through: compose(nearest, rowOf, holder.Column(f))}
}

// rowOf returns for each key code of a step the one row that it leads to, -1
// for none; nil if some row that the step starts from leads to several. Keys
// that the start does not have may well be there more than once.
func (m *Model) rowOf(s Step) []int32 {
	if s.To.Unique() {
		return s.To.RowOf()
	}
	if r, ok := m.steps.Load(s); ok {
		return r.([]int32)
	}
	r := s.makeRowOf()
	m.steps.Store(s, r)
	return r
}

func (s Step) makeRowOf() []int32 {
	used := s.From.Used()
	rowOf := make([]int32, len(used))
	var one [1]uint32
	for key := range rowOf {
		rowOf[key] = -1
		rows := s.To.RowsOf(uint32(key), one[:])
		switch {
		case len(rows) > 1 && used[key] != 0:
			return nil
		case len(rows) > 0:
			rowOf[key] = int32(rows[0])
		}
	}
	return rowOf
}

// compose returns, for each key code of the first link, the code of the
// column in the last table.
func compose(path []Step, rowOf [][]int32, last *storage.Column) []uint32 {
	n := path[0].From.Field.Symbols.Len() + 1
	through := make([]uint32, n)
	for key := range through {
		row := rowOf[0][key]
		for i, s := range path[1:] {
			if row < 0 {
				break
			}
			row = rowOf[i+1][s.From.Column.Code(int(row))]
		}
		if row >= 0 {
			through[key] = last.Code(int(row))
		}
	}
	return through
}
