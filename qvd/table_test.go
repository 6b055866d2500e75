package qvd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognate-bi/cognate/qvd/qvdtest"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// randomValue draws a value of a kind: 0 NULL, 1 small whole number, 2 double,
// 4 text, 5 and 6 duals, 7 odd ones.
func randomValue(rng *rand.Rand, kind, distinct int) dual.Value {
	n := rng.IntN(distinct)
	switch kind {
	case 1:
		return dual.Number(float64(n - distinct/2))
	case 2:
		return dual.Number(float64(n) + 0.25)
	case 4:
		return dual.String(strings.Repeat("ä", n%3) + fmt.Sprint("t", n))
	case 5:
		return dual.New(fmt.Sprintf("%05d", n), float64(n))
	case 6:
		return dual.New(fmt.Sprint(float64(n)+0.5), float64(n)+0.5)
	case 7:
		odd := []dual.Value{
			dual.Number(math.Copysign(0, -1)), dual.Number(math.Inf(1)), dual.New("inf", math.Inf(-1)), dual.String(""),
			dual.Number(math.MaxInt32), dual.Number(math.MinInt32), dual.Number(math.MaxInt32 + 1), dual.Number(5e-324),
			dual.New("", 7), dual.New("a\r\nb", 9e15), dual.String("null"), dual.Number(1e300), dual.String("\xff\xfe"),
		}
		return odd[n%len(odd)]
	}
	return dual.Value{}
}

// randomTable makes a table; every column has kinds of values and a number of
// distinct ones of its own.
func randomTable(t testing.TB, rng *rand.Rand, rows, columns int) *storage.Table {
	t.Helper()
	c := storage.NewCatalog(show)
	names := make([]string, columns)
	batch := make([]dual.Vector, columns)
	for i := range names {
		names[i] = fmt.Sprintf("F%d <&>\"'", i)
		kinds := []int{0, 1, 2, 4, 5, 6, 7}
		rng.Shuffle(len(kinds), func(a, b int) { kinds[a], kinds[b] = kinds[b], kinds[a] })
		kinds = kinds[:1+rng.IntN(3)]
		distinct := []int{1, 2, 3, 60, 300, 70000}[rng.IntN(6)]
		vals := make([]dual.Value, rows)
		for r := range vals {
			vals[r] = randomValue(rng, kinds[rng.IntN(len(kinds))], distinct)
		}
		batch[i] = dual.Vals(vals)
	}
	b := c.NewBuilder("T", names)
	if err := b.Append(batch); err != nil {
		t.Fatal(err)
	}
	for i := range names {
		if rng.IntN(4) == 0 {
			b.Field(i).Format = &dual.Format{Type: dual.Date, Pattern: "YYYY-MM-DD"}
		}
	}
	return b.Table()
}

// line is the cell of a value as the naive reader tells it; plain numbers have
// their default text.
func line(v dual.Value, plain bool) string {
	switch {
	case v.IsNull(), v.Kind == dual.Num && math.IsInf(v.Num, 0):
		return "-"
	case v.Kind == dual.Num && plain:
		v = dual.New(defaultText(v.Num), v.Num)
	}
	number, text := "", "~"
	if v.HasNum() {
		number = fmt.Sprintf("%016x", math.Float64bits(v.Num))
	}
	if v.HasText() {
		text = v.Text
	}
	return number + "|" + text
}

func tableCells(t *storage.Table) [][]string {
	out := make([][]string, len(t.Columns))
	for i, c := range t.Columns {
		plain := c.Field.Symbols.Plain() && c.Field.Format == nil
		for r := range t.Rows {
			out[i] = append(out[i], line(c.Field.Value(c.Code(r)), plain))
		}
	}
	return out
}

func writeTable(t testing.TB, table *storage.Table, o WriteOptions) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := Write(context.Background(), &file, table, o); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func openBytes(t testing.TB, file []byte, o OpenOptions) *File {
	t.Helper()
	f, err := NewFile("t.qvd", bytes.NewReader(file), int64(len(file)), o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// defaultText returns what Write makes of a number without Show.
func defaultText(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatInt(int64(x), 10)
	}
	return strconv.FormatFloat(x, 'g', 15, 64)
}

// What is written is what a naive reader, Table and Batches read, and nothing
// depends on the number of workers.
func TestRandomTables(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i, tt := range []struct{ rows, columns int }{
		{0, 0},
		{0, 1},
		{0, 5},
		{1, 1},
		{1, 100},
		{2, 3},
		{63, 4},
		{64, 100},
		{65, 7},
		{129, 40},
		{4095, 3},
		{4097, 9},
		{70001, 4},
		{100000, 1},
	} {
		for round := range 2 {
			table := randomTable(t, rng, tt.rows, tt.columns)
			t.Run(fmt.Sprintf("%d rows %d columns %d", tt.rows, tt.columns, round), func(t *testing.T) {
				file := writeTable(t, table, WriteOptions{Show: show, Workers: 1 + i%3})
				if again := writeTable(t, table, WriteOptions{Show: show, Workers: 1}); !bytes.Equal(file, again) {
					t.Fatal("one worker writes other bytes")
				}
				want := tableCells(table)
				n, err := qvdtest.Read(file)
				if err != nil {
					t.Fatal(err)
				}
				checkLayout(t, n, file)
				compare(t, "naive", n.Cells, want)
				f := openBytes(t, file, OpenOptions{Workers: 1 + round})
				if got := f.Header().Fields; len(got) != tt.columns {
					t.Fatalf("%d fields", len(got))
				}
				c := storage.NewCatalog(show)
				loaded, err := f.Table(t.Context(), c, Projection{})
				if err != nil {
					t.Fatal(err)
				}
				c.Put(loaded)
				if err := c.Seal(); err != nil {
					t.Fatal(err)
				}
				if again := writeTable(t, loaded, WriteOptions{Show: show}); !bytes.Equal(file, again) {
					compare(t, "table", tableCells(loaded), want)
					t.Error("write(read(file)) is another file")
				}
				compare(t, "batches", batchCells(t, f, 1000), want)
				if report, err := f.Verify(t.Context()); err != nil || tt.columns > 0 && slices.ContainsFunc(report.Warnings, unexpected) {
					t.Errorf("verify: %v, %+v", err, report)
				}
			})
		}
	}
}

// unexpected reports whether a warning is not about a value that the test
// wanted odd.
func unexpected(w Warning) bool {
	return !strings.Contains(w.Text, "Inf") && !strings.Contains(w.Text, "UTF-8")
}

func checkLayout(t *testing.T, n *qvdtest.File, file []byte) {
	t.Helper()
	if err := n.CheckLayout(file); err != nil {
		t.Error(err)
	}
}

func compare(t *testing.T, what string, got, want [][]string) {
	t.Helper()
	for i := range want {
		for r := range want[i] {
			if len(got[i]) != len(want[i]) || got[i][r] != want[i][r] {
				t.Fatalf("%s: column %d, row %d of %d: %q, want %q", what, i, r, len(want[i]), got[i][min(r, len(got[i])-1)], want[i][r])
			}
		}
	}
}

func batchCells(t *testing.T, f *File, rows int) [][]string {
	t.Helper()
	b, err := f.Batches(t.Context(), nil, rows)
	if err != nil {
		t.Fatal(err)
	}
	out := make([][]string, len(f.Header().Fields))
	for {
		batch, _, err := b.Next(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			for r := range batch[i].N {
				out[i] = append(out[i], line(batch[i].At(r), false))
			}
		}
	}
	return out
}

// Rows and SeekRow begin at any row and give what Batches gives from the first.
func TestRowsFrom(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, rows := range []int{0, 1, 65, 30000} {
		f := openBytes(t, writeTable(t, randomTable(t, rng, rows, 9), WriteOptions{Show: show}), OpenOptions{})
		want := batchCells(t, f, 0)
		for range 20 {
			lo, n := rng.IntN(rows+2), rng.IntN(100)
			got, err := f.Rows(t.Context(), nil, int64(lo), n)
			if err != nil {
				t.Fatal(err)
			}
			b, err := f.Batches(t.Context(), nil, n)
			if err != nil {
				t.Fatal(err)
			}
			b.SeekRow(int64(lo))
			sought, _, err := b.Next(t.Context())
			if n == 0 || lo >= rows {
				sought = got
			} else if err != nil {
				t.Fatal(err)
			}
			hi := min(lo+n, rows)
			for i := range got {
				if got[i].N != max(hi-lo, 0) {
					t.Fatalf("rows %d to %d of %d: %d", lo, lo+n, rows, got[i].N)
				}
				for r := range got[i].N {
					if a, b, want := line(got[i].At(r), false), line(sought[i].At(r), false), want[i][lo+r]; a != want || b != want {
						t.Fatalf("field %d, row %d: Rows has %s, SeekRow %s, want %s", i, lo+r, a, b, want)
					}
				}
			}
		}
	}
}

// Projections and filters give what the naive reader's cells give.
func TestProjectionAndFilters(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 25 {
		rows := []int{0, 1, 64, 1000, 40000}[round%5]
		file := writeTable(t, randomTable(t, rng, rows, 6), WriteOptions{Show: show})
		f := openBytes(t, file, OpenOptions{Workers: 1 + round%3})
		n, err := qvdtest.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		type rule struct {
			field int
			salt  byte
			once  bool
		}
		var rules []rule
		p := Projection{Fields: []Pick{{n.Names[4], ""}, {n.Names[0], "Zero"}, {n.Names[5], n.Names[1]}}}
		for range rng.IntN(4) {
			r := rule{rng.IntN(6), byte(rng.IntN(200)), rng.IntN(2) == 0}
			rules = append(rules, r)
			p.Where = append(p.Where, Filter{
				Field: n.Names[r.field], Once: r.once,
				Allow: func(v dual.Value) bool { return allows(line(v, false), r.salt) },
			})
		}
		var want [3][]string
		seen := make([]map[string]bool, len(rules))
		for i := range seen {
			seen[i] = map[string]bool{}
		}
		for r := range n.Rows {
			keep := true
			for i, rule := range rules {
				cell := n.Cells[rule.field][r]
				keep = keep && allows(cell, rule.salt) && !(rule.once && seen[i][cell])
			}
			if !keep {
				continue
			}
			for i, rule := range rules {
				if cell := n.Cells[rule.field][r]; cell != "-" {
					seen[i][cell] = true
				}
			}
			for i, from := range []int{4, 0, 5} {
				want[i] = append(want[i], n.Cells[from][r])
			}
		}
		c := storage.NewCatalog(show)
		table, err := f.Table(t.Context(), c, p)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{n.Names[4], "Zero", n.Names[1]}, table.FieldNames()); d != "" {
			t.Error(d)
		}
		if table.Rows != len(want[0]) {
			t.Fatalf("round %d: %d rows, want %d", round, table.Rows, len(want[0]))
		}
		compare(t, fmt.Sprint("round ", round), tableCells(table), want[:])
		if len(rules) > 0 {
			checkLoadOrder(t, table)
		}
	}
}

// allows is a filter that knows nothing of values.
func allows(cell string, salt byte) bool {
	sum := salt
	for i := range len(cell) {
		sum = sum*31 + cell[i]
	}
	return sum%4 != 0
}

// checkLoadOrder: the fields of a filtered table have only values of its rows,
// in the order of the rows.
func checkLoadOrder(t *testing.T, table *storage.Table) {
	t.Helper()
	for _, c := range table.Columns {
		next := uint32(1)
		for r := range table.Rows {
			if code := c.Code(r); code == next {
				next++
			} else if code > next {
				t.Fatalf("row %d of %s has code %d before %d", r, c.Field.Name, code, next)
			}
		}
		if int(next) != c.Field.Symbols.Len()+1 {
			t.Errorf("%s has %d values, %d in rows", c.Field.Name, c.Field.Symbols.Len(), next-1)
		}
	}
}

// A field that another table has already: values meet, formats are kept.
func TestSharedField(t *testing.T) {
	c := storage.NewCatalog(func(v dual.Value) string { return fmt.Sprintf("<%v>", v.Num) })
	b := c.NewBuilder("Old", []string{"F"})
	if err := b.Append([]dual.Vector{dual.Vals([]dual.Value{dual.Number(2), dual.New("one", 1), dual.String("x")})}); err != nil {
		t.Fatal(err)
	}
	src := storage.NewCatalog(show)
	sb := src.NewBuilder("New", []string{"F"})
	if err := sb.Append([]dual.Vector{dual.Nums([]float64{1, 2, 3, math.NaN()}, &dual.Format{Type: dual.Date})}); err != nil {
		t.Fatal(err)
	}
	f := openBytes(t, writeTable(t, sb.Table(), WriteOptions{}), OpenOptions{})
	table, err := f.Table(t.Context(), c, Projection{Name: "N"})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{line(dual.New("one", 1), false), line(dual.Number(2), false), line(dual.New("<3>", 3), false), "-"}}
	compare(t, "shared", tableCells(table), want)
	if table.Name != "N" || f.Header().Fields[0].NumberFormat.Type != "DATE" {
		t.Errorf("%s, %+v", table.Name, f.Header().Fields[0])
	}
}

func TestProjectionErrors(t *testing.T) {
	f := openBytes(t, writeTable(t, randomTable(t, rand.New(rand.NewPCG(1, 1)), 5, 2), WriteOptions{}), OpenOptions{})
	a := f.Header().Fields[0].Name
	for _, tt := range []struct {
		p    Projection
		want string
	}{
		{Projection{Fields: []Pick{{"Nope", ""}}}, `no field "Nope"`},
		{Projection{Fields: []Pick{{a, ""}, {a, ""}}}, "two fields"},
		{Projection{Where: []Filter{{Field: "Nope"}}}, `no field "Nope" to filter by`},
	} {
		if table, err := f.Table(t.Context(), storage.NewCatalog(nil), tt.p); err == nil || table != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %q", err, tt.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Table(ctx, storage.NewCatalog(nil), Projection{}); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		v    dual.Value
		want string
	}{
		{"F", dual.String("a\x00b"), "U+0000"},
		{"F\x01", dual.Number(1), "XML cannot hold"},
	} {
		c := storage.NewCatalog(show)
		b := c.NewBuilder("T", []string{tt.name})
		if err := b.Append([]dual.Vector{dual.Vals([]dual.Value{tt.v})}); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := Write(t.Context(), &out, b.Table(), WriteOptions{})
		if err == nil || !strings.Contains(err.Error(), tt.want) || out.Len() > 0 {
			t.Errorf("%v after %d bytes, want %q", err, out.Len(), tt.want)
		}
	}
}

// What the options say stands in the header, in the words of engines.
func TestWriteHeader(t *testing.T) {
	c := storage.NewCatalog(show)
	b := c.NewBuilder("T", []string{"D", "Name"})
	if err := b.Append([]dual.Vector{
		dual.Nums([]float64{45000, 45001}, &dual.Format{Type: dual.Date, Pattern: "DD/MM/YYYY"}),
		dual.Vals([]dual.Value{dual.String("x"), {}}),
	}); err != nil {
		t.Fatal(err)
	}
	b.Field(1).Tags = []string{"$key", "mine"}
	b.Field(1).Comment = "who"
	table := b.Table()
	table.Comment, table.Tags = "all of it", []string{"tag"}
	file := writeTable(t, table, WriteOptions{CreatorDoc: "app <1>", Lineage: []Lineage{{"INLINE;", "a & \"b\"\r\n"}}})
	got, _, _ := strings.Cut(string(file), "\x00")
	want := strings.ReplaceAll(strings.ReplaceAll(goldenHeader, "\n", "\r\n"), "&#13;\r", "&#13;")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	h := openBytes(t, file, OpenOptions{}).Header()
	if h.Comment != "all of it" || h.Lineage[0] != (Lineage{"INLINE;", "a & \"b\"\r\n"}) || h.CreatorDoc != "app <1>" || h.Fields[1].Comment != "who" {
		t.Errorf("%+v", h)
	}
}

const goldenHeader = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
 <QvdTableHeader>
   <QvBuildNo>50689</QvBuildNo>
   <CreatorDoc>app &lt;1&gt;</CreatorDoc>
   <CreateUtcTime>1970-01-01 00:00:00</CreateUtcTime>
   <SourceCreateUtcTime></SourceCreateUtcTime>
   <SourceFileUtcTime></SourceFileUtcTime>
   <SourceFileSize>-1</SourceFileSize>
   <StaleUtcTime></StaleUtcTime>
   <TableName>T</TableName>
   <Fields>
     <QvdFieldHeader>
       <FieldName>D</FieldName>
       <BitOffset>0</BitOffset>
       <BitWidth>1</BitWidth>
       <Bias>0</Bias>
       <NumberFormat>
         <Type>DATE</Type>
         <nDec>0</nDec>
         <UseThou>0</UseThou>
         <Fmt>DD/MM/YYYY</Fmt>
         <Dec></Dec>
         <Thou></Thou>
       </NumberFormat>
       <NoOfSymbols>2</NoOfSymbols>
       <Offset>0</Offset>
       <Length>10</Length>
       <Comment></Comment>
       <Tags>
         <String>$numeric</String>
         <String>$integer</String>
         <String>$timestamp</String>
         <String>$date</String>
       </Tags>
     </QvdFieldHeader>
     <QvdFieldHeader>
       <FieldName>Name</FieldName>
       <BitOffset>1</BitOffset>
       <BitWidth>7</BitWidth>
       <Bias>-2</Bias>
       <NumberFormat>
         <Type>UNKNOWN</Type>
         <nDec>0</nDec>
         <UseThou>0</UseThou>
         <Fmt></Fmt>
         <Dec></Dec>
         <Thou></Thou>
       </NumberFormat>
       <NoOfSymbols>1</NoOfSymbols>
       <Offset>10</Offset>
       <Length>3</Length>
       <Comment>who</Comment>
       <Tags>
         <String>$ascii</String>
         <String>$text</String>
         <String>$key</String>
         <String>mine</String>
       </Tags>
     </QvdFieldHeader>
   </Fields>
   <Compression></Compression>
   <RecordByteSize>1</RecordByteSize>
   <NoOfRecords>2</NoOfRecords>
   <Offset>13</Offset>
   <Length>2</Length>
   <Lineage>
     <LineageInfo>
       <Discriminator>INLINE;</Discriminator>
       <Statement>a &amp; &quot;b&quot;&#13;
</Statement>
     </LineageInfo>
   </Lineage>
   <Comment>all of it</Comment>
   <EncryptionInfo></EncryptionInfo>
   <TableTags>
     <String>tag</String>
   </TableTags>
   <ProfilingData></ProfilingData>
 </QvdTableHeader>
`
