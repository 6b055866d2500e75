package qvf

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

func load(t testing.TB, c *container.Container) *storage.Catalog {
	t.Helper()
	catalog := storage.NewCatalog(nil)
	problems, err := ReadData(t.Context(), c, catalog)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if err := catalog.Seal(); err != nil {
		t.Fatal(err)
	}
	return catalog
}

// TestLoadEqualsStreams holds every cell of the model against the data part,
// read column by column.
func TestLoadEqualsStreams(t *testing.T) {
	for _, file := range realApps(t) {
		c := openReal(t, file)
		d, err := OpenData(c)
		if err != nil {
			t.Fatal(err)
		}
		catalog := load(t, c)
		cells := 0
		for _, table := range d.Tables {
			got := catalog.Table(table.Name)
			if loaded := d.loaded(table); loaded != (got != nil) {
				t.Errorf("%s: table %s is in the model: %v", file, table.Name, got != nil)
			}
			if got == nil {
				continue
			}
			for j := range table.Columns {
				info, err := d.Inspect(table, j, table.Rows)
				if err != nil {
					t.Fatal(err)
				}
				if d.synthetic(table.Columns[j].Field) != nil {
					continue
				}
				col := got.Column(info.Field)
				for row, want := range info.First {
					if v := col.Field.Value(col.Code(row)); !sameValue(v, want) {
						t.Fatalf("%s: %s.%s row %d: %+v, want %+v", file, table.Name, info.Field, row, v, want)
					}
					cells++
				}
			}
		}
		t.Logf("%s: %d cells", filepath.Base(file), cells)
	}
}

// sameValue compares what is stored; a text that is just the number's default
// one may be missing.
func sameValue(got, want dual.Value) bool {
	return dual.Identical(got, want) ||
		want.Kind == dual.Both && got.Kind == dual.Num && got.Num == want.Num && strconv.FormatFloat(want.Num, 'f', -1, 64) == want.Text
}

// TestLoadResolvesSyntheticKeys: the fields stand in the tables again, and the
// key's own table is gone.
func TestLoadResolvesSyntheticKeys(t *testing.T) {
	files, _ := filepath.Glob(realFolder + "/06*.qvf")
	if len(files) == 0 {
		t.Skip("real files are not there")
	}
	c := openReal(t, files[0])
	catalog := load(t, c)
	for _, f := range catalog.Fields() {
		if strings.HasPrefix(f.Name, "$") {
			t.Errorf("field %s is in the model", f.Name)
		}
	}
	table := catalog.Table("Cita")
	want := []string{"cita_id", "fecha_hora", "motivo_cita", "Mes", "Año", "paciente_id", "medico_id"}
	if got := table.FieldNames(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("fields %q, want %q", got, want)
	}
	d, err := OpenData(c)
	if err != nil {
		t.Fatal(err)
	}
	checkKeys(t, d, catalog, "Cita")
	checkKeys(t, d, catalog, "Medico_Paciente")
}

// checkKeys looks each row's key up in the key's table, as one reads it.
func checkKeys(t *testing.T, d *Data, catalog *storage.Catalog, name string) {
	t.Helper()
	values := func(table, field string) []dual.Value {
		for _, dt := range d.Tables {
			for j := range dt.Columns {
				if dt.Name == table && d.Fields[dt.Columns[j].Field] == field {
					info, err := d.Inspect(dt, j, dt.Rows)
					if err != nil {
						t.Fatal(err)
					}
					return info.First
				}
			}
		}
		t.Fatalf("no %s in %s", field, table)
		return nil
	}
	keys, ofKey := values(name, "$Syn 1"), values("$Syn 1 Table", "$Syn 1")
	for _, field := range []string{"paciente_id", "medico_id"} {
		part, col := values("$Syn 1 Table", field), catalog.Table(name).Column(field)
		for row, key := range keys {
			var want dual.Value
			for i := range ofKey {
				if dual.Same(ofKey[i], key) {
					want = part[i]
				}
			}
			if got := col.Field.Value(col.Code(row)); got.Num != want.Num || got.IsNull() != want.IsNull() {
				t.Fatalf("%s.%s row %d: %+v, want %+v", name, field, row, got, want)
			}
		}
	}
}

// TestLoadJoinsExistingFields: a catalog that has the field already keeps its
// codes, and formats do not get mixed up.
func TestLoadJoinsExistingFields(t *testing.T) {
	files, _ := filepath.Glob(realFolder + "/04*.qvf")
	if len(files) == 0 {
		t.Skip("real files are not there")
	}
	c := openReal(t, files[0])
	plain := load(t, c)
	catalog := storage.NewCatalog(func(v dual.Value) string { return fmt.Sprintf("<%g>", v.Num) })
	b := catalog.NewBuilder("Mine", []string{"Order Date", "Order ID"})
	mine := []dual.Value{dual.Number(38000), dual.Number(38717)}
	if err := b.Append([]dual.Vector{dual.Vals(mine), dual.Vals(mine)}); err != nil {
		t.Fatal(err)
	}
	catalog.Put(b.Table())
	if problems, err := ReadData(t.Context(), c, catalog); err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	for _, table := range plain.Tables() {
		for _, want := range table.Columns {
			got := catalog.Table(table.Name).Column(want.Field.Name)
			for row := range table.Rows {
				g, w := got.Field.Value(got.Code(row)), want.Field.Value(want.Code(row))
				if g.Float() != w.Float() && (g.HasNum() || w.HasNum()) {
					t.Fatalf("%s.%s row %d: %+v, want %+v", table.Name, want.Field.Name, row, g, w)
				}
			}
		}
	}
	if got := catalog.Table("Mine").Columns[0]; got.Code(0) != 1 || got.Code(1) != 2 {
		t.Error("codes of the table before have changed")
	}
}

// TestDefaultTextsOfLargeFields: which texts a field drops does not depend on
// where its symbols are cut into batches.
func TestDefaultTextsOfLargeFields(t *testing.T) {
	const n = symbolBatch + 10
	common := le(0, n)
	for i := range n - 1 {
		common = appendSymbol(common, dual.New(strconv.Itoa(i), float64(i)))
	}
	for _, tt := range []struct {
		why   string
		odd   dual.Value // the last symbol
		plain bool
	}{
		{"numbers with default texts", dual.New("900000", 900000), true},
		{"one without a text behind them", dual.Number(900000), false},
		{"a text behind them", dual.String("x"), true},
	} {
		t.Run(tt.why, func(t *testing.T) {
			block := appendSymbol(slices.Clip(common), tt.odd)
			s, types := smallApp(t)
			s[streamN] = symbolsOf(s[streamN], 5, block)
			catalog := storage.NewCatalog(nil)
			if problems, err := ReadData(t.Context(), mustOpen(t, s.file(t, types)), catalog); err != nil || len(problems) > 0 {
				t.Fatal(err, problems)
			}
			f := catalog.Field("n")
			if got := f.Symbols.Plain(); got != tt.plain {
				t.Errorf("default texts dropped: %v", got)
			}
			for _, code := range []uint32{1, 2, n - 1, n} {
				want := tt.odd
				if code < n {
					want = dual.New(strconv.Itoa(int(code)-1), float64(code-1))
				}
				if got := f.Stored(code, nil); !dual.Identical(got, want) {
					t.Errorf("code %d: %+v, want %+v", code, got, want)
				}
			}
		})
	}
}
