package main

import (
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/storage/dual"
)

// A rowWriter writes batches of columns as text, row by row, on all
// processors.
type rowWriter struct {
	w       io.Writer
	format  *textFormat
	columns []renderedColumn
	bufs    [][]byte // of the parts of a batch
}

// newRowWriter writes the header of the format.
func newRowWriter(w io.Writer, f *textFormat) (*rowWriter, error) {
	if _, err := w.Write(f.header); err != nil {
		return nil, err
	}
	return &rowWriter{w: w, format: f, columns: make([]renderedColumn, len(f.before)), bufs: make([][]byte, runtime.GOMAXPROCS(0))}, nil
}

// write writes the rows of a batch.
func (r *rowWriter) write(batch []dual.Vector) error {
	if len(batch) == 0 {
		return nil
	}
	var g errgroup.Group
	g.SetLimit(len(r.bufs))
	for i := range batch {
		g.Go(func() error {
			r.columns[i].prepare(batch[i], r.format.before[i], r.format.cell)
			return nil
		})
	}
	_ = g.Wait() // none fails
	n, parts := batch[0].N, len(r.bufs)
	for p := range parts {
		g.Go(func() error {
			r.bufs[p] = r.lines(r.bufs[p][:0], p*n/parts, (p+1)*n/parts)
			return nil
		})
	}
	_ = g.Wait()
	for _, b := range r.bufs {
		if _, err := r.w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// lines appends rows lo to hi (exclusive) of the batch that is prepared.
func (r *rowWriter) lines(dst []byte, lo, hi int) []byte {
	for row := lo; row < hi; row++ {
		for i := range r.columns {
			dst = r.columns[i].append(dst, row)
		}
		dst = append(dst, r.format.after...)
	}
	return dst
}

// A renderedColumn has the texts of the entries of a dictionary, each with what
// stands before it, where they are not too many. They stay for the batches that
// share the dictionary.
type renderedColumn struct {
	v      dual.Vector
	before string
	cell   func([]byte, dual.Value) []byte
	of     *dual.Dict // whose texts there are; nil = none
	texts  []byte
	ends   []int
}

// renderedMax bounds the entries that are rendered once instead of once per
// row: their texts stay in memory, and mostly in the cache.
const renderedMax = 1 << 17

func (c *renderedColumn) prepare(v dual.Vector, before string, cell func([]byte, dual.Value) []byte) {
	c.v, c.before, c.cell = v, before, cell
	n := v.Dict.Len()
	if !v.Const && (v.Codes == nil || n > renderedMax || n > 4*v.N) {
		c.of = nil
		return
	}
	if c.of == v.Dict {
		return
	}
	c.of, c.texts, c.ends = v.Dict, c.texts[:0], append(c.ends[:0], 0)
	for i := range n {
		c.texts = cell(append(c.texts, before...), v.Dict.At(i))
		c.ends = append(c.ends, len(c.texts))
	}
}

// append appends the cell of a row with what stands before it.
func (c *renderedColumn) append(dst []byte, row int) []byte {
	i := c.v.Entry(row)
	if c.of == nil {
		return c.cell(append(dst, c.before...), c.v.Dict.At(i))
	}
	return append(dst, c.texts[c.ends[i]:c.ends[i+1]]...)
}
