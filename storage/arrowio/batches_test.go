package arrowio

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/ipc"

	"github.com/cognate-bi/cognate/storage/dual"
)

// What is written in batches is read as one file.
func TestBatchWriter(t *testing.T) {
	texts := &dual.Dict{Vals: []dual.Value{{}, dual.String("a"), dual.New("x", 2), dual.Number(3)}}
	numbers := &dual.Dict{Nums: []float64{math.NaN(), 1, 2.5}}
	batches := [][]dual.Vector{
		{dual.Coded([]uint32{1, 0}, texts), dual.Coded([]uint32{2, 1}, numbers), dual.Constant(dual.Number(7), 2)},
		{dual.Coded([]uint32{3}, texts), dual.Coded([]uint32{0}, numbers), dual.Constant(dual.Number(7), 1)},
	}
	want := []string{"a 2.5 7", " 1 7", "3  7"}
	for _, layout := range []Layout{Parquet, IPC, Stream} {
		var file bytes.Buffer
		w, err := NewBatchWriter(&file, layout, []string{"T", "N", "C"}, batches[0], WriteOptions{Show: show})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range batches {
			if err := w.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Write([]dual.Vector{batches[0][1], batches[0][1], batches[0][2]}); err == nil {
			t.Error("a batch with other dictionaries was taken")
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if layout == Stream {
			r, err := ipc.NewReader(&file)
			if err != nil {
				t.Fatal(err)
			}
			rows := int64(0)
			for r.Next() {
				rows += r.Record().NumRows()
			}
			if rows != 3 || r.Err() != nil {
				t.Errorf("%d rows in the stream, %v", rows, r.Err())
			}
			continue
		}
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path, ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		row := 0
		for {
			batch, _, err := r.Next(t.Context())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range batch[0].N {
				got := show(batch[0].At(i)) + " " + show(batch[1].At(i)) + " " + show(batch[2].At(i))
				if got != want[row] {
					t.Errorf("layout %d, row %d: %q, want %q", layout, row, got, want[row])
				}
				row++
			}
		}
		if row != len(want) {
			t.Errorf("layout %d: %d rows", layout, row)
		}
		r.Close()
	}
}
