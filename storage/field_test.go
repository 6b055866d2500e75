package storage

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/cognate-bi/cognate/storage/dual"
)

// Field.Add takes ways of its own for values that ascend; they have to give
// what adding the values one by one gives.
func TestFieldAdd(t *testing.T) {
	show := func(v dual.Value) string { return strconv.FormatFloat(v.Num, 'f', -1, 64) }
	numbers := func(n, step int) []dual.Value {
		vals := make([]dual.Value, n)
		for i := range vals {
			vals[i] = dual.Number(float64(i * step))
		}
		return vals
	}
	duals := func(text func(int) string) []dual.Value {
		vals := numbers(200, 3)
		for i, v := range vals {
			vals[i] = dual.New(text(i), v.Num)
		}
		return vals
	}
	texts := []dual.Value{dual.String("a"), dual.String("b"), dual.String("ba"), dual.String("c")}
	shuffled := numbers(10_000, 7)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for _, tt := range []struct {
		why  string
		vals []dual.Value
	}{
		{"nothing", nil},
		{"ascending numbers", numbers(10_000, 3)},
		{"numbers in no order", shuffled},
		{"the same number twice", append(numbers(100, 1), dual.Number(99))},
		{"0 and -0", []dual.Value{dual.Number(0), {Num: negativeZero(), Kind: dual.Num}, dual.Number(1)}},
		{"descending", []dual.Value{dual.Number(2), dual.Number(1)}},
		{"numbers, then texts", append(numbers(100, 1), texts...)},
		{"texts, then numbers", append(slices.Clone(texts), numbers(100, 1)...)},
		{"ascending texts", texts},
		{"the same text twice", append(slices.Clone(texts), dual.String("c"))},
		{"NULL first", append([]dual.Value{{}}, numbers(10, 1)...)},
		{"NULL last", append(numbers(10, 1), dual.Value{})},
		{"duals", duals(func(i int) string { return "no. " + strconv.Itoa(i) })},
		{"duals of default texts", duals(func(i int) string { return strconv.Itoa(3 * i) })},
		{"duals, one of a default text", duals(func(i int) string { return strconv.Itoa(3 * (i / 100 * i)) })},
		{"equal numbers of different texts", []dual.Value{dual.New("x", 1), dual.New("y", 1), dual.Number(2)}},
	} {
		for _, first := range [][]dual.Value{nil, numbers(1, 1), texts[1:2], numbers(300, 2)} {
			fast, slow := &Field{Symbols: &Symbols{}}, &Field{Symbols: &Symbols{}}
			for _, vals := range [][]dual.Value{first, tt.vals, numbers(50, 5)} {
				codes, err := fast.Add(vals, show)
				if want := addOneByOne(slow, vals, show); err != nil || !slices.Equal(codes, want) {
					t.Fatalf("%s after %d values: codes %v, %v; want %v", tt.why, len(first), codes, err, want)
				}
				sameField(t, tt.why, fast, slow)
			}
			fast.Symbols.trim()
			sameField(t, tt.why+", sealed", fast, slow)
		}
	}
}

func negativeZero() float64 { return math.Copysign(0, -1) }

// addOneByOne does what Add promises without any of its ways.
func addOneByOne(f *Field, vals []dual.Value, show func(dual.Value) string) []uint32 {
	drop := f.Symbols.plain || f.Symbols.nums == nil
	for _, v := range vals {
		drop = drop && v.Kind != dual.Num
	}
	codes := make([]uint32, len(vals))
	for i, v := range vals {
		if drop && v.Kind == dual.Both && show(dual.Number(v.Num)) == v.Text {
			v, f.Symbols.plain = dual.Number(v.Num), true
		}
		codes[i], _ = f.Symbols.Code(v)
	}
	return codes
}

// sameField compares the symbols of fields, and looks each of them up.
func sameField(t *testing.T, why string, got, want *Field) {
	t.Helper()
	a, b := got.Symbols, want.Symbols
	if a.n != b.n || a.plain != b.plain || a.numbered() != b.numbered() || (a.ends == nil) != (b.ends == nil) {
		t.Fatalf("%s: %d symbols, plain %v, numbers %v, texts %v", why, a.n, a.plain, a.numbered(), a.ends != nil)
	}
	for c := uint32(0); c <= uint32(a.n); c++ {
		if v := a.Value(c); !dual.Identical(v, b.Value(c)) || a.Find(v) != c {
			t.Fatalf("%s: symbol %d is %+v, found at %d; want %+v", why, c, v, a.Find(v), b.Value(c))
		}
	}
	if a.Find(dual.Number(-1)) != 0 || a.Find(dual.String("?")) != 0 {
		t.Fatalf("%s: what is not there is found", why)
	}
}
