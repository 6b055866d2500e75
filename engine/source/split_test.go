package source

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// TestSplitter compares what goes from delimiter to delimiter with what looks
// at each byte: texts longer than a window, with all that makes records odd.
func TestSplitter(t *testing.T) {
	pieces := []string{"a", "12", " ", ",", ",", ",", "\n", "\n", "\r\n", `"`, `""`, "\t", strings.Repeat("x", 70), "\n//c\n", "\n\n", ";"}
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 4))
		odd := 1 + rng.IntN(len(pieces)) // fewer odd pieces in some texts
		var text strings.Builder
		for size := rng.IntN(3 * windowBytes); text.Len() < size; {
			text.WriteString(pieces[rng.IntN(odd)])
			if rng.IntN(9) == 0 {
				text.WriteString("\n")
			}
		}
		s := text.String()
		spec := Spec{Quotes: QuoteMode(1 + rng.IntN(3)), Verbatim: rng.IntN(4) == 0}
		if rng.IntN(3) == 0 {
			spec.Comment = "//"
		}
		d, err := newDialect(&spec, []string{",", ";", "\t", ", ", delimiterSpaces}[rng.IntN(5)], '\n')
		if err != nil {
			t.Fatal(err)
		}
		g := grid{columns: make([][]span, 1+rng.IntN(5))}
		p := splitter{dialect: d}
		p.start(s)
		pos, next := 0, 0
		for pos < len(s) {
			pos = p.split(pos, 1+rng.IntN(300), &g)
			open := 0
			for row := range g.rows {
				var cells []span
				start, more := d.skip(s, next)
				for next = start; more; {
					var cell span
					cell, next, more = d.cell(s, next, &open)
					cells = append(cells, cell)
				}
				for i := range g.columns {
					want := span{}
					if i < len(cells) {
						want = cells[i]
					}
					if got := g.columns[i][row]; got.text(s) != want.text(s) {
						t.Fatalf("seed %d, record at %d, cell %d: %q, want %q", seed, start, i, got.text(s), want.text(s))
					}
				}
			}
			if g.rows > 0 && pos != next && pos != len(s) {
				t.Fatalf("seed %d: stopped at %d, want %d", seed, pos, next)
			}
		}
		if _, more := d.skip(s, next); more {
			t.Fatalf("seed %d: records from %d on are missing", seed, next)
		}
	}
}

// TestWholeNumbers compares the numbers read with what a locale makes of the
// texts: those that a number has by default are read, and no others.
func TestWholeNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	loc := number.Default()
	texts := []string{"", "0", "-0", "-1", "00", "-", "+1", "1.0", "1e3", " 1", "1 ", "007", "-07", "1/2", "1:2", "9007199254740993", "999999999999999", "-999999999999999", "1000000000000000", "12345678", "123456789", "0x10"}
	for range 4000 {
		text := fmt.Sprint(rng.Int64N(1<<rng.IntN(60) + 1))
		if rng.IntN(4) == 0 {
			b := []byte(text)
			b[rng.IntN(len(b))] = byte(rng.Uint32())
			text = string(b)
		}
		texts = append(texts, text)
	}
	var all strings.Builder
	var cells []span
	for _, text := range texts {
		cells = append(cells, span{uint32(all.Len()), uint32(len(text))})
		all.WriteString(text)
	}
	for _, s := range []string{all.String(), all.String() + "behind, "} {
		for i, text := range texts {
			var got [1]float64
			read := wholeNumbers(got[:], s, cells[i:i+1]) == 1
			v := loc.Interpret(text)
			want := v.HasNum() && loc.Text(dual.Number(v.Num)) == text && v.Num == float64(int64(v.Num)) && v.Num < 1e15 && v.Num > -1e15
			if read != want || read && got[0] != v.Num {
				t.Fatalf("%q: %v, %v, want %v, %v", text, got[0], read, v.Num, want)
			}
		}
	}
	if n := wholeNumbers(make([]float64, 3), "1x2", []span{{0, 1}, {1, 1}, {2, 1}}); n != 1 {
		t.Errorf("read %d cells up to the first that is none", n)
	}
}

// symbolsOf reads text and returns the table that it makes: its symbols in
// load order, which of them have own texts, and its codes.
func symbolsOf(t *testing.T, text string, s Spec, size, workers int) []string {
	t.Helper()
	d, err := newDialect(&s, ",", '\n')
	if err != nil {
		t.Fatal(err)
	}
	spare := make(chan []byte, sparesMax)
	chunks := &chunker{r: strings.NewReader(text), d: d, line: 1, size: size, spare: spare}
	first, err := chunks.first()
	if err != nil {
		t.Fatal(err)
	}
	p, rest, err := newTextParser(d, string(first), &s, number.Default())
	if err != nil {
		t.Fatal(err)
	}
	p.spare, p.slabs = spare, make(chan []float64, sparesMax)
	r := &textReader{fields: p.fields}
	r.start(context.Background(), p, chunks, rest, &stream{}, workers)
	defer r.Close()
	catalog := storage.NewCatalog(number.Default().Text)
	catalog.Workers = workers
	b := catalog.NewBuilder("T", r.Fields())
	for {
		batch, err := r.Next(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b.Expect(rand.IntN(1000))
		if err := b.Append(batch.Columns); err != nil {
			t.Fatal(err)
		}
		if batch.Free != nil {
			batch.Free()
		}
	}
	var out []string
	for _, c := range b.Table().Columns {
		for code := range c.Field.Symbols.Len() + 1 {
			out = append(out, show(c.Field.Value(uint32(code))))
		}
		codes := make([]uint32, c.Rows())
		c.Codes(codes, 0)
		out = append(out, fmt.Sprint(c.Field.Symbols.Plain(), c.Bits(), codes))
	}
	return out
}

// TestSymbolsAreTheSame: the same text gives the same symbol tables and codes
// for any number of workers, any size of chunks, and whether or not whole
// numbers come as they are.
func TestSymbolsAreTheSame(t *testing.T) {
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var text strings.Builder
		text.WriteString("key,few,many,mixed,late,big\n")
		for row := range 1200 {
			mixed := fmt.Sprint(rng.IntN(50))
			if rng.IntN(5) == 0 {
				mixed = []string{"", "007", "x y", "1.5", "-3", `"q,q"`}[rng.IntN(6)]
			}
			late := fmt.Sprint(rng.IntN(9))
			if row > 1150 {
				late = "a text"
			}
			fmt.Fprintf(&text, "%d,%d,%d,%s,%s,%d\n", row/3, rng.IntN(7), rng.IntN(1<<24), mixed, late, rng.Int64N(1<<45))
		}
		want := symbolsOf(t, text.String(), Spec{Quotes: QuotesMSQ}, 1<<20, 1)
		for _, size := range []int{200, 1 << 13} {
			for _, workers := range []int{1, 3} {
				for _, dense := range []bool{false, true} {
					got := symbolsOf(t, text.String(), Spec{Quotes: QuotesMSQ, Dense: dense}, size, workers)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("seed %d, chunks of %d, %d workers, dense %v: -want +got:\n%.3000s", seed, size, workers, dense, diff)
					}
				}
			}
		}
	}
}
