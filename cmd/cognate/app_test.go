package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/source"
)

// expectedApp is what is known of a real file.
type expectedApp struct {
	Script struct {
		Present bool
		Chars   int
	}
	AppProperties map[string]any
	Variables     [][3]any
	Objects       []struct {
		ID, Type string
		Title    *string
		Children [][2]string
	}
	Tables []struct {
		Name    string
		Rows    int
		Columns []struct {
			Field           string
			Nulls, Distinct int
			First           []*struct {
				Text *clipped
				Num  *float64
			}
		}
	}
}

// A clipped text is given whole or, if it is long, by its hash.
type clipped struct{ text, sha256 string }

// UnmarshalJSON implements [json.Unmarshaler].
func (c *clipped) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, &c.text)
	}
	var long struct{ SHA256 string }
	err := json.Unmarshal(b, &long)
	c.sha256 = long.SHA256
	return err
}

func (c *clipped) is(text *string) bool {
	switch {
	case c == nil || text == nil:
		return c == nil && text == nil
	case c.sha256 != "":
		return fmt.Sprintf("%x", sha256.Sum256([]byte(*text))) == c.sha256
	}
	return c.text == *text
}

// TestRealApps compares what app info and app cat print with what is known of
// files of the original product.
func TestRealApps(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/qvf/*.qvf")
	if len(files) == 0 {
		t.Skip("the real files ../shared/data/qvf are not here")
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			base := strings.TrimSuffix(path, ".qvf")
			b, err := os.ReadFile(base + ".expected.json")
			if err != nil {
				t.Fatal(err)
			}
			var want expectedApp
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			script, err := os.ReadFile(base + ".script.qvs")
			if err != nil && want.Script.Present {
				t.Fatal(err)
			}
			c := appInfoCmd{appFile: appFile{File: path}}
			f, err := c.openFile(slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.info(f)
			if err != nil {
				t.Fatal(err)
			}
			if got.Script != string(script) {
				t.Errorf("script of %d bytes, want %d", len(got.Script), len(script))
			}
			want.compareDocument(t, got)
			want.compareTables(t, &c, got)
		})
	}
}

func (want *expectedApp) compareDocument(t *testing.T, got *appInfo) {
	t.Helper()
	var props map[string]any
	if got.Properties != nil {
		if err := json.Unmarshal(got.Properties, &props); err != nil {
			t.Fatal(err)
		}
	}
	for k, v := range want.AppProperties {
		if _, nested := v.(map[string]any); !nested && props[k] != v {
			t.Errorf("property %s is %v, want %v", k, props[k], v)
		}
	}
	if len(got.Variables) != len(want.Variables) || len(got.Objects) != len(want.Objects) {
		t.Fatalf("%d variables, %d objects; want %d, %d", len(got.Variables), len(got.Objects), len(want.Variables), len(want.Objects))
	}
	for i, v := range got.Variables {
		var definition any
		if v.Definition != nil {
			definition = *v.Definition
		}
		if w := want.Variables[i]; v.Name != w[1] || definition != w[2] {
			t.Errorf("variable %s = %v, want %v", v.Name, definition, w)
		}
	}
	for i, o := range got.Objects {
		w := want.Objects[i]
		if o.ID != w.ID || o.Type != w.Type || (o.Title == nil) != (w.Title == nil) || (o.Title != nil && *o.Title != *w.Title) || len(o.Children) != len(w.Children) {
			t.Errorf("object %+v, want %+v", o, w)
		}
	}
}

func (want *expectedApp) compareTables(t *testing.T, c *appInfoCmd, got *appInfo) {
	t.Helper()
	n := 0
	for _, w := range want.Tables {
		if strings.HasPrefix(w.Name, "$$SysTable") {
			continue
		}
		table := got.Tables[n]
		n++
		if table.Name != w.Name || table.Rows != w.Rows || len(table.Fields) != len(w.Columns) {
			t.Fatalf("table %s, %d rows, %d fields; want %s, %d, %d", table.Name, table.Rows, len(table.Fields), w.Name, w.Rows, len(w.Columns))
		}
		lines := catLines(t, c, table.Name)
		if len(lines) != w.Rows {
			t.Fatalf("%s: %d lines", w.Name, len(lines))
		}
		for i, col := range w.Columns {
			if f := table.Fields[i]; f.Name != col.Field || f.Distinct != col.Distinct || f.Nulls != col.Nulls {
				t.Errorf("%s: field %+v, want %s, %d, %d", w.Name, f, col.Field, col.Distinct, col.Nulls)
			}
			for row, v := range col.First {
				var cells []*struct {
					N *float64
					T *string
				}
				if err := json.Unmarshal(lines[row], &cells); err != nil {
					t.Fatal(err)
				}
				cell := cells[i]
				if (cell == nil) != (v == nil) {
					t.Fatalf("%s: row %d of %s: %s, want %v", w.Name, row, col.Field, lines[row], v)
				}
				if v != nil && (!sameNumber(cell.N, v.Num) || !v.Text.is(cell.T)) {
					t.Errorf("%s: row %d of %s: %s, want %v", w.Name, row, col.Field, lines[row], v)
				}
			}
		}
	}
	if n != len(got.Tables) {
		t.Errorf("%d tables, want %d", len(got.Tables), n)
	}
}

func sameNumber(a, b *float64) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b || math.Abs(*a-*b) <= 1e-12*math.Abs(*b))
}

// catLines returns what app cat --format jsonl --dual prints.
func catLines(t *testing.T, c *appInfoCmd, table string) [][]byte {
	t.Helper()
	f, err := c.openFile(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	views, _, err := f.Views(number.Default().Text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range views {
		if views[i].Name != table {
			continue
		}
		format, err := newTextFormat("jsonl", true, views[i].Fields, number.Default())
		if err != nil {
			t.Fatal(err)
		}
		r, err := newViewReader(&views[i])
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := writeRows(t.Context(), &out, r, format, func(*source.Batch) {}); err != nil {
			t.Fatal(err)
		}
		return bytes.Split(bytes.TrimSuffix(out.Bytes(), []byte("\n")), []byte("\n"))
	}
	t.Fatalf("no table %s", table)
	return nil
}
