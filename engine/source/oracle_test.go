package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/cognate-bi/cognate/engine/number"
)

// readWith reads text through chunks of a given size, as a file would be.
func readWith(text string, s Spec, size, workers int) ([]string, error) {
	d, err := newDialect(&s, s.Delimiter, '\n')
	if err != nil {
		return nil, err
	}
	chunks := &chunker{r: strings.NewReader(text), d: d, noEOF: s.NoEOF, line: 1, size: size}
	first, err := chunks.first()
	if err != nil && err != io.EOF {
		return nil, err
	}
	p, rest, err := newTextParser(d, string(first), &s, number.Default())
	if err != nil {
		return nil, err
	}
	r := &textReader{fields: p.fields}
	r.start(context.Background(), p, chunks, rest, &stream{}, workers)
	return readAll(r, nil)
}

// TestChunksAgainstOracle writes random tables with encoding/csv and reads
// them in chunks of every small size: the cells must be those written, and the
// same for any number of workers.
func TestChunksAgainstOracle(t *testing.T) {
	alphabet := []string{"a", "b", "7", ",", `"`, "\n", " x", "é"}
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		want := []string{"p|q|r"}
		if err := w.Write([]string{"p", "q", "r"}); err != nil {
			t.Fatal(err)
		}
		for range rng.IntN(40) {
			var cells, shown []string
			for range 3 {
				cell := ""
				for range rng.IntN(6) {
					cell += alphabet[rng.IntN(len(alphabet))]
				}
				cells = append(cells, cell)
				shown = append(shown, show(number.Default().Interpret(strings.Trim(cell, " "))))
			}
			if err := w.Write(cells); err != nil {
				t.Fatal(err)
			}
			want = append(want, strings.Join(shown, "|"))
		}
		w.Flush()
		for _, size := range []int{16, 33, 64, 4096} {
			s := Spec{Delimiter: ",", Quotes: QuotesMSQ}
			got, err := readWith(text.String(), s, size, 1+int(seed)%3)
			if err != nil {
				t.Fatalf("seed %d, size %d: %v\n%s", seed, size, err, text.String())
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, size %d: -want +got:\n%s\n%q", seed, size, diff, text.String())
			}
		}
	}
}

// TestInternerAgainstMap checks the codes of columns of few and of many
// values, short and long texts.
func TestInternerAgainstMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	in := newInterner(reading{locale: number.Default()})
	for _, distinct := range []int{1, 2, 300, 1000, 1 << 20} {
		var text strings.Builder
		var cells []span
		var want []string
		for range 20000 {
			cell := fmt.Sprint(rng.IntN(distinct))
			if rng.IntN(2) == 0 {
				cell = "text number " + cell
			}
			lo := text.Len()
			text.WriteString(cell)
			cells = append(cells, span{uint32(lo), uint32(len(cell))})
			want = append(want, cell)
		}
		v := in.column(text.String(), cells)
		for i, w := range want {
			if got := v.At(i); got.Text != w || got.HasNum() != (w[0] != 't') {
				t.Fatalf("%d distinct: value %d is %s, want %s", distinct, i, show(got), w)
			}
		}
		if dense := v.Codes == nil; dense != (distinct > 1<<16) {
			t.Errorf("%d distinct: dense %v", distinct, dense)
		}
	}
}

func TestCompressedFiles(t *testing.T) {
	text := "a,b\n" + strings.Repeat("1,x\n", 1000)
	var gz, zs bytes.Buffer
	g := gzip.NewWriter(&gz)
	if _, err := g.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	g.Close()
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	z.Close()
	for _, content := range []string{text, gz.String(), zs.String()} {
		// The name does not say it: content decides.
		r, err := Open(t.Context(), write(t, "a.csv", content), Spec{}, number.Default())
		if got := rows(t, r, err); len(got) != 1001 || got[1000] != "'1'/1|'x'" {
			t.Errorf("%d rows", len(got))
		}
	}
}

// TestDecompressionBomb: 190 MB in some kilobytes are refused.
func TestDecompressionBomb(t *testing.T) {
	var zs bytes.Buffer
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	blanks := bytes.Repeat([]byte(" ,\n"), 1<<20)
	for range 60 {
		if _, err := z.Write(blanks); err != nil {
			t.Fatal(err)
		}
	}
	z.Close()
	r, err := Open(t.Context(), write(t, "a.csv", zs.String()), Spec{}, number.Default())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for err == nil {
		_, err = r.Next(t.Context())
	}
	if !errors.Is(err, ErrFormat) {
		t.Errorf("%d bytes: got %v, want %v", zs.Len(), err, ErrFormat)
	}
}

// TestClose leaves a reader in the middle of a large file; the goroutines must
// end (Close waits for them).
func TestClose(t *testing.T) {
	path := write(t, "a.csv", "a,b\n"+strings.Repeat("12345,abcdefgh\n", 2<<20))
	r, err := Open(t.Context(), path, Spec{}, number.Default())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	r, err = Open(ctx, path, Spec{}, number.Default())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	for err == nil {
		_, err = r.Next(t.Context())
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after cancelling: %v", err)
	}
}

func TestGlob(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b1.csv", "a1.csv", "a[2].csv", "c.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		pattern string
		want    []string
	}{
		{"*.csv", []string{"a1.csv", "a[2].csv", "b1.csv"}},
		{"?1.csv", []string{"a1.csv", "b1.csv"}},
		{"a[2]*", []string{"a[2].csv"}},
		{"none.csv", []string{"none.csv"}},
		{"none*.csv", nil},
	} {
		got, err := Glob(filepath.Join(dir, tt.pattern))
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			got[i] = filepath.Base(got[i])
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.pattern, diff)
		}
	}
}

// FuzzCSV: no panic, no disagreement between chunk sizes and numbers of
// workers, whatever the text.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "a,b\r\n\"x\ny\",\"z\"\"\"\r\n", "\"a\"|\"b\"\n1", "a\n\"510\"123-4567\n", "\n\n,,,\n\"", "a,b\n\" \" x,1\n",
		"\n" + strings.Repeat("0", 127), "// c \"\na\n// \"\n1\n", "a\n\"x\"\x1a\n", "\xff\xfe\x00\n\xe4,\"\xe4\"",
	} {
		f.Add(seed, byte(0))
		f.Add(seed, byte(7))
		f.Add(seed, byte(0x1d))
	}
	f.Fuzz(func(t *testing.T, text string, mode byte) {
		s := Spec{Delimiter: ",", Quotes: QuoteMode(1 + mode%3)}
		if mode&4 != 0 {
			s.Delimiter, s.Labels = delimiterSpaces, LabelsNone
		}
		if mode&8 != 0 {
			s.Comment = "//"
		}
		if mode&16 != 0 {
			s.Labels = LabelsEmbedded
		}
		whole, wholeErr := readWith(text, s, 1<<20, 1)
		if s.Labels == LabelsNone && len(text) > 100 {
			return // the width is that of the first chunk
		}
		parts, partsErr := readWith(text, s, 128, 2)
		if (wholeErr == nil) != (partsErr == nil) {
			t.Fatalf("%q: in one chunk %v, in many %v", text, wholeErr, partsErr)
		}
		if wholeErr == nil {
			if diff := cmp.Diff(whole, parts); diff != "" {
				t.Fatalf("%q: -one chunk +many:\n%s", text, diff)
			}
		}
	})
}
