package arrowio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

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
// display texts, as a dictionary.
func WriteParquet(ctx context.Context, w io.Writer, t *storage.Table, o WriteOptions) error {
	codec, ok := compressions[o.Compression]
	if !ok {
		return fmt.Errorf("compression %q is not supported", o.Compression)
	}
	out := newTableWriter(t, &o)
	props := parquet.NewWriterProperties(parquet.WithCompression(codec), parquet.WithMaxRowGroupLength(1<<20))
	pw, err := pqarrow.NewFileWriter(out.schema, w, props, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	err = out.records(ctx, pw.WriteBuffered)
	if closeErr := pw.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	return nil
}

// WriteIPC writes a table as an Arrow IPC file, with the columns of
// [WriteParquet].
func WriteIPC(ctx context.Context, w io.Writer, t *storage.Table, o WriteOptions) error {
	out := newTableWriter(t, &o)
	iw, err := ipc.NewFileWriter(&position{w: w}, ipc.WithSchema(out.schema))
	if err != nil {
		return fmt.Errorf("write arrow: %w", err)
	}
	err = out.records(ctx, iw.Write)
	if closeErr := iw.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write arrow: %w", err)
	}
	return nil
}

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

// A tableWriter makes record batches of a table.
type tableWriter struct {
	table   *storage.Table
	schema  *arrow.Schema
	columns []columnWriter
}

// A columnWriter makes the array of some codes of a column; code 0 is NULL.
type columnWriter struct {
	kind arrow.DataType
	make func(codes []uint32) arrow.Array
}

func newTableWriter(t *storage.Table, o *WriteOptions) *tableWriter {
	w := &tableWriter{table: t}
	fields := make([]arrow.Field, len(t.Columns))
	for i, c := range t.Columns {
		w.columns = append(w.columns, newColumnWriter(c.Field, o.Show))
		fields[i] = arrow.Field{Name: c.Field.Name, Type: w.columns[i].kind, Nullable: true}
	}
	w.schema = arrow.NewSchema(fields, nil)
	return w
}

// records calls write for every batch of rows.
func (w *tableWriter) records(ctx context.Context, write func(arrow.Record) error) error {
	codes := make([]uint32, min(rowsMax, w.table.Rows))
	for lo := 0; lo < w.table.Rows; lo += rowsMax {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(rowsMax, w.table.Rows-lo)
		arrays := make([]arrow.Array, len(w.columns))
		for i, c := range w.table.Columns {
			c.Codes(codes[:n], lo)
			arrays[i] = w.columns[i].make(codes[:n])
		}
		if err := write(array.NewRecord(w.schema, arrays, int64(n))); err != nil {
			return err
		}
	}
	return nil
}

// newColumnWriter chooses the type of a column by all values of its field.
func newColumnWriter(f *storage.Field, show func(dual.Value) string) columnWriter {
	whole, ok := numbersOnly(f, show)
	if !ok {
		return textWriter(f, show)
	}
	kind := dual.Unknown
	if f.Format != nil {
		kind = f.Format.Type
	}
	number := f.Symbols.Number
	switch {
	case kind == dual.Date && whole:
		return builtWriter(arrow.FixedWidthTypes.Date32, array.NewDate32Builder, func(code uint32) arrow.Date32 {
			return arrow.Date32(number(code) - epochDay)
		})
	case kind == dual.Date || kind == dual.Timestamp:
		unit := &arrow.TimestampType{Unit: arrow.Microsecond}
		return builtWriter(unit, func(m memory.Allocator) *array.TimestampBuilder { return array.NewTimestampBuilder(m, unit) },
			func(code uint32) arrow.Timestamp {
				return arrow.Timestamp(math.Round((number(code) - epochDay) * 86400 * 1e6))
			})
	case whole:
		return builtWriter(arrow.PrimitiveTypes.Int64, array.NewInt64Builder, func(code uint32) int64 { return int64(number(code)) })
	default:
		return builtWriter(arrow.PrimitiveTypes.Float64, array.NewFloat64Builder, number)
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

// builtWriter makes arrays of one number per code.
func builtWriter[T any, B interface {
	array.Builder
	Append(T)
}](kind arrow.DataType, builder func(memory.Allocator) B, number func(code uint32) T) columnWriter {
	return columnWriter{kind, func(codes []uint32) arrow.Array {
		b := builder(memory.DefaultAllocator)
		b.Reserve(len(codes))
		for _, c := range codes {
			if c == 0 {
				b.AppendNull()
			} else {
				b.Append(number(c))
			}
		}
		return b.NewArray()
	}}
}

// textWriter makes dictionary arrays: the index of a value is its code - 1.
func textWriter(f *storage.Field, show func(dual.Value) string) columnWriter {
	kind := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	texts := array.NewStringBuilder(memory.DefaultAllocator)
	for code := uint32(1); code <= uint32(f.Symbols.Len()); code++ {
		texts.Append(show(f.Value(code)))
	}
	dict := texts.NewArray()
	return columnWriter{kind, func(codes []uint32) arrow.Array {
		b := array.NewInt32Builder(memory.DefaultAllocator)
		b.Reserve(len(codes))
		for _, c := range codes {
			if c == 0 {
				b.AppendNull()
			} else {
				b.Append(int32(c - 1))
			}
		}
		return array.NewDictionaryArray(kind, b.NewArray(), dict)
	}}
}
