package storage

import (
	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// Subset returns a sealed catalog of some rows and fields of tables of a sealed
// one: keep gives the rows of a table that stay (nil: all), omit tells the fields
// that go, and with them tables that have no others. Values that no row is left
// of are gone from the symbol tables, and the others are numbered as they come,
// as if only these rows had been loaded: not even the order tells of rows that
// went. What stays is shared where nothing of it changes.
func (c *Catalog) Subset(tables []*Table, keep func(*Table) *bitset.Set, omit func(*Field) bool) (*Catalog, error) {
	out := NewCatalog(c.Show)
	out.Workers, out.damage = c.Workers, c.damage
	fields := map[*Field]*Field{}
	for _, f := range c.order {
		if omit(f) {
			continue
		}
		g := &Field{Name: f.Name, Symbols: f.Symbols, Format: f.Format, Tags: f.Tags, Comment: f.Comment}
		fields[f] = g
		out.fields[g.Name] = g
		out.order = append(out.order, g)
	}
	for _, t := range tables {
		if s := t.subset(keep(t), fields); len(s.Columns) > 0 || len(t.Columns) == 0 {
			out.tables = append(out.tables, s)
		}
	}
	out.renumber()
	return out, out.Seal()
}

// renumber gives the values of each field, of which rows may be gone, codes in
// the order in which they come.
func (c *Catalog) renumber() {
	places := map[*Field][]place{}
	for _, t := range c.tables {
		for i, col := range t.Columns {
			places[col.Field] = append(places[col.Field], place{t, i})
		}
	}
	for f, at := range places {
		to, n := appearance(f, at)
		if inCodeOrder(to, n) { // those without a row go at Seal
			continue
		}
		f.Symbols = f.Symbols.inOrder(to, n)
		for _, p := range at {
			col := p.table.Columns[p.at]
			codes := make([]uint32, col.Rows())
			col.Through(codes, 0, to)
			p.table.Columns[p.at] = NewColumn(f, codes)
		}
		f.whole = true
	}
}

// appearance returns the place of each code in the order of appearance, from 1
// on, 0 for those without a row, and the number of places.
func appearance(f *Field, at []place) (to []uint32, n int) {
	to = make([]uint32, f.Symbols.Len()+1)
	var part [1 << 12]uint32
	for _, p := range at {
		col := p.table.Columns[p.at]
		for lo := 0; lo < col.Rows() && n < f.Symbols.Len(); lo += len(part) {
			codes := part[:min(len(part), col.Rows()-lo)]
			col.Codes(codes, lo)
			for _, code := range codes {
				if code != 0 && to[code] == 0 {
					n++
					to[code] = uint32(n)
				}
			}
		}
	}
	return to, n
}

// inCodeOrder reports whether the places of codes ascend with them.
func inCodeOrder(to []uint32, n int) bool {
	last := uint32(0)
	for _, at := range to {
		if at != 0 && at != last+1 {
			return false
		}
		last = max(last, at)
	}
	return int(last) == n
}

func (t *Table) subset(rows *bitset.Set, fields map[*Field]*Field) *Table {
	s := *t
	s.Columns = nil
	var at []uint32
	if rows != nil {
		at = simd.AppendRows(nil, rows.Words(), 0)
		s.Rows = len(at)
	}
	for _, col := range t.Columns {
		f := fields[col.Field]
		switch {
		case f == nil:
		case rows == nil:
			s.Columns = append(s.Columns, col.Of(f))
		default:
			s.Columns = append(s.Columns, Gather(f, Piece{col, at, false}))
		}
	}
	return &s
}
