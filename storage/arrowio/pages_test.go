package arrowio

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// kinds are types of which some are read page by page and others are not.
var kinds = []arrow.DataType{
	arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
	arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
	arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Date32,
	arrow.FixedWidthTypes.Timestamp_ms, arrow.FixedWidthTypes.Timestamp_us, arrow.FixedWidthTypes.Timestamp_ns,
	arrow.FixedWidthTypes.Time32ms, arrow.FixedWidthTypes.Time64us, arrow.FixedWidthTypes.Boolean,
	arrow.BinaryTypes.String, arrow.BinaryTypes.Binary, arrow.BinaryTypes.LargeString,
}

// randomRecord returns a record with a column for each of kinds.
func randomRecord(t *testing.T, rng *rand.Rand, rows int) arrow.Record {
	t.Helper()
	var fields []arrow.Field
	var columns []arrow.Array
	for i, kind := range kinds {
		nulls := []int{0, 3, 1}[rng.IntN(3)] // none, a third, all
		b := array.NewBuilder(memory.DefaultAllocator, kind)
		distinct := 1 + rng.IntN(200)
		for range rows {
			text := fmt.Sprint(rng.IntN(distinct))
			switch kind.ID() {
			case arrow.INT8:
				text = fmt.Sprint(rng.IntN(distinct) % 128)
			case arrow.BOOL:
				text = fmt.Sprint(rng.IntN(2) == 0)
			case arrow.DATE32:
				text = fmt.Sprintf("20%02d-03-04", rng.IntN(distinct)%100)
			case arrow.TIMESTAMP:
				text = fmt.Sprintf("20%02d-03-04T05:06:07Z", rng.IntN(distinct)%100)
			case arrow.TIME32, arrow.TIME64:
				text = fmt.Sprintf("05:06:%02d", rng.IntN(distinct)%60)
			case arrow.BINARY:
				text = []string{"", "YQ==", "YWJj"}[rng.IntN(3)]
			}
			if nulls > 0 && rng.IntN(nulls) == 0 {
				b.AppendNull()
			} else if err := b.AppendValueFromString(text); err != nil {
				t.Fatal(kind, err)
			}
		}
		fields = append(fields, arrow.Field{Name: fmt.Sprint(i, kind), Type: kind, Nullable: nulls > 0})
		columns = append(columns, b.NewArray())
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(rows))
}

// TestPagesAgainstLibrary compares columns read page by page with those that
// the library reads.
func TestPagesAgainstLibrary(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		options := []parquet.WriterProperty{
			parquet.WithDictionaryDefault(rng.IntN(3) > 0), parquet.WithDataPageSize(int64(1 + rng.IntN(2000))),
			parquet.WithDictionaryPageSizeLimit(int64(100 + rng.IntN(2000))), parquet.WithBatchSize(int64(1 + rng.IntN(100))),
			parquet.WithCompression([]compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Zstd}[rng.IntN(3)]),
			parquet.WithDataPageVersion([]parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2}[rng.IntN(2)]),
		}
		arrowOptions := pqarrow.DefaultWriterProps()
		if rng.IntN(2) == 0 {
			arrowOptions = pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema())
		}
		var content bytes.Buffer
		record := randomRecord(t, rng, rng.IntN(1500))
		w, err := pqarrow.NewFileWriter(record.Schema(), &content, parquet.NewWriterProperties(options...), arrowOptions)
		if err != nil {
			t.Fatal(err)
		}
		for lo := int64(0); lo < record.NumRows(); { // row groups
			hi := min(record.NumRows(), lo+1+rng.Int64N(1000))
			if err := w.Write(record.NewSlice(lo, hi)); err != nil {
				t.Fatal(err)
			}
			lo = hi
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		want, err := read(path, ReadOptions{Formats: formats, arrays: true})
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(path, ReadOptions{Formats: formats})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(got) != len(want) {
			t.Fatalf("seed %d: %d rows, want %d", seed, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("seed %d, row %d:\n%s, want\n%s", seed, i, got[i], want[i])
			}
		}
		if !slices.ContainsFunc(open(t, path).columns, func(c column) bool { _, ok := c.(*pageColumn); return ok }) {
			t.Fatal("no column is read page by page")
		}
	}
}

func open(t *testing.T, path string) *Reader {
	t.Helper()
	r, err := Open(path, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// appendHybrid packs numbers at random in runs and groups.
func appendHybrid(rng *rand.Rand, dst []byte, numbers []uint32, width int) []byte {
	for len(numbers) > 0 {
		same := 1
		for same < len(numbers) && numbers[same] == numbers[0] {
			same++
		}
		if same > 2 && rng.IntN(2) == 0 {
			dst = appendUvarint(dst, uint64(same)<<1)
			for i := range (width + 7) / 8 {
				dst = append(dst, byte(numbers[0]>>(8*i)))
			}
			numbers = numbers[same:]
			continue
		}
		groups := 1 + rng.IntN(3)
		dst = appendUvarint(dst, uint64(groups)<<1|1)
		packed := make([]byte, groups*width)
		for i, x := range numbers[:min(8*groups, len(numbers))] {
			for b := range width {
				at := i*width + b
				packed[at/8] |= byte(x>>b&1) << (at % 8)
			}
		}
		dst = append(dst, packed...)
		numbers = numbers[min(8*groups, len(numbers)):]
	}
	return dst
}

func appendUvarint(dst []byte, x uint64) []byte {
	for ; x >= 0x80; x >>= 7 {
		dst = append(dst, byte(x)|0x80)
	}
	return append(dst, byte(x))
}

func TestHybrid(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for width := range 33 {
		for range 30 {
			want := make([]uint32, rng.IntN(200))
			for i := range want {
				if want[i] = rng.Uint32() & uint32(uint64(1)<<width-1); i > 0 && rng.IntN(3) > 0 {
					want[i] = want[i-1]
				}
			}
			h, err := newHybrid(appendHybrid(rng, nil, want, width), width)
			if err != nil {
				t.Fatal(err)
			}
			for lo := 0; lo < len(want); {
				got := make([]uint32, min(1+rng.IntN(40), len(want)-lo))
				if err := h.read(got); err != nil {
					t.Fatalf("%d bits, number %d: %v", width, lo, err)
				}
				if !slices.Equal(got, want[lo:lo+len(got)]) {
					t.Fatalf("%d bits, from number %d: %v, want %v", width, lo, got, want[lo:lo+len(got)])
				}
				lo += len(got)
			}
		}
	}
}

// FuzzHybrid: no panic, and not more numbers than were asked for.
func FuzzHybrid(f *testing.F) {
	f.Add([]byte{3, 0x88, 0xc6, 0xfa}, byte(3))
	f.Add([]byte{8, 7, 0}, byte(9))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, byte(32))
	f.Fuzz(func(t *testing.T, data []byte, width byte) {
		h, err := newHybrid(data, int(width))
		for i := 0; err == nil && i < 100; i++ {
			err = h.read(make([]uint32, 97))
		}
		if err == nil && len(data) == 0 {
			t.Error("numbers from nothing")
		}
	})
}

// FuzzParquet: no panic, bounded memory, whatever the file.
func FuzzParquet(f *testing.F) {
	dir := f.TempDir()
	for seed := range uint64(2) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var content bytes.Buffer
		b := array.NewInt64Builder(memory.DefaultAllocator)
		s := array.NewStringBuilder(memory.DefaultAllocator)
		for range 20 {
			b.Append(rng.Int64N(5))
			s.Append(fmt.Sprint(rng.IntN(5)))
		}
		schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "b", Type: arrow.BinaryTypes.String}}, nil)
		record := array.NewRecord(schema, []arrow.Array{b.NewArray(), s.NewArray()}, 20)
		w, err := pqarrow.NewFileWriter(schema, &content, parquet.NewWriterProperties(parquet.WithDictionaryDefault(seed == 0)), pqarrow.DefaultWriterProps())
		if err != nil {
			f.Fatal(err)
		}
		if err := w.Write(record); err != nil {
			f.Fatal(err)
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(content.Bytes())
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(dir, "x.parquet")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path, ReadOptions{})
		if err != nil {
			return
		}
		defer r.Close()
		for range 3 {
			batch, _, err := r.Next(t.Context())
			if err != nil {
				return
			}
			r.Free(batch)
		}
	})
}
