package storage

import (
	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// Subset returns a sealed catalog of some rows and fields of a sealed one:
// keep gives the rows of a table that stay (nil: all), omit tells the fields
// that go. Values that no row is left of are gone from the symbol tables;
// what stays is shared where nothing of it changes.
func (c *Catalog) Subset(keep func(*Table) *bitset.Set, omit func(field string) bool) (*Catalog, error) {
	out := NewCatalog(c.Show)
	out.Workers, out.damage = c.Workers, c.damage
	fields := map[*Field]*Field{}
	for _, f := range c.order {
		if omit(f.Name) {
			continue
		}
		g := &Field{Name: f.Name, Symbols: f.Symbols, Format: f.Format, Tags: f.Tags, Comment: f.Comment}
		fields[f] = g
		out.fields[g.Name] = g
		out.order = append(out.order, g)
	}
	for _, t := range c.tables {
		out.tables = append(out.tables, t.subset(keep(t), fields))
	}
	return out, out.Seal()
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
