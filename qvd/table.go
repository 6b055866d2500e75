package qvd

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Projection says what of a file becomes a table.
type Projection struct {
	Name   string   // of the table; "" = as in the header
	Fields []Pick   // in order; nil = all
	Where  []Filter // all have to allow a row
	// Workers bounds the goroutines; 0 = as the file was opened.
	Workers int
}

// A Pick is a field that is loaded under another name; As "" keeps the name.
type Pick struct{ From, As string }

// Table loads the file, or what p says of it, into a table of the catalog's
// fields; the catalog does not get the table yet. It is the fast way: symbols
// are looked up once each, records are unpacked straight into code vectors,
// and only the symbols of fields that are asked for are read.
//
// Without filters the fields get all symbols, in the file's order; with them
// only those of the rows that stay, in the order of these rows.
//
// A catalog is for one goroutine at a time. On error, fields may have got
// values that no row has.
func (f *File) Table(ctx context.Context, c *storage.Catalog, p Projection) (*storage.Table, error) {
	if err := f.ready(); err != nil {
		return nil, err
	}
	if f.header.Rows > storage.RowsMax {
		return nil, fmt.Errorf("qvd: %s: %d records, tables hold %d", f.name, f.header.Rows, storage.RowsMax)
	}
	l := &loader{File: f, catalog: c, workers: p.Workers}
	if l.workers <= 0 {
		l.workers = f.workers
	}
	if err := l.pick(p.Fields); err != nil {
		return nil, err
	}
	var err error
	if l.kept, err = f.filter(ctx, l.workers, p.Where); err != nil {
		return nil, err
	}
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	return l.table(p.Name), nil
}

// A loader makes one table.
type loader struct {
	*File
	catalog *storage.Catalog
	workers int
	columns []column
	kept    *selection // nil = all rows
}

// A column is a field on its way into the table.
type column struct {
	at      int // field of the header
	field   *storage.Field
	bits    simd.Bits
	through []uint32 // code of a stored number
	out     *storage.Column
	// through in the width of the column: a smaller table stays in the caches.
	u8  []uint8
	u16 []uint16
}

// pick finds the fields that are asked for.
func (l *loader) pick(picks []Pick) error {
	if picks == nil {
		for i := range l.header.Fields {
			picks = append(picks, Pick{From: l.header.Fields[i].Name})
		}
	}
	seen := make(map[string]bool, len(picks))
	for _, p := range picks {
		at := l.header.Field(p.From)
		if at < 0 {
			return fmt.Errorf("qvd: %s: no field %s", l.name, quote(p.From))
		}
		as := orElse(p.As, p.From)
		if seen[as] {
			return fmt.Errorf("qvd: %s: two fields are to be named %s", l.name, quote(as))
		}
		seen[as] = true
		l.columns = append(l.columns, column{at: at, field: l.catalog.FieldOf(as), bits: l.bits(at)})
	}
	return nil
}

// rows returns the number of rows of the table.
func (l *loader) rows() int {
	if l.kept != nil {
		return l.kept.rows
	}
	return int(l.header.Rows)
}

// load maps the symbols of all columns, then unpacks the records. One goroutine
// maps the symbols of a field; where one field has most of them, as the key of
// a fact table does, the records of the others are unpacked meanwhile.
func (l *loader) load(ctx context.Context) error {
	rest := make([]*column, len(l.columns))
	for i := range l.columns {
		rest[i] = &l.columns[i]
	}
	large := l.large(rest)
	if large < 0 {
		if err := l.mapSymbols(ctx, rest, l.workers); err != nil {
			return err
		}
		return l.fill(ctx, rest, l.workers)
	}
	slow := rest[large : large+1 : large+1]
	rest = slices.Concat(rest[:large], rest[large+1:])
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error { return l.mapSymbols(inner, slow, 1) })
	g.Go(func() error {
		if err := l.mapSymbols(inner, rest, l.workers-1); err != nil {
			return err
		}
		return l.fill(inner, rest, l.workers-1)
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return l.fill(ctx, slow, l.workers)
}

// large returns the column that is worth a goroutine of its own, -1 for none.
func (l *loader) large(columns []*column) int {
	const least = 1 << 20 // bytes of symbols: some 10 ms
	at, most, sum := -1, int64(least), int64(0)
	for i, c := range columns {
		n := l.header.Fields[c.at].Length
		sum += n
		if n > most {
			at, most = i, n
		}
	}
	if l.workers == 1 || l.kept != nil || at >= 0 && most < sum/int64(l.workers) {
		return -1
	}
	return at
}

// mapSymbols gives the symbols of columns to the catalog's fields.
func (l *loader) mapSymbols(ctx context.Context, columns []*column, workers int) error {
	weight := func(i int) int64 { return l.header.Fields[columns[i].at].Length }
	return eachField(ctx, workers, len(columns), weight, func(i int) error {
		c := columns[i]
		symbols, err := l.Symbols(c.at)
		if err != nil {
			return err
		}
		h := &l.header.Fields[c.at]
		var order []uint32 // symbols to be added; nil = all
		if l.kept != nil {
			if order, err = l.firstSeen(ctx, c); err != nil {
				return err
			}
		}
		codes, err := c.add(symbols, h, order, l.catalog.Show)
		if err != nil {
			return fmt.Errorf("qvd: %s: %w", l.name, err)
		}
		c.through = through(h, 0, func(k int) uint32 { return codes[k] })
		return nil
	})
}

// add adds symbols to the field and returns their codes, 0 for those that are
// not in order.
func (c *column) add(s *Symbols, h *Field, order []uint32, show func(dual.Value) string) ([]uint32, error) {
	f := c.field
	format := h.NumberFormat.Format()
	fresh := f.Symbols.Len() == 0 && f.Format == nil
	if fresh {
		f.Format = format
		f.Comment = orElse(f.Comment, h.Comment)
		for _, tag := range h.Tags {
			if !followsFromData(tag) && !slices.Contains(f.Tags, tag) {
				f.Tags = append(f.Tags, tag)
			}
		}
	}
	vals := s.values(format)
	if order != nil {
		all := vals
		vals = make([]dual.Value, len(order))
		for i, k := range order {
			vals[i] = all[k]
		}
	}
	if format != nil && !fresh && show != nil && (f.Format == nil || *f.Format != *format) {
		for i, v := range vals { // the field's format would show something else
			if v.Kind == dual.Num {
				vals[i] = dual.New(show(v), v.Num)
			}
		}
	}
	codes, err := f.Add(vals, show)
	if err != nil || order == nil {
		return codes, err
	}
	out := make([]uint32, s.Len())
	for i, k := range order {
		out[k] = codes[i]
	}
	return out, nil
}

// followsFromData reports whether a tag says what the values or the links
// between tables say, too; such tags of a file may be wrong for the model.
func followsFromData(tag string) bool {
	switch tag {
	case "$numeric", "$integer", "$text", "$ascii", "$key", "$keypart", "$synthetic", "$system":
		return true
	}
	return false
}

// firstSeen returns the symbols of the kept rows in the order of their first
// row.
func (l *loader) firstSeen(ctx context.Context, c *column) ([]uint32, error) {
	h := &l.header.Fields[c.at]
	order := []uint32{} // not nil
	seen := make([]bool, h.storedLen())
	open := len(seen)
	var stored []uint32
	visit := func(lo int64, n int, records []byte) error {
		if open == 0 || n == 0 {
			return nil
		}
		if cap(stored) < n {
			stored = make([]uint32, n)
		}
		simd.Unpack(stored[:n], records, c.bits)
		for i, s := range stored[:n] {
			if int64(s) >= int64(len(seen)) {
				return l.badIndex(c.at, l.kept.row(int(lo)+i), s)
			}
			if seen[s] {
				continue
			}
			seen[s] = true
			open--
			if k := int64(s) + h.Bias; k >= 0 && k < h.Symbols {
				order = append(order, uint32(k))
			}
		}
		return nil
	}
	return order, l.eachKept(ctx, 1, visit)
}

// eachKept is eachBlock over the rows of the table: records holds n of them,
// lo is the number in the table of the first one.
func (l *loader) eachKept(ctx context.Context, workers int, do func(lo int64, n int, records []byte) error) error {
	if l.kept == nil {
		return l.eachBlock(ctx, workers, do)
	}
	step := l.blockRows()
	return l.eachBlock(ctx, workers, func(lo int64, n int, records []byte) error {
		block := int(lo) / step
		n = l.kept.compact(records, int(l.header.RecordBytes), int(lo), n)
		return do(int64(l.kept.before[block]), n, records)
	})
}

// fill makes the columns and unpacks the records into them.
func (l *loader) fill(ctx context.Context, columns []*column, workers int) error {
	var wide []*column
	for _, c := range columns {
		if c.bits.Width == 0 {
			code := uint32(0)
			if l.rows() > 0 {
				code = c.through[0]
			}
			c.out = storage.ConstantColumn(c.field, l.rows(), code)
			continue
		}
		c.out = storage.NewColumnTop(c.field, l.rows(), slices.Max(append([]uint32{0}, c.through...)))
		c.narrow()
		wide = append(wide, c)
	}
	if len(wide) == 0 {
		return nil
	}
	return l.eachKept(ctx, workers, func(lo int64, n int, records []byte) error {
		for _, c := range wide {
			if bad := c.unpack(int(lo), n, records); bad >= 0 {
				var stored [1]uint32
				simd.Unpack(stored[:], records[bad*c.bits.RecordBytes:], c.bits)
				row := lo + int64(bad)
				if l.kept != nil {
					row = l.kept.row(int(row))
				}
				return l.badIndex(c.at, row, stored[0])
			}
		}
		return nil
	})
}

// narrow makes through as wide as the codes of the column.
func (c *column) narrow() {
	switch {
	case c.out.U8() != nil:
		c.u8 = convert[uint8](c.through)
	case c.out.U16() != nil:
		c.u16 = convert[uint16](c.through)
	}
}

func convert[C simd.Code](codes []uint32) []C {
	out := make([]C, len(codes))
	for i, code := range codes {
		out[i] = C(code)
	}
	return out
}

// unpack writes the codes of n rows from lo on; it returns the first one whose
// stored number is too high, -1 for none.
func (c *column) unpack(lo, n int, records []byte) int {
	switch {
	case c.out.U8() != nil:
		return simd.UnpackThrough(c.out.U8()[lo:lo+n], records, c.bits, c.u8)
	case c.out.U16() != nil:
		return simd.UnpackThrough(c.out.U16()[lo:lo+n], records, c.bits, c.u16)
	}
	return simd.UnpackThrough(c.out.U32()[lo:lo+n], records, c.bits, c.through)
}

func (l *loader) table(name string) *storage.Table {
	t := &storage.Table{
		Name: orElse(name, l.header.TableName), Rows: l.rows(),
		Comment: l.header.Comment, Tags: slices.Clone(l.header.TableTags),
	}
	for i := range l.columns {
		t.Columns = append(t.Columns, l.columns[i].out)
	}
	return t
}
