package arrowio

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"golang.org/x/sync/errgroup"
)

// A parquetWriter writes codes as row groups. It does not go through
// [pqarrow.FileWriter], which looks every value up in a table of hashes, twice
// for texts: codes are nearly what the pages of a dictionary hold.
type parquetWriter struct {
	out       *keeper
	file      *file.Writer
	columns   []columnWriter
	groupRows int        // at most, of a row group
	pending   [][]uint32 // codes of the row group that is being gathered
}

// groupCells bounds the codes of a row group, which are in memory together.
const groupCells = 1 << 25

func newParquetWriter(w io.Writer, schema *arrow.Schema, columns []columnWriter, compression string) (p *parquetWriter, err error) {
	defer failed(&err)
	codec, ok := compressions[compression]
	if !ok {
		return nil, fmt.Errorf("compression %q is not supported", compression)
	}
	options := []parquet.WriterProperty{
		parquet.WithCompression(codec), parquet.WithBatchSize(pieceRows), parquet.WithDataPageSize(1 << 30), // chunks end pages
	}
	for i, c := range columns {
		path := parquet.ColumnPath{schema.Field(i).Name}
		options = append(options, parquet.WithDictionaryPath(path, c.chunk.hasDictionary()))
	}
	props := parquet.NewWriterProperties(options...)
	nodes, err := pqarrow.ToParquet(schema, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, err
	}
	// The schema in Arrow's own terms is what readers give dictionaries back by.
	var serialized bytes.Buffer
	if err := ipc.NewWriter(&serialized, ipc.WithSchema(schema)).Close(); err != nil {
		return nil, err
	}
	var meta metadata.KeyValueMetadata
	if err := meta.Append("ARROW:schema", base64.StdEncoding.EncodeToString(serialized.Bytes())); err != nil {
		return nil, err
	}
	out := &keeper{w: w}
	return &parquetWriter{
		out:       out,
		file:      file.NewParquetWriter(out, nodes.Root(), file.WithWriterProps(props), file.WithWriteMetadata(meta)),
		columns:   columns,
		groupRows: min(1<<20, max(rowsMax, groupCells/max(1, len(columns)))),
		pending:   make([][]uint32, len(columns)),
	}, nil
}

// Write implements [sink].
func (p *parquetWriter) Write(codes [][]uint32) error {
	if len(p.pending[0])+len(codes[0]) > p.groupRows {
		if err := p.flush(); err != nil {
			return err
		}
	}
	for i := range codes {
		p.pending[i] = append(p.pending[i], codes[i]...)
	}
	return nil
}

// flush writes what Write has gathered.
func (p *parquetWriter) flush() error {
	if len(p.pending) == 0 || len(p.pending[0]) == 0 {
		return nil
	}
	err := p.group(func(i int, _ []uint32) []uint32 { return p.pending[i] })
	for i := range p.pending {
		p.pending[i] = p.pending[i][:0]
	}
	return err
}

// group writes a row group: the chunks of several columns at a time. codes
// returns the codes of column i; it may use buf, which it returned before.
func (p *parquetWriter) group(codes func(i int, buf []uint32) []uint32) (err error) {
	defer failed(&err)
	out := p.file.AppendBufferedRowGroup()
	var next atomic.Int64
	var g errgroup.Group
	for range min(runtime.GOMAXPROCS(0), len(p.columns)) {
		g.Go(func() (err error) {
			defer failed(&err)
			var buf []uint32
			for {
				i := int(next.Add(1) - 1)
				if i >= len(p.columns) {
					return nil
				}
				to, err := out.Column(i)
				if err != nil {
					return err
				}
				buf = codes(i, buf)
				if err := p.columns[i].chunk.write(to, buf); err != nil {
					return err
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return out.Close()
}

// Close implements [sink].
func (p *parquetWriter) Close() (err error) {
	defer failed(&err)
	err = errors.Join(p.flush(), p.file.Close())
	if p.out.err != nil {
		return p.out.err
	}
	return err
}

// A keeper keeps the first error of a writer: the library drops those of
// footers.
type keeper struct {
	w   io.Writer
	err error
}

func (k *keeper) Write(b []byte) (n int, err error) {
	if k.err != nil {
		return 0, k.err
	}
	n, k.err = k.w.Write(b)
	return n, k.err
}

// failed turns a panic of the library, as on a full disk, into an error.
func failed(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("parquet library: %v", p)
	}
}

const (
	// pieceRows is how many rows are handed to the library at a time.
	pieceRows = 8 << 10
	// pageBytes is the size at which a page ends.
	pageBytes = 1 << 20
	// dictionaryBytes is the largest size of a field's values for which chunks
	// have dictionaries; it is the limit of most writers.
	dictionaryBytes = 1 << 20
)

// A chunk makes column chunks of codes: all values of a field as Parquet
// stores them.
type chunk[T any] struct {
	value   func(code uint32) T
	compare func(a, b T) int
	array   func(values []T) arrow.Array // of a dictionary
	// first is the lowest code of the same stored value, as two texts can look
	// the same and two times be less than a microsecond apart; nil where the
	// values are too many for a dictionary.
	first []uint32
}

func (c *chunk[T]) hasDictionary() bool { return c.first != nil }

// What writers of chunks have besides the interfaces of the library.
type (
	dictionaryEncoder interface {
		PutDictionary(values arrow.Array) error
		NumEntries() int
	}
	rangeStatistics[T any] interface{ SetMinMax(lo, hi T) }
	valueWriter[T any]     interface {
		WriteBatch(values []T, definition, repetition []int16) (int64, error)
	}
	pageEnder interface{ FlushCurrentPage() error }
)

// write writes the chunk of the codes and ends its pages.
func (c *chunk[T]) write(to file.ColumnChunkWriter, codes []uint32) (err error) {
	write := func(codes []uint32) error { return c.values(to, codes) }
	if c.hasDictionary() {
		if write, err = c.dictionary(to, codes); err != nil {
			return err
		}
	}
	for len(codes) > 0 {
		n := min(pieceRows, len(codes))
		if err := write(codes[:n]); err != nil {
			return err
		}
		if codes = codes[n:]; len(codes) > 0 && to.CurrentEncoder().EstimatedDataEncodedSize() < pageBytes {
			continue
		}
		if err := to.(pageEnder).FlushCurrentPage(); err != nil {
			return err
		}
	}
	return nil
}

// values writes a piece value by value.
func (c *chunk[T]) values(to file.ColumnChunkWriter, codes []uint32) error {
	out := make([]T, 0, len(codes))
	for _, code := range codes {
		if code != 0 {
			out = append(out, c.value(code))
		}
	}
	_, err := to.(valueWriter[T]).WriteBatch(out, definition(codes), nil)
	return err
}

// dictionary gives the chunk a dictionary of the values that its rows have, in
// the order of their first rows, and returns what writes a piece.
func (c *chunk[T]) dictionary(to file.ColumnChunkWriter, codes []uint32) (write func([]uint32) error, err error) {
	entries := make([]int32, len(c.first)) // of a code, from 1 on
	var used []T
	for _, code := range codes {
		if code == 0 || entries[code] != 0 {
			continue
		}
		first := c.first[code]
		if entries[first] == 0 {
			used = append(used, c.value(first))
			entries[first] = int32(len(used))
		}
		entries[code] = entries[first]
	}
	encoder := to.CurrentEncoder().(dictionaryEncoder)
	if err := encoder.PutDictionary(c.array(used)); err != nil {
		return nil, err
	}
	if n := encoder.NumEntries(); n != len(used) {
		return nil, fmt.Errorf("column %s: %d values are %d entries of a dictionary", to.Descr().Name(), len(used), n)
	}
	var lo, hi T
	if len(used) > 0 {
		lo, hi = slices.MinFunc(used, c.compare), slices.MaxFunc(used, c.compare)
	}
	return func(codes []uint32) error {
		indices := make([]int32, len(codes))
		for i, code := range codes {
			indices[i] = entries[code] - 1
		}
		valid, nulls := validity(codes)
		// Bounds of the chunk serve for each of its pages.
		s := to.PageStatistics()
		s.IncNulls(int64(nulls))
		s.IncNumValues(int64(len(codes) - nulls))
		if nulls < len(codes) {
			s.(rangeStatistics[T]).SetMinMax(lo, hi)
		}
		return to.WriteDictIndices(fixedArray(arrow.PrimitiveTypes.Int32, indices, valid, nulls), definition(codes), nil)
	}, nil
}

// firsts returns the lowest code of the same key for every code.
func firsts[K comparable](symbols int, key func(code uint32) K) []uint32 {
	seen := make(map[K]uint32, symbols)
	first := make([]uint32, symbols+1)
	for code := uint32(1); code <= uint32(symbols); code++ {
		k := key(code)
		at, ok := seen[k]
		if !ok {
			at = code
			seen[k] = code
		}
		first[code] = at
	}
	return first
}

// definition returns the definition levels: 0 for NULL, 1 for a value.
func definition(codes []uint32) []int16 {
	levels := make([]int16, len(codes))
	for i, code := range codes {
		if code != 0 {
			levels[i] = 1
		}
	}
	return levels
}

// validity returns a bit per code, 0 for NULL, and the number of NULLs; nil
// where there is none.
func validity(codes []uint32) (valid *memory.Buffer, nulls int) {
	bits := make([]byte, (len(codes)+7)/8)
	for i, code := range codes {
		if code == 0 {
			nulls++
		} else {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	if nulls == 0 {
		return nil, 0
	}
	return memory.NewBufferBytes(bits), nulls
}

// fixedArray returns values as an array of the type kind, whose memory is a T
// per value.
func fixedArray[T int32 | int64 | float64](kind arrow.DataType, values []T, valid *memory.Buffer, nulls int) arrow.Array {
	buffers := []*memory.Buffer{valid, memory.NewBufferBytes(arrow.GetBytes(values))}
	return array.MakeFromData(array.NewData(kind, len(values), buffers, nil, nulls, 0))
}
