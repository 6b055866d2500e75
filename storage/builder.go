package storage

import (
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/storage/dual"
)

// A Builder makes a table from batches of column vectors. Values become
// codes of the fields' symbol tables in the order in which they come.
//
// The columns of a batch are added in parallel; that is safe because every
// column has a field, and so a symbol table, of its own.
type Builder struct {
	name    string
	catalog *Catalog
	columns []columnBuilder
	rows    int
}

type columnBuilder struct {
	field *Field
	codes codeBuilder
	// dict is the dictionary of the last coded vector and through its
	// entries' codes, unseen where they have not occurred yet: a dictionary
	// entry is looked up once, not once per row.
	dict    *dual.Dict
	through []uint32
	buf     []uint32
	fresh   []uint32 // entries of dict to be looked up
}

// Marks of a dictionary entry that has not been looked up yet, and of one that
// is about to be; no code is that high (symbolsMax).
const (
	unseen  = ^uint32(0)
	waiting = unseen - 1
)

// NewBuilder returns a builder of a table with the given fields, which the
// catalog gets if it does not have them. Field names are pairwise different.
func (c *Catalog) NewBuilder(name string, fields []string) *Builder {
	b := &Builder{name: name, catalog: c, columns: make([]columnBuilder, len(fields))}
	for i, f := range fields {
		b.columns[i].field = c.FieldOf(f)
	}
	return b
}

// Rows returns the number of rows so far.
func (b *Builder) Rows() int { return b.rows }

// Field returns the field of column i.
func (b *Builder) Field(i int) *Field { return b.columns[i].field }

// Code returns the code in column i of a row added before.
func (b *Builder) Code(i, row int) uint32 { return b.columns[i].codes.c.Code(row) }

// Append adds a batch: one vector per column, all of the same length.
func (b *Builder) Append(batch []dual.Vector) error {
	if len(batch) != len(b.columns) {
		panic(fmt.Sprintf("storage: BUG: %d vectors for %d columns", len(batch), len(b.columns)))
	}
	if len(batch) == 0 {
		return nil
	}
	if b.rows+batch[0].N > RowsMax {
		return fmt.Errorf("table %s: more than %d rows", b.name, RowsMax)
	}
	const small = 512 // rows below which starting goroutines costs more than it gains
	if batch[0].N < small || len(batch) == 1 {
		for i := range batch {
			if err := b.columns[i].append(&batch[i], b.catalog.Show); err != nil {
				return fmt.Errorf("field %s: %w", b.columns[i].field.Name, err)
			}
		}
		b.rows += batch[0].N
		return nil
	}
	var g errgroup.Group
	g.SetLimit(b.catalog.workers())
	for i := range batch {
		g.Go(func() error {
			if err := b.columns[i].append(&batch[i], b.catalog.Show); err != nil {
				return fmt.Errorf("field %s: %w", b.columns[i].field.Name, err)
			}
			return nil
		})
	}
	b.rows += batch[0].N
	return g.Wait()
}

// AppendTable adds the rows of t: columns are matched by field, columns that
// t does not have become NULL.
func (b *Builder) AppendTable(t *Table) error {
	if b.rows+t.Rows > RowsMax {
		return fmt.Errorf("table %s: more than %d rows", b.name, RowsMax)
	}
	var g errgroup.Group
	g.SetLimit(b.catalog.workers())
	for i := range b.columns {
		g.Go(func() error {
			b.columns[i].appendColumn(t)
			return nil
		})
	}
	b.rows += t.Rows
	return g.Wait()
}

func (c *columnBuilder) appendColumn(t *Table) {
	const batch = 1 << 16
	src := t.Column(c.field.Name)
	for lo := 0; lo < t.Rows; lo += batch {
		buf := c.space(min(batch, t.Rows-lo))
		if src != nil {
			src.Codes(buf, lo)
		} else {
			clear(buf)
		}
		c.codes.append(buf)
	}
}

// Table returns what was built. The builder may go on afterwards: a table
// taken before is not changed by that.
func (b *Builder) Table() *Table {
	t := &Table{Name: b.name, Rows: b.rows, Columns: make([]*Column, len(b.columns))}
	for i := range b.columns {
		t.Columns[i] = b.columns[i].codes.column(b.columns[i].field)
	}
	return t
}

func (c *columnBuilder) space(n int) []uint32 {
	if cap(c.buf) < n {
		c.buf = make([]uint32, n)
	}
	return c.buf[:n]
}

func (c *columnBuilder) append(v *dual.Vector, show func(dual.Value) string) error {
	buf := c.space(v.N)
	var err error
	switch {
	case v.N == 0:
		return nil
	case v.Const:
		code, e := c.code(v.Dict.At(0), show)
		for i := range buf {
			buf[i] = code
		}
		err = e
	case v.Codes == nil && v.Dict.Nums != nil && c.plain(v.Dict.Format):
		err = c.field.Symbols.numCodes(buf, v.Dict.Nums)
	case v.Codes == nil:
		for i := range buf {
			if buf[i], err = c.code(v.Dict.At(i), show); err != nil {
				return err
			}
		}
	default:
		err = c.translate(buf, v, show)
	}
	if err == nil {
		c.codes.append(buf)
	}
	return err
}

// plain reports whether numbers of format f can go into the field without a
// look at each, and gives the field the format where it has none.
func (c *columnBuilder) plain(f *dual.Format) bool {
	if f == nil {
		return true
	}
	v := c.field.dress(dual.Value{Kind: dual.Num, Format: f}, func(dual.Value) string { return "" })
	return v.Kind == dual.Num
}

func (c *columnBuilder) code(v dual.Value, show func(dual.Value) string) (uint32, error) {
	return c.field.Symbols.Code(c.field.dress(v, show))
}

func (c *columnBuilder) translate(buf []uint32, v *dual.Vector, show func(dual.Value) string) error {
	if c.dict != v.Dict {
		c.dict = v.Dict
		if n := v.Dict.Len(); cap(c.through) < n {
			c.through = make([]uint32, n)
		} else {
			c.through = c.through[:n]
		}
		for i := range c.through {
			c.through[i] = unseen
		}
	}
	c.fresh = c.fresh[:0]
	for _, e := range v.Codes {
		if c.through[e] == unseen {
			c.through[e] = waiting
			c.fresh = append(c.fresh, e)
		}
	}
	if err := c.lookUp(show); err != nil {
		return err
	}
	for i, e := range v.Codes {
		buf[i] = c.through[e]
	}
	return nil
}

// lookUp finds the codes of the fresh entries, in the order in which they came.
func (c *columnBuilder) lookUp(show func(dual.Value) string) error {
	var vals [warmBlock]dual.Value
	s := c.field.Symbols
	for lo := 0; lo < len(c.fresh); lo += warmBlock {
		part := c.fresh[lo:min(lo+warmBlock, len(c.fresh))]
		for i, e := range part {
			vals[i] = c.field.dress(c.dict.At(int(e)), show)
		}
		s.warm(vals[:len(part)])
		for i, e := range part {
			code, err := s.Code(vals[i])
			if err != nil {
				return err
			}
			c.through[e] = code
		}
	}
	return nil
}
