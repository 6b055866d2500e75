package agg

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// Numbers gives what Result does, group by group.
func TestNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	some := []dual.Value{{}, dual.String("x"), dual.New("no", 3), dual.Number(-1.5), {Num: math.Copysign(0, -1), Kind: dual.Num}, dual.Number(7)}
	for _, spec := range []Spec{
		{"Sum", false, 1}, {"Sum", true, 1}, {"Avg", false, 1}, {"Min", false, 1}, {"Max", false, 1}, {"Count", false, 1}, {"Count", true, 1}, {"NullCount", false, 1},
	} {
		const nGroups = 20 // of which the last ones get no row
		a, err := New(&fn.Context{Locale: number.Default()}, spec)
		if err != nil {
			t.Fatal(err)
		}
		groups, vals := make([]uint32, 40), make([]dual.Value, 40)
		for i := range groups {
			groups[i], vals[i] = uint32(rng.IntN(nGroups-2)), some[rng.IntN(len(some))]
		}
		a.Grow(nGroups)
		a.Add(groups, []dual.Vector{dual.Vals(vals)})
		got := make([]float64, nGroups)
		format, ok := Numbers(a, got)
		if !ok {
			t.Fatalf("%v: no numbers", spec)
		}
		for g, x := range got {
			if v, want := dual.Formatted(x, format), a.Result(g); v != want || math.Signbit(x) != math.Signbit(want.Float()) && x == 0 {
				t.Errorf("%v: group %d is %+v, want %+v", spec, g, v, want)
			}
		}
	}
	if a, err := New(&fn.Context{Locale: number.Default()}, Spec{"Only", false, 1}); err != nil {
		t.Fatal(err)
	} else if _, ok := Numbers(a, nil); ok {
		t.Error("Only may return texts")
	}
}
