package query

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/enginetest/oracle"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// A trial is a random question with everything needed to answer it twice.
type trial struct {
	rng *rand.Rand
	m   *model.Model
	u   *oracle.Universe
	c   *Context
	st  *state.State
}

func newTrial(t *testing.T, seed uint64) *trial {
	rng := rand.New(rand.NewPCG(seed, 11))
	m, err := oracle.RandomModel(rng, 7)
	if err != nil {
		t.Fatal(err)
	}
	e := infer.New(m)
	st := oracle.RandomState(rng, m, 2)
	c := &Context{
		Infer: e, Fn: &fn.Context{Locale: number.Default()},
		History:    state.History{}.Replace(state.Set{}.With(state.Default, st)),
		Workers:    1 + rng.IntN(3),
		MorselRows: []int{3, 0}[rng.IntN(2)],
		FlatMin:    []int{1, 0}[rng.IntN(2)],
		DirectMin:  []int{1, 0}[seed/2%2],
	}
	return &trial{rng, m, oracle.Join(m), c, st}
}

// fields returns those that only one, linked table holds, with a prefix.
func (tr *trial) fields(prefix string) (out []*model.Field) {
	for _, f := range tr.m.Fields {
		if strings.HasPrefix(f.Name, prefix) && len(f.Tables) == 1 && !f.Tables[0].Loose {
			out = append(out, f)
		}
	}
	return out
}

// A randomSet is a set expression with its meaning per tuple.
type randomSet struct {
	text  string
	holds func(tree int, tup oracle.Tuple) bool
}

func (tr *trial) set(depth int) randomSet {
	switch k := tr.rng.IntN(8); {
	case depth > 0 && k < 4:
		l, r := tr.set(depth-1), tr.set(depth-1)
		op := "+-*/"[k]
		return randomSet{"(" + l.text + string(op) + r.text + ")", func(tree int, tup oracle.Tuple) bool {
			a, b := l.holds(tree, tup), r.holds(tree, tup)
			return [4]bool{a || b, a && !b, a && b, a != b}[k]
		}}
	case k == 4:
		return randomSet{"1", func(int, oracle.Tuple) bool { return true }}
	case k == 5:
		return randomSet{"$", func(tree int, tup oracle.Tuple) bool { return tr.u.Satisfies(tree, tup, tr.st) }}
	}
	fields := tr.fields("a")
	f := fields[tr.rng.IntN(len(fields))]
	codes := bitset.New(f.Symbols.Len() + 1)
	var elems []string
	for c := 1; c <= f.Symbols.Len(); c++ {
		if tr.rng.IntN(2) == 0 {
			codes.Add(c)
			elems = append(elems, fmt.Sprint(f.Symbols.Number(uint32(c))))
		}
	}
	base, from := tr.st, "$"
	if tr.rng.IntN(2) == 0 {
		base, from = nil, "1"
	}
	st := base.With(f.Name, state.Selection{Codes: codes})
	return randomSet{from + "<" + f.Name + "={" + strings.Join(elems, ",") + "}>", func(tree int, tup oracle.Tuple) bool {
		if codes.Empty() {
			return false
		}
		return tr.u.Satisfies(tree, tup, st)
	}}
}

type record struct{ key, group string }

// An argument is an expression over one or two fields with its meaning.
type argument struct {
	text string // %[1]s and %[2]s are the fields
	n    int
	eval func(x, y float64) float64
}

var arguments = []argument{
	{"%[1]s", 1, func(x, _ float64) float64 { return x }},
	{"If(%[1]s>2, %[1]s, -1)", 1, func(x, _ float64) float64 {
		if x > 2 {
			return x
		}
		return -1 // also where x is NULL
	}},
	{"Alt(%[1]s, 7)+1", 1, func(x, _ float64) float64 {
		if x != x {
			x = 7
		}
		return x + 1
	}},
	{"%[1]s*%[2]s", 2, func(x, y float64) float64 { return x * y }},
	{"If(%[1]s=%[2]s, 1, %[2]s)", 2, func(x, y float64) float64 {
		if x == y {
			return 1
		}
		return y
	}},
	{"RangeSum(%[1]s, %[2]s)", 2, func(x, y float64) (s float64) {
		for _, v := range []float64{x, y} {
			if v == v {
				s += v
			}
		}
		return s
	}},
}

// naive folds the distinct records of a measure by group of dimension codes.
func (tr *trial) naive(set randomSet, arg *argument, args []*model.Field, dims []*model.Field) map[string][]float64 {
	tree := tr.u.TreeOf(args[0])
	seen := map[record]bool{}
	out := map[string][]float64{}
	for _, tup := range tr.u.Tuples[tree] {
		if !set.holds(tree, tup) {
			continue
		}
		key, some := "", false
		var xs [2]float64
		for i, f := range args {
			r := tup[f.Tables[0].ID]
			some = some || r >= 0
			key += fmt.Sprint(r, ",")
			x := math.NaN()
			if r >= 0 {
				x = f.Symbols.Number(f.Tables[0].Column(f).Code(r))
			}
			xs[i] = x
		}
		rec := record{key, tr.group(tree, tup, dims)}
		if !some || seen[rec] {
			continue
		}
		seen[rec] = true
		if _, ok := out[rec.group]; !ok {
			out[rec.group] = nil
		}
		if x := arg.eval(xs[0], xs[1]); x == x {
			out[rec.group] = append(out[rec.group], x)
		}
	}
	return out
}

// group prints the codes of the dimensions of a tree; others are left blank.
func (tr *trial) group(tree int, tup oracle.Tuple, dims []*model.Field) string {
	s := ""
	for _, d := range dims {
		if tr.u.TreeOf(d) == tree {
			s += fmt.Sprint(tr.u.Code(tup, d))
		}
		s += "|"
	}
	return s
}

var measures = []struct {
	text string
	fold func(xs []float64) float64
}{
	{"Sum({%s} %s)", sum},
	{"Count({%s} %s)", func(xs []float64) float64 { return float64(len(xs)) }},
	{"Avg({%s} %s)", func(xs []float64) float64 { return sum(xs) / float64(len(xs)) }},
	{"Min({%s} %s)", func(xs []float64) float64 { return extreme(xs, math.Min) }},
	{"Max({%s} %s)", func(xs []float64) float64 { return extreme(xs, math.Max) }},
	{"Count({%s} DISTINCT %s)", func(xs []float64) float64 {
		set := map[float64]bool{}
		for _, x := range xs {
			set[x] = true
		}
		return float64(len(set))
	}},
}

func sum(xs []float64) (s float64) {
	for _, x := range xs {
		s += x
	}
	return s
}

func extreme(xs []float64, f func(a, b float64) float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	x := xs[0]
	for _, y := range xs {
		x = f(x, y)
	}
	return x
}

// TestGridAgainstOracle asks random measures over random dimensions, sets and
// selections, and compares every cell with a nested loop over the universe.
func TestGridAgainstOracle(t *testing.T) {
	rounds := uint64(10000)
	if testing.Short() {
		rounds = 1000
	}
	cells := 0
	for seed := range rounds {
		tr := newTrial(t, seed)
		nums := tr.fields("a")
		if len(nums) == 0 {
			continue
		}
		var dims []*model.Field
		var defs []DimDef
		for range tr.rng.IntN(3) {
			d := tr.m.Fields[tr.rng.IntN(len(tr.m.Fields))]
			if len(d.Tables) > 1 && len(d.Links) != len(d.Tables) || len(d.Tables) == 1 && d.Tables[0].Loose {
				continue
			}
			dims = append(dims, d)
			defs = append(defs, DimDef{Field: d.Name})
		}
		args := []*model.Field{nums[tr.rng.IntN(len(nums))]}
		arg := &arguments[tr.rng.IntN(3)]
		names := []any{args[0].Name}
		if second := nums[tr.rng.IntN(len(nums))]; tr.rng.IntN(3) == 0 && tr.u.TreeOf(second) == tr.u.TreeOf(args[0]) {
			args = append(args, second)
			names = append(names, second.Name)
			arg = &arguments[3+tr.rng.IntN(3)]
		}
		text := fmt.Sprintf(arg.text, names...)
		set := tr.set(2)
		kind := measures[tr.rng.IntN(len(measures))]
		source := fmt.Sprintf(kind.text, set.text, text)
		g, err := tr.c.Grid(context.Background(), defs, []string{source})
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, source, err)
		}
		vals, err := g.Measures(nil)
		if err != nil {
			t.Fatal(err)
		}
		want := tr.naive(set, arg, args, dims)
		tree := tr.u.TreeOf(args[0])
		found := map[string]bool{}
		for row := range g.N {
			group := ""
			for d := range dims {
				if tr.u.TreeOf(dims[d]) == tree {
					group += fmt.Sprint(g.Code(d, row))
				}
				group += "|"
			}
			found[group] = true
			x := kind.fold(want[group])
			if got := vals[0].Num(row); !(got == x || math.IsNaN(got) && math.IsNaN(x)) {
				t.Fatalf("seed %d: %s by %v, selected %v: group %s: %v, want %v", seed, source, defs, tr.st.Fields(), group, got, x)
			}
			cells++
		}
		for group, xs := range want {
			if !found[group] && len(xs) > 0 && g.N > 0 { // an island without values leaves no rows at all
				t.Fatalf("seed %d: %s by %v, selected %v: no row for group %s", seed, source, defs, tr.st.Fields(), group)
			}
		}
		total, err := g.Totals()
		if err != nil {
			t.Fatal(err)
		}
		x := kind.fold(tr.naive(set, arg, args, nil)[""])
		if got := total[0].Float(); !(got == x || math.IsNaN(got) && math.IsNaN(x)) {
			t.Fatalf("seed %d: %s: total %v, want %v", seed, source, got, x)
		}
	}
	if cells < 10000 && !testing.Short() {
		t.Fatalf("only %d cells were compared", cells)
	}
}
