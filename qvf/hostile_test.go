package qvf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// streams is a file as its streams, without checksums.
type streams map[string][]byte

func (s streams) file(t testing.TB, types map[string]string) []byte {
	t.Helper()
	var m memory
	w := container.Create(&m)
	for path, b := range s {
		if err := w.AddBytes(path, container.Meta{Attributes: container.Foreign(types[path], "")}, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return m.b
}

// smallApp returns the streams of an app with one table T of fields n (1, 2,
// 3, NULL) and t, and their types.
func smallApp(t testing.TB) (streams, map[string]string) {
	t.Helper()
	catalog := storage.NewCatalog(nil)
	b := catalog.NewBuilder("T", []string{"n", "t"})
	err := b.Append([]dual.Vector{
		dual.Vals([]dual.Value{dual.Number(1), dual.Number(2), dual.Number(3), {}}),
		dual.Vals([]dual.Value{dual.String("a"), dual.New("b", 2.5), dual.String("c"), dual.String("a")}),
	})
	if err != nil {
		t.Fatal(err)
	}
	catalog.Put(b.Table())
	if err := catalog.Seal(); err != nil {
		t.Fatal(err)
	}
	app := &App{
		Script: "LET a = 1;", HasScript: true, Properties: []byte(`{"qTitle":"x"}`),
		Objects:   []Object{{ID: "s", Type: "sheet", Properties: []byte(`{"qInfo":{"qId":"s","qType":"sheet"}}`)}},
		Variables: []Variable{{Name: "v", Definition: "1", HasDefinition: true}},
		Media:     []Media{{Stream: "/media/m.png", Content: []byte("\x89PNG")}},
	}
	c := mustOpen(t, writeCompat(t, app, catalog))
	out, types := streams{}, map[string]string{}
	for _, e := range c.Entries() {
		if e.Dir {
			continue
		}
		raw, err := c.Read(e.Path)
		if err != nil {
			t.Fatal(err)
		}
		out[e.Path], types[e.Path] = raw, e.Attributes.Text(container.AttrType)
	}
	return out, types
}

const (
	streamN = "/data/field_6" // behind the six system fields
	streamT = "/data/field_7"
	tableT  = "/data/table_0"
)

// Where things lie in the streams of smallApp.
const (
	formatBytes = 12 + 3         // a number format without texts
	kindAt      = 2 * (15 + 4)   // of a field
	blockAt     = kindAt + 4 + 4 // of a field
	tableHead   = 2 + 1 + 8      // of the number of columns
	columnsAt   = tableHead + 4 + 4 + 4 + 8
	dataAt      = columnsAt + 2*columnBytes + 4
)

// symbolsOf makes a field's stream with another symbol block.
func symbolsOf(old []byte, kind uint32, block []byte) []byte {
	out := bytes.Clone(old[:blockAt])
	binary.LittleEndian.PutUint32(out[kindAt:], kind)
	return appendBlock(out, block, &container.Deflater{})
}

func le(xs ...uint32) (b []byte) {
	for _, x := range xs {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return b
}

func put(s streams, stream string, at int, x uint32) {
	binary.LittleEndian.PutUint32(s[stream][at:], x)
}

// TestHostileData: each variant is told with file, stream and offset, the
// table is not loaded, and memory stays within what the file pays for.
func TestHostileData(t *testing.T) {
	for _, tt := range []struct {
		why, stream, want string
		change            func(s streams)
	}{
		{"data header of another version", streamData, "version", func(s streams) { s[streamData][1] = '9' }},
		{"2^32-1 fields", streamData, "declared, room for", func(s streams) { put(s, streamData, 8, math.MaxUint32) }},
		{"field names cut off", streamData, "need", func(s streams) { s[streamData] = s[streamData][:len(s[streamData])-8] }},
		{"two fields of one name", streamData, "like one before", func(s streams) {
			s[streamData] = bytes.Replace(s[streamData], []byte("\x01t"), []byte("\x01n"), 1)
		}},
		{"no stream for a field", streamN, "no such stream", func(s streams) { delete(s, streamN) }},
		{"field stream empty", streamN, "need 4 bytes, have 0", func(s streams) { s[streamN] = nil }},
		{"field sealed", streamN, "encrypted or unknown", func(s streams) { copy(s[streamN][formatBytes:], "\x01\x02\x03") }},
		{"unknown kind", streamN, "kind", func(s streams) { put(s, streamN, kindAt, 8) }},
		{"block of 4 GB", streamN, "may take", func(s streams) { put(s, streamN, blockAt, math.MaxUint32) }},
		{"other chunk size", streamN, "chunk size", func(s streams) { put(s, streamN, blockAt+4, 1) }},
		{"zlib stream longer than the field", streamN, "need", func(s streams) { put(s, streamN, blockAt+8, 1<<30) }},
		{"no zlib", streamN, "zlib", func(s streams) { s[streamN][blockAt+12] = 0 }},
		{"zlib holds less", streamN, "zlib", func(s streams) { put(s, streamN, blockAt, binary.LittleEndian.Uint32(s[streamN][blockAt:])+1) }},
		{"zlib holds more", streamN, "zlib", func(s streams) { put(s, streamN, blockAt, binary.LittleEndian.Uint32(s[streamN][blockAt:])-1) }},
		{"more symbols than bytes", streamN, "room for", func(s streams) { s[streamN] = symbolsOf(s[streamN], 3, le(0, math.MaxUint32)) }},
		{"symbol of unknown type", streamN, "type 3", func(s streams) { s[streamN] = symbolsOf(s[streamN], 3, append(le(0, 1), 3, 0, 0, 0, 0)) }},
		{"text of 4 GB", streamN, "need 4294967295 bytes", func(s streams) {
			s[streamN] = symbolsOf(s[streamN], 1, append(le(0, 1), 4, 255, 255, 255, 255, 255))
		}},
		{"bytes behind the symbols", streamN, "left over", func(s streams) { s[streamN] = symbolsOf(s[streamN], 3, append(le(0, 1), 1, 1, 0, 0, 0, 9)) }},
		{"fewer symbols than indexes", tableT, "out of range", func(s streams) { s[streamN] = symbolsOf(s[streamN], 3, append(le(0, 1), 1, 1, 0, 0, 0)) }},
		{"range of 2^32-1 values", streamN, "for 4 rows", func(s streams) { s[streamN] = symbolsOf(s[streamN], 7, le(math.MaxUint32)) }},
		{"range of more values than rows", streamN, "5 for 4 rows", func(s streams) { s[streamN] = symbolsOf(s[streamN], 7, le(5)) }},
		{"plain integers that are not there", streamN, "room for", func(s streams) {
			s[streamN] = append(symbolsOf(s[streamN], 6, nil)[:blockAt], le(0, 1<<31)...)
		}},
		{"name of the table longer than the stream", tableT, "need", func(s streams) { s[tableT][0] = 254 }},
		{"2^32-1 columns", tableT, "room for", func(s streams) { put(s, tableT, tableHead, math.MaxUint32) }},
		{"2^32-1 rows", tableT, "limit", func(s streams) { put(s, tableT, tableHead+4, math.MaxUint32) }},
		{"2^31-1 rows", tableT, "need", func(s streams) { put(s, tableT, tableHead+4, math.MaxInt32) }},
		{"table sealed", tableT, "encrypted or unknown", func(s streams) { put(s, tableT, tableHead+8, 7) }},
		{"field number out of range", tableT, "there are 8", func(s streams) { put(s, tableT, columnsAt+4, 8) }},
		{"field number 2^32-1", tableT, "there are 8", func(s streams) { put(s, tableT, columnsAt+4, math.MaxUint32) }},
		{"one field twice", tableT, "like one before", func(s streams) { put(s, tableT, columnsAt+columnBytes+4, 6) }},
		{"column of 33 bits", tableT, "limit is 32", func(s streams) { put(s, tableT, columnsAt+20, 33) }},
		{"column of 2^32-1 bits", tableT, "limit is 32", func(s streams) { put(s, tableT, columnsAt+20, math.MaxUint32) }},
		{"indexes out of range by the bias", tableT, "out of range", func(s streams) { put(s, tableT, columnsAt+8, 100) }},
		{"index out of range in a column of one value", tableT, "out of range", func(s streams) {
			put(s, tableT, columnsAt+20, 0)
			put(s, tableT, columnsAt+8, 3)
			put(s, tableT, columnsAt+columnBytes+20, 0)
			put(s, tableT, columnsAt+columnBytes+8, 1<<30)
		}},
		{"2^31-1 rows of one value", tableT, "may take", func(s streams) {
			put(s, tableT, tableHead+4, math.MaxInt32)
			put(s, tableT, columnsAt+20, 0)
			put(s, tableT, columnsAt+8, 0)
			put(s, tableT, columnsAt+columnBytes+20, 0)
			put(s, tableT, columnsAt+columnBytes+8, 0)
		}},
		{"no mark behind the columns", tableT, "want -987", func(s streams) { put(s, tableT, dataAt-4, 0) }},
		{"column data of 4 GB", tableT, "may take", func(s streams) { put(s, tableT, dataAt, math.MaxUint32) }},
		{"column data of no bytes", tableT, "rows of", func(s streams) { put(s, tableT, dataAt, 0) }},
		{"column data cut off", tableT, "need", func(s streams) { s[tableT] = s[tableT][:len(s[tableT])-1] }},
		{"zlib size beyond the table", tableT, "need", func(s streams) { put(s, tableT, dataAt+4, math.MaxUint32) }},
		{"no zlib in a column", tableT, "zlib", func(s streams) { s[tableT][dataAt+8] ^= 0xFF }},
	} {
		t.Run(tt.why, func(t *testing.T) {
			s, types := smallApp(t)
			tt.change(s)
			b := s.file(t, types)
			err := loadBounded(t, b)
			if err == nil {
				t.Fatal("was read")
			}
			if msg := err.Error(); !strings.Contains(msg, tt.want) || !strings.Contains(msg, "test.qvf: "+tt.stream+": ") ||
				!strings.Contains(msg, ": byte ") && !errors.Is(err, container.ErrNotFound) {
				t.Errorf("%q does not name %s and %q", msg, tt.stream, tt.want)
			}
		})
	}
}

// loadBounded loads the data and returns the first thing that was wrong.
func loadBounded(t *testing.T, b []byte) error {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c := mustOpen(t, b)
	catalog := storage.NewCatalog(nil)
	problems, err := ReadData(t.Context(), c, catalog)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20+uint64(64*len(b)) {
		t.Errorf("took %d bytes of memory for a file of %d", took, len(b))
	}
	if len(problems) > 0 {
		err = problems[0]
	}
	if err != nil && len(catalog.Tables()) > 0 {
		t.Error("the table was loaded all the same")
	}
	return err
}

func TestTwoTablesOfOneName(t *testing.T) {
	s, types := smallApp(t)
	s["/data/table_1"], types["/data/table_1"] = s[tableT], types[tableT]
	catalog := storage.NewCatalog(nil)
	problems, err := ReadData(t.Context(), mustOpen(t, s.file(t, types)), catalog)
	if err != nil || len(problems) != 1 || problems[0].Stream != "/data/table_1" || len(catalog.Tables()) != 1 {
		t.Error(problems, err)
	}
}

// TestHostileApp: a stream that cannot be read is a problem of its own, and
// the rest is there.
func TestHostileApp(t *testing.T) {
	for _, tt := range []struct {
		why, stream, want string
		content           []byte
	}{
		{"script sealed", streamScript, "encrypted or unknown", []byte("\x01\x02\x03")},
		{"script no JSON", streamScript, "not JSON", container.Wrap("gzjson", []byte("qScript"))},
		{"script of another type", streamScript, "cannot unmarshal", container.Wrap("gzjson", []byte(`{"qScript":7}`))},
		{"script empty", streamScript, "encrypted or unknown", nil},
		{"properties cut off", streamProperties, "zlib", container.Wrap("gzjson", []byte(`{"a":1}`))[:38]},
		{"variables of another type", streamVariables, "cannot unmarshal", container.Wrap("gzjson", []byte(`{"qEntryList":7}`))},
		{"object of another type", "/s", "cannot unmarshal", container.Wrap("gzjson", []byte(`{"qRoot":[]}`))},
		{"objects nested 100 deep", "/s", "nested deeper", container.Wrap("gzjson",
			[]byte(`{"qRoot":`+strings.Repeat(`{"qProperty":{},"qChildren":[`, 100)+strings.Repeat(`]}`, 100)+`}`))},
		{"objects nested 20000 deep", "/s", "depth", container.Wrap("gzjson",
			[]byte(`{"qRoot":`+strings.Repeat(`{"qChildren":[`, 20000)+strings.Repeat(`]}`, 20000)+`}`))},
		{"media without a mark", "/media/m.png", "mediaitem", container.Wrap("binary", []byte("something"))},
		{"media longer than the stream", "/media/m.png", "unknown layout", container.Wrap("binary", []byte(mediaHead+"\xEF\xFF\xFF\xFF"))},
		{"object that is no JSON and not wrapped", "/s", "encrypted or unknown", []byte("\x00\x00")},
	} {
		t.Run(tt.why, func(t *testing.T) {
			s, types := smallApp(t)
			s[tt.stream] = tt.content
			app, err := ReadApp(mustOpen(t, s.file(t, types)))
			if err != nil {
				t.Fatal(err)
			}
			if len(app.Problems) != 1 || app.Problems[0].Stream != tt.stream {
				t.Fatalf("problems %v", app.Problems)
			}
			if msg := app.Problems[0].Error(); !strings.Contains(msg, tt.want) || !strings.Contains(msg, "test.qvf: "+tt.stream) {
				t.Errorf("%q does not say %q", msg, tt.want)
			}
			found := len(app.Objects) + len(app.Media) + len(app.Variables) + len(app.Properties)
			if found == 0 || tt.stream != streamScript && !app.HasScript {
				t.Error("the rest was not read")
			}
		})
	}
}

func TestNoHeaderNoApp(t *testing.T) {
	s, types := smallApp(t)
	delete(s, streamHeader)
	if app, err := ReadApp(mustOpen(t, s.file(t, types))); err == nil || app != nil {
		t.Error(app, err)
	}
}

// TestSyntheticKeysThatLoop stand for each other, or for themselves.
func TestSyntheticKeysThatLoop(t *testing.T) {
	catalog := storage.NewCatalog(nil)
	for name, fields := range map[string][]string{
		"T": {"a", "$Syn 1"}, "$Syn 1 Table": {"$Syn 1", "$Syn 2"}, "$Syn 2 Table": {"$Syn 2", "$Syn 1"},
	} {
		b := catalog.NewBuilder(name, fields)
		if err := b.Append([]dual.Vector{dual.Nums([]float64{0, 1}, nil), dual.Nums([]float64{0, 1}, nil)}); err != nil {
			t.Fatal(err)
		}
		catalog.Put(b.Table())
	}
	if err := catalog.Seal(); err != nil {
		t.Fatal(err)
	}
	err := loadBounded(t, writeCompat(t, &App{}, catalog))
	if err == nil || !strings.Contains(err.Error(), "stand for each other") {
		t.Error(err)
	}
}
