package storage

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cognate-bi/cognate/storage/dual"
)

// A naive field: the list of values in order of first appearance.
type naiveField []dual.Value

func (f *naiveField) code(v dual.Value) uint32 {
	if v.IsNull() {
		return 0
	}
	for i, have := range *f {
		if dual.Same(have, v) {
			return uint32(i + 1)
		}
	}
	*f = append(*f, v)
	return uint32(len(*f))
}

func randomValue(rng *rand.Rand, distinct int) dual.Value {
	x := float64(rng.IntN(distinct))
	switch rng.IntN(5) {
	case 0:
		return dual.Value{}
	case 1:
		return dual.String(fmt.Sprint("t", x))
	case 2:
		return dual.New(fmt.Sprint("#", x), x)
	default:
		return dual.Number(x - 1)
	}
}

// vectorOf lays values out as a dense, coded or constant vector.
func vectorOf(rng *rand.Rand, vals []dual.Value) dual.Vector {
	if rng.IntN(2) == 0 {
		return dual.Vals(vals)
	}
	d := &dual.Dict{Vals: append([]dual.Value{}, vals...)}
	rng.Shuffle(len(d.Vals), func(i, j int) { d.Vals[i], d.Vals[j] = d.Vals[j], d.Vals[i] })
	codes := make([]uint32, len(vals))
	for i, v := range vals {
		for j, w := range d.Vals {
			if dual.Identical(v, w) {
				codes[i] = uint32(j)
			}
		}
	}
	return dual.Coded(codes, d)
}

func TestBuilderAgainstNaive(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		distinct := []int{1, 3, 40, 300, 70000}[rng.IntN(5)]
		var naive naiveField
		var rows []dual.Value
		c := NewCatalog(nil)
		b := c.NewBuilder("T", []string{"f"})
		for range 1 + rng.IntN(4) {
			batch := make([]dual.Value, rng.IntN(90))
			for i := range batch {
				batch[i] = randomValue(rng, distinct)
			}
			rows = append(rows, batch...)
			if err := b.Append([]dual.Vector{vectorOf(rng, batch)}); err != nil {
				t.Fatal(err)
			}
		}
		tab := b.Table()
		c.Put(tab)
		if err := c.Seal(); err != nil {
			t.Fatal(err)
		}
		f := c.Field("f")
		for i, v := range rows {
			want := naive.code(v)
			if got := tab.Columns[0].Code(i); got != want {
				t.Fatalf("seed %d: row %d: code %d, want %d", seed, i, got, want)
			}
		}
		if f.Symbols.Len() != len(naive) {
			t.Fatalf("seed %d: %d symbols, want %d", seed, f.Symbols.Len(), len(naive))
		}
		for i, v := range naive {
			code := uint32(i + 1)
			if got := f.Symbols.Value(code); !dual.Identical(got, v) {
				t.Fatalf("seed %d: symbol %d = %v, want %v", seed, code, got, v)
			}
			if got := f.Dict().At(i + 1); !dual.Identical(got, v) {
				t.Fatalf("seed %d: dict entry %d = %v, want %v", seed, code, got, v)
			}
			if got := f.Symbols.Find(v); got != code {
				t.Fatalf("seed %d: Find(%v) = %d, want %d", seed, v, got, code)
			}
		}
	}
}

func TestSealDropsUnusedAndKeepsOrder(t *testing.T) {
	c := NewCatalog(nil)
	add := func(table string, xs ...string) {
		vals := make([]dual.Value, len(xs))
		for i, x := range xs {
			vals[i] = dual.String(x)
		}
		b := c.NewBuilder(table, []string{"f"})
		if err := b.Append([]dual.Vector{dual.Vals(vals)}); err != nil {
			t.Fatal(err)
		}
		c.Put(b.Table())
	}
	add("first", "A", "B", "C")
	add("second", "C", "A")
	c.Drop("first")
	if err := c.Seal(); err != nil {
		t.Fatal(err)
	}
	f := c.Field("f")
	if f.Symbols.Len() != 2 || f.Symbols.Text(1) != "A" || f.Symbols.Text(2) != "C" {
		t.Fatalf("want A, C in the load order of the dropped table, got %d values, first %q", f.Symbols.Len(), f.Symbols.Text(1))
	}
	col := c.Table("second").Columns[0]
	if col.Code(0) != 2 || col.Code(1) != 1 {
		t.Fatalf("codes %d %d, want 2 1", col.Code(0), col.Code(1))
	}
}

func TestFormatOfField(t *testing.T) {
	date := &dual.Format{Type: dual.Date, Pattern: "YYYY"}
	c := NewCatalog(func(v dual.Value) string { return fmt.Sprint("shown ", v.Num) })
	b := c.NewBuilder("T", []string{"d", "e"})
	err := b.Append([]dual.Vector{
		dual.Vals([]dual.Value{dual.Formatted(1, date), dual.Formatted(2, date)}),
		dual.Vals([]dual.Value{dual.New("one", 1), dual.Formatted(2, date)}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if v := c.Field("d").Value(2); v.HasText() || v.Format != date {
		t.Errorf("d: %v: a formatted number keeps no text in a field of its format", v)
	}
	if v := c.Field("e").Value(2); v.Text != "shown 2" {
		t.Errorf("e: %v: beside own texts the formatted text is stored", v)
	}
}

// What a field is given by Add comes back as it was: number, text, or both.
func TestFieldAddKeepsTexts(t *testing.T) {
	show := func(v dual.Value) string { return fmt.Sprint(v.Num) }
	for _, tt := range []struct {
		vals  []dual.Value
		plain bool
		why   string
	}{
		{[]dual.Value{dual.New("1", 1), dual.New("2.5", 2.5), dual.New("03", 3), dual.String("x")}, true, "default texts of numbers take no room"},
		{[]dual.Value{dual.New("1", 1), dual.Number(2)}, false, "beside a pure number every text is kept"},
		{[]dual.Value{dual.Number(2), dual.Number(7)}, false, "pure numbers have none"},
	} {
		f := &Field{Symbols: &Symbols{}}
		codes, err := f.Add(append(tt.vals, dual.Value{}), show)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range tt.vals {
			got := f.Value(codes[i])
			if f.Symbols.Plain() && got.Kind == dual.Num {
				got = dual.New(show(got), got.Num)
			}
			if !dual.Identical(got, v) {
				t.Errorf("%s: %+v came back as %+v", tt.why, v, got)
			}
		}
		if f.Symbols.Plain() != tt.plain || codes[len(tt.vals)] != 0 {
			t.Errorf("%s: plain %v, NULL is %d", tt.why, f.Symbols.Plain(), codes[len(tt.vals)])
		}
	}
}
