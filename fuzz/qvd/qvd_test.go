// Package qvd fuzzes QVD files: their header, whole files, and files that were
// well made before some of their numbers and bytes were changed.
package qvd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/qvd/qvdtest"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

func show(v dual.Value) string {
	if v.HasText() || v.IsNull() {
		return v.Text
	}
	return strconv.FormatFloat(v.Num, 'g', 15, 64)
}

// A recipe reads decisions from fuzz bytes; after the last one all are 0.
type recipe struct{ b []byte }

func (r *recipe) next(n int) int {
	if len(r.b) == 0 || n <= 0 {
		return 0
	}
	x := int(r.b[0]) % n
	r.b = r.b[1:]
	return x
}

// values are what cells of made files are chosen from.
var values = []dual.Value{
	{},
	dual.Number(1), dual.Number(2), dual.Number(-7), dual.Number(0.5), dual.Number(1e10), dual.Number(math.Inf(1)),
	dual.String(""), dual.String("a"), dual.String("ä\r\n"), dual.New("01", 1), dual.New("1", 1), dual.New("x", 2.5), dual.New("<&>", 3),
}

// cook makes a valid file.
func cook(tb testing.TB, r *recipe) []byte {
	tb.Helper()
	c := storage.NewCatalog(show)
	names := make([]string, 1+r.next(6))
	for i := range names {
		names[i] = fmt.Sprint("F", i)
	}
	b := c.NewBuilder("T", names)
	batch := make([]dual.Vector, len(names))
	rows := r.next(80)
	for i := range batch {
		cells := make([]dual.Value, rows)
		first, step, span := r.next(len(values)), r.next(5), 1+r.next(len(values))
		for row := range cells {
			cells[row] = values[(first+row*step%span)%len(values)]
			if many := 5; step == many-1 {
				cells[row] = dual.Number(float64(row * first))
			}
		}
		batch[i] = dual.Vals(cells)
	}
	if err := b.Append(batch); err != nil {
		tb.Fatal(err)
	}
	if r.next(2) == 1 {
		b.Field(0).Format = &dual.Format{Type: dual.FormatType(r.next(10)), Pattern: "0"}
	}
	var file bytes.Buffer
	o := qvd.WriteOptions{Show: show, Lineage: []qvd.Lineage{{Discriminator: "INLINE;"}}}
	if err := qvd.Write(tb.Context(), &file, b.Table(), o); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}

// seeds are files of ours and the small real ones, where they are.
func seeds(f *testing.F) (files [][]byte) {
	f.Helper()
	for i := range byte(12) {
		files = append(files, cook(f, &recipe{[]byte{i, 5 * i, 7 * i, i, 3 * i, i, 11 * i, i + 1, 3, i, i, 2}}))
	}
	paths, _ := filepath.Glob("../../../shared/data/qvd/*.qvd")
	for _, path := range paths {
		if b, err := os.ReadFile(path); err == nil && len(b) < 5000 {
			files = append(files, b)
		}
	}
	return files
}

// check reads a file by every way. It returns nil, and checks the error, if it
// cannot be read; else it checks all against the naive reader.
func check(t *testing.T, file []byte) *qvd.File {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := qvd.NewFile("f.qvd", bytes.NewReader(file), int64(len(file)), qvd.OpenOptions{Workers: 2})
	if err != nil {
		if f != nil {
			t.Fatal("a file besides an error")
		}
		checkError(t, err)
		return nil
	}
	table, err := f.Table(t.Context(), storage.NewCatalog(show), qvd.Projection{})
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20+64*uint64(len(file)) {
		t.Fatalf("%d bytes allocated for a file of %d", used, len(file))
	}
	report, verifyErr := f.Verify(t.Context())
	if (err == nil) != (verifyErr == nil) || (table == nil) != (err != nil) || (report == nil) != (verifyErr != nil) {
		t.Fatalf("Table: %v; Verify: %v", err, verifyErr)
	}
	if err != nil {
		checkError(t, err)
		checkError(t, verifyErr)
		return nil
	}
	if f.Encrypted() {
		t.Fatal("read without a key")
	}
	compare(t, f, table, file)
	return f
}

func checkError(t *testing.T, err error) {
	t.Helper()
	var bad *qvd.FormatError
	if !errors.As(err, &bad) || bad.File != "f.qvd" || bad.What == "" || bad.Offset < 0 || len(err.Error()) > 1000 {
		t.Fatalf("%T %v", err, err)
	}
}

// compare holds what was read against the naive reader. That one gets the
// header as we write it, as it understands no more of XML.
func compare(t *testing.T, f *qvd.File, table *storage.Table, file []byte) {
	t.Helper()
	head, err := f.Header().Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := qvdtest.Read(append(head, file[f.Header().SizeBytes:]...))
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Batches(t.Context(), nil, 7)
	if err != nil {
		t.Fatal(err)
	}
	row := 0
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
				want := inModel(n.Cells[i][row+r])
				if got := line(batch[i].At(r)); got != want {
					t.Fatalf("row %d, field %d: %q, want %q", row+r, i, got, want)
				}
				if got := table.Columns[i].Field.Value(table.Columns[i].Code(row + r)); number(line(got)) != number(want) {
					t.Fatalf("table: row %d, field %d: %q, want %q", row+r, i, line(got), want)
				}
			}
		}
		row += batch[0].N
	}
	if row != n.Rows && len(n.Names) > 0 || table.Rows != n.Rows {
		t.Fatalf("%d rows, %d, want %d", row, table.Rows, n.Rows)
	}
}

// inModel is what becomes of a cell: the model has neither NaN nor -0.
func inModel(cell string) string {
	digits, text, ok := strings.Cut(cell, "|")
	if !ok || digits == "" {
		return cell
	}
	bits, _ := strconv.ParseUint(digits, 16, 64)
	x := math.Float64frombits(bits)
	switch {
	case x != x && text == "~":
		return "-"
	case x != x:
		return "|" + text
	}
	return fmt.Sprintf("%016x|%s", math.Float64bits(x+0), text)
}

func line(v dual.Value) string {
	if v.IsNull() {
		return "-"
	}
	digits, text := "", "~"
	if v.HasNum() {
		digits = fmt.Sprintf("%016x", math.Float64bits(v.Num))
	}
	if v.HasText() {
		text = v.Text
	}
	return digits + "|" + text
}

// number is the part of a cell that tables keep of values that are the same;
// of pure text it is all of it.
func number(cell string) string {
	if digits, _, ok := strings.Cut(cell, "|"); ok && digits != "" {
		return digits
	}
	return cell
}

// FuzzHeader: what can be read of a header is written and read as the same.
func FuzzHeader(f *testing.F) {
	for _, file := range seeds(f) {
		head, _, _ := bytes.Cut(file, []byte{0})
		f.Add(head)
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		file := append(append(bytes.Clone(head), 0), make([]byte, 256)...)
		first, err := qvd.NewFile("f.qvd", bytes.NewReader(file), int64(len(file)), qvd.OpenOptions{})
		if err != nil {
			checkError(t, err)
			return
		}
		again, err := first.Header().Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		again = append(again, make([]byte, 256)...)
		second, err := qvd.NewFile("f.qvd", bytes.NewReader(again), int64(len(again)), qvd.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(first.Header(), second.Header(), cmpopts.IgnoreFields(qvd.Header{}, "SizeBytes")); d != "" {
			t.Fatal(d)
		}
	})
}

// FuzzFile: any bytes are refused with an error that names the place, or are
// read as the naive reader reads them; what is written of them is stable.
func FuzzFile(f *testing.F) {
	for _, file := range seeds(f) {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if q := check(t, file); q != nil {
			checkStable(t, q)
		}
	})
}

// checkStable: write(read(file)) is read and written as the same bytes.
func checkStable(t *testing.T, q *qvd.File) {
	t.Helper()
	first := rewrite(t, q)
	if first == nil {
		return
	}
	f := check(t, first)
	if f == nil {
		t.Fatal("what was written cannot be read")
	}
	n, err := qvdtest.Read(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.CheckLayout(first); err != nil {
		t.Fatal(err)
	}
	if second := rewrite(t, f); !bytes.Equal(first, second) {
		t.Fatalf("not stable:\n%q\n%q", first, second)
	}
}

// rewrite loads a file into a catalog of its own and writes it. It returns nil
// for files that cannot be written: texts with U+0000 are none of them.
func rewrite(t *testing.T, q *qvd.File) []byte {
	t.Helper()
	c := storage.NewCatalog(show)
	table, err := q.Table(t.Context(), c, qvd.Projection{})
	if err != nil {
		t.Fatal(err)
	}
	c.Put(table)
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	if len(table.Columns) == 0 {
		return nil
	}
	var out bytes.Buffer
	if err := qvd.Write(t.Context(), &out, table, qvd.WriteOptions{Show: show}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// FuzzMutate: a valid file, of which a few numbers or bytes are changed, some
// of them so that the rest still fits.
func FuzzMutate(f *testing.F) {
	f.Add([]byte{})
	for i := range byte(40) {
		f.Add([]byte{i, 7 * i, i, 3, i, i, 4, i, 2 * i, 3, i, 1, 5, i % 8, i, 3 * i, (i + 3) % 8, 5 * i, i, i % 8, 1, 2})
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &recipe{b}
		file := cook(t, r)
		if check(t, file) == nil {
			t.Fatal("a valid file was refused")
		}
		for range 1 + r.next(4) {
			file = mutate(r, file)
		}
		if q := check(t, file); q != nil {
			checkStable(t, q)
		}
	})
}

var numberPattern = regexp.MustCompile(`<(BitOffset|BitWidth|Bias|NoOfSymbols|Offset|Length|RecordByteSize|NoOfRecords)>(-?[0-9]+)<`)

// mutate changes one thing.
func mutate(r *recipe, file []byte) []byte {
	end := bytes.IndexByte(file, 0)
	if end < 0 {
		return file
	}
	body := file[end:]
	switch r.next(8) {
	case 0: // a number of the header, by a little
		return renumber(r, file, end, func(n int64) int64 { return n + int64(r.next(9)) - 4 })
	case 1: // to an odd value
		odd := []int64{0, 1, -1, -2, -3, 31, 32, 33, 64, 255, 1 << 31, 1 << 32, 1 << 62, math.MaxInt64, math.MinInt64}
		return renumber(r, file, end, func(int64) int64 { return odd[r.next(len(odd))] })
	case 2: // a byte of the body
		if len(body) > 1 {
			body[1+(r.next(256)<<8|r.next(256))%(len(body)-1)] = byte(r.next(256))
		}
	case 3: // a type byte
		types := []int{}
		for i, c := range body {
			if i > 0 && c >= 1 && c <= 6 {
				types = append(types, i)
			}
		}
		if len(types) > 0 {
			body[types[r.next(len(types))]] = byte(r.next(8))
		}
	case 4: // cut
		return file[:len(file)-min(r.next(16), len(body)-1)]
	case 5: // append
		return append(file, make([]byte, r.next(16))...)
	case 6: // swap two numbers of one kind
		return swapNumbers(r, file, end)
	case 7: // widen the records by a byte that belongs to nobody
		return wider(file, end)
	}
	return file
}

func renumber(r *recipe, file []byte, end int, change func(int64) int64) []byte {
	at := numberPattern.FindAllSubmatchIndex(file[:end], -1)
	if len(at) == 0 {
		return file
	}
	m := at[r.next(len(at))]
	n, _ := strconv.ParseInt(string(file[m[4]:m[5]]), 10, 64)
	return slices.Concat(file[:m[4]], strconv.AppendInt(nil, change(n), 10), file[m[5]:])
}

func swapNumbers(r *recipe, file []byte, end int) []byte {
	at := numberPattern.FindAllSubmatchIndex(file[:end], -1)
	if len(at) == 0 {
		return file
	}
	a := at[r.next(len(at))]
	name := string(file[a[2]:a[3]])
	at = slices.DeleteFunc(at, func(m []int) bool { return string(file[m[2]:m[3]]) != name })
	b := at[r.next(len(at))]
	switch {
	case a[0] == b[0]:
		return file
	case a[0] > b[0]:
		a, b = b, a
	}
	return slices.Concat(file[:a[4]], file[b[4]:b[5]], file[a[5]:b[4]], file[a[4]:a[5]], file[b[5]:])
}

// wider gives every record one byte more, all numbers being changed with it.
func wider(file []byte, end int) []byte {
	f, err := qvd.NewFile("m.qvd", bytes.NewReader(file), int64(len(file)), qvd.OpenOptions{})
	if err != nil || f.Encrypted() {
		return file
	}
	h := *f.Header()
	records := file[int64(end)+1+h.Offset:]
	var out []byte
	for row := range h.Rows {
		out = append(append(out, records[row*h.RecordBytes:(row+1)*h.RecordBytes]...), 0xff)
	}
	symbols := file[int64(end)+1 : int64(end)+1+h.Offset]
	h.RecordBytes++
	h.Length += h.Rows
	head, err := h.Append(nil)
	if err != nil {
		return file
	}
	return slices.Concat(head, symbols, out)
}
