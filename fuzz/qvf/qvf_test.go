// Package qvf fuzzes app files: the pages and directories of the container, the
// streams of the app, and the data part.
package qvf

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// memory is a file in memory.
type memory struct{ b []byte }

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if end := int(off) + len(p); end > len(m.b) {
		m.b = append(m.b, make([]byte, end-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.b).ReadAt(p, off)
}

func (m *memory) Sync() error { return nil }

func open(b []byte) (*container.Container, error) {
	return container.Open("fuzz.qvf", bytes.NewReader(b), int64(len(b)))
}

// seedMax is the size of the largest real file that is used as it is: small
// seeds are tried more often.
const seedMax = 300 << 10

// realFiles returns the small real files, none where they are not there.
func realFiles() (files [][]byte) {
	names, _ := filepath.Glob("../../../shared/data/qvf/*.qv[fd]")
	for _, name := range names {
		if b, err := os.ReadFile(name); err == nil && len(b) <= seedMax {
			files = append(files, b)
		}
	}
	return files
}

// sample returns an app of every kind of stream, and its data.
func sample(t testing.TB) (*qvf.App, *storage.Catalog) {
	catalog := storage.NewCatalog(nil)
	for _, name := range []string{"T", "U"} {
		b := catalog.NewBuilder(name, []string{"key", name + "1", name + "2"})
		err := b.Append([]dual.Vector{
			dual.Nums([]float64{1, 2, 3, 2}, nil),
			dual.Vals([]dual.Value{dual.String("a"), dual.New("b", 2.5), {}, dual.Number(1e100)}),
			dual.Constant(dual.String("x"), 4),
		})
		if err != nil {
			t.Fatal(err)
		}
		catalog.Put(b.Table())
	}
	if err := catalog.Seal(); err != nil {
		t.Fatal(err)
	}
	return &qvf.App{
		Script: "///$tab Main\r\nLET a = 1;", HasScript: true, Properties: json.RawMessage(`{"qTitle":"x","qThumbnail":{"qUrl":"/media/m.png"}}`),
		Objects: []qvf.Object{
			{ID: "s", Type: "sheet", Properties: json.RawMessage(`{"qInfo":{"qId":"s","qType":"sheet"},"qMetaDef":{"title":"S"}}`)},
			{ID: "d", EntryType: qvf.TypeDimension, Properties: json.RawMessage(`{"qInfo":{"qId":"d","qType":"dimension"}}`)},
		},
		Variables: []qvf.Variable{{Name: "v", Definition: "1", HasDefinition: true}, {Name: "u", User: true}},
		Media:     []qvf.Media{{Stream: "/media/m.png", Content: []byte("\x89PNG")}},
	}, catalog
}

func sampleFile(t testing.TB) []byte {
	app, catalog := sample(t)
	var m memory
	if err := qvf.WriteCompat(&m, app, catalog, qvf.CompatOptions{}); err != nil {
		t.Fatal(err)
	}
	return m.b
}

// FuzzContainer: whatever the pages hold, a stream is an error or has the
// length that its entry says, and what opens can be updated.
func FuzzContainer(f *testing.F) {
	own := sampleFile(f)
	foreign := bytes.Clone(own)
	clear(foreign[0x50:0x200]) // the root records, whose checksums stop most changes
	f.Add(own)
	f.Add(foreign)
	for _, b := range realFiles() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := open(file)
		if err != nil {
			if c != nil {
				t.Fatal("a container beside an error")
			}
			return
		}
		before := readAll(t, c)
		m := &memory{bytes.Clone(file)}
		u, err := container.Append("fuzz.qvf", m, int64(len(file)))
		if err != nil {
			return
		}
		if err := u.PutBytes("/new", container.Meta{Hash: true}, []byte("content")); err != nil {
			t.Fatal(err)
		}
		if err := u.Commit(); err != nil {
			t.Fatal(err)
		}
		c, err = open(m.b)
		if err != nil {
			t.Fatal(err)
		}
		after := readAll(t, c)
		if string(after["/new"]) != "content" {
			t.Fatal("the new stream is not there")
		}
		for path, b := range before {
			if path != "/new" && !bytes.Equal(after[path], b) {
				t.Fatalf("%s has changed", path)
			}
		}
	})
}

// readAll reads the streams that can be read, at most so many bytes.
func readAll(t *testing.T, c *container.Container) map[string][]byte {
	const most = 16 << 20
	out, total := map[string][]byte{}, int64(0)
	for _, e := range c.Entries() {
		if total += e.Length; e.Dir || e.Err != nil || total > most {
			continue
		}
		b, err := c.Read(e.Path)
		if err != nil {
			continue
		}
		if int64(len(b)) != e.Length {
			t.Fatalf("%s: %d bytes, length %d", e.Path, len(b), e.Length)
		}
		r, err := c.Reader(e.Path)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := io.ReadAll(r); err != nil || !bytes.Equal(b, again) {
			t.Fatalf("%s: two ways of reading differ: %v", e.Path, err)
		}
		out[e.Path] = b
	}
	return out
}

// types returns those of the streams that FuzzApp puts its input into.
func types() [8]string {
	return [...]string{
		"GenericAppObjectEntry", "GenericDimensionProperties", "GenericBookmarkEntry", "NxQvfBundledItem",
		"GenericVariableEntryList", "AppScriptObject", "NxAppProperties", "qvapp_header",
	}
}

// pathOf returns where a stream of a type stands.
func pathOf(streamType string) string {
	switch streamType {
	case "GenericVariableEntryList":
		return "/qvapp_variablelist"
	case "AppScriptObject":
		return "/qvapp_appscript"
	case "NxAppProperties":
		return "/qvapp_approperties"
	case "qvapp_header":
		return "/qvapp_header"
	}
	return "/media/x"
}

// FuzzApp: whatever a stream holds, the app opens, and what was read of it can
// be written and read again.
func FuzzApp(f *testing.F) {
	for _, file := range append(realFiles(), sampleFile(f)) {
		c, err := open(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, e := range c.Entries() {
			raw, err := c.Read(e.Path)
			if err != nil || len(raw) > seedMax {
				continue
			}
			if b, err := container.Unwrap(raw, 1<<20); err == nil {
				raw = b
			}
			for i, t := range types() {
				if e.Attributes.Text(container.AttrType) == t {
					f.Add(uint8(i), len(raw)%2 == 0, raw)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, wrap bool, content []byte) {
		all := types()
		streamType := all[int(kind)%len(all)]
		if wrap && streamType != "qvapp_header" {
			content = container.Wrap(container.FormatJSON, content)
		}
		file := write(t, map[string]stream{
			"/qvapp_header":    {"qvapp_header", []byte(`{"FileFormat":12000}`)},
			pathOf(streamType): {streamType, content},
		})
		c, err := open(file)
		if err != nil {
			t.Fatal(err)
		}
		app, err := qvf.ReadApp(c)
		if err != nil {
			return
		}
		var m memory
		if err := qvf.WriteCompat(&m, app, nil, qvf.CompatOptions{}); err != nil {
			t.Skip(err) // ids that are no paths
		}
		c, err = open(m.b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := qvf.ReadApp(c)
		if err != nil || len(again.Problems) > 0 {
			t.Fatal(err, again.Problems)
		}
		if again.Script != app.Script || len(again.Objects) != len(app.Objects) || len(again.Variables) != len(app.Variables) || len(again.Media) != len(app.Media) {
			t.Fatalf("read %+v, written and read %+v", app, again)
		}
	})
}

type stream struct {
	streamType string
	content    []byte
}

func write(t testing.TB, streams map[string]stream) []byte {
	var m memory
	w := container.Create(&m)
	for path, s := range streams {
		if err := w.AddBytes(path, container.Meta{Attributes: container.Foreign(s.streamType, "")}, s.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return m.b
}

// FuzzData: whatever fields and tables hold, the rows that load can be written
// and read again, and every code has its symbol.
//
// The input is what stands in the streams before it is compressed: head and
// symbols of one field, head and data of one table. The table's columns are
// all of the same data.
func FuzzData(f *testing.F) {
	field := append(bytes.Repeat([]byte{0}, 15+4+15+4), 3, 0, 0, 0, 0, 0, 0, 0)
	symbols := []byte("\x00\x00\x00\x00\x04\x00\x00\x00\x01\x07\x00\x00\x00\x04\x01a\x05\x01b\x01\x00\x00\x00\x06\x01c\x00\x00\x00\x00\x00\x00\x04\x40")
	table := func(rows, bias, width byte) []byte {
		b := append([]byte("\x01T\x00"), make([]byte, 8)...)
		b = append(b, 1, 0, 0, 0, rows, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF)
		b = append(b, make([]byte, 8)...)
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, bias, 0, 0, 0, 0, 0, 0, 0, 0xEF, 0xBE, 0xAD, 0xDE, width, 0, 0, 0, 0, 0, 0)
		mark := int32(-987)
		return binary.LittleEndian.AppendUint32(b, uint32(mark))
	}
	f.Add([]byte("\x01n"), field, symbols, table(4, 0, 2), []byte{0xE4, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte("\x01n"), field, symbols, table(9, 1, 0), []byte{})
	ranged := bytes.Clone(field)
	ranged[38] = 7
	f.Add([]byte("\x01n"), ranged, []byte{3, 0, 0, 0}, table(4, 0, 2), []byte{0x24, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte("\x06$Syn 1"), ranged, []byte{3, 0, 0, 0}, bytes.Replace(table(4, 0, 2), []byte("\x01T"), []byte("\x0C$Syn 1 Table"), 1), []byte{0x24, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, names, field, symbols, table, data []byte) {
		head := append([]byte("\x031.0\x00\x00\x00\x00"), byte(1+bytes.Count(names, []byte{','})), 0, 0, 0)
		var d container.Deflater
		fieldStream := binary.LittleEndian.AppendUint32(bytes.Clone(field), uint32(len(symbols)))
		fieldStream = append(binary.LittleEndian.AppendUint32(fieldStream, 1<<18), sized(&d, symbols)...)
		tableStream := bytes.Clone(table)
		for range 3 { // more than a table of so few columns reads
			tableStream = binary.LittleEndian.AppendUint32(tableStream, uint32(len(data)))
			tableStream = append(tableStream, sized(&d, data)...)
		}
		c, err := open(write(t, map[string]stream{
			"/qvapp_data":   {"qvapp_cheader", append(head, names...)},
			"/data/field_0": {"qvapp_cfield", fieldStream},
			"/data/field_1": {"qvapp_cfield", fieldStream},
			"/data/table_0": {"qvapp_ctable", tableStream},
			"/data/table_1": {"qvapp_ctable", tableStream},
		}))
		if err != nil {
			t.Fatal(err)
		}
		catalog := storage.NewCatalog(nil)
		if _, err := qvf.ReadData(t.Context(), c, catalog); err != nil {
			return
		}
		for _, table := range catalog.Tables() {
			if table.Rows > 1<<16 {
				t.Skip("many rows of one value: right, but slow")
			}
		}
		if err := catalog.Seal(); err != nil {
			t.Fatal(err)
		}
		var m memory
		if err := qvf.WriteCompat(&m, &qvf.App{}, catalog, qvf.CompatOptions{}); err != nil {
			t.Fatal(err)
		}
		if c, err = open(m.b); err != nil {
			t.Fatal(err)
		}
		again := storage.NewCatalog(nil)
		if problems, err := qvf.ReadData(t.Context(), c, again); err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		sameCells(t, catalog, again)
	})
}

// sized returns the zlib stream of b with its size before it.
func sized(d *container.Deflater, b []byte) []byte {
	z := d.Append(nil, b)
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(z))), z...)
}

func sameCells(t *testing.T, want, got *storage.Catalog) {
	for _, w := range want.Tables() {
		g := got.Table(w.Name)
		if g == nil {
			continue // named like a system table
		}
		for _, wc := range w.Columns {
			gc := g.Column(wc.Field.Name)
			if gc == nil {
				continue // named like a synthetic key
			}
			for row := range w.Rows {
				a, b := wc.Field.Value(wc.Code(row)), gc.Field.Value(gc.Code(row))
				if !dual.Identical(a, b) {
					t.Fatalf("%s.%s row %d: %+v, written and read %+v", w.Name, wc.Field.Name, row, a, b)
				}
			}
		}
	}
}
