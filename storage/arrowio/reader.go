// Package arrowio exchanges tables with Arrow IPC and Parquet files. It is
// the only importer of Arrow.
//
// A [Reader] reads either kind in batches of column vectors. Dictionary
// columns become codes without a look at the value of each row; numbers,
// dates and times become numbers (a day is 1, day 0 is 1899-12-30) with a
// format; texts are texts, whatever they look like; lists, maps and structs
// are their JSON text.
//
// The Arrow library trusts files more than a server may: allocations are
// bounded and its panics become errors.
package arrowio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/storage/dual"
)

// rowsMax is the number of rows of a batch.
const rowsMax = 1 << 16

// ErrFormat marks a file that is no valid Arrow or Parquet.
var ErrFormat = errors.New("bad arrow or parquet data")

// Formats are the formats that dates and times get; nil ones are the default.
type Formats struct {
	Date, Time, Timestamp, Interval *dual.Format
}

// ReadOptions say how a file is read. The zero value reads all of it.
type ReadOptions struct {
	Formats Formats
	// Needed reports whether a column will be used; nil means all. Other
	// columns are NULL and cost nothing.
	Needed func(name string) bool
	// Workers bounds the columns that are decoded at a time; 0 means one per
	// core.
	Workers int

	arrays bool // tests: leave all columns to the library
}

// A Reader reads the rows of a file in order. It has one user at a time.
type Reader struct {
	names   []string
	columns []column // of names, nil where not needed
	groups  []int64  // rows up to the end of each row group; nil: there are none
	rows    int64
	done    int64
	size    int64
	closers []func() error
	workers int
}

// A column delivers one column piece by piece.
type column interface {
	// next returns the next n values, fewer only at the end of the file.
	next(n int) (dual.Vector, error)
}

// An arrayColumn is a column of the arrays that the library makes.
type arrayColumn struct {
	decoder
	arrays interface {
		// next returns the next n values as arrays that may have different
		// dictionaries.
		next(n int) ([]arrow.Array, error)
	}
}

// next implements [column].
func (c *arrayColumn) next(n int) (dual.Vector, error) {
	arrays, err := c.arrays.next(n)
	if err != nil {
		return dual.Vector{}, err
	}
	return c.vector(arrays)
}

// Open opens an Arrow IPC file or a Parquet file; its first bytes say which.
func Open(path string, o ReadOptions) (r *Reader, err error) {
	defer recovered(&err)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r = &Reader{closers: []func() error{f.Close}, workers: o.Workers}
	if r.workers <= 0 {
		r.workers = runtime.GOMAXPROCS(0)
	}
	defer func() {
		if err != nil {
			f.Close()
			r = nil
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	r.size = info.Size()
	var magic [6]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic[:], []byte("PAR1")):
		return r, r.openParquet(f, &o)
	case bytes.Equal(magic[:], []byte("ARROW1")):
		return r, r.openIPC(f, &o)
	}
	return nil, fmt.Errorf("%w: neither PAR1 nor ARROW1 at its start", ErrFormat)
}

func (r *Reader) openParquet(f *os.File, o *ReadOptions) error {
	props := parquet.NewReaderProperties(bounded{})
	props.BufferedStreamEnabled = true
	pf, err := file.NewParquetReader(f, file.WithReadProps(props))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	r.closers = append(r.closers, pf.Close)
	arrowProps := pqarrow.ArrowReadProperties{BatchSize: rowsMax}
	schema := pf.MetaData().Schema
	for i := range schema.NumColumns() {
		c := schema.Column(i)
		if c.MaxRepetitionLevel() == 0 && len(c.ColumnPath()) == 1 && c.PhysicalType() == parquet.Types.ByteArray {
			arrowProps.SetReadDict(i, true)
		}
	}
	fr, err := pqarrow.NewFileReader(pf, arrowProps, bounded{})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	r.rows = pf.NumRows()
	for i, field := range fr.Manifest.Fields {
		if !r.add(field.Field.Name, o) {
			continue
		}
		if at := field.ColIndex; at >= 0 && !o.arrays {
			c, err := newPageColumn(f, pf, at, field.Field.Type, o.Formats)
			if err != nil {
				return fmt.Errorf("%w: column %s: %w", ErrFormat, field.Field.Name, err)
			}
			if c != nil {
				r.columns[i] = c
				continue
			}
		}
		c, err := fr.GetColumn(context.Background(), i)
		if err != nil {
			return fmt.Errorf("%w: column %s: %w", ErrFormat, field.Field.Name, err)
		}
		r.columns[i] = &arrayColumn{decoder{formats: o.Formats}, &parquetColumn{c}}
	}
	return r.setGroups(pf)
}

// setGroups notes where the row groups end: batches end there, too, so that
// none has values of two dictionaries.
func (r *Reader) setGroups(pf *file.Reader) error {
	end := int64(0)
	for i := range pf.NumRowGroups() {
		rows := pf.MetaData().RowGroup(i).NumRows()
		if rows < 0 || rows > r.rows-end {
			return fmt.Errorf("%w: row group %d has %d rows of %d", ErrFormat, i, rows, r.rows)
		}
		end += rows
		r.groups = append(r.groups, end)
	}
	return nil
}

type parquetColumn struct{ r *pqarrow.ColumnReader }

func (c *parquetColumn) next(n int) ([]arrow.Array, error) {
	chunked, err := c.r.NextBatch(int64(n))
	if err != nil {
		return nil, err
	}
	return chunked.Chunks(), nil
}

func (r *Reader) openIPC(f *os.File, o *ReadOptions) error {
	file, err := ipc.NewFileReader(f, ipc.WithAllocator(bounded{}))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	records := &ipcRecords{file: file}
	for i, field := range file.Schema().Fields() {
		if r.add(field.Name, o) {
			r.columns[i] = &arrayColumn{decoder{formats: o.Formats}, &ipcColumn{records: records, at: i}}
		}
	}
	// The footer has no number of rows: count them record by record.
	for i := range file.NumRecords() {
		rec, err := records.get(i)
		if err != nil {
			return err
		}
		r.rows += rec.NumRows()
		records.rows = append(records.rows, rec.NumRows())
	}
	r.workers = 1 // the columns share the records
	return nil
}

// ipcRecords reads record batches and keeps the last one, which all columns
// ask for in turn.
type ipcRecords struct {
	file *ipc.FileReader
	rows []int64
	last int
	rec  arrow.Record
}

func (r *ipcRecords) get(i int) (arrow.Record, error) {
	if r.rec == nil || r.last != i {
		rec, err := r.file.RecordAt(i)
		if err != nil {
			return nil, fmt.Errorf("%w: record batch %d: %w", ErrFormat, i, err)
		}
		r.rec, r.last = rec, i
	}
	return r.rec, nil
}

type ipcColumn struct {
	records *ipcRecords
	at      int
	record  int
	row     int64 // of the record
}

func (c *ipcColumn) next(n int) ([]arrow.Array, error) {
	var out []arrow.Array
	for want := int64(n); want > 0 && c.record < len(c.records.rows); {
		rec, err := c.records.get(c.record)
		if err != nil {
			return nil, err
		}
		take := min(want, c.records.rows[c.record]-c.row)
		if take > 0 {
			out = append(out, rec.NewSlice(c.row, c.row+take).Column(c.at))
		}
		want -= take
		if c.row += take; c.row == c.records.rows[c.record] {
			c.record, c.row = c.record+1, 0
		}
	}
	return out, nil
}

// add appends a column and reports whether it is needed. Repeated and empty
// names are made different.
func (r *Reader) add(name string, o *ReadOptions) bool {
	base := name
	for n := 1; name == "" || slices.Contains(r.names, name); n++ {
		name = fmt.Sprintf("%s%d", base, n)
	}
	r.names = append(r.names, name)
	r.columns = append(r.columns, nil)
	return o.Needed == nil || o.Needed(name)
}

// Fields returns the names of the columns.
func (r *Reader) Fields() []string { return r.names }

// Rows returns the number of rows of the file.
func (r *Reader) Rows() int64 { return r.rows }

// Size returns the bytes of the file.
func (r *Reader) Size() int64 { return r.size }

// Next returns the next vectors, one for each field, all of the same length,
// and about how many bytes of the file they are; io.EOF after the last row.
func (r *Reader) Next(ctx context.Context) (batch []dual.Vector, sizeBytes int64, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	n := int(min(rowsMax, r.rows-r.done))
	if n <= 0 || len(r.names) == 0 {
		return nil, 0, io.EOF
	}
	for _, end := range r.groups {
		if end > r.done {
			n = int(min(int64(n), end-r.done))
			break
		}
	}
	batch = make([]dual.Vector, len(r.names))
	var g errgroup.Group
	g.SetLimit(r.workers)
	for i := range batch {
		g.Go(func() (err error) {
			defer recovered(&err)
			batch[i], err = r.vector(i, n)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, 0, err
	}
	before := r.bytesAt(r.done)
	r.done += int64(n)
	return batch, r.bytesAt(r.done) - before, nil
}

func (r *Reader) bytesAt(row int64) int64 {
	return int64(float64(r.size) * float64(row) / float64(r.rows))
}

func (r *Reader) vector(i, n int) (dual.Vector, error) {
	if r.columns[i] == nil {
		return dual.Constant(dual.Value{}, n), nil
	}
	v, err := r.columns[i].next(n)
	if err != nil {
		return dual.Vector{}, r.columnError(i, err)
	}
	if v.N != n {
		return dual.Vector{}, fmt.Errorf("%w: column %s: %d values where %d were expected", ErrFormat, r.names[i], v.N, n)
	}
	return v, nil
}

// Free gives the memory of a batch, of which nothing is used any more, back.
// It may be called while the next batch is read.
func (r *Reader) Free(batch []dual.Vector) {
	for i := range batch {
		if c, ok := r.columns[i].(*pageColumn); ok {
			c.free(&batch[i])
		}
	}
}

func (r *Reader) columnError(i int, err error) error {
	if errors.Is(err, ErrFormat) {
		return fmt.Errorf("column %s: %w", r.names[i], err)
	}
	return fmt.Errorf("%w: column %s: %w", ErrFormat, r.names[i], err)
}

// Close closes the file.
func (r *Reader) Close() error {
	var errs []error
	for i := len(r.closers) - 1; i >= 0; i-- {
		if err := r.closers[i](); err != nil && !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
	}
	r.closers = nil
	return errors.Join(errs...)
}

// recovered turns a panic of the Arrow library into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrFormat, p)
	}
}
