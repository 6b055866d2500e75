package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

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

func written(t testing.TB, c *Catalog) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteCatalog(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
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
			if col.Width() != u.Columns[j].Width() || u.Columns[j].Field != b.Field(col.Field.Name) {
				return fmt.Errorf("table %s, column %d: width %d, %d", t.Name, j, col.Width(), u.Columns[j].Width())
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

func TestCatalogFileRoundTrip(t *testing.T) {
	for seed := range uint64(150) {
		c := randomCatalog(t, seed)
		file := written(t, c)
		got, err := ReadCatalog(bytes.NewReader(file), ReadOptions{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if err := sameCatalog(c, got); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if err := got.Seal(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if err := sameCatalog(c, got); err != nil {
			t.Fatalf("seed %d: sealed again: %v", seed, err)
		}
		if again := written(t, got); !bytes.Equal(again, file) {
			t.Fatalf("seed %d: written again %d bytes differ from %d", seed, len(again), len(file))
		}
	}
}

// Arrays longer than a chunk, of each size of element.
func TestCatalogFileOfManyChunks(t *testing.T) {
	const rows = chunkBytes + 4097
	number, text, few := make([]dual.Value, rows), make([]dual.Value, rows), make([]dual.Value, rows)
	for i := range rows {
		number[i] = dual.Number(float64(i) / 3)
		text[i] = dual.String(fmt.Sprint("text number ", i))
		few[i] = dual.Number(float64(i % 1000))
	}
	c := NewCatalog(nil)
	b := c.NewBuilder("T", []string{"number", "text", "few", "one"})
	if err := b.Append([]dual.Vector{dual.Vals(number), dual.Vals(text), dual.Vals(few), dual.Constant(dual.Bool(true), rows)}); err != nil {
		t.Fatal(err)
	}
	c.Put(b.Table())
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	got, err := ReadCatalog(bytes.NewReader(written(t, c)), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sameCatalog(c, got); err != nil {
		t.Fatal(err)
	}
}

func TestWriteCatalogNotSealed(t *testing.T) {
	if err := WriteCatalog(io.Discard, NewCatalog(nil)); err == nil {
		t.Error("no error for a catalog that may still change")
	}
}

// Whatever is cut off or changed is noticed, and told as a FormatError.
func TestReadCatalogDamaged(t *testing.T) {
	file := written(t, smallCatalog(t))
	read := func(why string, b []byte) {
		t.Helper()
		c, err := ReadCatalog(bytes.NewReader(b), ReadOptions{BytesMax: 1 << 20})
		var fe *FormatError
		if c != nil || !errors.As(err, &fe) || fe.Block == "" {
			t.Errorf("%s: catalog %v, error %v; want a FormatError", why, c, err)
		}
	}
	for n := range file {
		read(fmt.Sprintf("cut at %d", n), file[:n])
		for _, bit := range []byte{1, 0x80} {
			b := bytes.Clone(file)
			b[n] ^= bit
			read(fmt.Sprintf("byte %d, bit %#x flipped", n, bit), b)
		}
	}
	read("a byte behind the end", append(bytes.Clone(file), 0))
	if _, err := ReadCatalog(bytes.NewReader(file[:len(file)-1]), ReadOptions{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v, want io.ErrUnexpectedEOF in it", err)
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

// A forged file has right checksums and wrong content: it is made of the
// parts of a good one, of which a test changes some.
type forged struct {
	fields []fieldEntry
	tables []tableEntry
	arrays []any // in file order
}

func forgedSmall() *forged {
	return &forged{
		fields: []fieldEntry{
			{name: "x", symbols: 2, arrays: hasNums},
			{name: "y", symbols: 3, arrays: hasNums | hasTexts, arena: 5},
		},
		tables: []tableEntry{{name: "T", rows: 3, columns: []columnEntry{{field: 0, width: 1}, {field: 1, width: 1}}}},
		arrays: []any{
			[]float64{1, 2},
			[]float64{math.NaN(), 2, math.NaN()},
			[]uint32{1, 5, 5},
			[]uint64{7},
			[]uint8("azwei"),
			[]uint8{1, 2, 0},
			[]uint8{1, 2, 3},
		},
	}
}

func (f *forged) bytes(t *testing.T) []byte {
	t.Helper()
	var d []byte
	d = appendCount(d, len(f.fields))
	for _, e := range f.fields {
		d = appendString(d, e.name)
		d = appendString(d, e.comment)
		d = appendStrings(d, e.tags)
		d = appendFormat(d, e.format)
		d = appendStrings(d, e.keyOf)
		d = appendCount(d, e.symbols)
		d = append(d, e.arrays)
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
	var out bytes.Buffer
	enc, err := newEncoder()
	if err != nil {
		t.Fatal(err)
	}
	w := &catalogWriter{w: &out, enc: enc}
	w.write(binary.LittleEndian.AppendUint32([]byte(catalogMagic), catalogVersion))
	writeArray(w, d)
	for _, a := range f.arrays {
		switch a := a.(type) {
		case []uint8:
			writeArray(w, a)
		case []uint16:
			writeArray(w, a)
		case []uint32:
			writeArray(w, a)
		case []uint64:
			writeArray(w, a)
		case []float64:
			writeArray(w, a)
		}
	}
	if w.err != nil {
		t.Fatal(w.err)
	}
	return out.Bytes()
}

func TestReadCatalogForged(t *testing.T) {
	good, err := ReadCatalog(bytes.NewReader(forgedSmall().bytes(t)), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sameCatalog(smallCatalog(t), good); err != nil {
		t.Fatal("the unchanged one is not the small catalog: ", err)
	}
	for _, tt := range []struct {
		why  string
		mend func(*forged)
		want string // in the message
	}{
		{"a code behind the symbols", func(f *forged) { f.arrays[5] = []uint8{1, 3, 0} }, `codes of "x" in table "T": byte`},
		{"a constant code behind the symbols", func(f *forged) {
			f.tables[0].columns[0] = columnEntry{0, 0, 3}
			f.arrays = append(f.arrays[:5:5], f.arrays[6])
		}, "code 3 of 2"},
		{"a constant code beside codes", func(f *forged) { f.tables[0].columns[0].all = 1 }, "with codes per row"},
		{"a column of too few rows", func(f *forged) { f.arrays[5] = []uint8{1, 2} }, "section of 2 bytes, want 3"},
		{"a column of another width", func(f *forged) { f.tables[0].columns[0].width = 3 }, "width of column of table 0: 3 bytes"},
		{"a field that is not there", func(f *forged) { f.tables[0].columns[0].field = 2 }, "field of column of table 0: 2, more than 1"},
		{"a field twice in a table", func(f *forged) { f.tables[0].columns[0].field = 1 }, "there twice"},
		{"two fields of one name", func(f *forged) { f.fields[1].name = "x" }, `field "x" is there twice`},
		{"two tables of one name", func(f *forged) {
			f.tables = append(f.tables, f.tables[0])
			f.arrays = append(f.arrays, f.arrays[5:]...)
		}, `table "T": byte`},
		{"huge number of rows", func(f *forged) { f.tables[0].rows = RowsMax }, "more than the limit"},
		{"rows above the limit", func(f *forged) { f.tables[0].rows = RowsMax + 1 }, "rows of table 0: 2147483648, more than"},
		{"huge number of symbols", func(f *forged) { f.fields[0].symbols = symbolsMax }, "section of 16 bytes"},
		{"symbols above the limit", func(f *forged) { f.fields[0].symbols = math.MaxUint32 }, "symbols of field 0: 4294967295, more than"},
		{"symbols without values", func(f *forged) { f.fields[0].arrays = 0 }, "arrays of field 0"},
		{"values without symbols", func(f *forged) { f.fields[0].symbols = 0 }, "arrays of field 0"},
		{"unknown arrays", func(f *forged) { f.fields[0].arrays = 5 }, "unknown"},
		{"texts without the array", func(f *forged) { f.fields[0].arena = 5 }, "no texts"},
		{"unknown table flags", func(f *forged) { f.tables[0].flags = 4 }, "flags of table 0"},
		{"unknown format type", func(f *forged) { f.fields[0].format = &dual.Format{Type: dual.Interval + 1} }, "format of field 0: unknown type 10"},
		{"the same number twice", func(f *forged) { f.arrays[0] = []float64{2, 2} }, "symbols 1 and 2 are the same"},
		{"0 and -0", func(f *forged) { f.arrays[0] = []float64{0, math.Copysign(0, -1)} }, "symbols 1 and 2 are the same"},
		{"the same text twice", func(f *forged) {
			f.arrays[2], f.arrays[3], f.arrays[4] = []uint32{1, 4, 5}, []uint64{7}, []uint8("azwea")
		}, "symbols 1 and 3 are the same"},
		{"neither number nor text", func(f *forged) { f.arrays[0] = []float64{1, math.NaN()} }, "symbol 2 has neither"},
		{"numbers without numbers", func(f *forged) { f.arrays[1] = []float64{math.NaN(), math.NaN(), math.NaN()} }, "none in any symbol"},
		{"texts without texts", func(f *forged) {
			f.arrays[1], f.arrays[2], f.arrays[3], f.arrays[4], f.fields[1].arena = []float64{1, 2, 3}, []uint32{0, 0, 0}, []uint64{0}, []uint8{}, 0
		}, "none in any symbol"},
		{"ends that go back", func(f *forged) { f.arrays[2] = []uint32{5, 1, 5} }, "text of symbol 2 ends at 1"},
		{"ends behind the texts", func(f *forged) { f.arrays[2] = []uint32{1, 5, 6} }, "texts end at 6 of 5"},
		{"ends before the texts do", func(f *forged) { f.arrays[2] = []uint32{1, 4, 4} }, "texts end at 4 of 5"},
		{"bytes of a symbol without text", func(f *forged) { f.arrays[3] = []uint64{5} }, "symbol 2 has 4 bytes of text"},
		{"text flags behind the end", func(f *forged) { f.arrays[3] = []uint64{15} }, "behind the last symbol"},
	} {
		t.Run(tt.why, func(t *testing.T) {
			f := forgedSmall()
			tt.mend(f)
			c, err := ReadCatalog(bytes.NewReader(f.bytes(t)), ReadOptions{BytesMax: 1 << 20})
			var fe *FormatError
			if c != nil || !errors.As(err, &fe) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v; want a FormatError with %q", c, err, tt.want)
			}
		})
	}
}

// Declared sizes alone take no memory, not even without a limit.
func TestReadCatalogTakesMemoryByEvidence(t *testing.T) {
	head := binary.LittleEndian.AppendUint32([]byte(catalogMagic), catalogVersion)
	claim := binary.LittleEndian.AppendUint64(bytes.Clone(head), math.MaxUint32)
	bomb := bytes.Clone(claim) // a chunk that unpacks to more than a chunk
	enc, err := newEncoder()
	if err != nil {
		t.Fatal(err)
	}
	big := enc.EncodeAll(make([]byte, 64*chunkBytes), nil)
	bomb = binary.LittleEndian.AppendUint32(bomb, uint32(len(big)))
	bomb = binary.LittleEndian.AppendUint64(bomb, xxhash.Sum64(big))
	bomb = append(bomb, big...)
	for name, file := range map[string][]byte{
		"directory of 4 GiB":  claim,
		"directory of 16 EiB": binary.LittleEndian.AppendUint64(bytes.Clone(head), math.MaxUint64),
		"chunk of 64 MiB":     bomb,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := ReadCatalog(bytes.NewReader(file), ReadOptions{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		runtime.ReadMemStats(&after)
		if allocs := after.TotalAlloc - before.TotalAlloc; allocs > 16*chunkBytes {
			t.Errorf("%s: %d bytes allocated", name, allocs)
		}
	}
}

// FuzzReadCatalog: never a panic; what is read can be written, and comes back
// the same.
func FuzzReadCatalog(f *testing.F) {
	f.Add(written(f, smallCatalog(f)))
	for seed := range uint64(6) {
		if file := written(f, randomCatalog(f, seed)); len(file) < 10000 {
			f.Add(file)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		resum(file)
		o := ReadOptions{BytesMax: 1 << 22}
		c, err := ReadCatalog(bytes.NewReader(file), o)
		if err != nil {
			if c != nil {
				t.Fatal("a catalog beside an error")
			}
			return
		}
		c.sealed = true // as it is: values that no row has stay
		again, err := ReadCatalog(bytes.NewReader(written(t, c)), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := sameCatalog(c, again); err != nil {
			t.Fatal(err)
		}
	})
}

// resum gives chunks right checksums, so that changes get past them.
func resum(file []byte) {
	at := len(catalogMagic) + 4
	for at+8 <= len(file) {
		left := binary.LittleEndian.Uint64(file[at:])
		at += 8
		for left > 0 && at+chunkHeaderBytes <= len(file) {
			stored := int(binary.LittleEndian.Uint32(file[at:]))
			lo := at + chunkHeaderBytes
			if stored > len(file)-lo {
				return
			}
			binary.LittleEndian.PutUint64(file[at+4:], xxhash.Sum64(file[lo:lo+stored]))
			at = lo + stored
			left -= min(left, chunkBytes)
		}
	}
}

func BenchmarkCatalogFile(b *testing.B) {
	const rows = 1 << 20
	rng := rand.New(rand.NewPCG(1, 2))
	c := NewCatalog(nil)
	amount, key := make([]float64, rows), make([]float64, rows)
	for i := range rows {
		amount[i], key[i] = float64(rng.IntN(1e6))/100, float64(rng.IntN(5000))
	}
	t := c.NewBuilder("T", []string{"amount", "key"})
	if err := t.Append([]dual.Vector{dual.Nums(amount, nil), dual.Nums(key, nil)}); err != nil {
		b.Fatal(err)
	}
	c.Put(t.Table())
	if err := c.Seal(); err != nil {
		b.Fatal(err)
	}
	file := written(b, c)
	m := c.Memory()
	b.Run("write", func(b *testing.B) {
		b.SetBytes(m.SymbolBytes + m.CodeBytes)
		for b.Loop() {
			if err := WriteCatalog(io.Discard, c); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(file))/rows, "fileB/row")
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(m.SymbolBytes + m.CodeBytes)
		for b.Loop() {
			if _, err := ReadCatalog(bytes.NewReader(file), ReadOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
