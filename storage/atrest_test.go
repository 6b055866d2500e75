package storage

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/dual"
)

// randomCatalog returns a sealed catalog with tables of few to many rows,
// fields shared or not, values of all kinds.
func randomCatalog(t testing.TB, seed uint64) *Catalog {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	c := NewCatalog(func(v dual.Value) string { return fmt.Sprint("shown ", v.Num) })
	names := []string{"a", "b", "Région", "", "$Syn 1", "d"}
	for table := range rng.IntN(4) {
		perm := rng.Perm(len(names))[:rng.IntN(len(names))]
		fields := make([]string, len(perm))
		for i, p := range perm {
			fields[i] = names[p]
		}
		rows := []int{0, 1, 3, 64, 65, 300, 2000}[rng.IntN(7)]
		batch := make([]dual.Vector, len(fields))
		for i := range batch {
			distinct := []int{1, 2, 300, 5000}[rng.IntN(4)]
			values := make([]dual.Value, rows)
			for r := range values {
				values[r] = randomValue(rng, distinct)
			}
			batch[i] = dual.Vals(values)
		}
		b := c.NewBuilder(fmt.Sprint("table ", table), fields)
		if err := b.Append(batch); err != nil {
			t.Fatal(err)
		}
		tab := b.Table()
		tab.Loose, tab.Distinct, tab.Comment = rng.IntN(2) == 0, rng.IntN(2) == 0, strings.Repeat("c", rng.IntN(3))
		for i := range rng.IntN(3) {
			tab.Tags = append(tab.Tags, fmt.Sprint("$tag", i))
		}
		c.Put(tab)
	}
	for _, f := range c.Fields() {
		if rng.IntN(2) == 0 {
			f.Format = &dual.Format{Type: dual.FormatType(rng.IntN(10)), Pattern: "#,##0", Decimal: ".", Thousand: ","}
		}
		f.Comment = strings.Repeat("x", rng.IntN(3))
		if rng.IntN(3) == 0 {
			f.Parts = []string{"a", "b"}
		}
	}
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	return c
}

// streams is a catalog at rest in memory.
type streams struct {
	directory []byte
	parts     map[string][]byte
}

func (s *streams) Size(name string) (int64, error) {
	b, ok := s.parts[name]
	if !ok {
		return 0, fmt.Errorf("no stream %s", name)
	}
	return int64(len(b)), nil
}

func (s *streams) Load(name string) ([]byte, error) { return s.parts[name], nil }

func atRest(t testing.TB, c *Catalog) *streams {
	t.Helper()
	directory, parts, err := c.AtRest()
	if err != nil {
		t.Fatal(err)
	}
	s := &streams{directory, map[string][]byte{}}
	for _, p := range parts {
		var b bytes.Buffer
		if n, err := p.WriteTo(&b); err != nil || n != int64(b.Len()) {
			t.Fatalf("%s: %d bytes of %d, %v", p.Stream, b.Len(), n, err)
		}
		s.parts[p.Stream] = b.Bytes()
	}
	return s
}

// sameCatalog compares value by value and code by code.
func sameCatalog(a, b *Catalog) error {
	if len(a.Fields()) != len(b.Fields()) || len(a.Tables()) != len(b.Tables()) {
		return fmt.Errorf("%d fields, %d tables; %d, %d", len(a.Fields()), len(a.Tables()), len(b.Fields()), len(b.Tables()))
	}
	for i, f := range a.Fields() {
		g := b.Fields()[i]
		if f.Name != g.Name || f.Comment != g.Comment || !reflect.DeepEqual(f.Tags, g.Tags) || !reflect.DeepEqual(f.Parts, g.Parts) || !reflect.DeepEqual(f.Format, g.Format) || f.Symbols.Len() != g.Symbols.Len() {
			return fmt.Errorf("field %d: %v, %v", i, f, g)
		}
		for c := uint32(0); c <= uint32(f.Symbols.Len()); c++ {
			if v, w := f.Value(c), g.Value(c); !dual.Identical(v, w) {
				return fmt.Errorf("field %s: code %d: %v, %v", f.Name, c, v, w)
			}
			if at := g.Symbols.Find(f.Value(c)); at != c {
				return fmt.Errorf("field %s: value of code %d is found at %d", f.Name, c, at)
			}
		}
	}
	for i, t := range a.Tables() {
		u := b.Tables()[i]
		if t.Name != u.Name || t.Comment != u.Comment || t.Rows != u.Rows || t.Loose != u.Loose || t.Distinct != u.Distinct ||
			!reflect.DeepEqual(t.Tags, u.Tags) || !reflect.DeepEqual(t.FieldNames(), u.FieldNames()) {
			return fmt.Errorf("table %d: %v, %v", i, t, u)
		}
		for j, col := range t.Columns {
			if col.Bits() != u.Columns[j].Bits() || u.Columns[j].Field != b.Field(col.Field.Name) {
				return fmt.Errorf("table %s, column %d: width %d, %d", t.Name, j, col.Bits(), u.Columns[j].Bits())
			}
			for r := range t.Rows {
				if c, d := col.Code(r), u.Columns[j].Code(r); c != d {
					return fmt.Errorf("table %s, column %d, row %d: code %d, %d", t.Name, j, r, c, d)
				}
			}
		}
	}
	return nil
}

func TestAtRestRoundTrip(t *testing.T) {
	for seed := range uint64(150) {
		c := randomCatalog(t, seed)
		rest := atRest(t, c)
		got, err := Restore(rest.directory, rest, RestoreOptions{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for i, f := range c.Fields() {
			if f.Symbols.Traits() != got.Fields()[i].Symbols.Traits() || f.Symbols.Plain() != got.Fields()[i].Symbols.Plain() {
				t.Fatalf("seed %d: field %s has other traits", seed, f.Name)
			}
		}
		if err := got.Seal(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if again := atRest(t, got); !reflect.DeepEqual(again, rest) {
			t.Fatalf("seed %d: written again before anything was asked for, it differs", seed)
		}
		if err := errors.Join(sameCatalog(c, got), got.Verify()); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if again := atRest(t, got); !reflect.DeepEqual(again, rest) {
			t.Fatalf("seed %d: written again it differs", seed)
		}
	}
}

// Only what is asked for is loaded, once, however many ask.
func TestRestoreIsLazy(t *testing.T) {
	rest := &counting{streams: atRest(t, smallCatalog(t)), loads: map[string]int{}}
	c, err := Restore(rest.directory, rest, RestoreOptions{Mapped: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Seal(); err != nil || len(rest.loads) != 0 {
		t.Fatalf("%v loaded before anything was asked for, %v", rest.loads, err)
	}
	if u := c.Memory(); u.Total() != 0 || u.MappedBytes != 0 {
		t.Errorf("takes %+v before anything was asked for", u)
	}
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			if code := c.Tables()[0].Columns[1].Code(1); c.Field("y").Symbols.Text(code) != "zwei" {
				t.Errorf("code %d", code)
			}
		})
	}
	g.Wait()
	if want := map[string]int{"field_1": 1, "column_0_1": 1}; !reflect.DeepEqual(rest.loads, want) {
		t.Errorf("loads %v, want %v", rest.loads, want)
	}
	if u := c.Memory(); u.CodeBytes != 0 || u.MappedBytes == 0 || u.SymbolBytes == 0 || u.SymbolBytes > 8 {
		t.Errorf("%+v; codes and numbers are the file's, texts the process's", u)
	}
}

type counting struct {
	*streams
	mu    sync.Mutex
	loads map[string]int
}

func (c *counting) Load(name string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loads[name]++
	return c.streams.Load(name)
}

func TestAtRestNotSealed(t *testing.T) {
	if _, _, err := NewCatalog(nil).AtRest(); err == nil {
		t.Error("no error for a catalog that may still change")
	}
}

// A directory that is cut off or has a byte too many is noticed.
func TestRestoreDirectoryDamaged(t *testing.T) {
	rest := atRest(t, smallCatalog(t))
	for n := range rest.directory {
		wantFormatError(t, fmt.Sprintf("cut at %d", n), &streams{rest.directory[:n], rest.parts}, "")
	}
	wantFormatError(t, "a byte behind the end", &streams{append(bytes.Clone(rest.directory), 0), rest.parts}, "")
}

// wantFormatError restores and touches everything.
func wantFormatError(t *testing.T, why string, rest *streams, want string) {
	t.Helper()
	c, err := Restore(rest.directory, rest, RestoreOptions{BytesMax: 1 << 20})
	if err == nil {
		err = c.Verify()
	}
	var fe *FormatError
	if !errors.As(err, &fe) || fe.Block == "" || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v; want a FormatError with %q", why, err, want)
	}
}

// smallCatalog has a table of two fields, one of numbers, one of texts.
func smallCatalog(t testing.TB) *Catalog {
	t.Helper()
	c := NewCatalog(nil)
	b := c.NewBuilder("T", []string{"x", "y"})
	err := b.Append([]dual.Vector{
		dual.Vals([]dual.Value{dual.Number(1), dual.Number(2), {}}),
		dual.Vals([]dual.Value{dual.String("a"), dual.New("zwei", 2), dual.String("")}),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Put(b.Table())
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Forged streams have the right form and wrong content: they are made of the
// parts of good ones, of which a test changes some.
type forged struct {
	fields  []fieldEntry
	tables  []tableEntry
	streams [][]any // arrays of the streams
	version uint32  // 0 = the latest
}

var null = math.NaN()

// ints puts numbers of a form into the first field.
func ints(form numbersForm, nums any) func(f *forged) {
	return func(f *forged) {
		f.fields[0].traits |= byte(form) << formShift
		f.streams[0][0] = nums
	}
}

// packedCodes puts packed codes into the first column.
func packedCodes(width int, codes ...uint32) func(f *forged) {
	return func(f *forged) {
		p := simd.NewPacked(make([]byte, simd.PackedLen(len(codes), width)), width, len(codes))
		p.Put(0, codes)
		f.tables[0].columns[0].width = byte(width)
		f.streams[2] = []any{p.Bytes()}
	}
}

// Numbers in each form, packed codes, and those of versions before, are
// restored.
func TestRestoreForms(t *testing.T) {
	for name, mend := range map[string]func(f *forged){
		"float64":     func(*forged) {},
		"packed":      packedCodes(17, 1, 2, 0),
		"version 3":   func(f *forged) { f.version = bytesVersion },
		"version 2":   func(f *forged) { f.version = floatsVersion },
		"int32":       ints(asInt32, []int32{noWhole, 1, 2}),
		"float32":     ints(asFloat32, []float32{float32(null), 1, 2}),
		"progression": ints(asProgression, []uint64{1, 1}),
	} {
		f := forgedSmall()
		mend(f)
		rest := f.atRest()
		c, err := Restore(rest.directory, rest, RestoreOptions{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for code := range uint32(3) {
			if got := c.Field("x").Symbols.Number(code); code > 0 && got != float64(code) || code == 0 && got == got {
				t.Errorf("%s: number %v of code %d", name, got, code)
			}
		}
		if err := errors.Join(c.Damage(), c.Verify()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func forgedSmall() *forged {
	return &forged{
		fields: []fieldEntry{
			{name: "x", symbols: 2, traits: hasNums | allNumeric | allInteger | allASCII},
			{name: "y", symbols: 3, traits: hasNums | hasTexts | allASCII, arena: 5},
		},
		tables: []tableEntry{{name: "T", rows: 3, columns: []columnEntry{{field: 0, width: 1}, {field: 1, width: 1}}}},
		streams: [][]any{
			{[]float64{null, 1, 2}},
			{[]float64{null, null, 2, null}, []uint32{1, 5, 5}, []uint64{7}, []uint8("azwei")},
			{[]uint8{1, 2, 0}},
			{[]uint8{1, 2, 3}},
		},
	}
}

func (f *forged) atRest() *streams {
	var d []byte
	d = appendCount(d, len(f.fields))
	for _, e := range f.fields {
		d = appendString(d, e.name)
		d = appendString(d, e.comment)
		d = appendStrings(d, e.tags)
		d = appendFormat(d, e.format)
		d = appendStrings(d, e.keyOf)
		d = appendCount(d, e.symbols)
		d = append(d, e.traits)
		d = appendCount(d, e.arena)
	}
	d = appendCount(d, len(f.tables))
	for _, e := range f.tables {
		d = appendString(d, e.name)
		d = appendString(d, e.comment)
		d = appendStrings(d, e.tags)
		d = appendCount(d, e.rows)
		d = append(d, e.flags)
		d = appendCount(d, len(e.columns))
		for _, c := range e.columns {
			d = appendCount(d, c.field)
			d = append(d, c.width)
			d = binary.LittleEndian.AppendUint32(d, c.all)
		}
	}
	names := []string{"field_0", "field_1", "column_0_0", "column_0_1", "column_1_0", "column_1_1"}
	s := &streams{append(binary.LittleEndian.AppendUint32(nil, cmp.Or(f.version, directoryVersion)), d...), map[string][]byte{}}
	for i, stream := range f.streams {
		var b []byte
		for _, a := range stream {
			b = append(b, make([]byte, aligned(int64(len(b)))-int64(len(b)))...)
			switch a := a.(type) {
			case []uint8:
				b = append(b, a...)
			case []uint32:
				b = append(b, bytesOf(a)...)
			case []uint64:
				b = append(b, bytesOf(a)...)
			case []int32:
				b = append(b, bytesOf(a)...)
			case []float32:
				b = append(b, bytesOf(a)...)
			case []float64:
				b = append(b, bytesOf(a)...)
			}
		}
		if stream != nil {
			s.parts[names[i]] = b
		}
	}
	return s
}

func TestRestoreForged(t *testing.T) {
	rest := forgedSmall().atRest()
	good, err := Restore(rest.directory, rest, RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sameCatalog(smallCatalog(t), good), good.Verify()); err != nil {
		t.Fatal("the unchanged one is not the small catalog: ", err)
	}
	for _, tt := range []struct {
		why  string
		mend func(*forged)
		want string // in the message
	}{
		{"a code behind the symbols", func(f *forged) { f.streams[2][0] = []uint8{1, 3, 0} }, `codes of "x" in table "T": byte 0: code 3 of 2`},
		{"a constant code behind the symbols", func(f *forged) { f.tables[0].columns[0] = columnEntry{0, 0, 3} }, "code 3 of 2"},
		{"a constant code beside codes", func(f *forged) { f.tables[0].columns[0].all = 1 }, "with codes per row"},
		{"a column of too few rows", func(f *forged) { f.streams[2][0] = []uint8{1, 2} }, "stream column_0_0 of 2 bytes, want 3"},
		{"a column that is not there", func(f *forged) { f.streams[2] = nil }, "no stream column_0_0"},
		{"a column of another width", func(f *forged) { f.tables[0].columns[0].width = 3 }, "width of column of table 0: unknown: 3"},
		{"a packed code behind the symbols", packedCodes(17, 1, 3, 0), `codes of "x" in table "T": byte 0: code 3 of 2`},
		{"the last packed code behind the symbols", packedCodes(25, 0, 0, 1<<25-1), "code 33554431 of 2"},
		{"packed codes without slack", func(f *forged) {
			packedCodes(17, 1, 2, 0)(f)
			f.streams[2][0] = f.streams[2][0].([]byte)[:7]
		}, "stream column_0_0 of 7 bytes, want 71"},
		{"codes packed to many bits", func(f *forged) { f.tables[0].columns[0].width = 26 }, "width of column of table 0: unknown: 26"},
		{"codes packed to few bits", func(f *forged) { f.tables[0].columns[0].width = 16 }, "width of column of table 0: unknown: 16"},
		{"packed codes in a version without", func(f *forged) {
			packedCodes(17, 1, 2, 0)(f)
			f.version = bytesVersion
		}, "width of column of table 0: unknown: 17"},
		{"a field that is not there", func(f *forged) { f.tables[0].columns[0].field = 2 }, "field of column of table 0: 2, more than 1"},
		{"a field twice in a table", func(f *forged) { f.tables[0].columns[0].field = 1 }, "there twice"},
		{"two fields of one name", func(f *forged) { f.fields[1].name = "x" }, `field "x" is there twice`},
		{"two tables of one name", func(f *forged) {
			f.tables = append(f.tables, f.tables[0])
			f.streams = append(f.streams, f.streams[2:]...)
		}, `table "T": byte`},
		{"huge number of rows", func(f *forged) { f.tables[0].rows = RowsMax }, "more than the limit"},
		{"rows above the limit", func(f *forged) { f.tables[0].rows = RowsMax + 1 }, "rows of table 0: 2147483648, more than"},
		{"huge number of symbols", func(f *forged) { f.fields[0].symbols = symbolsMax }, "stream field_0 of 24 bytes"},
		{"a progression of a huge number of symbols", func(f *forged) {
			ints(asProgression, []uint64{1, 1})(f)
			f.fields[0].symbols = 1 << 30
		}, "more than the limit"},
		{"symbols above the limit", func(f *forged) { f.fields[0].symbols = math.MaxUint32 }, "symbols of field 0: 4294967295, more than"},
		{"symbols without values", func(f *forged) { f.fields[0].traits = 0 }, "traits of field 0"},
		{"values without symbols", func(f *forged) { f.fields[0].symbols = 0 }, "traits of field 0"},
		{"a form without numbers", func(f *forged) { f.fields[0].traits = hasTexts | byte(asInt32)<<formShift }, "unknown"},
		{"a form in a version without", func(f *forged) { f.version, f.fields[0].traits = floatsVersion, hasNums|byte(asInt32)<<formShift }, "unknown"},
		{"version that is unknown", func(f *forged) { f.version = directoryVersion + 1 }, "version"},
		{"a whole number of NULL", ints(asInt32, []int32{0, 1, 2}), "NULL has a number"},
		{"a float32 of NULL", ints(asFloat32, []float32{0, 1, 2}), "NULL has a number"},
		{"a value without whole number", ints(asInt32, []int32{noWhole, 1, noWhole}), "symbol 2 has neither"},
		{"a fraction in whole numbers", ints(asFloat32, []float32{float32(null), 1, 0.5}), "the values are"},
		{"the same whole number twice", ints(asInt32, []int32{noWhole, 2, 2}), "symbols 1 and 2 are the same"},
		{"a progression without step", ints(asProgression, []uint64{5, 0}), "symbol 1 has neither"},
		{"a progression beyond float64", ints(asProgression, []uint64{wholeMax - 1, 1}), "in steps of 1"},
		{"a progression that overflows", ints(asProgression, []uint64{5, 1 << 63}), "in steps of"},
		{"a progression that begins too far", ints(asProgression, []uint64{1 << 62, 1}), "in steps of"},
		{"wrong traits", func(f *forged) { f.fields[1].traits |= allNumeric }, "the values are"},
		{"texts without the array", func(f *forged) { f.fields[0].arena = 5 }, "no texts"},
		{"unknown table flags", func(f *forged) { f.tables[0].flags = 4 }, "flags of table 0"},
		{"unknown format type", func(f *forged) { f.fields[0].format = &dual.Format{Type: dual.Interval + 1} }, "format of field 0: unknown type 10"},
		{"a number of NULL", func(f *forged) { f.streams[0][0] = []float64{0, 1, 2} }, "NULL has a number"},
		{"the same number twice", func(f *forged) { f.streams[0][0] = []float64{null, 2, 2} }, "symbols 1 and 2 are the same"},
		{"0 and -0", func(f *forged) { f.streams[0][0] = []float64{null, 0, math.Copysign(0, -1)} }, "symbols 1 and 2 are the same"},
		{"the same text twice", func(f *forged) { f.streams[1][1], f.streams[1][3] = []uint32{1, 4, 5}, []uint8("azwea") }, "symbols 1 and 3 are the same"},
		{"neither number nor text", func(f *forged) { f.streams[0][0] = []float64{null, 1, null} }, "symbol 2 has neither"},
		{"numbers without numbers", func(f *forged) { f.streams[1][0] = []float64{null, null, null, null} }, "none in any symbol"},
		{"texts without texts", func(f *forged) {
			f.streams[1] = []any{[]float64{null, 1, 2, 3}, []uint32{0, 0, 0}, []uint64{0}}
			f.fields[1].arena = 0
		}, "none in any symbol"},
		{"ends that go back", func(f *forged) { f.streams[1][1] = []uint32{5, 1, 5} }, "text of symbol 2 ends at 1"},
		{"ends behind the texts", func(f *forged) { f.streams[1][1] = []uint32{1, 5, 6} }, "texts end at 6 of 5"},
		{"ends before the texts do", func(f *forged) { f.streams[1][1] = []uint32{1, 4, 4} }, "texts end at 4 of 5"},
		{"bytes of a symbol without text", func(f *forged) { f.streams[1][2] = []uint64{5} }, "symbol 2 has 4 bytes of text"},
		{"text flags behind the end", func(f *forged) { f.streams[1][2] = []uint64{15} }, "behind the last symbol"},
	} {
		f := forgedSmall()
		tt.mend(f)
		wantFormatError(t, tt.why, f.atRest(), tt.want)
	}
}

// Packed codes that are damaged are NULL, too.
func TestDamagedPackedIsNull(t *testing.T) {
	f := forgedSmall()
	packedCodes(17, 1, 3, 0)(f)
	rest := f.atRest()
	c, err := Restore(rest.directory, rest, RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if x := c.Tables()[0].Columns[0]; x.Code(1) != 0 || x.Bits() != 0 || c.Damage() == nil {
		t.Errorf("code %d, %d bits, %v", x.Code(1), x.Bits(), c.Damage())
	}
}

// Damaged data answer NULL, and say so, whatever is asked of them.
func TestDamagedIsNull(t *testing.T) {
	rest := atRest(t, smallCatalog(t))
	rest.parts["column_0_0"][1] = 9
	rest.parts["field_1"][3] = 0
	c, err := Restore(rest.directory, rest, RestoreOptions{})
	if err != nil || c.Damage() != nil {
		t.Fatalf("%v, %v before anything is asked", err, c.Damage())
	}
	x, y := c.Tables()[0].Columns[0], c.Field("y")
	if x.Code(0) != 0 || x.Bits() != 0 || c.Damage() == nil {
		t.Errorf("code %d, width %d, %v", x.Code(0), x.Bits(), c.Damage())
	}
	if v := y.Value(2); !v.IsNull() || y.Dict().At(2) != v || y.Symbols.Find(dual.Number(2)) != 0 {
		t.Errorf("%+v of damaged symbols", v)
	}
}

// FuzzRestore: never a panic; what is restored can be written, and comes back
// the same.
func FuzzRestore(f *testing.F) {
	for _, c := range []*Catalog{smallCatalog(f), randomCatalog(f, 1), randomCatalog(f, 3)} {
		rest := atRest(f, c)
		f.Add(rest.directory, rest.parts["field_0"], rest.parts["column_0_0"])
	}
	f.Fuzz(func(t *testing.T, directory, field, column []byte) {
		rest := &streams{directory, map[string][]byte{"field_0": field, "column_0_0": column, "column_1_0": column}}
		o := RestoreOptions{BytesMax: 1 << 22}
		c, err := Restore(directory, rest, o)
		if err != nil {
			if c != nil {
				t.Fatal("a catalog beside an error")
			}
			return
		}
		if c.Verify() != nil {
			return
		}
		c.sealed = true // as it is: values that no row has stay
		rest = atRest(t, c)
		again, err := Restore(rest.directory, rest, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(sameCatalog(c, again), again.Verify()); err != nil {
			t.Fatal(err)
		}
	})
}
