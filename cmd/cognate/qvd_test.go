package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// dualCell is a cell of cat --format jsonl --dual.
type dualCell struct {
	N any     `json:"n"` // json.Number or "NaN" ...
	T *string `json:"t"`
}

// number returns n, and whether there is one.
func (c *dualCell) number(t *testing.T) (float64, bool) {
	t.Helper()
	if c.N == nil {
		return 0, false
	}
	x, err := strconv.ParseFloat(fmt.Sprint(c.N), 64)
	if err != nil {
		t.Fatal(err)
	}
	return x, true
}

// digest adds the cell to that of its column, by the rule of the expected
// values: bits of the number, |, text or ~; - for NULL.
func (c *dualCell) digest(t *testing.T, h hash.Hash) {
	t.Helper()
	if c == nil {
		fmt.Fprintln(h, "-")
		return
	}
	bits, text := "", "~"
	if x, ok := c.number(t); ok {
		bits = fmt.Sprintf("%016x", math.Float64bits(x))
	}
	if c.T != nil {
		text = *c.T
	}
	fmt.Fprintf(h, "%s|%s\n", bits, text)
}

// expectedCell is a cell of the expected values.
type expectedCell struct {
	Text *string  `json:"text"`
	Num  *float64 `json:"num"`
}

type expectedFile struct {
	Rows   int
	Fields []struct {
		Name         string
		ColumnDigest string
	}
	FirstRows [][]*expectedCell
	LastRow   []*expectedCell
}

// TestCatDualOfRealFiles compares what cat prints of real files with values
// that an independent reader found.
func TestCatDualOfRealFiles(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/qvd/*.qvd")
	if len(files) == 0 {
		t.Skip("there are no real files in ../shared/data/qvd")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(strings.TrimSuffix(file, ".qvd") + ".expected.json")
			if err != nil {
				t.Skip(err)
			}
			var want expectedFile
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			cmd := qvdCatCmd{readFlags: readFlags{fileFlag: fileFlag{File: file}}, Format: formatJSONL, Dual: true}
			if err := cmd.write(t.Context(), &out, slog.New(slog.DiscardHandler)); err != nil {
				t.Fatal(err)
			}
			compareLines(t, &out, &want)
		})
	}
}

func compareLines(t *testing.T, out io.Reader, want *expectedFile) {
	t.Helper()
	digests := make([]hash.Hash, len(want.Fields))
	for i := range digests {
		digests[i] = sha256.New()
	}
	rows := 0
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<24)
	for ; lines.Scan(); rows++ {
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.UseNumber()
		d.DisallowUnknownFields()
		var cells []*dualCell
		if err := d.Decode(&cells); err != nil || len(cells) != len(want.Fields) {
			t.Fatalf("row %d: %d cells, %v", rows, len(cells), err)
		}
		for i, c := range cells {
			c.digest(t, digests[i])
		}
		if rows < len(want.FirstRows) {
			compareRow(t, rows, cells, want.FirstRows[rows])
		}
		if rows == want.Rows-1 && want.LastRow != nil {
			compareRow(t, rows, cells, want.LastRow)
		}
	}
	if rows != want.Rows {
		t.Errorf("%d rows, want %d", rows, want.Rows)
	}
	for i, f := range want.Fields {
		if got := hex.EncodeToString(digests[i].Sum(nil)); got != f.ColumnDigest {
			t.Errorf("field %s: digest %s, want %s", f.Name, got, f.ColumnDigest)
		}
	}
}

func compareRow(t *testing.T, row int, cells []*dualCell, want []*expectedCell) {
	t.Helper()
	got := make([]*expectedCell, len(cells))
	for i, c := range cells {
		if c == nil {
			continue
		}
		got[i] = &expectedCell{Text: c.T}
		if x, ok := c.number(t); ok {
			got[i].Num = &x
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("row %d (-want +got):\n%s", row, diff)
	}
}

// TestCatDualOfContainer does the same with an early file in a container.
func TestCatDualOfContainer(t *testing.T) {
	const file = "../../../shared/data/qvf/10-old-qvd-container"
	raw, err := os.ReadFile(file + ".expected.json")
	if err != nil {
		t.Skip(err)
	}
	var want struct{ Rows [][]*expectedCell }
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := qvdCatCmd{readFlags: readFlags{fileFlag: fileFlag{File: file + ".qvd"}}, Format: formatJSONL, Dual: true}
	if err := cmd.write(t.Context(), &out, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(&out)
	for row, cells := range want.Rows {
		var got []*dualCell
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		compareRow(t, row, got, cells)
	}
	if d.More() {
		t.Error("there are more rows than expected")
	}
}

// TestConvertRealFiles converts real files to QVD again: what is printed of
// both is the same.
func TestConvertRealFiles(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/qvd/*.qvd")
	if len(files) == 0 {
		t.Skip("there are no real files in ../shared/data/qvd")
	}
	cat := func(file string) string {
		var out bytes.Buffer
		cmd := qvdCatCmd{readFlags: readFlags{fileFlag: fileFlag{File: file}}, Format: formatCSV}
		if err := cmd.write(t.Context(), &out, slog.New(slog.DiscardHandler)); err != nil {
			t.Error(err)
		}
		return out.String()
	}
	for _, file := range files {
		out := filepath.Join(t.TempDir(), "out.qvd")
		c := &conversion{qvdConvertCmd: &qvdConvertCmd{In: file, Out: out}, from: formatQVD, to: formatQVD, loc: number.Default(), meter: newMeter(os.Stderr, "", 0)}
		if err := c.run(t.Context()); err != nil {
			t.Errorf("%s: %v", file, err)
		} else if cat(file) != cat(out) {
			t.Errorf("%s: the rows differ after conversion", file)
		}
	}
}

func TestTextCells(t *testing.T) {
	date := &dual.Format{Type: dual.Date, Pattern: "YYYY-MM-DD"}
	for _, tt := range []struct {
		value             dual.Value
		csv, jsonl, duals string
		why               string
	}{
		{dual.Value{}, ``, `null`, `null`, "NULL"},
		{dual.String(""), ``, `""`, `{"t":""}`, "an empty text is not NULL, but CSV cannot tell"},
		{dual.Number(1), `1`, `1`, `{"n":1}`, "whole"},
		{dual.New("1", 1), `1`, `1`, `{"n":1,"t":"1"}`, "a text that says no more than the number"},
		{dual.New("007", 7), `007`, `"007"`, `{"n":7,"t":"007"}`, "a text that says more"},
		{dual.Formatted(45296, date), `2024-01-05`, `"2024-01-05"`, `{"n":45296}`, "the format is for what is shown"},
		{dual.Number(0.30000000000000004), `0.3`, `0.30000000000000004`, `{"n":0.30000000000000004}`, "JSON numbers read back as they were"},
		{dual.Number(1e21), `1e+21`, `1e+21`, `{"n":1e+21}`, "exponents as JavaScript has them"},
		{dual.Number(123456789e12), `1.23456789e+20`, `123456789000000000000`, `{"n":123456789000000000000}`, "no exponent below 1e21"},
		{dual.Number(1e-7), `1e-07`, `1e-7`, `{"n":1e-7}`, "no zero in the exponent"},
		{dual.Value{Kind: dual.Num, Num: math.Copysign(0, -1)}, `0`, `-0`, `{"n":-0}`, "the sign of zero stays in JSON"},
		{dual.Value{Kind: dual.Num, Num: math.NaN()}, ``, `""`, `{"n":"NaN"}`, "JSON has no NaN"},
		{dual.Number(math.Inf(-1)), ``, ``, `{"n":"-Infinity"}`, "JSON has no infinity"},
		{dual.String("a\"b\\\n\x01é"), "\"a\"\"b\\\n\x01é\"", `"a\"b\\\n\u0001é"`, `{"t":"a\"b\\\n\u0001é"}`, "escapes"},
		{dual.String("a\xff\xfeb"), "a\xff\xfeb", "\"a\uFFFDb\"", "{\"t\":\"a\uFFFDb\"}", "JSON is UTF-8"},
		{dual.String(" a"), `" a"`, `" a"`, `{"t":" a"}`, "readers cut blanks that have no quotes"},
		{dual.String("a,b"), `"a,b"`, `"a,b"`, `{"t":"a,b"}`, "the delimiter"},
	} {
		loc := number.Default()
		csv := delimited([]string{"A", "B"}, ',', loc).cell(nil, tt.value)
		jsonl := jsonLines([]string{"A", "B"}, loc).cell(nil, tt.value)
		duals := appendDual(nil, tt.value)
		if !math.IsInf(tt.value.Num, 0) && !math.IsNaN(tt.value.Num) && (string(csv) != tt.csv || string(jsonl) != tt.jsonl) || string(duals) != tt.duals {
			t.Errorf("%v: %s, %s, %s; want %s, %s, %s: %s", tt.value, csv, jsonl, duals, tt.csv, tt.jsonl, tt.duals, tt.why)
		}
		if !json.Valid(jsonl) || !json.Valid(duals) {
			t.Errorf("%s or %s is no JSON", jsonl, duals)
		}
	}
}

// TestRowWriter compares rows that are rendered in parallel, with the texts of
// dictionaries kept, with cells one by one.
func TestRowWriter(t *testing.T) {
	many := make([]dual.Value, 5000)
	for i := range many {
		many[i] = dual.Number(float64(i) / 8)
	}
	few := &dual.Dict{Vals: []dual.Value{{}, dual.String("a,b"), dual.New("x", 2)}}
	format := dualLines(4)
	for _, n := range []int{1, 2, 3, 63, 64, 65, 5000} {
		codes := make([]uint32, n)
		for i := range codes {
			codes[i] = uint32(i) % 3
		}
		batch := []dual.Vector{
			dual.Coded(codes, few), dual.Coded(codes, &dual.Dict{Vals: many}), dual.Constant(dual.Number(7), n), dual.Vals(many[:n]),
		}
		var got, want bytes.Buffer
		w, err := newRowWriter(&got, format)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time some texts are there
			if err := w.write(batch); err != nil {
				t.Fatal(err)
			}
			for row := range n {
				for i := range batch {
					want.WriteString(format.before[i])
					want.Write(appendDual(nil, batch[i].At(row)))
				}
				want.WriteString(format.after)
			}
		}
		if got.String() != want.String() {
			t.Errorf("%d rows differ", n)
		}
	}
}

// TestExactCells prints what the model does not have: NaN and -0 stay as they
// are in the file.
func TestExactCells(t *testing.T) {
	negative, nan := math.Copysign(0, -1), math.NaN()
	path := filepath.Join(t.TempDir(), "special.qvd")
	writeDoubles(t, path, []float64{1.5, negative, nan, math.Inf(1)})
	var out bytes.Buffer
	cmd := qvdCatCmd{readFlags: readFlags{fileFlag: fileFlag{File: path}}, Format: formatJSONL, Dual: true}
	if err := cmd.write(t.Context(), &out, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	want := "[{\"n\":1.5},{\"n\":-0}]\n[{\"n\":-0},{\"n\":-0}]\n[{\"n\":\"NaN\"},{\"n\":-0}]\n[{\"n\":\"Infinity\"},{\"n\":-0}]\n"
	if out.String() != want {
		t.Errorf("got\n%s, want\n%s", out.String(), want)
	}
}

// writeDoubles writes a QVD of two fields, one with a row for each number,
// one that is -0 in all rows and takes no bits.
func writeDoubles(t *testing.T, path string, xs []float64) {
	t.Helper()
	var body []byte
	symbol := func(x float64) {
		body = append(body, qvd.TypeDouble)
		for k := range 8 {
			body = append(body, byte(math.Float64bits(x)>>(8*k)))
		}
	}
	for _, x := range xs {
		symbol(x)
	}
	symbol(math.Copysign(0, -1))
	n := int64(len(xs))
	h := qvd.Header{BuildNo: "1", CreateUTCTime: "2024-01-01 00:00:00", TableName: "T", RecordBytes: 1, Rows: n, Offset: (n + 1) * 9, Length: n, Fields: []qvd.Field{
		{Name: "A", BitWidth: 8, Symbols: n, Length: n * 9},
		{Name: "B", Symbols: 1, Offset: n * 9, Length: 9},
	}}
	file, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	file = append(file, body...)
	for i := range xs {
		file = append(file, byte(i))
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestParseRange(t *testing.T) {
	for _, tt := range []struct {
		text   string
		lo, hi int64
		ok     bool
	}{
		{"", 0, math.MaxInt64, true},
		{"2:5", 2, 5, true},
		{":5", 0, 5, true},
		{"2:", 2, math.MaxInt64, true},
		{":", 0, math.MaxInt64, true},
		{"5:5", 5, 5, true},
		{"5:4", 0, 0, false},
		{"-1:4", 0, 0, false},
		{"3", 0, 0, false},
		{"a:b", 0, 0, false},
		{"1:2:3", 0, 0, false},
		{"1:99999999999999999999", 0, 0, false},
	} {
		got, err := parseRange(tt.text)
		if (err == nil) != tt.ok || got != (rowRange{tt.lo, tt.hi}) {
			t.Errorf("%q: %v, %v", tt.text, got, err)
		}
	}
}

// TestRangeReader cuts rows out of batches, borders included.
func TestRangeReader(t *testing.T) {
	catalog := storage.NewCatalog(number.Default().Text)
	b := catalog.NewBuilder("T", []string{"A"})
	const rows = 1<<16 + 10
	xs := make([]float64, rows)
	for i := range xs {
		xs[i] = float64(i)
	}
	if err := b.Append([]dual.Vector{dual.Nums(xs, nil)}); err != nil {
		t.Fatal(err)
	}
	for _, r := range []rowRange{{0, 0}, {0, 1}, {5, 7}, {1<<16 - 1, 1<<16 + 1}, {1 << 16, 1 << 40}, {rows, rows + 5}, {0, rows}} {
		table, err := newTableRows(b.Table(), nil, false)
		if err != nil {
			t.Fatal(err)
		}
		var got []float64
		reader := newRangeReader(table, r)
		for {
			batch, err := reader.Next(t.Context())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for row := range batch.Rows {
				got = append(got, batch.Columns[0].Num(row))
			}
		}
		if want := xs[min(r.lo, rows):min(r.hi, rows)]; !slices.Equal(got, want) {
			t.Errorf("rows %v: %d rows, want %d", r, len(got), len(want))
		}
	}
}

func TestMeterLine(t *testing.T) {
	m := &meter{name: "sales.qvd", total: 2_000_000}
	m.done.Store(500_000)
	m.rows.Store(3000)
	if got, want := m.line(2*time.Second), "[#####...............]  25%  500 kB of 2.0 MB  3,000 rows, 1,500/s  sales.qvd"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	m.done.Store(9_000_000) // what is read twice does not overflow the bar
	m.out.Store(64_300_000)
	if got, want := m.line(2*time.Second), "[####################] 100%  2.0 MB of 2.0 MB  3,000 rows, 1,500/s  written 64.3 MB  sales.qvd"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestTextRoundTrip sends texts that are hard to write through all text
// formats and back: what is shown stays the same.
func TestTextRoundTrip(t *testing.T) {
	pieces := []string{"", "a", "b", "é", "日本", ",", ";", "\t", "\"", "\"\"", "\n", "\r\n", "\r", " ", "'", "\\", "1", "007", "-0", "1e3", "null", "@", "|", "{", "[1]", "\u2028", "\x1a", "\ufeff"}
	const seed, rows = 4, 300
	rng := rand.New(rand.NewPCG(seed, seed))
	catalog := storage.NewCatalog(number.Default().Text)
	b := catalog.NewBuilder("T", []string{"A", "B,\"x\"", "C.d"})
	batch := make([]dual.Vector, 3)
	for i := range batch {
		vals := make([]dual.Value, rows)
		for r := range vals {
			text := ""
			for range rng.IntN(4) {
				text += pieces[rng.IntN(len(pieces))]
			}
			vals[r] = number.Default().Interpret(text)
			vals[r].Text, vals[r].Kind = text, vals[r].Kind|dual.Text
		}
		batch[i] = dual.Vals(vals)
	}
	if err := b.Append(batch); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	first := filepath.Join(dir, "first.qvd")
	if err := qvd.WriteFile(t.Context(), first, b.Table(), qvd.WriteOptions{Show: number.Default().Text}); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{formatCSV, formatTSV, formatJSONL} {
		text, back := filepath.Join(dir, "x."+format), filepath.Join(dir, format+".qvd")
		for _, c := range []*qvdConvertCmd{{In: first, Out: text}, {In: text, Out: back}} {
			conv, err := c.plan(slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			conv.meter = newMeter(os.Stderr, "", 0)
			if err := conv.run(t.Context()); err != nil {
				t.Fatalf("%s: %v", format, err)
			}
		}
		if diff := cmp.Diff(shownRows(t, first), shownRows(t, back)); diff != "" {
			t.Errorf("%s, seed %d (-first +back):\n%s", format, seed, diff)
		}
	}
}

// shownRows returns the names of the fields and all rows as they are shown.
func shownRows(t *testing.T, path string) (out [][]string) {
	t.Helper()
	f, err := openRows(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := f.rows(t.Context(), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	out = append(out, r.Fields())
	for {
		b, err := r.Next(t.Context())
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		for row := range b.Rows {
			cells := make([]string, len(b.Columns))
			for i := range b.Columns {
				cells[i] = number.Default().Text(b.Columns[i].At(row))
			}
			out = append(out, cells)
		}
	}
}
