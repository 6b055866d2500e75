package storage

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/storage/dual"
)

// fieldOf returns a field of n numbers.
func fieldOf(t *testing.T, n int) *Field {
	t.Helper()
	vals := make([]dual.Value, n)
	for i := range vals {
		vals[i] = dual.Number(float64(i))
	}
	f := &Field{Name: "F", Symbols: &Symbols{}}
	if _, err := f.Add(vals, nil); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestGather compares columns of every width, gathered from pieces, with codes
// taken one by one.
func TestGather(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, top := range []int{0, 1, 200, 60_000, 70_000} {
		f := fieldOf(t, top)
		for range 20 {
			var pieces []Piece
			var want []uint32
			for range rng.IntN(4) {
				codes := make([]uint32, []int{0, 1, 65, 20_000}[rng.IntN(4)])
				for i := range codes {
					codes[i] = rng.Uint32N(uint32(top + 1))
				}
				p := Piece{Column: NewColumn(f, codes), All: rng.IntN(3) == 0}
				if rng.IntN(2) == 0 {
					p.Column = p.Column.pack(uint32(top))
				}
				if p.All {
					want, pieces = append(want, codes...), append(pieces, p)
					continue
				}
				p.Rows = make([]uint32, []int{0, 1, gatherRows, gatherRows + 1}[rng.IntN(4)])
				for i := range p.Rows {
					p.Rows[i] = NoRow
					if len(codes) > 0 && rng.IntN(9) > 0 {
						p.Rows[i] = rng.Uint32N(uint32(len(codes)))
						want = append(want, codes[p.Rows[i]])
					} else {
						want = append(want, 0)
					}
				}
				if slices.Max(append(want, 0)) == 0 && rng.IntN(2) == 0 {
					p.Column = nil
				}
				pieces = append(pieces, p)
			}
			c := Gather(f, pieces...)
			got := make([]uint32, c.Rows())
			c.Codes(got, 0)
			if c.Field != f || !slices.Equal(got, want) {
				t.Fatalf("top %d: %d pieces give %d codes, want %d, or others", top, len(pieces), len(got), len(want))
			}
		}
	}
}

// TestFilter compares rows that pass tests with those asked one by one.
func TestFilter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	for _, n := range []int{0, 1, 63, 64, 65, 4097} {
		for nTests := range 4 {
			tests := make([]Test, nTests)
			for i := range tests {
				f := fieldOf(t, []int{0, 3, 300}[rng.IntN(3)])
				allow, codes := make([]uint8, f.Symbols.Len()+1), make([]uint32, n)
				for c := range allow {
					allow[c] = uint8(rng.IntN(2))
				}
				for r := range codes {
					codes[r] = rng.Uint32N(uint32(len(allow)))
				}
				tests[i] = Test{NewColumn(f, codes), allow}
			}
			want := []uint32{}
			for row := range n {
				if !slices.ContainsFunc(tests, func(x Test) bool { return x.Allow[x.Column.Code(row)] == 0 }) {
					want = append(want, uint32(row))
				}
			}
			if got := Filter(n, tests); got == nil || !slices.Equal(got, want) {
				t.Fatalf("%d rows, %d tests: %v, want %v", n, nTests, got, want)
			}
		}
	}
}
