package arrowio

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow/ipc"

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
	to      sink
}

type batchColumn struct {
	name    string
	dict    *dual.Dict
	value   dual.Value // of a constant
	through []uint32   // code of an entry of dict
}

// NewBatchWriter returns a writer of batches like the first one, which it does
// not write.
func NewBatchWriter(w io.Writer, layout Layout, names []string, first []dual.Vector, o WriteOptions) (*BatchWriter, error) {
	b := &BatchWriter{columns: make([]batchColumn, len(first))}
	columns := make([]columnWriter, len(first))
	for i := range first {
		f, err := b.columns[i].open(names[i], &first[i], &o)
		if err != nil {
			return nil, err
		}
		columns[i] = newColumnWriter(f, o.Show)
	}
	schema := schemaOf(columns)
	var err error
	switch layout {
	case Stream:
		b.to = &ipcWriter{columns, schema, ipc.NewWriter(w, ipc.WithSchema(schema))}
	case IPC:
		var f *ipc.FileWriter
		f, err = ipc.NewFileWriter(&position{w: w}, ipc.WithSchema(schema))
		b.to = &ipcWriter{columns, schema, f}
	default:
		b.to, err = newParquetWriter(w, schema, columns, o.Compression)
	}
	if err != nil {
		return nil, fmt.Errorf("write batches: %w", err)
	}
	return b, nil
}

// open makes a field of the values of a dictionary.
func (c *batchColumn) open(name string, v *dual.Vector, o *WriteOptions) (*storage.Field, error) {
	c.name, c.dict = name, v.Dict
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
	return f, err
}

// Write writes a batch: the first one or one that shares its dictionaries.
// Constants of equal values share one.
func (b *BatchWriter) Write(batch []dual.Vector) (err error) {
	defer recovered(&err)
	if len(batch) == 0 {
		return nil
	}
	codes := make([][]uint32, len(b.columns))
	for i := range b.columns {
		c, v := &b.columns[i], &batch[i]
		if v.Dict != c.dict && !(v.Const && len(c.through) == 1 && dual.Identical(v.Dict.At(0), c.value)) {
			return fmt.Errorf("column %s: a batch has values of its own", c.name)
		}
		codes[i] = make([]uint32, v.N)
		for r := range codes[i] {
			codes[i][r] = c.through[v.Entry(r)]
		}
	}
	return b.to.Write(codes)
}

// Close ends the file; it does not close what it is written to.
func (b *BatchWriter) Close() error { return b.to.Close() }
