package source

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// book writes a workbook of one sheet from cells by reference.
func book(t *testing.T, cells map[string]any, styles map[string]int) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for ref, value := range cells {
		if err := f.SetCellValue("Sheet1", ref, value); err != nil {
			t.Fatal(err)
		}
	}
	for ref, id := range styles {
		style, err := f.NewStyle(&excelize.Style{NumFmt: id})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.SetCellStyle("Sheet1", ref, ref, style); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "a.xlsx")
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestXLSX(t *testing.T) {
	day := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		why   string
		cells map[string]any
		spec  Spec
		want  []string
	}{
		{"texts, numbers, truth", map[string]any{"A1": "a", "B1": "b", "C1": "c", "A2": "x", "B2": 1.5, "C2": true}, Spec{}, []string{"a|b|c", "'x'|1.5|'TRUE'/-1"}},
		{"empty cells are NULL", map[string]any{"A1": "a", "B1": "b", "B2": 1, "A3": "x"}, Spec{}, []string{"a|b", "NULL|1", "'x'|NULL"}},
		{"a text that looks like a number is a text", map[string]any{"A1": "a", "A2": "007"}, Spec{}, []string{"a", "'007'"}},
		{"dates are day numbers", map[string]any{"A1": "a", "A2": day}, Spec{}, []string{"a", "45292.5"}},
		{"rows without content inside the table", map[string]any{"A1": "a", "A4": 3}, Spec{}, []string{"a", "NULL", "NULL", "3"}},
		{"a table that does not start in A1", map[string]any{"C3": "a", "D3": "b", "C4": 1, "A5": 9, "D5": 2}, Spec{}, []string{"a|b", "1|NULL", "NULL|2"}},
		{"no labels: columns by letter", map[string]any{"A1": 1, "C1": 2, "B2": 3}, Spec{Labels: LabelsNone}, []string{"A|B|C", "1|NULL|2", "NULL|3|NULL"}},
		{"a column without label has its letter", map[string]any{"A1": "a", "C1": "c", "B2": 3}, Spec{}, []string{"a|B|c", "NULL|3|NULL"}},
		{"header lines", map[string]any{"A1": "title", "A3": "a", "A4": 1}, Spec{HeaderSize: HeaderSize{HeaderLines: 2}}, []string{"a", "1"}},
		{"a number as label", map[string]any{"A1": 2018, "A2": 1}, Spec{}, []string{"2018", "1"}},
		{"sheet by number", map[string]any{"A1": "a", "A2": 1}, Spec{Table: "@1"}, []string{"a", "1"}},
		{"sheet by name in any case", map[string]any{"A1": "a", "A2": 1}, Spec{Table: "'SHEET1$'"}, []string{"a", "1"}},
		{"empty sheet", map[string]any{}, Spec{}, []string{""}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			r, err := Open(t.Context(), book(t, tt.cells, nil), tt.spec, number.Default())
			if diff := cmp.Diff(tt.want, rows(t, r, err)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestXLSXLongGap(t *testing.T) {
	r, err := Open(t.Context(), book(t, map[string]any{"A1": "a", "A2": 1, "A200000": 2, "A200001": 3}, nil), Spec{}, number.Default())
	got := rows(t, r, err)
	if n := len(got); n != 200001 || got[1] != "1" || got[2] != "NULL" || got[n-2] != "2" || got[n-1] != "3" {
		t.Errorf("%d rows, last %v", len(got), got[len(got)-3:])
	}
}

func TestXLSXFormats(t *testing.T) {
	loc := number.Default()
	path := book(t, map[string]any{"A1": "a", "B1": "b", "C1": "c", "D1": "d", "A2": 1, "B2": 2, "C2": 3, "D2": 4},
		map[string]int{"A2": 14, "B2": 22, "C2": 2, "D2": 46})
	columns, _ := readColumns(t, path, Spec{}, loc)
	for field, want := range map[string]dual.Format{
		"a": {Type: dual.Date, Pattern: loc.DateFormat},
		"b": {Type: dual.Timestamp, Pattern: loc.TimestampFormat},
		"c": {Type: dual.Fix, Pattern: "###0.00"},
		"d": {Type: dual.Interval, Pattern: "hh:mm:ss"},
	} {
		if got := columns[field][0].Format; got == nil || *got != want {
			t.Errorf("%s: %+v, want %+v", field, got, want)
		}
	}
}

func TestXLSXCustomFormats(t *testing.T) {
	kinds := xlsxFormats(number.Default())
	for code, want := range map[string]*dual.Format{
		"yyyy-mm-dd": kinds.date, "mmm yy": kinds.date, `d"h"`: kinds.date, "[$-409]d/m/yy h:mm AM/PM": kinds.timestamp,
		"h:mm": kinds.time, "mm:ss": kinds.time, "[h]:mm": kinds.interval, "#,##0": kinds.general, `"days" 0`: kinds.general,
		`_-* #,##0_-;\-* #,##0_-`: kinds.general, "[Red]0.0": kinds.general, "0.00E+00": kinds.general, `"x`: kinds.general, "0": kinds.integer,
	} {
		if got := kinds.custom(code); got != want {
			t.Errorf("%q: %+v, want %+v", code, got, want)
		}
	}
}

func TestXLSXErrors(t *testing.T) {
	path := book(t, map[string]any{"A1": "a"}, nil)
	if _, err := Open(t.Context(), path, Spec{Table: "none"}, number.Default()); err == nil || err.Error() != `a.xlsx: no sheet "none"` {
		t.Errorf("missing sheet: %v", err)
	}
	if _, err := Open(t.Context(), write(t, "b.xlsx", "no zip"), Spec{}, number.Default()); !errors.Is(err, ErrFormat) {
		t.Errorf("no zip: %v", err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(content); n += 97 {
		if _, err := readAll(Open(t.Context(), write(t, "c.xlsx", string(content[:n])), Spec{}, number.Default())); err == nil {
			if n > 0 { // an empty file without a name for its format is no workbook
				t.Errorf("cut off at %d: no error", n)
			}
		} else if !strings.HasPrefix(err.Error(), "c.xlsx: ") {
			t.Errorf("cut off at %d: %v", n, err)
		}
	}
}
