package arrowio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

func show(v dual.Value) string {
	if v.HasText() || v.IsNull() {
		return v.Text
	}
	return strconv.FormatFloat(v.Num, 'g', -1, 64)
}

// describe writes a value with its parts: NULL, 'text', 12, 12 as D.
func describe(v dual.Value) string {
	switch {
	case v.IsNull():
		return "NULL"
	case !v.HasNum():
		return "'" + v.Text + "'"
	case v.Format != nil:
		return fmt.Sprintf("%v as %d", v.Num, v.Format.Type)
	}
	return fmt.Sprint(v.Num)
}

func read(path string, o ReadOptions) ([]string, error) {
	r, err := Open(path, o)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := []string{strings.Join(r.Fields(), "|")}
	for {
		batch, _, err := r.Next(context.Background())
		if err == io.EOF {
			return out, r.Close()
		}
		if err != nil {
			return nil, err
		}
		for i := range batch[0].N {
			var cells []string
			for c := range batch {
				cells = append(cells, describe(batch[c].At(i)))
			}
			out = append(out, strings.Join(cells, "|"))
		}
		r.Free(batch) // which must not change those that follow
	}
}

var formats = Formats{Date: &dual.Format{Type: dual.Date}, Time: &dual.Format{Type: dual.Time}, Timestamp: &dual.Format{Type: dual.Timestamp}, Interval: &dual.Format{Type: dual.Interval}}

// sampleTable has a column of every kind the writer knows.
func sampleTable(t *testing.T, rows int) (*storage.Table, []string) {
	t.Helper()
	c := storage.NewCatalog(show)
	b := c.NewBuilder("T", []string{"int", "real", "text", "date", "stamp", "kept", "mixed"})
	want := []string{"int|real|text|date|stamp|kept|mixed"}
	columns := make([][]dual.Value, 7)
	for i := range rows {
		row := []dual.Value{
			dual.Number(float64(i % 1000)),
			dual.Number(float64(i) + 0.5),
			dual.String(fmt.Sprint("t", i%7)),
			dual.Formatted(float64(45292+i%365), formats.Date),
			dual.Formatted(45292.25+float64(i%100), formats.Timestamp),
			dual.New(fmt.Sprintf("%03d", i%10), float64(i%10)),
			dual.Number(float64(i)),
		}
		texts := []string{
			describe(row[0]), describe(row[1]), describe(row[2]), describe(row[3]), describe(row[4]),
			"'" + row[5].Text + "'", "'" + show(row[6]) + "'",
		}
		if i%11 == 3 {
			row[0], texts[0] = dual.Value{}, "NULL"
			row[2], texts[2] = dual.Value{}, "NULL"
		}
		if i == 5 {
			row[6], texts[6] = dual.String("x"), "'x'"
		}
		for k, v := range row {
			columns[k] = append(columns[k], v)
		}
		want = append(want, strings.Join(texts, "|"))
	}
	batch := make([]dual.Vector, len(columns))
	for i := range columns {
		batch[i] = dual.Vals(columns[i])
	}
	if err := b.Append(batch); err != nil {
		t.Fatal(err)
	}
	return b.Table(), want
}

// TestRoundTrip writes a table of more than one batch and reads it again.
func TestRoundTrip(t *testing.T) {
	for _, rows := range []int{10, rowsMax + 100} {
		table, want := sampleTable(t, rows)
		for name, write := range map[string]func(context.Context, io.Writer, *storage.Table, WriteOptions) error{
			"parquet": WriteParquet, "ipc": WriteIPC,
		} {
			t.Run(fmt.Sprint(name, rows), func(t *testing.T) {
				var buf bytes.Buffer
				if err := write(t.Context(), &buf, table, WriteOptions{Show: show}); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(t.TempDir(), "x")
				if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
				got, err := read(path, ReadOptions{Formats: formats})
				if err != nil {
					t.Fatal(err)
				}
				if len(got) != len(want) {
					t.Fatalf("%d rows, want %d", len(got), len(want))
				}
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("row %d: %s, want %s", i, got[i], want[i])
					}
				}
				only, err := read(path, ReadOptions{Needed: func(name string) bool { return name == "int" }})
				if err != nil || only[1] != "0|NULL|NULL|NULL|NULL|NULL|NULL" {
					t.Errorf("only int: %v, %v", only[1], err)
				}
				if rows == 10 {
					damage(t, buf.Bytes())
				}
			})
		}
	}
	table, _ := sampleTable(t, 1)
	if err := WriteParquet(t.Context(), io.Discard, table, WriteOptions{Show: show, Compression: "x"}); err == nil {
		t.Error("unknown compression: no error")
	}
}

// damage cuts a file off and flips bytes: errors, never a panic or an end of
// the process.
func damage(t *testing.T, content []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x")
	step := max(len(content)/60, 1)
	for at := 0; at < len(content); at += step {
		for _, bad := range [][]byte{content[:at], append(append(append([]byte{}, content[:at]...), content[at]^0x55), content[at+1:]...)} {
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := read(path, ReadOptions{})
			if len(bad) < len(content) && !errors.Is(err, ErrFormat) {
				t.Fatalf("cut off at %d: %v, want %v", at, err, ErrFormat)
			}
		}
	}
}

// TestDecode has the types that the writer does not make.
func TestDecode(t *testing.T) {
	m := memory.DefaultAllocator
	build := func(b array.Builder, values ...string) arrow.Array {
		for _, v := range values {
			if v == "" {
				b.AppendNull()
			} else if err := b.AppendValueFromString(v); err != nil {
				t.Fatal(err)
			}
		}
		return b.NewArray()
	}
	decimals := array.NewDecimal128Builder(m, &arrow.Decimal128Type{Precision: 10, Scale: 2})
	decimals.Append(decimal128.FromI64(1234))
	for _, tt := range []struct {
		why  string
		a    arrow.Array
		want []string
	}{
		{"truth is -1", build(array.NewBooleanBuilder(m), "true", "false", ""), []string{"-1", "0", "NULL"}},
		{"small integers", build(array.NewUint8Builder(m), "255", "0"), []string{"255", "0"}},
		{"single precision", build(array.NewFloat32Builder(m), "0.5", ""), []string{"0.5", "NULL"}},
		{"decimals", decimals.NewArray(), []string{"12.34"}},
		{"days", build(array.NewDate32Builder(m), "2024-01-01", "1899-12-30"), []string{"45292 as 6", "0 as 6"}},
		{"time of day", build(array.NewTime32Builder(m, &arrow.Time32Type{Unit: arrow.Second}), "12:00:00"), []string{"0.5 as 7"}},
		{"before 1970", build(array.NewTimestampBuilder(m, &arrow.TimestampType{Unit: arrow.Second}), "1969-12-31 18:00:00"), []string{"25568.75 as 8"}},
		{"texts are not read as numbers", build(array.NewLargeStringBuilder(m), "12", "", "12"), []string{"'12'", "NULL", "'12'"}},
		{"only NULL", array.NewNull(2), []string{"NULL", "NULL"}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			d := decoder{formats: formats}
			v, err := d.vector([]arrow.Array{tt.a})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range v.N {
				got = append(got, describe(v.At(i)))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
