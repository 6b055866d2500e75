package eval

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// letters binds the fields a, b and c to the first inputs.
type letters struct{}

func (letters) Bind(n expr.Node) (Binding, bool, error) {
	if f, ok := n.(*expr.Field); ok {
		return Binding{Input: int(f.Name[0]-'a') + 1}, true, nil
	}
	return Binding{}, false, nil
}

// TestBatches compares a run whose memory is used again, over batches of many
// lengths, with a fresh run for each.
func TestBatches(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 24))
	for _, source := range []string{"a-b", "a*c", "(a-b)*(b-a)+c", "If(a>b, a-c, b*2)", "Floor(a*b)-Sqrt(a+c)", "a+c-a+c", "RangeSum(a*b, b-c)"} {
		n, err := expr.Parse(source, expr.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile(n, letters{}, &fn.Context{Locale: number.Default()})
		if err != nil {
			t.Fatal(err)
		}
		dict := &dual.Dict{Vals: []dual.Value{{}, dual.Number(3), dual.String("7"), dual.String("x")}}
		batches := p.Batches()
		for range 50 {
			x := [2][]float64{make([]float64, 1+rng.IntN(40))}
			x[1] = make([]float64, len(x[0]))
			codes := make([]uint32, len(x[0]))
			for i := range codes {
				x[0][i], x[1][i], codes[i] = float64(rng.IntN(9)), float64(rng.IntN(9)), uint32(rng.IntN(4))
				if rng.IntN(5) == 0 {
					x[rng.IntN(2)][i] = math.NaN()
				}
			}
			in := []dual.Vector{dual.Nums(x[0], nil), dual.Nums(x[1], nil), dual.Coded(codes, dict)}
			got, err := batches.Vector(len(codes), in)
			if err != nil {
				t.Fatal(err)
			}
			want, err := p.Start().Vector(len(codes), in)
			if err != nil {
				t.Fatal(err)
			}
			for i := range codes {
				a, b := got.At(i), want.At(i)
				if !dual.Identical(a, b) && !(math.IsNaN(a.Num) && math.IsNaN(b.Num)) {
					t.Fatalf("%s, row %d: %v, want %v", source, i, a, b)
				}
			}
		}
	}
}
