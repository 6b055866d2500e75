package agg

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/storage/dual"
)

// TestCounted: rows taken together with their number give what they give one
// by one, also where parts of both kinds are merged.
func TestCounted(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const nGroups = 4
	counted := 0
	for _, name := range names() {
		for range 50 {
			_, coded, groups := randomRows(rng, rng.IntN(120), nGroups)
			args := func(v dual.Vector) []dual.Vector {
				return []dual.Vector{v, dual.Constant(dual.Number(0.3), v.N)}[:byName[name].argsMin]
			}
			spec := Spec{Name: name, NArgs: byName[name].argsMin}
			fresh := func() Aggregator {
				a, err := New(context(), spec)
				if err != nil {
					t.Fatal(err)
				}
				a.Grow(nGroups)
				return a
			}
			if _, ok := fresh().(Counted); !ok {
				break
			}
			counted++
			want, got, rest := fresh(), fresh(), fresh()
			want.Add(groups, args(coded))
			half := len(groups) / 2
			addCounted(got.(Counted), groups[:half], coded.Slice(0, half), args)
			rest.Add(groups[half:], args(coded.Slice(half, len(groups))))
			got.Merge(rest, []uint32{0, 1, 2, 3})
			for g := range nGroups {
				v, w := got.Result(g), want.Result(g)
				if fmt.Sprintf("%.9g %s", v.Num, v.Text) != fmt.Sprintf("%.9g %s", w.Num, w.Text) {
					t.Fatalf("%s: group %d: %v, want %v", name, g, v, w)
				}
			}
		}
	}
	if counted < 6*50 {
		t.Errorf("only %d rounds of aggregators that count", counted)
	}
}

// addCounted adds each pair of group and code once, with its number.
func addCounted(a Counted, groups []uint32, v dual.Vector, args func(dual.Vector) []dual.Vector) {
	pairs := map[[2]uint32]uint32{}
	for i, g := range groups {
		pairs[[2]uint32{g, v.Codes[i]}]++
	}
	var gs, codes, n []uint32
	for p, k := range pairs {
		gs, codes, n = append(gs, p[0]), append(codes, p[1]), append(n, k)
	}
	a.AddCounted(gs, args(dual.Coded(codes, v.Dict)), n)
}

// TestSelected compares ranks with sorted numbers, in orders that divide badly
// and with many equal ones.
func TestSelected(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for round := range 2000 {
		x := make([]float64, 1+rng.IntN(300))
		for i := range x {
			switch round % 5 {
			case 0:
				x[i] = rng.NormFloat64()
			case 1:
				x[i] = float64(rng.IntN(5))
			case 2:
				x[i] = float64(i)
			case 3:
				x[i] = float64(min(i, len(x)-i)) // up and down again
			default:
				x[i] = float64(i * (i%2*2 - 1))
			}
		}
		sorted := slices.Sorted(slices.Values(x))
		for range 3 { // of what was reordered before, too
			k := rng.IntN(len(x))
			if got := selected(x, k); got != sorted[k] {
				t.Fatalf("rank %d of %v: %v, want %v", k, sorted, got, sorted[k])
			}
		}
	}
}
