package storage

import (
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/simd"
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
	arrays  int64 // bytes of the large arrays at the last look for garbage
}

type columnBuilder struct {
	field *Field
	codes codeBuilder
	defaults
	// dict is the dictionary of the last coded vector and through its
	// entries' codes, unseen where they have not occurred yet: a dictionary
	// entry is looked up once, not once per row.
	dict    *dual.Dict
	through []uint32
	open    int // entries of dict that are unseen
	buf     []uint32
	fresh   []uint32 // entries of dict to be looked up
	// sole says that the field has no values but those of dict, which are
	// pairwise different: a fresh entry is new, and need not be looked up.
	sole bool
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

// Expect tells about how many rows there will be, so that memory for them is
// taken once. It may be wrong.
func (b *Builder) Expect(rows int) {
	for i := range b.columns {
		b.columns[i].codes.expected = min(rows, RowsMax)
	}
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
	if err := g.Wait(); err != nil {
		return err
	}
	b.collect()
	return nil
}

// garbageBytes is how much arrays may grow until those that they were copied
// from are collected.
const garbageBytes = 12 << 20

// collect frees the arrays of which larger copies were made. The collector by
// itself would wait until half of all memory is garbage, and what it marks is
// few: arrays have no pointers.
func (b *Builder) collect() {
	bytes := int64(0)
	for i := range b.columns {
		c := &b.columns[i]
		bytes += c.codes.c.codeBytes() + c.field.Symbols.sizeBytes()
	}
	if b.arrays > 0 && bytes <= b.arrays+garbageBytes {
		return
	}
	if b.arrays > 0 { // else they may have been there before
		runtime.GC()
	}
	b.arrays = bytes
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
		c.codes.append(buf, math.MaxUint32)
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
	before := c.field.Symbols.n
	if err := c.codesOf(buf, v, show); err != nil {
		return err
	}
	c.codes.append(buf, uint32(c.field.Symbols.n))
	c.codes.cover(uint32(before), uint32(c.field.Symbols.n))
	return nil
}

// codesOf writes the codes of the values of v into buf.
func (c *columnBuilder) codesOf(buf []uint32, v *dual.Vector, show func(dual.Value) string) error {
	c.defaults = defaults{show: show}
	switch {
	case v.N == 0:
		return nil
	case v.Const:
		code, err := c.code(v.Dict.At(0))
		for i := range buf {
			buf[i] = code
		}
		return err
	case v.Codes == nil && v.Dict.Nums != nil && c.plain(v.Dict):
		return c.field.Symbols.numCodes(buf, v.Dict.Nums)
	case v.Codes == nil:
		return c.lookUp(buf, v.Dict)
	}
	return c.translate(buf, v)
}

// plain reports whether numbers can go into the field without a look at each,
// and gives the field their format where it has none.
func (c *columnBuilder) plain(d *dual.Dict) bool {
	switch {
	case d.Texts:
		if c.field.Format != nil {
			return false
		}
		c.field.Symbols.plain = true
		return true
	case d.Format == nil:
		return true
	}
	v := c.field.dress(dual.Value{Kind: dual.Num, Format: d.Format}, &defaults{show: func(dual.Value) string { return "" }})
	return v.Kind == dual.Num
}

func (c *columnBuilder) code(v dual.Value) (uint32, error) {
	return c.field.Symbols.Code(c.field.dress(v, &c.defaults))
}

func (c *columnBuilder) translate(buf []uint32, v *dual.Vector) error {
	if c.dict != v.Dict {
		c.dict = v.Dict
		if n := v.Dict.Len(); cap(c.through) < n {
			c.through = make([]uint32, n)
		} else {
			c.through = c.through[:n]
		}
		c.open = 0
		for i := range c.through {
			c.through[i] = unseen
			// Other dictionaries may get values after their NULLs.
			if v.Dict.Nums != nil && v.Dict.Nums[i] != v.Dict.Nums[i] {
				c.through[i] = 0
				continue
			}
			c.open++
		}
	}
	if c.open == 0 {
		simd.Translate(buf, v.Codes, c.through)
		return nil
	}
	c.fresh = c.fresh[:0]
	for _, e := range v.Codes {
		if c.through[e] == unseen {
			c.through[e] = waiting
			c.fresh = append(c.fresh, e)
		}
	}
	c.open -= len(c.fresh)
	if err := c.lookUpFresh(); err != nil {
		return err
	}
	simd.Translate(buf, v.Codes, c.through)
	return nil
}

// lookUpFresh finds the codes of the fresh entries, in the order in which they
// came.
func (c *columnBuilder) lookUpFresh() error {
	if c.sole {
		return c.addFresh()
	}
	var vals [warmBlock]dual.Value
	for lo := 0; lo < len(c.fresh); lo += warmBlock {
		part := c.fresh[lo:min(lo+warmBlock, len(c.fresh))]
		for i, e := range part {
			vals[i] = c.dict.At(int(e))
		}
		c.field.Symbols.warm(vals[:len(part)])
		for i, e := range part {
			code, err := c.code(vals[i])
			if err != nil {
				return err
			}
			c.through[e] = code
		}
	}
	return nil
}

// addFresh adds the fresh entries as new values.
func (c *columnBuilder) addFresh() error {
	s := c.field.Symbols
	if len(c.fresh) > 0 && c.dict.Nums != nil && s.ends == nil && c.plain(c.dict) {
		return c.addNumbers()
	}
	s.reserve(len(c.fresh))
	for _, e := range c.fresh {
		c.through[e] = 0
		v := c.dict.At(int(e))
		if v.IsNull() {
			continue
		}
		if err := s.add(c.field.dress(v, &c.defaults)); err != nil {
			return err
		}
		c.through[e] = uint32(s.n)
	}
	return nil
}

// addNumbers is addFresh for plain numbers, of which none is NULL: translate
// has left those out.
func (c *columnBuilder) addNumbers() error {
	s := c.field.Symbols
	if s.n+len(c.fresh) > symbolsMax {
		return fmt.Errorf("more than %d distinct values", symbolsMax)
	}
	if s.nums == nil {
		s.nums = []float64{math.NaN()}
	}
	s.nums = doubled(s.nums, len(c.fresh))
	for _, e := range c.fresh {
		s.nums = append(s.nums, c.dict.Nums[e])
		s.n++
		c.through[e] = uint32(s.n)
	}
	return nil
}

// lookUp writes the codes of all entries of a dictionary into buf.
func (c *columnBuilder) lookUp(buf []uint32, d *dual.Dict) (err error) {
	var vals [warmBlock]dual.Value
	for lo := 0; lo < len(buf); lo += warmBlock {
		part := buf[lo:min(lo+warmBlock, len(buf))]
		for i := range part {
			vals[i] = d.At(lo + i)
		}
		c.field.Symbols.warm(vals[:len(part)])
		for i := range part {
			if part[i], err = c.code(vals[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
