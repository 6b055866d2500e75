package query

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/engine/enginetest/oracle"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// star is a fact table with two dimension tables.
func star(t *testing.T, rng *rand.Rand, rows int) *model.Model {
	t.Helper()
	c := storage.NewCatalog(func(v dual.Value) string { return fmt.Sprint(v.Num) })
	add := func(name string, fields []string, n int, cell func(field, row int) dual.Value) {
		batch := make([]dual.Vector, len(fields))
		for f := range fields {
			vals := make([]dual.Value, n)
			for r := range vals {
				vals[r] = cell(f, r)
			}
			batch[f] = dual.Vals(vals)
		}
		b := c.NewBuilder(name, fields)
		if err := b.Append(batch); err != nil {
			t.Fatal(err)
		}
		c.Put(b.Table())
	}
	add("Fact", []string{"k0", "k1", "a0", "b0", "x"}, rows, func(f, r int) dual.Value {
		switch {
		case rng.IntN(9) == 0:
			return dual.Value{}
		case f == 3:
			return dual.String(string(rune('p' + rng.IntN(5))))
		case f == 4:
			return dual.Number(float64(r) / 8)
		}
		return dual.Number(float64(rng.IntN(20)))
	})
	for d := range 2 {
		add(fmt.Sprint("D", d), []string{fmt.Sprint("k", d), fmt.Sprint("d", d)}, 17, func(f, r int) dual.Value {
			if f == 0 {
				return dual.Number(float64(r))
			}
			return dual.Number(float64(rng.IntN(4)))
		})
	}
	m, err := model.Build(c, rng.Uint64())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestWorkersAndMorsels compares grids by one worker in one morsel with grids
// by several workers in many small ones, flat vectors on and off, groups of sparse
// rows in arrays and hashed.
func TestWorkersAndMorsels(t *testing.T) {
	measures := []string{
		"Sum(x)", "Avg(a0)", "Count(DISTINCT b0)", "Min(x)+Max(a0)", "Concat(b0,',',x)", "Median(x)", "FirstSortedValue(b0,-x)",
		"Sum({<d0={1,2}>} x*a0)", "Sum({$-<b0={p}>} x)/Sum(TOTAL x)", "Only(b0)", "Max(Aggr(Sum(x),k0))", "Count(d1)",
	}
	dims := [][]DimDef{nil, {{Field: "d0"}}, {{Field: "b0"}, {Field: "d1"}}, {{Expr: "=Mod(a0,3)"}}, {{Expr: "=a0 & b0"}}, {{Expr: "=If(d0>1,d1,b0)"}, {Field: "d1"}}, {{Field: "x"}, {Field: "k0"}, {Field: "k1"}}}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 5))
		m := star(t, rng, 200+rng.IntN(800))
		e := infer.New(m)
		c := Context{
			Infer: e, Fn: &fn.Context{Locale: number.Default()},
			History: state.History{}.Replace(state.Set{}.With(state.Default, oracle.RandomState(rng, m, 2))),
			Workers: 1,
		}
		for _, by := range dims {
			want := rowsOf(t, &c, by, measures)
			other := c
			other.Workers, other.MorselRows, other.FlatMin = 2+rng.IntN(3), 64, []int{0, 1}[rng.IntN(2)]
			other.DirectMin = []int{0, 1}[seed%2]
			if got := rowsOf(t, &other, by, measures); !slices.Equal(got, want) {
				t.Fatalf("seed %d by %v, %d workers:\n%v\none worker:\n%v", seed, by, other.Workers, got, want)
			}
		}
	}
}

// rowsOf prints the rows of a grid and its totals, sorted.
func rowsOf(t *testing.T, c *Context, dims []DimDef, measures []string) []string {
	t.Helper()
	g, err := c.Grid(context.Background(), dims, measures)
	if err != nil {
		t.Fatal(err)
	}
	vals, err := g.Measures(nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for row := range g.N {
		s := ""
		for d := range dims {
			s += c.Fn.Locale.Text(g.Field(d).Value(g.Code(d, row))) + "|"
		}
		for i := range vals {
			s += c.Fn.Locale.Text(vals[i].At(row)) + ";"
		}
		out = append(out, s)
	}
	totals, err := g.Totals()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return append(out, fmt.Sprint(totals))
}
