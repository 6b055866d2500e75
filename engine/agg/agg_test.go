package agg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

func context() *fn.Context { return &fn.Context{Locale: number.Default()} }

func column(x ...float64) dual.Vector { return dual.Nums(x, nil) }

func texts(s ...string) dual.Vector {
	v := make([]dual.Value, len(s))
	for i, t := range s {
		v[i] = fn.Literal(number.Default(), t)
	}
	return dual.Vals(v)
}

// fold runs one aggregation over all rows as one group.
func fold(t *testing.T, name string, distinct bool, args ...dual.Vector) dual.Value {
	t.Helper()
	a, err := New(context(), Spec{Name: name, Distinct: distinct, NArgs: len(args)})
	if err != nil {
		t.Fatal(err)
	}
	a.Grow(1)
	a.Add(nil, args)
	return a.Result(0)
}

func TestAggregation(t *testing.T) {
	v := column(2, 4, 4, 4, 5, 5, 7, 9)
	x, y := texts("1", "2", "3", "4", "5"), texts("2", "3.5", "6", "8.5", "n/a")
	n := func(x float64, k int) dual.Vector { return dual.Constant(dual.Number(x), k) }
	s := func(x string, k int) dual.Vector { return dual.Constant(dual.String(x), k) }
	nan := math.NaN()
	mixed := dual.Vals([]dual.Value{dual.Number(1), {}, dual.String("a"), dual.New("one", 1), dual.String("")})
	for _, tt := range []struct {
		name     string
		distinct bool
		args     []dual.Vector
		want     any // nil, number or text
		why      string
	}{
		{"Avg", false, []dual.Vector{v}, 5.0, "c090"},
		{"Median", false, []dual.Vector{v}, 4.5, "c090"},
		{"StDev", false, []dual.Vector{v}, 2.138089935299395, "c090"},
		{"StErr", false, []dual.Vector{v}, 0.7559289460184544, "c090"},
		{"Mode", false, []dual.Vector{v}, 4.0, "c090"},
		{"Skew", false, []dual.Vector{v}, 0.8184875533567997, "c090"},
		{"Kurtosis", false, []dual.Vector{v}, 0.940625, "c090"},
		{"Fractile", false, []dual.Vector{v, n(0.75, 8)}, 5.5, "c090"},
		{"Fractile", false, []dual.Vector{v, n(0, 8)}, 2.0, "c090"},
		{"FractileExc", false, []dual.Vector{v, n(0.75, 8)}, 6.5, "c090"},
		{"Max", false, []dual.Vector{v}, 9.0, "c090"},
		{"Min", false, []dual.Vector{v, n(2, 8)}, 4.0, "c090"},
		{"Min", false, []dual.Vector{v, n(3, 8)}, 5.0, "equal values share a rank"},
		{"Max", false, []dual.Vector{v, n(9, 8)}, nil, "fewer values than the rank"},
		{"Sum", false, []dual.Vector{v}, 40.0, "c090"},
		{"Sum", true, []dual.Vector{v}, 27.0, "each value once"},
		{"Count", true, []dual.Vector{v}, 5.0, "each value once"},
		{"LinEst_M", false, []dual.Vector{y, x}, 2.2, "c091"},
		{"LinEst_B", false, []dual.Vector{y, x}, -0.5, "c091"},
		{"Correl", false, []dual.Vector{x, y}, 0.9938586931957764, "c091"},
		{"LinEst_R2", false, []dual.Vector{y, x}, 0.9877551020408163, "c091"},
		{"LinEst_DF", false, []dual.Vector{y, x}, 2.0, "c091"},
		{"Sum", false, []dual.Vector{column()}, 0.0, "nothing"},
		{"Count", false, []dual.Vector{column()}, 0.0, "nothing"},
		{"Avg", false, []dual.Vector{column(nan)}, nil, "nothing"},
		{"Max", false, []dual.Vector{column(nan)}, nil, "nothing"},
		{"Sum", false, []dual.Vector{mixed}, 2.0, "text and NULL add nothing"},
		{"Count", false, []dual.Vector{mixed}, 4.0, "all but NULL"},
		{"Count", true, []dual.Vector{mixed}, 3.0, "1 and one are the same"},
		{"NullCount", false, []dual.Vector{mixed}, 1.0, ""},
		{"NumericCount", false, []dual.Vector{mixed}, 2.0, ""},
		{"TextCount", false, []dual.Vector{mixed}, 2.0, ""},
		{"MissingCount", false, []dual.Vector{mixed}, 3.0, ""},
		{"Only", false, []dual.Vector{mixed}, nil, "several"},
		{"Only", false, []dual.Vector{column(nan, 3, 3)}, 3.0, "NULL does not take part"},
		{"Concat", false, []dual.Vector{texts("b", "a", "b"), s(",", 3)}, "a,b,b", "by text"},
		{"Concat", true, []dual.Vector{texts("b", "a", "b"), s(",", 3)}, "a,b", "distinct"},
		{"Concat", false, []dual.Vector{texts("b", "a", "c"), s("-", 3), column(2, 3, 1)}, "c-b-a", "by weight"},
		{"Concat", true, []dual.Vector{texts("b", "a", "b"), s("-", 3), column(2, 3, 1)}, "b-b-a", "distinct pairs"},
		{"MinString", false, []dual.Vector{texts("b", "a", "10")}, "10", "text order"},
		{"MaxString", false, []dual.Vector{texts("b", "a", "10")}, "b", "text order"},
		{"FirstSortedValue", false, []dual.Vector{texts("a", "b", "c"), column(3, 1, 2)}, "b", "lowest weight"},
		{"FirstSortedValue", false, []dual.Vector{texts("a", "b", "c"), column(3, 1, 2), n(2, 3)}, "c", "rank"},
		{"FirstSortedValue", false, []dual.Vector{texts("a", "b"), column(1, 1)}, nil, "several values"},
		{"FirstSortedValue", true, []dual.Vector{texts("a", "b"), column(1, 1)}, "a", "distinct picks one"},
		{"FirstValue", false, []dual.Vector{texts("a", "b")}, "a", ""},
		{"LastValue", false, []dual.Vector{texts("a", "b")}, "b", ""},
		{"JsonArray", false, []dual.Vector{texts("a", "2")}, `["a",2]`, ""},
		{"Npv", false, []dual.Vector{n(0.1, 4), column(-10000, 3000, 4200, 6800)}, 1188.4434123352207, ""},
		{"Irr", false, []dual.Vector{column(-70000, 12000, 15000, 18000, 21000, 26000)}, 0.08663094803653171, "published example"},
		{"TTest1_t", false, []dual.Vector{v}, 6.614378277661476, "5 / 0.7559..."},
		{"Chi2Test_Chi2", false, []dual.Vector{texts("a", "a", "b", "b"), texts("x", "y", "x", "y"), column(10, 20, 20, 10)}, 6.666666666666667, "by hand"},
	} {
		got := fold(t, tt.name, tt.distinct, tt.args...)
		ok := false
		switch want := tt.want.(type) {
		case nil:
			ok = got.IsNull()
		case float64:
			ok = got.HasNum() && math.Abs(got.Num-want) < 1e-9*math.Max(1, math.Abs(want))
		case string:
			ok = number.Default().Text(got) == want
		}
		if !ok {
			t.Errorf("%s (distinct %v) = %+v, want %v: %s", tt.name, tt.distinct, got, tt.want, tt.why)
		}
	}
}

func TestNewErrors(t *testing.T) {
	for _, s := range []Spec{{Name: "Nope", NArgs: 1}, {Name: "Sum"}, {Name: "Sum", NArgs: 2}} {
		if a, err := New(context(), s); err == nil || a != nil {
			t.Errorf("%+v: %v, %v", s, a, err)
		}
	}
	if !Known("sUM") || Known("Upper") {
		t.Error("Known")
	}
}

// A sum keeps what plain addition loses.
func TestSumIsExact(t *testing.T) {
	if got := fold(t, "Sum", false, column(1e16, 1, -1e16, 1)); got.Num != 2 {
		t.Errorf("Sum = %v, want 2", got.Num)
	}
}

// randomRows returns values over a small domain, as they are and coded, and
// their groups.
func randomRows(rng *rand.Rand, n, nGroups int) (dense, coded dual.Vector, groups []uint32) {
	dict := []dual.Value{
		{},
		dual.Number(0), dual.Number(-3), dual.Number(2.5), dual.New("two", 2),
		dual.String("b"), dual.String("a"), dual.String(""), dual.Number(1e10),
	}
	codes, vals := make([]uint32, n), make([]dual.Value, n)
	for i := range codes {
		codes[i] = uint32(rng.IntN(len(dict)))
		vals[i] = dict[codes[i]]
		groups = append(groups, uint32(rng.IntN(nGroups)))
	}
	return dual.Vals(vals), dual.Coded(codes, &dual.Dict{Vals: dict}), groups
}

// constant matches the aggregations whose second argument is a parameter.
var constant = regexp.MustCompile(`^(fractile.*|[tz]test1?_.*|concat)$`)

// TestBatchesDoNotMatter: one batch, many batches and merged parts, dense and
// coded, all give the same result in every aggregation.
func TestBatchesDoNotMatter(t *testing.T) {
	const nGroups = 5
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range names() {
		for _, distinct := range []bool{false, true} {
			for _, n := range []int{0, 1, 63, 200} {
				dense, coded, groups := randomRows(rng, n, nGroups)
				weights := make([]float64, n)
				for i := range weights {
					weights[i] = float64(rng.IntN(10))
				}
				args := func(v dual.Vector) []dual.Vector {
					a := byName[name]
					all := []dual.Vector{v, dual.Nums(weights, nil), dual.Nums(weights, nil)}
					if constant.MatchString(name) {
						all[1] = dual.Constant(dual.Number(0.5), n)
					}
					if name == "min" || name == "max" {
						all[1] = dual.Constant(dual.Number(2), n)
					}
					return all[:max(a.argsMin, min(a.argsMax, 2))]
				}
				want := grouped(t, name, distinct, groups, args(dense), nGroups, n+1, false)
				for _, got := range [][]string{
					grouped(t, name, distinct, groups, args(coded), nGroups, n+1, false),
					grouped(t, name, distinct, groups, args(coded), nGroups, 7, false),
					grouped(t, name, distinct, groups, args(dense), nGroups, 16, true),
					grouped(t, name, distinct, groups, args(coded), nGroups, 16, true),
				} {
					if !slices.Equal(got, want) {
						t.Errorf("%s distinct %v, %d rows: %q, want %q", name, distinct, n, got, want)
					}
				}
			}
		}
	}
}

// names returns the aggregations in order.
func names() []string {
	var list []string
	for name := range byName {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// grouped runs an aggregation in batches; with parts, every batch has an
// aggregator of its own whose groups are numbered backwards.
func grouped(t *testing.T, name string, distinct bool, groups []uint32, args []dual.Vector, nGroups, batch int, parts bool) []string {
	t.Helper()
	spec := Spec{Name: name, Distinct: distinct, NArgs: len(args)}
	a, err := New(context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	a.Grow(nGroups)
	for lo := 0; lo < len(groups); lo += batch {
		hi := min(lo+batch, len(groups))
		part := make([]dual.Vector, len(args))
		for k := range args {
			part[k] = args[k].Slice(lo, hi)
		}
		if !parts {
			a.Add(groups[lo:hi], part)
			continue
		}
		b, err := New(context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		b.Grow(nGroups)
		to, back := make([]uint32, nGroups), make([]uint32, hi-lo)
		for g := range to {
			to[g] = uint32(nGroups - 1 - g)
		}
		for i, g := range groups[lo:hi] {
			back[i] = uint32(nGroups - 1 - int(g))
		}
		b.Add(back, part)
		a.Merge(b, to)
	}
	var out []string
	for g := range nGroups {
		v := a.Result(g)
		if v.HasNum() { // parts may differ in the last bit
			out = append(out, fmt.Sprintf("%.7g %s", v.Num, v.Text))
			continue
		}
		out = append(out, v.Text)
	}
	return out
}

// The dictionary of an expression is filled from batch to batch.
func TestDictionaryFilledLater(t *testing.T) {
	for name, want := range map[string]float64{"Sum": 3, "Count": 2, "Max": 2, "NullCount": 0, "Median": 1.5} {
		a, err := New(context(), Spec{Name: name, NArgs: 1})
		if err != nil {
			t.Fatal(err)
		}
		a.Grow(1)
		d := &dual.Dict{Vals: make([]dual.Value, 2)}
		for i := range d.Vals {
			d.Vals[i] = dual.Number(float64(i + 1))
			a.Add(nil, []dual.Vector{dual.Coded([]uint32{uint32(i)}, d)})
		}
		if got := a.Result(0); got.Num != want {
			t.Errorf("%s = %v, want %v", name, got.Num, want)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 1 << 16
	x, groups, codes := make([]float64, n), make([]uint32, n), make([]uint32, n)
	for i := range x {
		x[i], groups[i], codes[i] = float64(rng.IntN(1000)), uint32(rng.IntN(100)), uint32(rng.IntN(1000))
	}
	symbols := make([]dual.Value, 1000)
	for i := range symbols {
		symbols[i] = dual.New(fmt.Sprint(i, " "), float64(i))
	}
	dense, coded := dual.Nums(x, nil), dual.Coded(codes, &dual.Dict{Vals: symbols})
	for _, bb := range []struct {
		name     string
		distinct bool
		arg      dual.Vector
	}{
		{"Sum", false, dense},
		{"Sum", false, coded},
		{"Count", false, dense},
		{"Count", false, coded},
		{"Count", true, dense},
		{"Count", true, coded},
		{"Max", false, dense},
		{"StDev", false, dense},
		{"Only", false, coded},
	} {
		for _, g := range [][]uint32{nil, groups} {
			b.Run(fmt.Sprintf("%s/distinct=%v/coded=%v/grouped=%v", bb.name, bb.distinct, bb.arg.Codes != nil, g != nil), func(b *testing.B) {
				a, _ := New(context(), Spec{Name: bb.name, NArgs: 1, Distinct: bb.distinct})
				a.Grow(100)
				for b.Loop() {
					a.Add(g, []dual.Vector{bb.arg})
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
			})
		}
	}
}
