package script

import (
	"context"
	"io"

	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// reader delivers a table in batches: a file, a table, or a stage of a load.
type reader = source.Reader

// batchRows is the number of rows of the batches that this package makes.
const batchRows = 1 << 16

// A tableReader reads a loaded table.
type tableReader struct {
	table *storage.Table
	dicts []*dual.Dict
	order []uint32 // rows in the order wanted; nil = all as stored
	n     int      // rows to read
	row   int
}

func newTableReader(t *storage.Table, order []uint32) *tableReader {
	r := &tableReader{table: t, order: order, n: t.Rows, dicts: make([]*dual.Dict, len(t.Columns))}
	if order != nil {
		r.n = len(order)
	}
	for i, c := range t.Columns {
		r.dicts[i] = c.Field.Dict() // now: the field may grow while the table is read
	}
	return r
}

// Fields implements [source.Reader].
func (r *tableReader) Fields() []string { return r.table.FieldNames() }

// Next implements [source.Reader].
func (r *tableReader) Next(ctx context.Context) (*source.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n := min(batchRows, r.n-r.row)
	if n <= 0 {
		return nil, io.EOF
	}
	b := &source.Batch{Rows: n, Columns: make([]dual.Vector, len(r.dicts))}
	for i, c := range r.table.Columns {
		codes := make([]uint32, n)
		if r.order == nil {
			c.Codes(codes, r.row)
		} else {
			c.CodesAt(codes, r.order[r.row:r.row+n])
		}
		b.Columns[i] = dual.Coded(codes, r.dicts[i])
	}
	r.row += n
	return b, nil
}

// Close implements [source.Reader].
func (r *tableReader) Close() error { return nil }

// A nothingReader delivers n rows without columns.
type nothingReader struct{ n int }

// Fields implements [source.Reader].
func (r *nothingReader) Fields() []string { return nil }

// Next implements [source.Reader].
func (r *nothingReader) Next(ctx context.Context) (*source.Batch, error) {
	n := min(batchRows, r.n)
	if n <= 0 {
		return nil, io.EOF
	}
	r.n -= n
	return &source.Batch{Rows: n}, ctx.Err()
}

// Close implements [source.Reader].
func (r *nothingReader) Close() error { return nil }

// A singleReader hands on the rows of another reader one by one.
type singleReader struct {
	reader
	batch *source.Batch
	row   int
}

// Next implements [source.Reader].
func (r *singleReader) Next(ctx context.Context) (*source.Batch, error) {
	for r.batch == nil || r.row >= r.batch.Rows {
		b, err := r.reader.Next(ctx)
		if err != nil {
			return nil, err
		}
		r.batch, r.row = b, 0
	}
	b := &source.Batch{Rows: 1, Columns: make([]dual.Vector, len(r.batch.Columns))}
	for i := range b.Columns {
		b.Columns[i] = r.batch.Columns[i].Slice(r.row, r.row+1)
	}
	if r.row == 0 {
		b.Bytes = r.batch.Bytes
	}
	r.row++
	return b, nil
}

// A limitReader ends after n rows.
type limitReader struct {
	reader
	n int
}

// Next implements [source.Reader].
func (r *limitReader) Next(ctx context.Context) (*source.Batch, error) {
	if r.n <= 0 {
		return nil, io.EOF
	}
	b, err := r.reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	if b.Rows > r.n {
		b = &source.Batch{Rows: r.n, Columns: sliceAll(b.Columns, 0, r.n), Bytes: b.Bytes}
	}
	r.n -= b.Rows
	return b, nil
}

// A sampleReader keeps each row with probability p.
type sampleReader struct {
	reader
	p    float64
	rand func() float64
}

// Next implements [source.Reader].
func (r *sampleReader) Next(ctx context.Context) (*source.Batch, error) {
	b, err := r.reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	var keep []int32
	for i := range b.Rows {
		if r.rand() < r.p {
			keep = append(keep, int32(i))
		}
	}
	return &source.Batch{Rows: len(keep), Columns: gatherAll(b.Columns, keep), Bytes: b.Bytes}, nil
}
