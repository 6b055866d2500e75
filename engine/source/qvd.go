package source

import (
	"context"
	"io"

	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A qvdReader reads a QVD file. The vectors of a field share one dictionary,
// so a symbol is interpreted, and looked up, once for the whole file.
type qvdReader struct {
	file    *qvd.File
	batches *qvd.Batches
	fields  []string
	from    []int // column of the batches by field, -1 where nobody needs it
}

var _ Reader = (*qvdReader)(nil)

func openQVD(ctx context.Context, path string, s Spec) (Reader, error) {
	f, err := OpenQVD(path, s)
	if err != nil {
		return nil, err
	}
	r := &qvdReader{file: f}
	var need []string
	for _, h := range f.Header().Fields {
		at := -1
		if s.needs(h.Name) {
			at = len(need)
			need = append(need, h.Name)
		}
		r.fields, r.from = append(r.fields, h.Name), append(r.from, at)
	}
	if need == nil {
		need = []string{} // none, where nil would be all
	}
	rows := max(1, min(rowsMax, cellsMax/max(1, len(need))))
	if r.batches, err = f.Batches(ctx, need, rows); err != nil {
		_ = f.Close() // the first error is the one to tell
		return nil, err
	}
	return r, nil
}

// OpenQVD opens a QVD file as a load with this specification would.
func OpenQVD(path string, s Spec) (*qvd.File, error) {
	return qvd.Open(path, qvd.OpenOptions{Workers: s.Workers, Keys: s.Keys})
}

// IsQVD reports whether a load with this specification reads a QVD file.
func IsQVD(path string, s Spec) bool {
	f, err := formatOf(path, s.Format)
	return err == nil && f == formatQVD
}

// IsText reports whether a load with this specification reads delimited text.
func IsText(path string, s Spec) bool {
	f, err := formatOf(path, s.Format)
	return err == nil && f == formatText
}

// Fields implements [Reader].
func (r *qvdReader) Fields() []string { return r.fields }

// Next implements [Reader].
func (r *qvdReader) Next(ctx context.Context) (*Batch, error) {
	before := r.batches.Rows()
	columns, sizeBytes, err := r.batches.Next(ctx)
	if err == io.EOF {
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	b := &Batch{Rows: int(r.batches.Rows() - before), Bytes: sizeBytes, Columns: make([]dual.Vector, len(r.fields))}
	for i, at := range r.from {
		if at < 0 {
			b.Columns[i] = dual.Constant(dual.Value{}, b.Rows)
		} else {
			b.Columns[i] = columns[at]
		}
	}
	return b, nil
}

// Close implements [Reader].
func (r *qvdReader) Close() error { return r.file.Close() }
