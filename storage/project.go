package storage

import (
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Pick is a column that a table takes from another one, under its own or
// another name.
type Pick struct{ From, As string }

// Project returns a table of columns of t, of all rows or of the given ones, in
// that order (nil: all). Both are tables of the catalog; it need not be put into
// it.
//
// A column that keeps its name keeps its codes, as its field is the same: of all
// rows it is the very column. Under another name every value in use is looked
// up once in the other field, in the order in which rows have them.
func (c *Catalog) Project(name string, t *Table, picks []Pick, rows []uint32) (*Table, error) {
	out := &Table{Name: name, Rows: t.Rows, Columns: make([]*Column, len(picks))}
	if rows != nil {
		out.Rows = len(rows)
	}
	from := make([]*Column, len(picks))
	to := make([]*Field, len(picks))
	dicts := make([]*dual.Dict, len(picks)) // of renamed fields
	for i, p := range picks {
		from[i], to[i] = t.Column(p.From), c.FieldOf(p.As)
		if from[i].Field != to[i] {
			dicts[i] = from[i].Field.Dict() // now: the field may be one that another column adds values to
		}
	}
	var g errgroup.Group
	g.SetLimit(c.workers())
	for i := range picks {
		if dicts[i] == nil && rows == nil {
			out.Columns[i] = from[i]
			continue
		}
		g.Go(func() (err error) {
			out.Columns[i], err = c.project(from[i], to[i], dicts[i], out.Rows, rows)
			return err
		})
	}
	return out, g.Wait()
}

// project makes a column of the field to; dict has the values of from where it
// is a column of another field.
func (c *Catalog) project(from *Column, to *Field, dict *dual.Dict, n int, rows []uint32) (*Column, error) {
	p := Piece{from, rows, rows == nil}
	if dict == nil {
		return Gather(to, p), nil
	}
	b := columnBuilder{field: to, sole: to.Symbols.n == 0}
	b.codes.expected = n
	codes := make([]uint32, min(n, gatherRows))
	scratch := make([]uint32, len(codes))
	for lo := 0; lo < n; lo += gatherRows {
		codes = codes[:min(gatherRows, n-lo)]
		p.codes(codes, scratch, lo)
		v := dual.Coded(codes, dict)
		if err := b.append(&v, c.Show); err != nil {
			return nil, err
		}
	}
	return b.codes.column(to), nil
}

// A Test keeps the rows of a table that have one of some codes in a column.
type Test struct {
	Column *Column
	Allow  []uint8 // by code, NULL included: 1 = the row stays
}

// Filter returns the rows of a table of n rows that pass all tests, ascending;
// never nil.
func Filter(n int, tests []Test) []uint32 {
	words := make([]uint64, (n+63)/64)
	simd.Fill(words, n)
	for _, t := range tests {
		if !t.Column.MemberAnd(words, 0, simd.NewCodeSet(t.Allow)) {
			return []uint32{}
		}
	}
	return simd.AppendRows(slices.Grow([]uint32{}, simd.Count(words)), words, 0)
}

// Used returns the codes that rows of the column have, ascending.
func (c *Column) Used() []uint32 {
	seen := make([]uint8, c.Field.Symbols.Len()+1)
	c.Mark(seen, nil, len(seen))
	codes := make([]uint32, 0, len(seen))
	for code, is := range seen {
		if is != 0 {
			codes = append(codes, uint32(code))
		}
	}
	return codes
}
