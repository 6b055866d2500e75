package arrowio

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// Layout is a kind of file that batches are written to.
type Layout int

// Parquet and IPC are the files of [WriteParquet] and [WriteIPC]; Stream is
// the form of Arrow IPC for pipes, without a directory at its end.
const (
	Parquet Layout = iota
	IPC
	Stream
)

// A BatchWriter writes batches of vectors whose dictionaries stay the same, as
// those of a QVD do: the rows need not be in memory together. Columns have the
// types that they have in [WriteParquet], by the values of the dictionaries.
type BatchWriter struct {
	columns []batchColumn
	schema  *arrow.Schema
	write   func(arrow.Record) error
	close   func() error
}

type batchColumn struct {
	name    string
	dict    *dual.Dict
	value   dual.Value // of a constant
	through []uint32   // code of an entry of dict
	columnWriter
}

// NewBatchWriter returns a writer of batches like the first one, which it does
// not write.
func NewBatchWriter(w io.Writer, layout Layout, names []string, first []dual.Vector, o WriteOptions) (*BatchWriter, error) {
	codec, ok := compressions[o.Compression]
	if !ok {
		return nil, fmt.Errorf("compression %q is not supported", o.Compression)
	}
	b := &BatchWriter{}
	fields := make([]arrow.Field, len(names))
	for i := range first {
		c, err := newBatchColumn(names[i], &first[i], &o)
		if err != nil {
			return nil, err
		}
		b.columns = append(b.columns, c)
		fields[i] = arrow.Field{Name: names[i], Type: c.kind, Nullable: true}
	}
	b.schema = arrow.NewSchema(fields, nil)
	switch layout {
	case Stream:
		s := ipc.NewWriter(w, ipc.WithSchema(b.schema))
		b.write, b.close = s.Write, s.Close
	case IPC:
		f, err := ipc.NewFileWriter(&position{w: w}, ipc.WithSchema(b.schema))
		if err != nil {
			return nil, fmt.Errorf("write arrow: %w", err)
		}
		b.write, b.close = f.Write, f.Close
	default:
		props := parquet.NewWriterProperties(parquet.WithCompression(codec), parquet.WithMaxRowGroupLength(1<<20))
		f, err := pqarrow.NewFileWriter(b.schema, w, props, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
		if err != nil {
			return nil, fmt.Errorf("write parquet: %w", err)
		}
		b.write, b.close = f.WriteBuffered, f.Close
	}
	return b, nil
}

// newBatchColumn makes a field of the values of a dictionary.
func newBatchColumn(name string, v *dual.Vector, o *WriteOptions) (batchColumn, error) {
	c := batchColumn{name: name, dict: v.Dict}
	f := &storage.Field{Name: name, Symbols: &storage.Symbols{}, Format: v.Dict.Format}
	if f.Format == nil {
		f.Format = o.Formats[name]
	}
	vals := make([]dual.Value, v.Dict.Len())
	for i := range vals {
		vals[i] = v.Dict.At(i)
		if f.Format == nil {
			f.Format = vals[i].Format
		}
	}
	if v.Const {
		c.value = vals[0]
	}
	var err error
	c.through, err = f.Add(vals, o.Show)
	c.columnWriter = newColumnWriter(f, o.Show)
	return c, err
}

// Write writes a batch: the first one or one that shares its dictionaries.
// Constants of equal values share one.
func (b *BatchWriter) Write(batch []dual.Vector) (err error) {
	defer recovered(&err)
	if len(batch) == 0 {
		return nil
	}
	arrays := make([]arrow.Array, len(b.columns))
	for i := range b.columns {
		c, v := &b.columns[i], &batch[i]
		if v.Dict != c.dict && !(v.Const && len(c.through) == 1 && dual.Identical(v.Dict.At(0), c.value)) {
			return fmt.Errorf("column %s: a batch has values of its own", c.name)
		}
		codes := make([]uint32, v.N)
		for r := range codes {
			codes[r] = c.through[v.Entry(r)]
		}
		arrays[i] = c.make(codes)
	}
	return b.write(array.NewRecord(b.schema, arrays, int64(batch[0].N)))
}

// Close ends the file; it does not close what it is written to.
func (b *BatchWriter) Close() error { return b.close() }
