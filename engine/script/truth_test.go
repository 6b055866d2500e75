package script

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A truthCase is a public script with the data model that the original made
// of it.
type truthCase struct {
	ID                     string
	Clock                  string
	Script                 []string
	Inputs                 map[string]string
	NondeterministicTables []string `json:"nondeterministic_tables"`
	NondeterministicFields []string `json:"nondeterministic_fields"`
	RowOrderNotCompared    []string `json:"row_order_not_compared"`
	Tables                 map[string]truthTable
	Fields                 map[string]truthField
	Variables              map[string]truthCell
	NondeterministicVars   []string `json:"nondeterministic_variables"`
}

type truthTable struct {
	Fields        []string
	Rows          int
	Nulls         []int
	Complete      bool
	Data          [][]*truthCell
	ColumnDigests []string `json:"column_digests"`
}

type truthField struct {
	Distinct           int
	SymbolsInLoadOrder []truthCell `json:"symbols_in_load_order"`
	NumberFormat       []any       `json:"number_format"`
	Comment            string
}

type truthCell struct {
	T *string
	N *float64
}

// edited are fields whose input file was changed after the reload.
var edited = map[string]string{"s13-comparative-xlsx": "denominator"}

// TestTruth runs the scripts and compares tables, fields and variables.
func TestTruth(t *testing.T) {
	dir := shared(t, "data", "script-truth")
	files, _ := filepath.Glob(filepath.Join(dir, "s*.json"))
	for _, file := range files {
		var c truthCase
		readJSON(t, file, &c)
		if f := edited[c.ID]; f != "" {
			c.NondeterministicFields = append(c.NondeterministicFields, f)
		}
		t.Run(c.ID, func(t *testing.T) {
			res, err := Run(t.Context(), strings.Join(c.Script, "\r\n"), c.options(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			c.compare(t, res)
		})
	}
}

// options puts the inputs into folders under the names of the script's data
// connections.
func (c *truthCase) options(t *testing.T, dir string) Options {
	t.Helper()
	o := Options{Folders: map[string]string{}}
	if c.Clock != "" {
		now, err := time.Parse("2006-01-02T15:04:05", c.Clock)
		if err != nil {
			t.Fatal(err)
		}
		o.Now = func() time.Time { return now }
	}
	for name, file := range c.Inputs {
		connection, path, _ := strings.Cut(strings.TrimPrefix(name, "lib://"), "/")
		if o.Folders[connection] == "" {
			o.Folders[connection] = t.TempDir()
		}
		to := filepath.Join(o.Folders[connection], strings.ReplaceAll(path, `\`, "/"))
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o755)
		}
		if err == nil {
			err = os.WriteFile(to, b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func (c *truthCase) compare(t *testing.T, res *Result) {
	t.Helper()
	for _, tab := range res.Catalog.Tables() {
		if _, ok := c.Tables[tab.Name]; !ok {
			t.Errorf("table %q is too many", tab.Name)
		}
	}
	for name, want := range c.Tables {
		tab := res.Catalog.Table(name)
		if tab == nil {
			t.Errorf("table %q is missing", name)
			continue
		}
		c.compareTable(t, res, tab, want)
	}
	for name, want := range c.Fields {
		if f := res.Catalog.Field(name); f != nil && !c.random(name) {
			c.compareField(t, res, f, want)
		}
	}
	c.compareVariables(t, res)
}

// random reports whether a field is in a table whose content differs from run
// to run.
func (c *truthCase) random(field string) bool {
	if slices.Contains(c.NondeterministicFields, field) {
		return true
	}
	for _, name := range c.NondeterministicTables {
		if slices.Contains(c.Tables[name].Fields, field) {
			return true
		}
	}
	return false
}

func (c *truthCase) compareTable(t *testing.T, res *Result, tab *storage.Table, want truthTable) {
	t.Helper()
	if got := realFields(tab.FieldNames()); !slices.Equal(got, realFields(want.Fields)) {
		// Shared fields move to synthetic tables, which the script does not make.
		if !slices.ContainsFunc(want.Fields, func(f string) bool { return strings.HasPrefix(f, "$Syn") }) {
			t.Errorf("table %s: fields %q, want %q", tab.Name, got, want.Fields)
			return
		}
	}
	if slices.Contains(c.NondeterministicTables, tab.Name) {
		return
	}
	if tab.Rows != want.Rows {
		t.Errorf("table %s: %d rows, want %d", tab.Name, tab.Rows, want.Rows)
		return
	}
	bad := 0
	for row := range want.Data {
		for i, name := range want.Fields {
			col := tab.Column(name)
			if col == nil || slices.Contains(c.NondeterministicFields, name) || slices.Contains(c.RowOrderNotCompared, tab.Name) {
				continue
			}
			v := col.Field.Value(col.Code(row))
			if !sameCell(res, v, want.Data[row][i]) && bad < 5 {
				bad++
				t.Errorf("table %s row %d: %s is %q/%v, want %s", tab.Name, row, name, res.Locale.Text(v), v.Float(), want.Data[row][i])
			}
		}
	}
	if !slices.Contains(c.RowOrderNotCompared, tab.Name) {
		c.compareDigests(t, tab, want)
	}
}

func realFields(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(f string) bool { return strings.HasPrefix(f, "$Syn") })
}

// compareDigests compares all rows of a table of which only the first are
// listed.
func (c *truthCase) compareDigests(t *testing.T, tab *storage.Table, want truthTable) {
	t.Helper()
	for i, digest := range want.ColumnDigests {
		name := want.Fields[i]
		col := tab.Column(name)
		if col == nil || slices.Contains(c.NondeterministicFields, name) {
			continue
		}
		// a text that is the default text of its number is not stored here
		if columnDigest(col, nil) != digest && columnDigest(col, number.Default()) != digest {
			t.Errorf("table %s: digest of %s differs", tab.Name, name)
		}
	}
}

// columnDigest is the digest of a column; with a locale, numbers without own
// text count as if they had their default text.
func columnDigest(c *storage.Column, shown *number.Locale) string {
	h := sha256.New()
	for row := range c.Rows() {
		v := c.Field.Value(c.Code(row))
		switch {
		case v.IsNull():
			fmt.Fprint(h, "-\n")
			continue
		case v.HasNum():
			var b [8]byte
			binary.BigEndian.PutUint64(b[:], math.Float64bits(v.Num))
			fmt.Fprint(h, hex.EncodeToString(b[:]))
		}
		text := "~"
		switch {
		case v.HasText():
			text = v.Text
		case shown != nil:
			text = shown.Text(v)
		}
		fmt.Fprintf(h, "|%s\n", text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (c *truthCell) String() string {
	if c == nil {
		return "NULL"
	}
	t, n := "-", "-"
	if c.T != nil {
		t = fmt.Sprintf("%q", *c.T)
	}
	if c.N != nil {
		n = fmt.Sprint(*c.N)
	}
	return t + "/" + n
}

// sameCell compares number and shown text; where the original stores no text,
// the number counts.
func sameCell(res *Result, v dual.Value, want *truthCell) bool {
	if want == nil || v.IsNull() {
		return want == nil && v.IsNull()
	}
	if want.N == nil != !v.HasNum() || want.N != nil && *want.N != v.Num {
		return false
	}
	return want.T == nil || res.Locale.Text(v) == *want.T
}

func (c *truthCase) compareField(t *testing.T, res *Result, f *storage.Field, want truthField) {
	t.Helper()
	if got := f.Symbols.Len(); got != want.Distinct {
		t.Errorf("field %s: %d values, want %d", f.Name, got, want.Distinct)
		return
	}
	for i := range want.SymbolsInLoadOrder {
		w := &want.SymbolsInLoadOrder[i]
		if v := f.Value(uint32(i + 1)); !sameCell(res, v, w) {
			t.Errorf("field %s: value %d is %q/%v, want %s", f.Name, i+1, res.Locale.Text(v), v.Float(), w)
			return
		}
	}
	if want.Comment != "" && f.Comment != want.Comment {
		t.Errorf("field %s: comment %q, want %q", f.Name, f.Comment, want.Comment)
	}
}

func (c *truthCase) compareVariables(t *testing.T, res *Result) {
	t.Helper()
	got := map[string]dual.Value{}
	for _, v := range res.Variables {
		got[v.Name] = v.Value
		if _, ok := c.Variables[v.Name]; !ok {
			t.Errorf("variable %s is too many", v.Name)
		}
	}
	for name, want := range c.Variables {
		v, ok := got[name]
		switch {
		case slices.Contains(c.NondeterministicVars, name):
		case !ok:
			t.Errorf("variable %s is missing", name)
		case want.T != nil && v.Text != *want.T, want.N != nil && v.Float() != *want.N:
			t.Errorf("variable %s is %q/%v, want %s", name, v.Text, v.Float(), &want)
		}
	}
}
