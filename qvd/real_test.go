package qvd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognate-bi/cognate/qvd/qvdtest"
	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

const realFolder = "../../shared/data/qvd"

// expected is what is known of a real file from an independent decoder.
type expected struct {
	File, Table, Build, CreateUtcTime, TableComment string
	Size, HeaderBytes, Rows, RecordByteSize         int64
	TableTags                                       []string
	Lineage                                         int
	Fields                                          []struct {
		Name                               string
		BitOffset, BitWidth, Bias, Symbols int64
		SymbolTypes                        map[string]int
		Distinct, Nulls                    int
		NumberFormat                       map[string]string
		Tags                               []string
		Comment, ColumnDigest              string
	}
	FirstRows [][]*struct {
		Text *string
		Num  *float64
	}
	LastRow []*struct {
		Text *string
		Num  *float64
	}
}

// realFiles calls test with each real file.
func realFiles(t *testing.T, test func(t *testing.T, path string, want *expected)) {
	paths, _ := filepath.Glob(filepath.Join(realFolder, "*.expected.json"))
	if len(paths) == 0 {
		t.Skipf("no real files in %s", realFolder)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var want expected
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		t.Run(want.File, func(t *testing.T) { test(t, filepath.Join(realFolder, want.File), &want) })
	}
}

// cellsOf returns the rows of a field by the lossless way: Symbols and the
// stored numbers.
func cellsOf(t *testing.T, f *File, i int) []string {
	t.Helper()
	s, err := f.Symbols(i)
	if err != nil {
		t.Fatal(err)
	}
	h := &f.Header().Fields[i]
	lines := through(h, "-", func(k int) string {
		number, text := "", "~"
		if x, ok := s.Number(k); ok {
			number = fmt.Sprintf("%016x", math.Float64bits(x))
		}
		if own, ok := s.Text(k); ok {
			text = own
		}
		return number + "|" + text
	})
	var cells []string
	err = f.eachBlock(t.Context(), 1, func(_ int64, n int, records []byte) error {
		stored := make([]uint32, n)
		simd.Unpack(stored, records, f.bits(i))
		for _, s := range stored {
			cells = append(cells, lines[s])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return cells
}

func open(t testing.TB, path string) *File {
	t.Helper()
	f, err := Open(path, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestRealFiles(t *testing.T) {
	realFiles(t, func(t *testing.T, path string, want *expected) {
		f := open(t, path)
		h := f.Header()
		got := []any{h.TableName, h.BuildNo, h.CreateUTCTime, h.Comment, h.SizeBytes, h.Rows, h.RecordBytes, len(h.TableTags), len(h.Lineage), len(h.Fields)}
		if w := []any{
			want.Table, want.Build, want.CreateUtcTime, want.TableComment, want.HeaderBytes, want.Rows, want.RecordByteSize,
			len(want.TableTags), want.Lineage, len(want.Fields),
		}; !slices.Equal(got, w) {
			t.Errorf("header is %v, want %v", got, w)
		}
		var rows [][]string
		for i, w := range want.Fields {
			g := &h.Fields[i]
			n := g.NumberFormat
			if d := cmp.Diff([]any{w.Name, w.BitOffset, w.BitWidth, w.Bias, w.Symbols, w.Comment, strings.Join(w.Tags, "|"), w.NumberFormat},
				[]any{
					g.Name, g.BitOffset, g.BitWidth, g.Bias, g.Symbols, g.Comment, strings.Join(g.Tags, "|"),
					map[string]string{"Type": n.Type, "nDec": n.Decimals, "UseThou": n.UseThou, "Fmt": n.Pattern, "Dec": n.Decimal, "Thou": n.Thousand},
				}); d != "" {
				t.Errorf("field %d: (-want +got)\n%s", i, d)
			}
			checkSymbolTypes(t, f, i, w.SymbolTypes)
			cells := cellsOf(t, f, i)
			rows = append(rows, cells)
			if got := qvdtest.Digest(cells); got != w.ColumnDigest {
				t.Errorf("field %s: digest %s, want %s", w.Name, got, w.ColumnDigest)
			}
			nulls, distinct := 0, map[string]bool{}
			for _, c := range cells {
				if c == "-" {
					nulls++
				} else {
					distinct[c] = true
				}
			}
			if nulls != w.Nulls || len(distinct) != w.Distinct {
				t.Errorf("field %s: %d nulls, %d distinct, want %d, %d", w.Name, nulls, len(distinct), w.Nulls, w.Distinct)
			}
		}
		checkRows(t, rows, want)
		report, err := f.Verify(t.Context())
		if err != nil || len(report.Warnings) > 0 {
			t.Errorf("verify: %v, %+v", err, report)
		}
		for i, w := range want.Fields {
			if report != nil && report.Nulls[i] != int64(w.Nulls) {
				t.Errorf("verify: field %d has %d NULLs, want %d", i, report.Nulls[i], w.Nulls)
			}
		}
	})
}

func checkSymbolTypes(t *testing.T, f *File, i int, want map[string]int) {
	t.Helper()
	s, err := f.Symbols(i)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for k := range s.Len() {
		got[fmt.Sprint(s.Type(k))]++
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("field %d: types (-want +got)\n%s", i, d)
	}
}

// checkRows compares the first rows and the last one.
func checkRows(t *testing.T, cells [][]string, want *expected) {
	t.Helper()
	check := func(row int, w []*struct {
		Text *string
		Num  *float64
	},
	) {
		for i, c := range w {
			line := "-"
			if c != nil {
				number, text := "", "~"
				if c.Num != nil {
					number = fmt.Sprintf("%016x", math.Float64bits(*c.Num))
				}
				if c.Text != nil {
					text = *c.Text
				}
				line = number + "|" + text
			}
			if cells[i][row] != line {
				t.Errorf("row %d, field %d: %q, want %q", row, i, cells[i][row], line)
			}
		}
	}
	for r, row := range want.FirstRows {
		check(r, row)
	}
	check(int(want.Rows-1), want.LastRow)
}

// show is the default text, as the engine makes it for numbers of no format.
func show(v dual.Value) string {
	if v.HasText() || v.IsNull() {
		return v.Text
	}
	return defaultText(v.Num)
}

// Reading into the model and writing again loses nothing, and engines'
// invariants hold for what we write.
func TestRealFilesRoundTrip(t *testing.T) {
	realFiles(t, func(t *testing.T, path string, want *expected) {
		f := open(t, path)
		c := storage.NewCatalog(show)
		table, err := f.Table(t.Context(), c, Projection{})
		if err != nil {
			t.Fatal(err)
		}
		c.Put(table)
		if err := c.Seal(); err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := Write(t.Context(), &file, table, WriteOptions{Show: show, Lineage: f.Header().Lineage}); err != nil {
			t.Fatal(err)
		}
		n, err := qvdtest.Read(file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		checkLayout(t, n, file.Bytes())
		for i, w := range want.Fields {
			if got := qvdtest.Digest(n.Cells[i]); got != w.ColumnDigest {
				t.Errorf("field %s: digest %s, want %s", w.Name, got, w.ColumnDigest)
			}
		}
		again, err := NewFile("again.qvd", bytes.NewReader(file.Bytes()), int64(file.Len()), OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if report, err := again.Verify(t.Context()); err != nil || len(report.Warnings) > 0 {
			t.Errorf("verify: %v, %+v", err, report)
		}
		for i := range want.Fields {
			g, w := again.Header().Fields[i], f.Header().Fields[i]
			if g.NumberFormat.Type != w.NumberFormat.Type && w.NumberFormat.Format() != nil {
				t.Errorf("field %s: number format %v, want %v", w.Name, g.NumberFormat, w.NumberFormat)
			}
		}
	})
}
