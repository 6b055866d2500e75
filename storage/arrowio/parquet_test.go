package arrowio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// hardTable has columns that are hard on the writer of chunks, and its rows as
// [read] tells them.
func hardTable(t *testing.T, rows int) (*storage.Table, []string) {
	t.Helper()
	long := strings.Repeat("x", 2*dictionaryBytes/rows)
	columns := []struct {
		name string
		of   func(row int) (dual.Value, string)
	}{
		{"null", func(int) (dual.Value, string) { return dual.Value{}, "NULL" }},
		{"same texts", func(row int) (dual.Value, string) {
			return dual.New("same", float64(row%5)), "'same'"
		}},
		{"nearly the same times", func(row int) (dual.Value, string) {
			return dual.Formatted(45292.5+float64(row%3)*1e-12, formats.Timestamp), "45292.5 as 8"
		}},
		{"an empty text and NULL", func(row int) (dual.Value, string) {
			text := []string{"b", "", "a"}[row%3]
			if row%4 == 1 {
				return dual.Value{}, "NULL"
			}
			return dual.String(text), "'" + text + "'"
		}},
		{"long texts", func(row int) (dual.Value, string) {
			if row%50 == 7 {
				return dual.Value{}, "NULL"
			}
			text := fmt.Sprint(row, long)
			return dual.String(text), "'" + text + "'"
		}},
		{"ascending", func(row int) (dual.Value, string) { return dual.Number(float64(row)), fmt.Sprint(row) }},
	}
	want := make([]string, rows+1)
	var names []string
	var batch []dual.Vector
	for i, c := range columns {
		names = append(names, c.name)
		vals := make([]dual.Value, rows)
		for row := range vals {
			var text string
			vals[row], text = c.of(row)
			if i > 0 {
				want[row+1] += "|"
			}
			want[row+1] += text
		}
		batch = append(batch, dual.Vals(vals))
	}
	want[0] = strings.Join(names, "|")
	b := storage.NewCatalog(show).NewBuilder("T", names)
	if err := b.Append(batch); err != nil {
		t.Fatal(err)
	}
	return b.Table(), want
}

// writeGroups writes a table in row groups of so many rows.
func writeGroups(t *testing.T, w io.Writer, table *storage.Table, rows int) error {
	t.Helper()
	columns, schema := tableColumns(table, &WriteOptions{Show: show})
	out, err := newParquetWriter(w, schema, columns, "")
	if err != nil {
		return err
	}
	out.groupRows = rows
	const step = 70 // no divisor of the rows of a group
	for lo := 0; lo < table.Rows && err == nil; lo += step {
		codes := make([][]uint32, len(columns))
		for i, c := range table.Columns {
			codes[i] = make([]uint32, min(step, table.Rows-lo))
			c.Codes(codes[i], lo)
		}
		err = out.Write(codes)
	}
	return errors.Join(err, out.Close())
}

func TestParquetChunks(t *testing.T) {
	const rows = 1000
	table, want := hardTable(t, rows)
	for _, group := range []int{100, 333, rows, 2 * rows} {
		var content bytes.Buffer
		if err := writeGroups(t, &content, table, group); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := read(path, ReadOptions{Formats: formats})
		if err != nil || len(got) != len(want) {
			t.Fatalf("groups of %d: %d rows, want %d: %v", group, len(got), len(want), err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("groups of %d, row %d: %.200s, want %.200s", group, i, got[i], want[i])
			}
		}
		checkChunks(t, content.Bytes())
	}
}

// checkChunks looks at what readers skip chunks and pages by.
func checkChunks(t *testing.T, content []byte) {
	t.Helper()
	f, err := file.NewParquetReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	first := int64(0)
	for g := range f.NumRowGroups() {
		meta := f.MetaData().RowGroup(g)
		n := meta.NumRows()
		stats := func(column int) metadata.TypedStatistics {
			chunk, err := meta.ColumnChunk(column)
			if err != nil {
				t.Fatal(err)
			}
			s, err := chunk.Statistics()
			if err != nil {
				t.Fatal(err)
			}
			if hasDictionary := chunk.HasDictionaryPage(); hasDictionary != (column != 4) {
				t.Errorf("column %d has a dictionary: %t", column, hasDictionary)
			}
			if s.NullCount()+s.NumValues() != n {
				t.Errorf("column %d: %d NULL and %d values in %d rows", column, s.NullCount(), s.NumValues(), n)
			}
			return s
		}
		if s := stats(0); s.HasMinMax() || s.NullCount() != n {
			t.Errorf("only NULL: %d NULL, bounds %t", s.NullCount(), s.HasMinMax())
		}
		if s := stats(3); string(s.EncodeMin()) != "" || string(s.EncodeMax()) != "b" {
			t.Errorf("texts are %q to %q", s.EncodeMin(), s.EncodeMax())
		}
		stats(4)
		if s := stats(5).(*metadata.Int64Statistics); s.Min() != first || s.Max() != first+n-1 {
			t.Errorf("numbers are %d to %d, want %d to %d", s.Min(), s.Max(), first, first+n-1)
		}
		first += n
	}
}

// TestParquetFull writes to a disk without room: an error, and no panic.
func TestParquetFull(t *testing.T) {
	table, _ := hardTable(t, 1000)
	var whole bytes.Buffer
	if err := writeGroups(t, &whole, table, 100); err != nil {
		t.Fatal(err)
	}
	for room := 0; room < whole.Len(); room += whole.Len()/8 + 1 {
		if err := writeGroups(t, &fullDisk{room: room}, table, 100); err == nil {
			t.Fatalf("room for %d of %d bytes: no error", room, whole.Len())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := WriteParquet(ctx, io.Discard, table, WriteOptions{Show: show}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

type fullDisk struct{ room int }

func (d *fullDisk) Write(b []byte) (int, error) {
	if len(b) > d.room {
		return 0, io.ErrShortWrite
	}
	d.room -= len(b)
	return len(b), nil
}

func TestFirsts(t *testing.T) {
	texts := []string{"", "a", "b", "a", "c", "b"}
	got := firsts(5, func(code uint32) string { return texts[code] })
	if want := "[0 1 2 1 4 2]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}
