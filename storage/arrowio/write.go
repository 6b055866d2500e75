package arrowio

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// WriteOptions say how a table is written.
type WriteOptions struct {
	// Show returns the display text of a value.
	Show func(dual.Value) string
	// Compression of Parquet: snappy (the default), gzip, zstd, brotli or
	// none.
	Compression string
	// Formats are how numbers of columns are shown whose vectors do not say it,
	// as their values have texts of their own. For a [BatchWriter] only: fields
	// of a table have theirs.
	Formats map[string]*dual.Format
}

// compressions are the names of WriteOptions.Compression.
var compressions = map[string]compress.Compression{
	"": compress.Codecs.Snappy, "snappy": compress.Codecs.Snappy, "gzip": compress.Codecs.Gzip,
	"zstd": compress.Codecs.Zstd, "brotli": compress.Codecs.Brotli,
	"none": compress.Codecs.Uncompressed, "uncompressed": compress.Codecs.Uncompressed,
}

// WriteParquet writes a table as a Parquet file.
//
// A field of numbers that show no more than the number is a column of int64 or
// double; dates and timestamps are such; every other field is a column of
// display texts. Only values that rows have are written.
//
// Memory: 4 bytes per cell of a row group of up to a million rows, and the
// values of the fields.
func WriteParquet(ctx context.Context, w io.Writer, t *storage.Table, o WriteOptions) error {
	columns, schema := tableColumns(t, &o)
	out, err := newParquetWriter(w, schema, columns, o.Compression)
	if err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	for lo := 0; lo < t.Rows && err == nil; lo += out.groupRows {
		n := min(out.groupRows, t.Rows-lo)
		err = out.group(func(i int, buf []uint32) []uint32 {
			buf = slices.Grow(buf[:0], n)[:n]
			t.Columns[i].Codes(buf, lo)
			return buf
		})
		err = errors.Join(err, ctx.Err())
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	return nil
}

// WriteIPC writes a table as an Arrow IPC file, with the columns of
// [WriteParquet]; those of texts are dictionaries.
func WriteIPC(ctx context.Context, w io.Writer, t *storage.Table, o WriteOptions) error {
	columns, schema := tableColumns(t, &o)
	iw, err := ipc.NewFileWriter(&position{w: w}, ipc.WithSchema(schema))
	if err != nil {
		return fmt.Errorf("write arrow: %w", err)
	}
	out := &ipcWriter{columns, schema, iw}
	codes := make([][]uint32, len(columns))
	for lo := 0; lo < t.Rows && len(columns) > 0 && err == nil; lo += rowsMax {
		for i, c := range t.Columns {
			codes[i] = make([]uint32, min(rowsMax, t.Rows-lo))
			c.Codes(codes[i], lo)
		}
		err = errors.Join(out.Write(codes), ctx.Err())
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("write arrow: %w", err)
	}
	return nil
}

func tableColumns(t *storage.Table, o *WriteOptions) ([]columnWriter, *arrow.Schema) {
	columns := make([]columnWriter, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = newColumnWriter(c.Field, o.Show)
	}
	return columns, schemaOf(columns)
}

func schemaOf(columns []columnWriter) *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.name, Type: c.kind, Nullable: true}
	}
	return arrow.NewSchema(fields, nil)
}

// A sink takes the codes of all columns, of the same number of rows each.
type sink interface {
	Write(codes [][]uint32) error
	Close() error
}

var (
	_ sink = (*ipcWriter)(nil)
	_ sink = (*parquetWriter)(nil)
)

// An ipcWriter writes a record batch at a time.
type ipcWriter struct {
	columns []columnWriter
	schema  *arrow.Schema
	to      interface {
		Write(arrow.Record) error
		Close() error
	}
}

// Write implements [sink].
func (w *ipcWriter) Write(codes [][]uint32) error {
	arrays := make([]arrow.Array, len(codes))
	for i, c := range w.columns {
		arrays[i] = c.array(codes[i])
	}
	return w.to.Write(array.NewRecord(w.schema, arrays, int64(len(codes[0]))))
}

// Close implements [sink].
func (w *ipcWriter) Close() error { return w.to.Close() }

// A position tells how far a file is written, which is all that Arrow seeks
// for.
type position struct {
	w  io.Writer
	at int64
}

func (p *position) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.at += int64(n)
	return n, err
}

// Seek returns the position; it cannot move it.
func (p *position) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.New("seek in a stream")
	}
	return p.at, nil
}

// A columnWriter makes what files hold of some codes of a column; code 0 is
// NULL.
type columnWriter struct {
	name  string
	kind  arrow.DataType
	array func(codes []uint32) arrow.Array // of a record batch
	chunk interface {                      // of Parquet
		hasDictionary() bool
		write(to file.ColumnChunkWriter, codes []uint32) error
	}
}

// newColumnWriter chooses the type of a column by all values of its field.
func newColumnWriter(f *storage.Field, show func(dual.Value) string) columnWriter {
	whole, ok := numbersOnly(f, show)
	if !ok {
		return textColumn(f, show)
	}
	kind := dual.Unknown
	if f.Format != nil {
		kind = f.Format.Type
	}
	switch {
	case kind == dual.Date && whole:
		return numberColumn(f, arrow.FixedWidthTypes.Date32, func(x float64) int32 { return int32(x - epochDay) })
	case kind == dual.Date || kind == dual.Timestamp:
		return numberColumn(f, &arrow.TimestampType{Unit: arrow.Microsecond}, func(x float64) int64 {
			return int64(math.Round((x - epochDay) * 86400 * 1e6))
		})
	case whole:
		return numberColumn(f, arrow.PrimitiveTypes.Int64, func(x float64) int64 { return int64(x) })
	default:
		return numberColumn(f, arrow.PrimitiveTypes.Float64, func(x float64) float64 { return x })
	}
}

// numbersOnly reports whether all values of a field are numbers that show no
// more than themselves, by default or in the field's format, and whether all of
// those are whole and exact.
func numbersOnly(f *storage.Field, show func(dual.Value) string) (whole, ok bool) {
	const exact = 1 << 53
	whole = true
	for code := uint32(1); code <= uint32(f.Symbols.Len()); code++ {
		x := f.Symbols.Number(code)
		if math.IsNaN(x) || f.Symbols.HasText(code) && !showsOnly(f, code, show) {
			return false, false
		}
		whole = whole && x == math.Trunc(x) && math.Abs(x) <= exact
	}
	return whole, f.Symbols.Len() > 0
}

// showsOnly reports whether the text of a number is one that it is shown as
// without it. Times and intervals, which have no type of column, keep theirs.
func showsOnly(f *storage.Field, code uint32, show func(dual.Value) string) bool {
	x, text := f.Symbols.Number(code), f.Symbols.Text(code)
	if text == show(dual.Number(x)) {
		return true
	}
	return f.Format != nil && f.Format.Type != dual.Time && f.Format.Type != dual.Interval && text == show(dual.Formatted(x, f.Format))
}

// numberColumn is a column of numbers that are stored as convert makes them.
func numberColumn[T int32 | int64 | float64](f *storage.Field, kind arrow.DataType, convert func(float64) T) columnWriter {
	n := f.Symbols.Len()
	values := make([]T, n+1) // of a code
	for code := 1; code <= n; code++ {
		values[code] = convert(f.Symbols.Number(uint32(code)))
	}
	value := func(code uint32) T { return values[code] }
	c := &chunk[T]{value: value, compare: cmp.Compare[T], array: func(used []T) arrow.Array {
		return fixedArray(arrow.GetDataType[T](), used, nil, 0)
	}}
	if 8*n <= dictionaryBytes {
		c.first = firsts(n, value)
	}
	return columnWriter{f.Name, kind, func(codes []uint32) arrow.Array {
		out := make([]T, len(codes))
		for i, code := range codes {
			out[i] = values[code]
		}
		valid, nulls := validity(codes)
		return fixedArray(kind, out, valid, nulls)
	}, c}
}

// textColumn is a column of display texts, in record batches as indices into
// all of them: that of a value is its code - 1.
func textColumn(f *storage.Field, show func(dual.Value) string) columnWriter {
	n := f.Symbols.Len()
	var texts []byte
	ends := make([]int, n+1) // of the text of a code
	for code := 1; code <= n; code++ {
		texts = append(texts, show(f.Value(uint32(code)))...)
		ends[code] = len(texts)
	}
	value := func(code uint32) parquet.ByteArray { return texts[ends[code-1]:ends[code]] }
	c := &chunk[parquet.ByteArray]{
		value: value, array: textArray,
		compare: func(a, b parquet.ByteArray) int { return bytes.Compare(a, b) },
	}
	if len(texts)+4*n <= dictionaryBytes {
		c.first = firsts(n, func(code uint32) string { return string(value(code)) })
	}
	kind := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	all := sync.OnceValue(func() arrow.Array {
		values := make([]parquet.ByteArray, n)
		for i := range values {
			values[i] = value(uint32(i + 1))
		}
		return textArray(values)
	})
	return columnWriter{f.Name, kind, func(codes []uint32) arrow.Array {
		indices := make([]int32, len(codes))
		for i, code := range codes {
			indices[i] = int32(code) - 1
		}
		valid, nulls := validity(codes)
		return array.NewDictionaryArray(kind, fixedArray(arrow.PrimitiveTypes.Int32, indices, valid, nulls), all())
	}, c}
}

func textArray(texts []parquet.ByteArray) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	for _, t := range texts {
		b.BinaryBuilder.Append(t)
	}
	return b.NewArray()
}
