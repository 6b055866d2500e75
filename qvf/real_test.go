package qvf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

const realFolder = "../../shared/data/qvf"

// An expectation is what an expected.json says about a file.
type expectation struct {
	Header        map[string]any
	Streams       int
	StreamTypes   map[string]int
	AppProperties map[string]any
	Script        struct {
		Present bool
		Chars   int
		SHA256  string
	}
	Variables  [][]any
	Objects    []expectedObject
	FieldNames []string
	Tables     []struct {
		Name    string
		Rows    int
		Columns []struct {
			Field                                 string
			Width, Bias, Symbols, Distinct, Nulls int
			First                                 []any
		}
	}
}

type expectedObject struct {
	Stream, EntryType, ID, Type string
	Title                       any
	Children                    []any
}

func realApps(t testing.TB) []string {
	t.Helper()
	files, _ := filepath.Glob(realFolder + "/*.qvf")
	if len(files) == 0 {
		t.Skip("real files are not there")
	}
	return files
}

func openReal(t testing.TB, file string) *container.Container {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return mustOpen(t, b)
}

func mustOpen(t testing.TB, b []byte) *container.Container {
	t.Helper()
	c, err := container.Open("test.qvf", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func expected(t *testing.T, file string) (e expectation) {
	t.Helper()
	b, err := os.ReadFile(strings.TrimSuffix(file, filepath.Ext(file)) + ".expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestRealApps holds every real file against what is known of it.
func TestRealApps(t *testing.T) {
	for _, file := range realApps(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, want := openReal(t, file), expected(t, file)
			app, err := ReadApp(c)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range app.Problems {
				if !app.Header.QlikView() || !strings.Contains(p.Error(), "QlikView") {
					t.Error(p)
				}
			}
			checkStreams(t, c, want)
			checkApp(t, file, app, want)
			checkObjects(t, app, want)
			checkData(t, c, want)
		})
	}
}

func checkStreams(t *testing.T, c *container.Container, want expectation) {
	t.Helper()
	types, n := map[string]int{}, 0
	for _, e := range c.Entries() {
		if !e.Dir {
			types[e.Attributes.Text(container.AttrType)]++
			n++
		}
	}
	if n != want.Streams {
		t.Errorf("%d streams, want %d", n, want.Streams)
	}
	if d := cmp.Diff(want.StreamTypes, types); d != "" {
		t.Errorf("types of streams: %s", d)
	}
}

func checkApp(t *testing.T, file string, app *App, want expectation) {
	t.Helper()
	var header, properties map[string]any
	if err := json.Unmarshal(app.Header.JSON, &header); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(want.Header, header); d != "" {
		t.Errorf("header: %s", d)
	}
	if app.Properties != nil {
		if err := json.Unmarshal(app.Properties, &properties); err != nil {
			t.Error(err)
		}
	}
	for k, v := range want.AppProperties {
		if d := cmp.Diff(v, properties[k]); d != "" {
			t.Errorf("app property %s: %s", k, d)
		}
	}
	checkScript(t, file, app, want)
	var variables [][]any
	for _, v := range app.Variables {
		entry := []any{strings.TrimPrefix(streamVariables, "/"), v.Name, nil}
		if v.User {
			entry[0] = strings.TrimPrefix(streamUserVars, "/")
		}
		if v.HasDefinition {
			entry[2] = clipped(v.Definition)
		}
		variables = append(variables, entry)
	}
	if d := cmp.Diff(want.Variables, variables); d != "" {
		t.Errorf("variables: %s", d)
	}
}

func checkScript(t *testing.T, file string, app *App, want expectation) {
	t.Helper()
	if app.HasScript != want.Script.Present || len(utf16.Encode([]rune(app.Script))) != want.Script.Chars || digest(app.Script) != want.Script.SHA256 {
		t.Errorf("script of %d bytes is not the expected one", len(app.Script))
	}
	bytes, err := os.ReadFile(strings.TrimSuffix(file, ".qvf") + ".script.qvs")
	if err == nil && app.Script != string(bytes) {
		t.Error("script is not the .qvs file byte for byte")
	}
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// clipped is how an expected.json gives a text.
func clipped(s string) any {
	const most, shown = 600, 120
	n := len(utf16.Encode([]rune(s)))
	if n <= most {
		return s
	}
	return map[string]any{"clipped": string(utf16.Decode(utf16.Encode([]rune(s))[:shown])), "chars": float64(n), "sha256": digest(s)}
}

func checkObjects(t *testing.T, app *App, want expectation) {
	t.Helper()
	got := []expectedObject{}
	for _, o := range app.Objects {
		e := expectedObject{Stream: o.Stream, EntryType: o.EntryType, ID: o.ID, Type: o.Type, Children: childrenOf(o)}
		if o.HasTitle {
			e.Title = o.Title
		}
		got = append(got, e)
	}
	if d := cmp.Diff(want.Objects, got); d != "" {
		t.Errorf("objects: %s", d)
	}
}

// childrenOf gives the first level, as an expected.json does.
func childrenOf(o Object) []any {
	out := []any{}
	for _, child := range o.Children {
		out = append(out, []any{child.ID, child.Type})
	}
	return out
}

func checkData(t *testing.T, c *container.Container, want expectation) {
	t.Helper()
	d, err := OpenData(c)
	if err != nil || len(d.Problems) > 0 {
		t.Fatal(err, d.Problems)
	}
	if len(d.Tables) != len(want.Tables) || len(want.FieldNames) > 0 && !cmp.Equal(d.Fields, want.FieldNames) {
		t.Fatalf("%d tables of fields %q", len(d.Tables), d.Fields)
	}
	for i, w := range want.Tables {
		table := d.Tables[i]
		if table.Name != w.Name || table.Rows != w.Rows || len(table.Columns) != len(w.Columns) {
			t.Errorf("table %d: %s of %d rows, %d columns; want %s, %d, %d", i, table.Name, table.Rows, len(table.Columns), w.Name, w.Rows, len(w.Columns))
			continue
		}
		for j, col := range w.Columns {
			info, err := d.Inspect(table, j, 20)
			if err != nil {
				t.Error(err)
				continue
			}
			if info.Field != col.Field || info.Width != col.Width || info.Bias != col.Bias || info.Symbols != col.Symbols || info.Distinct != col.Distinct || info.Nulls != col.Nulls {
				t.Errorf("%s: got %+v, want %+v", w.Name, info, col)
			}
			first := []any{}
			for _, v := range info.First {
				first = append(first, valueOf(v))
			}
			if d := cmp.Diff(col.First, first); d != "" {
				t.Errorf("%s.%s: %s", w.Name, col.Field, d)
			}
		}
	}
}

// valueOf is how an expected.json gives a value.
func valueOf(v dual.Value) any {
	if v.IsNull() {
		return nil
	}
	out := map[string]any{"text": nil, "num": nil}
	if v.HasText() {
		out["text"] = clipped(v.Text)
	}
	if v.HasNum() && !math.IsInf(v.Num, 0) {
		out["num"] = v.Num
	}
	return out
}

// TestRealOldQVD reads the table of a QVD in a container.
func TestRealOldQVD(t *testing.T) {
	file := realFolder + "/10-old-qvd-container.qvd"
	raw, err := os.ReadFile(strings.TrimSuffix(file, ".qvd") + ".expected.json")
	if err != nil {
		t.Skip("real files are not there: ", err)
	}
	var want struct {
		Table  string
		Fields []string
		Rows   [][]any
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	c := openReal(t, file)
	if app, err := ReadApp(c); err != nil || app.HasScript {
		t.Error(app, err)
	}
	catalog := storage.NewCatalog(nil)
	if problems, err := ReadData(t.Context(), c, catalog); err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	table := catalog.Table(want.Table)
	if table == nil || !cmp.Equal(table.FieldNames(), want.Fields) || table.Rows != len(want.Rows) {
		t.Fatalf("table %+v", table)
	}
	for row := range want.Rows {
		for i, col := range table.Columns {
			if d := cmp.Diff(want.Rows[row][i], valueOf(col.Field.Value(col.Code(row)))); d != "" {
				t.Errorf("row %d: %s", row, d)
			}
		}
	}
}
