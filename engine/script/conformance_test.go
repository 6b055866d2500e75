package script

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// shared returns a folder of the reference beside the repository; the test is
// skipped where it is not there.
func shared(t *testing.T, elem ...string) string {
	t.Helper()
	dir := filepath.Join(append([]string{"..", "..", "..", "shared"}, elem...)...)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no reference data: %v", err)
	}
	return dir
}

func readJSON(t *testing.T, path string, to any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, to); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// A conformanceCase is a file of the conformance suite. Checks that need a
// session are the business of other packages.
type conformanceCase struct {
	ID, Title string
	Script    []string
	Steps     []map[string]any
}

// TestConformance runs the scripts of all cases and the checks that look at
// what the script made.
func TestConformance(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(shared(t, "reference", "conformance"), "c*.json"))
	checks := 0
	for _, file := range files {
		var c conformanceCase
		readJSON(t, file, &c)
		t.Run(c.ID, func(t *testing.T) {
			res, err := Run(t.Context(), strings.Join(c.Script, "\n"), Options{})
			if err != nil {
				t.Fatalf("%s: %v", c.Title, err)
			}
			for _, step := range c.Steps {
				if step["op"] != nil {
					break // what follows looks at selections
				}
				if check(t, res, step) {
					checks++
				}
			}
		})
	}
	t.Logf("%d cases, %d checks", len(files), checks)
}

// check runs a check and reports whether it knows it.
func check(t *testing.T, res *Result, step map[string]any) bool {
	t.Helper()
	switch step["check"] {
	case "table":
		checkTable(t, res, step)
	case "tables":
		checkTables(t, res, step)
	case "field":
		checkField(t, res, step)
	case "var":
		checkVar(t, res, step)
	default:
		return false
	}
	return true
}

func checkTables(t *testing.T, res *Result, step map[string]any) {
	t.Helper()
	var got, want []string
	for _, tab := range res.Catalog.Tables() {
		got = append(got, tab.Name)
	}
	for _, name := range step["names"].([]any) {
		if !strings.HasPrefix(name.(string), "$Syn") {
			want = append(want, name.(string))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("tables %q, want %q", got, want)
	}
}

func checkTable(t *testing.T, res *Result, step map[string]any) {
	t.Helper()
	tab := res.Catalog.Table(step["table"].(string))
	if tab == nil {
		t.Errorf("no table %v", step["table"])
		return
	}
	var cols []*storage.Column
	for _, f := range step["fields"].([]any) {
		c := tab.Column(f.(string))
		if c == nil {
			t.Errorf("table %s has no field %v, but %q", tab.Name, f, tab.FieldNames())
			return
		}
		cols = append(cols, c)
	}
	want := step["rows"].([]any)
	if tab.Rows != len(want) {
		t.Errorf("table %s has %d rows, want %d", tab.Name, tab.Rows, len(want))
		return
	}
	used := make([]bool, len(want))
	for row := range tab.Rows {
		from, to := 0, len(want)
		if step["order"] == "load" {
			from, to = row, row+1
		}
		found := false
		for i := from; i < to && !found; i++ {
			if !used[i] && rowMatches(res, cols, row, want[i].([]any)) {
				used[i], found = true, true
			}
		}
		if !found {
			t.Errorf("table %s: row %d is %v, want one of %v", tab.Name, row, showRow(res, cols, row), want[from:to])
		}
	}
}

func rowMatches(res *Result, cols []*storage.Column, row int, want []any) bool {
	for i, c := range cols {
		if !cellMatches(res, c.Field.Value(c.Code(row)), want[i]) {
			return false
		}
	}
	return true
}

func showRow(res *Result, cols []*storage.Column, row int) []string {
	var out []string
	for _, c := range cols {
		v := c.Field.Value(c.Code(row))
		if v.IsNull() {
			out = append(out, "NULL")
			continue
		}
		out = append(out, fmt.Sprintf("%s/%v", res.Locale.Text(v), v.Float()))
	}
	return out
}

// cellMatches compares by the rules of the suite: a number by number, a text
// by what is shown.
func cellMatches(res *Result, v dual.Value, want any) bool {
	switch want := want.(type) {
	case nil:
		return v.IsNull()
	case float64:
		return v.HasNum() && math.Abs(v.Num-want) <= 1e-9*max(1, math.Abs(want))
	case string:
		return !v.IsNull() && res.Locale.Text(v) == want
	case map[string]any:
		if want["any"] != nil {
			return true
		}
		n, t := want["n"], want["t"]
		return (n == nil || cellMatches(res, v, n)) && (t == nil || cellMatches(res, v, t))
	}
	return false
}

func checkField(t *testing.T, res *Result, step map[string]any) {
	t.Helper()
	f := res.Catalog.Field(step["field"].(string))
	if f == nil {
		t.Errorf("no field %v", step["field"])
		return
	}
	var got []string
	values := f.Dict()
	for i := 1; i < values.Len(); i++ {
		got = append(got, res.Locale.Text(values.At(i)))
	}
	var want []string
	for _, w := range step["values"].([]any) {
		want = append(want, fmt.Sprint(w))
	}
	if step["order"] != "load" {
		sort.Strings(got)
		sort.Strings(want)
	}
	if !slices.Equal(got, want) {
		t.Errorf("field %s has %q, want %q", f.Name, got, want)
	}
}

func checkVar(t *testing.T, res *Result, step map[string]any) {
	t.Helper()
	for _, v := range res.Variables {
		if v.Name != step["name"] {
			continue
		}
		if n := step["n"]; n != nil && !cellMatches(res, v.Value, n) {
			t.Errorf("variable %s is %v, want %v", v.Name, v.Value, n)
		}
		if s := step["t"]; s != nil && v.Value.Text != s {
			t.Errorf("variable %s is %v, want %v", v.Name, v.Value, s)
		}
		return
	}
	t.Errorf("no variable %v", step["name"])
}
