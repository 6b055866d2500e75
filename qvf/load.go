package qvf

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// ReadData puts the tables of a foreign file into a catalog, as the script had
// loaded them: without system tables, and with the fields that a synthetic key
// stands for in its place. Old QVD files in a container work, too.
//
// A field or table that cannot be read is a problem, and the others are
// loaded. The error is that of the data part as a whole, or of ctx.
//
// The catalog is left open for more. Fields and columns are read in parallel
// (catalog.Workers); memory is bounded by a multiple of the file's size.
func ReadData(ctx context.Context, c *container.Container, catalog *storage.Catalog) ([]Problem, error) {
	if IsOldQVD(c) {
		return readOldQVD(c, catalog)
	}
	d, err := OpenData(c)
	if err != nil {
		return nil, err
	}
	l := &loader{d: d, catalog: catalog, fields: make([]loadedField, len(d.Fields)), parts: map[int][]part{}, names: map[string]bool{}}
	if err := l.loadFields(ctx); err != nil {
		return nil, err
	}
	for _, t := range d.Tables {
		if !d.loaded(t) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := l.table(t); err != nil {
			d.problem(t.Stream, err)
		}
	}
	l.describe()
	return d.Problems, nil
}

// A loader puts data into a catalog.
type loader struct {
	d       *Data
	catalog *storage.Catalog
	fields  []loadedField
	parts   map[int][]part  // of synthetic keys, made when asked for
	names   map[string]bool // of tables of the file
}

// A loadedField is a field of the file in the catalog.
type loadedField struct {
	field   *storage.Field // nil: not needed, a synthetic key, or err
	err     error
	symbols int
	codes   codeMap
}

// A codeMap gives the code of a symbol by its index.
type codeMap struct {
	codes []uint32 // nil: index i has code first + i
	first uint32
}

func (m *codeMap) code(index int32) uint32 {
	switch {
	case index < 0: // NULL
		return 0
	case m.codes != nil:
		return m.codes[index]
	}
	return m.first + uint32(index)
}

// top returns the highest code of n symbols.
func (m *codeMap) top(n int) uint32 {
	switch {
	case n == 0:
		return 0
	case m.codes != nil:
		return slices.Max(m.codes)
	}
	return m.first + uint32(n) - 1
}

// loadFields reads the symbols of all fields that the loaded tables need.
func (l *loader) loadFields(ctx context.Context) error {
	need := l.needed()
	var g errgroup.Group
	g.SetLimit(l.workers())
	for i, needed := range need {
		f := &l.fields[i]
		if !needed {
			continue
		}
		if l.d.synthetic(i) == nil {
			f.field = l.catalog.FieldOf(l.d.Fields[i])
		}
		g.Go(func() error {
			if f.err = ctx.Err(); f.err == nil {
				f.err = l.loadField(i)
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range l.fields {
		if err := l.fields[i].err; err != nil {
			l.d.problem(fieldStreamOf(i), err)
		}
	}
	return nil
}

// workers is how many fields or columns are read at a time.
func (l *loader) workers() int {
	if l.catalog.Workers > 0 {
		return l.catalog.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// needed returns which fields occur in loaded tables, or in the tables of
// their synthetic keys.
func (l *loader) needed() []bool {
	need := make([]bool, len(l.d.Fields))
	todo := []*DataTable{}
	for _, t := range l.d.Tables {
		if l.d.loaded(t) {
			todo = append(todo, t)
		}
	}
	for len(todo) > 0 {
		t := todo[0]
		todo = todo[1:]
		for _, col := range t.Columns {
			if need[col.Field] {
				continue
			}
			need[col.Field] = true
			if syn := l.d.synthetic(col.Field); syn != nil {
				todo = append(todo, syn)
			}
		}
	}
	return need
}

// loadField reads the symbols of a field into the catalog. Of a synthetic key
// only their number matters.
func (l *loader) loadField(i int) error {
	f := &l.fields[i]
	r, err := l.d.openField(i)
	if err != nil {
		return err
	}
	if f.field == nil {
		return r.symbols(func(vals []dual.Value) error { f.symbols += len(vals); return nil })
	}
	if f.field.Symbols.Len() == 0 {
		f.field.Format = r.format
	}
	dress := !sameFormat(f.field.Format, r.format) // the catalog had the field
	return r.symbols(func(vals []dual.Value) error {
		if dress {
			l.dress(vals, r.format)
		}
		codes, err := f.field.Add(vals, l.catalog.Show)
		if err != nil {
			return err
		}
		f.add(codes)
		return nil
	})
}

// add takes the codes of the next symbols.
func (f *loadedField) add(codes []uint32) {
	m := &f.codes
	if f.symbols == 0 {
		m.first = codes[0]
	}
	if m.codes == nil && !consecutive(codes, m.first+uint32(f.symbols)) {
		m.codes = make([]uint32, f.symbols, f.symbols+len(codes))
		for i := range m.codes {
			m.codes[i] = m.first + uint32(i)
		}
	}
	if m.codes != nil {
		m.codes = append(m.codes, codes...)
	}
	f.symbols += len(codes)
}

func consecutive(codes []uint32, from uint32) bool {
	for i, c := range codes {
		if c != from+uint32(i) {
			return false
		}
	}
	return true
}

func sameFormat(a, b *dual.Format) bool { return a == b || a != nil && b != nil && *a == *b }

// dress gives numbers the text that they are shown as by a format which is not
// that of the catalog's field.
func (l *loader) dress(vals []dual.Value, f *dual.Format) {
	for i, v := range vals {
		if v.Kind == dual.Num && l.catalog.Show != nil {
			vals[i] = dual.New(l.catalog.Show(dual.Formatted(v.Num, f)), v.Num)
		}
	}
}

// table puts a table into the catalog. Its columns are unpacked in parallel.
func (l *loader) table(t *DataTable) error {
	if l.names[t.Name] {
		return &FormatError{File: l.d.c.Name(), Stream: t.Stream, Err: fmt.Errorf("table %q is there twice", t.Name)}
	}
	l.names[t.Name] = true
	columns := make([][]*storage.Column, len(t.Columns))
	var g errgroup.Group
	g.SetLimit(l.workers())
	for i := range t.Columns {
		parts, err := l.partsOfColumn(t, &t.Columns[i])
		if err != nil {
			return errors.Join(err, g.Wait())
		}
		g.Go(func() (err error) {
			columns[i], err = l.fill(t, &t.Columns[i], parts)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	out := &storage.Table{Name: t.Name, Rows: t.Rows}
	for _, col := range slices.Concat(columns...) {
		if out.Column(col.Field.Name) == nil { // two synthetic keys can share a field
			out.Columns = append(out.Columns, col)
		}
	}
	l.catalog.Put(out)
	return nil
}

// partsOfColumn returns the fields that stand for a column of the file: more
// than one for a synthetic key.
func (l *loader) partsOfColumn(t *DataTable, col *DataColumn) ([]part, error) {
	f := &l.fields[col.Field]
	if f.err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, f.err)
	}
	if f.field != nil {
		return []part{{field: f.field, codeMap: f.codes, top: f.codes.top(f.symbols)}}, nil
	}
	parts, err := l.synthetic(col.Field, 0)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	return parts, nil
}

// fill makes a column for each part from a column's indexes.
func (l *loader) fill(t *DataTable, col *DataColumn, parts []part) ([]*storage.Column, error) {
	symbols := l.fields[col.Field].symbols
	out := make([]*storage.Column, len(parts))
	if err := l.payFor(t, col, parts); err != nil {
		return nil, err
	}
	if col.Width == 0 {
		if col.Bias >= symbols && t.Rows > 0 {
			return nil, l.d.outOfRange(t, col, 0, symbols)
		}
		for i, p := range parts {
			out[i] = storage.ConstantColumn(p.field, t.Rows, p.constant(col.Bias, t.Rows))
		}
		return out, nil
	}
	for i, p := range parts {
		out[i] = storage.NewColumnTop(p.field, t.Rows, p.top)
	}
	err := l.d.eachIndexes(t, col, symbols, func(lo int, indexes []int32) {
		for i, p := range parts {
			p.write(out[i], lo, indexes)
		}
	})
	return out, err
}

// payFor takes the memory of the columns to be made. Rows of a column of one
// value cost nothing here, but the file does not prove them either, and others
// will have to look at each.
func (l *loader) payFor(t *DataTable, col *DataColumn, parts []part) error {
	bytes := int64(0)
	for _, p := range parts {
		switch {
		case col.Width == 0 || p.top > math.MaxUint16:
			bytes += 4
		case p.top > math.MaxUint8:
			bytes += 2
		default:
			bytes++
		}
	}
	if err := l.d.budget.take(int64(t.Rows) * bytes); err != nil {
		return &FormatError{File: l.d.c.Name(), Stream: t.Stream, Err: fmt.Errorf("%d rows: %w", t.Rows, err)}
	}
	return nil
}

// A part is how a column's indexes become codes of a field.
type part struct {
	field *storage.Field
	codeMap
	top uint32 // highest code
}

// constant returns the code of a column that has one index throughout.
func (p *part) constant(index, rows int) uint32 {
	if rows == 0 || index < 0 {
		return 0
	}
	return p.code(int32(index))
}

func (p *part) write(col *storage.Column, lo int, indexes []int32) {
	switch col.Bits() {
	case 8:
		writeCodes(col.U8()[lo:], indexes, &p.codeMap)
	case 16:
		writeCodes(col.U16()[lo:], indexes, &p.codeMap)
	case 32:
		writeCodes(col.U32()[lo:], indexes, &p.codeMap)
	}
}

func writeCodes[C simd.Code](dst []C, indexes []int32, m *codeMap) {
	for i, index := range indexes {
		dst[i] = C(m.code(index))
	}
}

// describe takes comments and the script's tags from the data model's meta
// data, which is optional.
func (l *loader) describe() {
	r := newReader(l.d.c)
	var meta dataModel
	if raw := r.optionalJSON(streamMeta); raw == nil || meta.parse(raw) != nil {
		return
	}
	for _, m := range meta.Fields {
		if f := l.catalog.Field(m.Name); f != nil {
			f.Comment = m.Comment
			f.Tags = slices.DeleteFunc(m.Tags, func(t string) bool { return strings.HasPrefix(t, "$") })
		}
	}
	for _, m := range meta.Tables {
		if t := l.catalog.Table(m.Name); t != nil {
			t.Comment, t.Loose = m.Comment, m.Loose
		}
	}
}
