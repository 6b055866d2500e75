package qvf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

func writeCompat(t testing.TB, app *App, catalog *storage.Catalog) []byte {
	t.Helper()
	var m memory
	if err := WriteCompat(&m, app, catalog, CompatOptions{}); err != nil {
		t.Fatal(err)
	}
	return m.b
}

// TestCompatRoundTrip writes real apps again and reads them back, with our
// reader and the naive one.
func TestCompatRoundTrip(t *testing.T) {
	for _, file := range realApps(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c := openReal(t, file)
			app, err := ReadApp(c)
			if err != nil {
				t.Fatal(err)
			}
			catalog := load(t, c)
			again := mustOpen(t, writeCompat(t, app, catalog))
			got, err := ReadApp(again)
			if err != nil || len(got.Problems) > 0 {
				t.Fatal(err, got.Problems)
			}
			app.Problems = nil
			app.DataModel, got.DataModel = nil, nil // made anew
			if !slices.EqualFunc(app.Media, got.Media, sameMedia) {
				t.Error("media differ")
			}
			app.Media, got.Media = nil, nil
			if want, got := normal(t, app), normal(t, got); !reflect.DeepEqual(want, got) {
				t.Error(cmp.Diff(want, got))
			}
			sameCatalogs(t, catalog, load(t, again))
			checkNaive(t, naiveData(again), catalog)
		})
	}
}

func sameMedia(a, b Media) bool {
	return a.Stream == b.Stream && a.Type == b.Type && bytes.Equal(a.Content, b.Content)
}

// normal makes JSON comparable that was written anew.
func normal(t *testing.T, app *App) any {
	t.Helper()
	b, err := json.Marshal(app)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func sameCatalogs(t *testing.T, want, got *storage.Catalog) {
	t.Helper()
	if len(got.Tables()) != len(want.Tables()) {
		t.Fatalf("%d tables, want %d", len(got.Tables()), len(want.Tables()))
	}
	for _, w := range want.Tables() {
		g := got.Table(w.Name)
		if g == nil || g.Rows != w.Rows || !cmp.Equal(g.FieldNames(), w.FieldNames()) || g.Comment != w.Comment || g.Loose != w.Loose {
			t.Errorf("table %s: got %+v", w.Name, g)
			continue
		}
		for i, wc := range w.Columns {
			gc := g.Columns[i]
			if !sameFormat(wc.Field.Format, gc.Field.Format) || wc.Field.Comment != gc.Field.Comment {
				t.Errorf("field %s: %+v, want %+v", wc.Field.Name, gc.Field, wc.Field)
			}
			for row := range w.Rows {
				if a, b := wc.Field.Value(wc.Code(row)), gc.Field.Value(gc.Code(row)); !dual.Identical(a, b) {
					t.Fatalf("%s.%s row %d: %+v, want %+v", w.Name, wc.Field.Name, row, b, a)
				}
			}
		}
	}
}

// checkNaive holds the naive reader's cells against the catalog.
func checkNaive(t *testing.T, cells map[string][]string, catalog *storage.Catalog) {
	t.Helper()
	for _, table := range catalog.Tables() {
		for _, col := range table.Columns {
			got := cells[table.Name+"."+col.Field.Name]
			if len(got) != table.Rows {
				t.Fatalf("%s.%s: %d rows, want %d", table.Name, col.Field.Name, len(got), table.Rows)
			}
			for row := range table.Rows {
				if want := cell(storedValue(catalog, col.Field, col.Code(row))); got[row] != want {
					t.Fatalf("%s.%s row %d: %s, want %s", table.Name, col.Field.Name, row, got[row], want)
				}
			}
		}
	}
}

func cell(v dual.Value) string {
	switch {
	case v.IsNull():
		return "-"
	case v.HasNum():
		return fmt.Sprint(v.Num) + "|" + v.Text
	}
	return "|" + v.Text
}

// randomCatalog makes tables that share fields, of all sorts of values.
func randomCatalog(t testing.TB, rng *rand.Rand) *storage.Catalog {
	t.Helper()
	catalog := storage.NewCatalog(nil)
	sorts := []func() dual.Value{
		func() dual.Value { return dual.Number(float64(rng.IntN(300) - 100)) },
		func() dual.Value { return dual.Number(rng.NormFloat64() * 1e12) },
		func() dual.Value { return dual.String("text " + strconv.Itoa(rng.IntN(70000))) },
		func() dual.Value { n := rng.IntN(1000); return dual.New("#"+strconv.Itoa(n), float64(n)/4) },
		func() dual.Value { return dual.New(strings.Repeat("long ", 50+rng.IntN(5)), float64(rng.IntN(5))) },
		func() dual.Value { return dual.Value{} },
		func() dual.Value { return dual.Number(float64(math.MaxInt32) + float64(rng.IntN(3)) - 1) },
	}
	for table := range 1 + rng.IntN(4) {
		names := []string{"key", fmt.Sprint("a", table), fmt.Sprint("b", table), "Größe" + fmt.Sprint(table)}
		rows := []int{0, 1, 2, 63, 65, 4095, 4097, 9000}[rng.IntN(8)]
		batch := make([]dual.Vector, len(names))
		for i := range batch {
			one, nulls := sorts[rng.IntN(len(sorts))], rng.IntN(3) == 0
			vals := make([]dual.Value, rows)
			for row := range vals {
				if vals[row] = one(); nulls && rng.IntN(5) == 0 {
					vals[row] = dual.Value{}
				}
			}
			batch[i] = dual.Vals(vals)
		}
		b := catalog.NewBuilder(fmt.Sprint("Table ", table), names)
		if err := b.Append(batch); err != nil {
			t.Fatal(err)
		}
		catalog.Put(b.Table())
	}
	if err := catalog.Seal(); err != nil {
		t.Fatal(err)
	}
	return catalog
}

func TestCompatRoundTripOfRandomData(t *testing.T) {
	for seed := range uint64(12) {
		catalog := randomCatalog(t, rand.New(rand.NewPCG(seed, 4)))
		c := mustOpen(t, writeCompat(t, &App{}, catalog))
		sameCatalogs(t, catalog, load(t, c))
		checkNaive(t, naiveData(c), catalog)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestCompatOfOwnApp writes an app that did not come from a file.
func TestCompatOfOwnApp(t *testing.T) {
	properties := json.RawMessage(`{"qInfo":{"qId":"s1","qType":"sheet"},"qMetaDef":{"title":"Sheet <1>"}}`)
	child := json.RawMessage(`{"qInfo":{"qId":"c1","qType":"table"}}`)
	app := &App{
		Script: "///$tab Main\r\nLET a = 1 < 2;\r\n", HasScript: true,
		Properties: json.RawMessage(`{"qTitle":"Mine"}`),
		Objects: []Object{
			{ID: "s1", Type: "sheet", Properties: properties, Children: []Object{{ID: "c1", Type: "table", Properties: child}}},
			{ID: "d1", EntryType: TypeDimension, Properties: json.RawMessage(`{"qInfo":{"qId":"d1","qType":"dimension"},"qMetaDef":{"title":""}}`)},
			{ID: "b1", EntryType: TypeBookmark, Properties: json.RawMessage(`{"qInfo":{"qId":"b1","qType":"bookmark"}}`)},
		},
		Variables: []Variable{{Name: "v", Definition: "=1+1", HasDefinition: true, User: true, Comment: "two"}, {Name: "w", Script: true}},
		Media:     []Media{{Stream: "/media/a/b.png", Content: []byte("\x89PNG rest")}, {Stream: "/media/big.jpg", Content: append([]byte("\xFF\xD8\xFF"), make([]byte, 300_000)...)}},
	}
	got, err := ReadApp(mustOpen(t, writeCompat(t, app, nil)))
	if err != nil || len(got.Problems) > 0 {
		t.Fatal(err, got.Problems)
	}
	if got.Script != app.Script || string(got.Properties) != string(app.Properties) {
		t.Errorf("script %q, properties %s", got.Script, got.Properties)
	}
	if v := got.Variables; len(v) != 2 || v[0].Name != "w" || !v[0].Script || v[0].HasDefinition || v[1].Definition != "=1+1" || v[1].Comment != "two" || !v[1].User {
		t.Errorf("variables %+v", v)
	}
	if len(got.Objects) != 3 {
		t.Fatalf("objects %+v", got.Objects)
	}
	b, d, s := got.Objects[0], got.Objects[1], got.Objects[2]
	if s.Title != "Sheet <1>" || len(s.Children) != 1 || s.Children[0].ID != "c1" || string(s.Properties) != string(properties) {
		t.Errorf("sheet %+v", s)
	}
	if d.EntryType != TypeDimension || !d.HasTitle || d.Title != "" || b.Type != "bookmark" || b.Bookmark != nil {
		t.Errorf("dimension %+v, bookmark %+v", d, b)
	}
	for i, m := range got.Media {
		if m.Stream != app.Media[i].Stream || string(m.Content) != string(app.Media[i].Content) {
			t.Errorf("%s: %d bytes of %s", m.Stream, len(m.Content), m.Type)
		}
	}
	if got.Media[0].Type != "image/png" || got.Media[1].Type != "image/jpeg" {
		t.Errorf("media types %s, %s", got.Media[0].Type, got.Media[1].Type)
	}
}

func TestBinaryBookmark(t *testing.T) {
	item := func(name, value string) []byte {
		head := append(appendStr(nil, name), 0)
		body := append([]byte{0, 0, 1}, append(appendPacked(nil, len(head)), head...)...)
		body = append(appendPacked(body, len(value)), value...)
		return append(appendPacked([]byte("\x99\xf0"+itemMark), len(body)), body...)
	}
	record := append([]byte{1, 2, 3}, item("sheetId", `"abc"`)...)
	record = append(record, []byte(itemMark+"\xFF\xFF\xFF")...)
	record = append(record, item("broken", `{"a":`)...)
	record = append(record, []byte("\x05qInfo\x00\x02b1\x08bookmark")...)
	long := `"` + strings.Repeat("x", 100_000) + `"`
	record = append(record, item("description", long)...)
	o := &Object{}
	o.binaryBookmark("/b1", record)
	want := &Bookmark{ID: "b1", Type: "bookmark", Items: []Item{{"sheetId", json.RawMessage(`"abc"`)}, {"description", json.RawMessage(long)}}, Record: record}
	if !reflect.DeepEqual(want, o.Bookmark) {
		t.Errorf("%+v", o.Bookmark)
	}
	if o.ID != "b1" || o.Type != "bookmark" || o.HasTitle || o.Bookmark.Text("sheetId") != "abc" || o.Bookmark.Text("none") != "" {
		t.Errorf("%+v", o)
	}
}

func TestPackedLength(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 8010, 8028, 16383, 16384, 50722, 1<<21 - 1, 1 << 21, 1<<28 - 1, 1 << 28, math.MaxInt32} {
		c := &cursor{buf: appendPacked(nil, n)}
		if got := c.packed("n"); got != n || c.left() != 0 || c.err != nil {
			t.Errorf("%d came back as %d, %v", n, got, c.err)
		}
	}
	for want, raw := range map[int]string{8010: "\x8a\x7d", 50722: "\xc2\x31\x06", 75: "\x8b\x01"} {
		if got := (&cursor{buf: []byte(raw)}).packed("n"); got != want {
			t.Errorf("% x: %d, want %d: seen in a real file", raw, got, want)
		}
	}
}

// binaryRecord makes a bookmark in binary form: only its title is readable.
func binaryRecord(title string) []byte {
	head := append(appendStr(nil, "title"), 0)
	value := strconv.Quote(title)
	body := append([]byte{0, 0, 1}, append(appendPacked(nil, len(head)), head...)...)
	body = append(appendPacked(body, len(value)), value...)
	return append(appendPacked([]byte("\x01\x02\x99\xf0"+itemMark), len(body)), body...)
}

func TestDisplayTitle(t *testing.T) {
	named := &Bookmark{Items: jsonItems(binaryRecord("of the record"))}
	for _, tt := range []struct {
		o         Object
		want, why string
	}{
		{Object{Title: "own"}, "own", "an object's own title"},
		{Object{Title: "own", Bookmark: named}, "own", "the entry's title goes first"},
		{Object{Bookmark: named}, "of the record", "older files have the title in the record only"},
		{Object{Bookmark: &Bookmark{}}, "", "nothing is known"},
		{Object{}, "", "no title"},
	} {
		if got := tt.o.DisplayTitle(); got != tt.want {
			t.Errorf("%q, want %q: %s", got, tt.want, tt.why)
		}
	}
}
