package qvd

import (
	"context"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/dual"
)

// Rows returns the values of rows lo to lo+n, of which there may be fewer, as
// one vector for each of the named fields (nil: all). It is for a look at a few
// rows: of a symbol table it reads what stands in front of the last symbol that
// the rows need, which at the beginning of a file is little.
func (f *File) Rows(ctx context.Context, fields []string, lo int64, n int) ([]dual.Vector, error) {
	columns, err := f.batchColumns(fields)
	if err != nil {
		return nil, err
	}
	lo = min(max(lo, 0), f.header.Rows)
	n = int(min(int64(n), f.header.Rows-lo))
	records, err := f.records(nil, lo, n)
	if err != nil {
		return nil, err
	}
	out := make([]dual.Vector, len(columns))
	for i, c := range columns {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if out[i], err = f.fewRows(c, lo, n, records); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fewRows returns the values of a field in n records from row lo on.
func (f *File) fewRows(c batchColumn, lo int64, n int, records []byte) (dual.Vector, error) {
	h := &f.header.Fields[c.at]
	stored := make([]uint32, n)
	simd.Unpack(stored, records, c.bits)
	need := int64(0) // symbols
	for i, s := range stored {
		if int64(s) >= int64(h.storedLen()) {
			return dual.Vector{}, f.badIndex(c.at, lo+int64(i), s)
		}
		need = max(need, int64(s)+h.Bias+1)
	}
	symbols, err := f.firstSymbols(c.at, int(min(need, h.Symbols)))
	if err != nil {
		return dual.Vector{}, err
	}
	format := h.NumberFormat.Format()
	vals := make([]dual.Value, n)
	for i, s := range stored {
		k := int64(s) + h.Bias
		if k < 0 || k >= h.Symbols {
			continue
		}
		vals[i] = symbols.Value(int(k))
		if vals[i].Kind == dual.Num {
			vals[i].Format = format
		}
	}
	return dual.Vals(vals), nil
}

// firstSymbols reads the first n symbols of field i and little more.
func (f *File) firstSymbols(i, n int) (*Symbols, error) {
	const first, growth = 64 << 10, 8
	h := &f.header.Fields[i]
	for size := int64(max(first, n*symbolBytesMin)); size < h.Length; size *= growth {
		raw, err := f.symbolBytes(i, size)
		if err != nil {
			return nil, err
		}
		if s, _, bad := scanSymbols(raw, n); bad == nil {
			return s, nil
		}
	}
	raw, err := f.symbolBytes(i, h.Length)
	if err != nil {
		return nil, err
	}
	s, _, bad := scanSymbols(raw, n)
	if bad != nil {
		return nil, f.badSymbol(i, bad)
	}
	return s, nil
}
