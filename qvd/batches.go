package qvd

import (
	"context"
	"fmt"
	"io"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/dual"
)

// Batches gives the rows of a file in order, some at a time. It has one user
// at a time.
//
// Memory: the values of the fields, and one batch. The records are never in
// memory as a whole.
type Batches struct {
	file    *File
	columns []batchColumn
	rows    int // of a batch
	next    int64
	buf     []byte
}

type batchColumn struct {
	at      int
	bits    simd.Bits
	through []uint32 // entry of dict of a stored number
	dict    *dual.Dict
}

// batchRows is the default size of a batch.
const batchRows = 1 << 16

// Batches reads the symbols of the named fields (nil: all) and returns their
// rows in batches of at most rows rows, 0 being a default. The vectors of a
// field are codes into one dictionary, whose entry 0 is NULL and entry k+1
// symbol k.
func (f *File) Batches(ctx context.Context, fields []string, rows int) (*Batches, error) {
	if rows <= 0 {
		rows = batchRows
	}
	columns, err := f.batchColumns(fields)
	if err != nil {
		return nil, err
	}
	b := &Batches{file: f, rows: rows, columns: columns}
	weight := func(i int) int64 { return f.header.Fields[b.columns[i].at].Length }
	err = eachField(ctx, f.workers, len(columns), weight, func(i int) error {
		c := &b.columns[i]
		h := &f.header.Fields[c.at]
		symbols, err := f.Symbols(c.at)
		if err != nil {
			return err
		}
		c.dict = symbols.dict(h.NumberFormat.Format())
		c.through = through(h, 0, func(k int) uint32 { return uint32(k) + 1 })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// batchColumns finds the named fields (nil: all).
func (f *File) batchColumns(fields []string) ([]batchColumn, error) {
	if err := f.ready(); err != nil {
		return nil, err
	}
	if fields == nil {
		for i := range f.header.Fields {
			fields = append(fields, f.header.Fields[i].Name)
		}
	}
	columns := make([]batchColumn, len(fields))
	for i, name := range fields {
		at := f.header.Field(name)
		if at < 0 {
			return nil, fmt.Errorf("qvd: %s: no field %s", f.name, quote(name))
		}
		columns[i] = batchColumn{at: at, bits: f.bits(at)}
	}
	return columns, nil
}

// dict returns the symbols as a dictionary with NULL in front.
func (s *Symbols) dict(f *dual.Format) *dual.Dict {
	for i := range s.Len() {
		if shapeOf(s.Type(i)).text {
			return &dual.Dict{Vals: append([]dual.Value{{}}, s.values(f)...)}
		}
	}
	nums := make([]float64, s.Len()+1)
	nums[0] = math.NaN()
	for i := range s.Len() {
		x, _ := s.Number(i)
		nums[i+1] = x + 0 // no -0 in the model
	}
	return &dual.Dict{Nums: nums, Format: f}
}

// Next returns the next vectors, one per field, and about how many bytes of
// the file they are; io.EOF after the last row.
func (b *Batches) Next(ctx context.Context) (batch []dual.Vector, sizeBytes int64, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	h := b.file.header
	n := int(min(int64(b.rows), h.Rows-b.next))
	if n == 0 {
		return nil, 0, io.EOF
	}
	if b.buf, err = b.file.records(b.buf, b.next, n); err != nil {
		return nil, 0, err
	}
	batch = make([]dual.Vector, len(b.columns))
	var g errgroup.Group
	g.SetLimit(b.file.workers)
	for i := range b.columns {
		g.Go(func() (err error) {
			batch[i], err = b.vector(&b.columns[i], n)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, 0, err
	}
	b.next += int64(n)
	return batch, int64(float64(b.file.bodyLen) * float64(n) / float64(h.Rows)), nil
}

func (b *Batches) vector(c *batchColumn, n int) (dual.Vector, error) {
	if c.bits.Width == 0 {
		if len(c.through) == 0 {
			return dual.Vector{}, b.file.badIndex(c.at, b.next, 0)
		}
		return dual.Constant(c.dict.At(int(c.through[0])), n), nil
	}
	codes := make([]uint32, n)
	if bad := simd.UnpackThrough(codes, b.buf, c.bits, c.through); bad >= 0 {
		simd.Unpack(codes[:1], b.buf[bad*c.bits.RecordBytes:], c.bits)
		return dual.Vector{}, b.file.badIndex(c.at, b.next+int64(bad), codes[0])
	}
	return dual.Coded(codes, c.dict), nil
}

// Rows returns how many rows stand before the next batch.
func (b *Batches) Rows() int64 { return b.next }

// SeekRow makes Next begin with a row, counted from 0; nothing comes after the
// last one.
func (b *Batches) SeekRow(row int64) { b.next = min(max(row, 0), b.file.header.Rows) }
