package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/crypt"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A rowsFile is a QVD file to read rows of: a real one, or a container with
// one table, as early builds wrote it.
type rowsFile struct {
	*qvd.File                // nil for a container
	table     *storage.Table // of a container
}

// openRows opens a file of either kind.
func openRows(ctx context.Context, path string, keys crypt.Keys) (*rowsFile, error) {
	f, err := qvd.Open(path, qvd.OpenOptions{Keys: keys})
	if err == nil {
		return &rowsFile{File: f}, nil
	}
	if !errors.Is(err, qvd.ErrNotQVD) {
		return nil, err
	}
	t, containerErr := readContainer(ctx, path)
	if errors.Is(containerErr, qvd.ErrNotQVD) {
		return nil, err
	}
	return &rowsFile{table: t}, containerErr
}

// readContainer loads the one table of a container. It fails with
// [qvd.ErrNotQVD] on files that are something else.
func readContainer(ctx context.Context, path string) (*storage.Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if head, err := firstBytes(path); err != nil || !isContainerHead(head) {
		return nil, qvd.ErrNotQVD
	}
	c, err := container.Open(filepath.Base(path), f, info.Size())
	if err != nil {
		return nil, err
	}
	if !qvf.IsOldQVD(c) {
		return nil, qvd.ErrNotQVD
	}
	catalog := storage.NewCatalog(number.Default().Text)
	problems, err := qvf.ReadData(ctx, c, catalog)
	for _, p := range problems {
		err = errors.Join(err, p)
	}
	if err == nil && len(catalog.Tables()) != 1 {
		err = fmt.Errorf("%s: %d tables, a QVD has one", path, len(catalog.Tables()))
	}
	if err != nil {
		return nil, err
	}
	return catalog.Tables()[0], nil
}

// Close closes the file.
func (f *rowsFile) Close() error {
	if f.File == nil {
		return nil
	}
	return f.File.Close()
}

// A rowsReader reads rows from any one on.
type rowsReader interface {
	source.Reader
	seek(row int64)
}

var (
	_ rowsReader = (*qvdRows)(nil)
	_ rowsReader = (*tableRows)(nil)
)

// rows returns a reader of the named fields (nil: all). With exact, the values
// are as they stand in the file: also NaN and -0, which the model does not
// have, and texts that say no more than their numbers. The reader is to be
// closed instead of the file.
func (f *rowsFile) rows(ctx context.Context, fields []string, exact bool) (rowsReader, error) {
	if f.table != nil {
		return newTableRows(f.table, fields, exact)
	}
	r := &qvdRows{file: f.File, fields: f.fieldNames(fields)}
	var err error
	if r.batches, err = f.Batches(ctx, fields, batchRows(len(r.fields))); err != nil {
		return nil, err
	}
	if !exact {
		return r, nil
	}
	r.exact = make([]*dual.Dict, len(r.fields))
	for i, name := range r.fields {
		symbols, err := f.Symbols(f.Header().Field(name))
		if err != nil {
			return nil, err
		}
		r.exact[i] = exactDict(symbols)
	}
	return r, nil
}

// head returns a reader of the first n rows.
func (f *rowsFile) head(ctx context.Context, fields []string, n int) (source.Reader, error) {
	const few = 1 << 10
	if f.table != nil || n > few {
		r, err := f.rows(ctx, fields, false)
		if err != nil {
			return nil, err
		}
		return newRangeReader(r, rowRange{hi: int64(n)}), nil
	}
	columns, err := f.Rows(ctx, fields, 0, n)
	if err != nil {
		return nil, err
	}
	return &fewRows{f.fieldNames(fields), columns}, nil
}

// fieldNames returns fields, or all of the file for nil.
func (f *rowsFile) fieldNames(fields []string) []string {
	if fields != nil {
		return fields
	}
	for _, h := range f.Header().Fields {
		fields = append(fields, h.Name)
	}
	return fields
}

// fewRows reads rows that are in memory, as one batch.
type fewRows struct {
	fields  []string
	columns []dual.Vector // nil: they have been read
}

// Fields implements [source.Reader].
func (r *fewRows) Fields() []string { return r.fields }

// Close implements [source.Reader].
func (r *fewRows) Close() error { return nil }

// Next implements [source.Reader].
func (r *fewRows) Next(context.Context) (*source.Batch, error) {
	b := &source.Batch{Columns: r.columns}
	if len(b.Columns) == 0 || b.Columns[0].N == 0 {
		return nil, io.EOF
	}
	r.columns, b.Rows = nil, b.Columns[0].N
	return b, nil
}

// batchRows returns the rows of a batch: fewer where there are many fields, as
// a bit of a file becomes four bytes of a batch.
func batchRows(fields int) int {
	const rowsMax, cellsMax = 1 << 16, 1 << 22
	return min(rowsMax, max(64, cellsMax/max(1, fields)))
}

// qvdRows reads the rows of a QVD.
type qvdRows struct {
	file    *qvd.File
	batches *qvd.Batches
	fields  []string
	exact   []*dual.Dict // in place of those of the batches, where not nil
}

// Fields implements [source.Reader].
func (r *qvdRows) Fields() []string { return r.fields }

// Close implements [source.Reader].
func (r *qvdRows) Close() error { return r.file.Close() }

func (r *qvdRows) seek(row int64) { r.batches.SeekRow(row) }

// Next implements [source.Reader].
func (r *qvdRows) Next(ctx context.Context) (*source.Batch, error) {
	before := r.batches.Rows()
	columns, size, err := r.batches.Next(ctx)
	if err != nil {
		return nil, err
	}
	for i, d := range r.exact {
		switch {
		case d == nil:
		case columns[i].Const:
			columns[i] = r.constant(i, d, columns[i].N)
		default:
			columns[i].Dict = d
		}
	}
	return &source.Batch{Rows: int(r.batches.Rows() - before), Columns: columns, Bytes: size}, nil
}

// constant returns the one value of a field that takes no bits: its stored
// number is 0, which the bias leads to a symbol or to NULL.
func (r *qvdRows) constant(i int, d *dual.Dict, n int) dual.Vector {
	h := r.file.Header()
	at := h.Fields[h.Field(r.fields[i])].Bias + 1
	if at < 1 || at >= int64(d.Len()) {
		at = 0
	}
	return dual.Constant(d.At(int(at)), n)
}

// exactDict returns the symbols as they stand in the file, NULL in front; nil
// where the model has the very same. The values serve for output only: the
// model knows neither NaN nor -0.
func exactDict(s *qvd.Symbols) *dual.Dict {
	special := false
	for i := 0; i < s.Len() && !special; i++ {
		x, ok := s.Number(i)
		special = ok && (math.IsNaN(x) || x == 0 && math.Signbit(x))
	}
	if !special {
		return nil
	}
	vals := make([]dual.Value, s.Len()+1)
	for i := range s.Len() {
		v := &vals[i+1]
		x, numeric := s.Number(i)
		text, texted := s.Text(i)
		if numeric {
			v.Num, v.Kind = x, dual.Num
		}
		if texted {
			v.Text, v.Kind = text, v.Kind|dual.Text
		}
	}
	return &dual.Dict{Vals: vals}
}

// tableRows reads the rows of a table in memory.
type tableRows struct {
	columns []*storage.Column
	dicts   []*dual.Dict
	fields  []string
	rows    int
	next    int
}

// newTableRows returns a reader of the named fields of a table (nil: all).
// With exact, numbers that came with their default text have it again.
func newTableRows(t *storage.Table, fields []string, exact bool) (*tableRows, error) {
	if fields == nil {
		fields = t.FieldNames()
	}
	r := &tableRows{fields: fields, rows: t.Rows}
	for _, name := range fields {
		c := t.Column(name)
		if c == nil {
			return nil, fmt.Errorf("table %s: no field %q", t.Name, name)
		}
		d := c.Field.Dict()
		if exact && c.Field.Format == nil && c.Field.Symbols.Plain() {
			d = plainDict(d)
		}
		r.columns, r.dicts = append(r.columns, c), append(r.dicts, d)
	}
	return r, nil
}

// plainDict gives numbers the text that they are shown as by default.
func plainDict(d *dual.Dict) *dual.Dict {
	loc := number.Default()
	vals := make([]dual.Value, d.Len())
	for i := range vals {
		vals[i] = d.At(i)
		if vals[i].Kind == dual.Num {
			vals[i] = dual.New(string(loc.AppendNum(nil, vals[i].Num)), vals[i].Num)
		}
	}
	return &dual.Dict{Vals: vals}
}

// Fields implements [source.Reader].
func (r *tableRows) Fields() []string { return r.fields }

// Close implements [source.Reader].
func (r *tableRows) Close() error { return nil }

func (r *tableRows) seek(row int64) { r.next = int(min(row, int64(r.rows))) }

// Next implements [source.Reader].
func (r *tableRows) Next(ctx context.Context) (*source.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n := min(batchRows(len(r.columns)), r.rows-r.next)
	if n == 0 {
		return nil, io.EOF
	}
	b := &source.Batch{Rows: n, Columns: make([]dual.Vector, len(r.columns))}
	for i, c := range r.columns {
		codes := make([]uint32, n)
		c.Codes(codes, r.next)
		b.Columns[i] = dual.Coded(codes, r.dicts[i])
	}
	r.next += n
	return b, nil
}

// A rowRange is lo:hi of --rows: rows lo to hi (exclusive), counted from 0.
type rowRange struct{ lo, hi int64 }

// parseRange reads lo:hi, lo: or :hi; "" is all rows.
func parseRange(text string) (rowRange, error) {
	r := rowRange{hi: math.MaxInt64}
	if text == "" {
		return r, nil
	}
	lo, hi, ok := strings.Cut(text, ":")
	bad := !ok
	for _, part := range []struct {
		text string
		to   *int64
	}{{lo, &r.lo}, {hi, &r.hi}} {
		if part.text == "" {
			continue
		}
		n, err := strconv.ParseInt(part.text, 10, 64)
		bad = bad || err != nil || n < 0
		*part.to = n
	}
	if bad || r.lo > r.hi {
		return rowRange{}, fmt.Errorf("rows %q: want lo:hi with 0 <= lo <= hi; row 0 is the first, row hi is left out", text)
	}
	return r, nil
}

// A rangeReader reads some rows of another reader.
type rangeReader struct {
	source.Reader
	left int64 // rows
}

// newRangeReader returns a reader of some rows of r.
func newRangeReader(r rowsReader, rows rowRange) *rangeReader {
	r.seek(rows.lo)
	return &rangeReader{r, rows.hi - rows.lo}
}

// Next implements [source.Reader].
func (r *rangeReader) Next(ctx context.Context) (*source.Batch, error) {
	if r.left == 0 {
		return nil, io.EOF
	}
	b, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	if int64(b.Rows) > r.left {
		b.Rows = int(r.left)
		for i := range b.Columns {
			b.Columns[i] = b.Columns[i].Slice(0, b.Rows)
		}
	}
	r.left -= int64(b.Rows)
	return b, nil
}
