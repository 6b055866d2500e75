package agg

import (
	"math"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/fn/stat"
	"github.com/cognate-bi/cognate/storage/dual"
)

// significance is the default of the sig argument: a 95 % interval.
const significance = 0.025

// figures are the endings of the names of tests.
var figures = []struct {
	ending string
	of     func(*stat.Test) float64
}{
	{"_Conf", func(t *stat.Test) float64 { return t.Conf }},
	{"_DF", func(t *stat.Test) float64 { return t.DF }},
	{"_Dif", func(t *stat.Test) float64 { return t.Dif }},
	{"_Lower", func(t *stat.Test) float64 { return t.Dif - t.Conf }},
	{"_Sig", func(t *stat.Test) float64 { return t.P }},
	{"_StErr", func(t *stat.Test) float64 { return t.StErr }},
	{"_t", func(t *stat.Test) float64 { return t.Stat }},
	{"_Upper", func(t *stat.Test) float64 { return t.Dif + t.Conf }},
	{"_z", func(t *stat.Test) float64 { return t.Stat }},
}

// A testKind is a test with its arguments: [weight,] [group,] value,
// parameters.
type testKind struct {
	name     string
	weighted bool
	grouped  bool
	params   int // parameters at most
	of       func(s *samples) stat.Test
}

var testFamily = testTable([]testKind{
	{"TTest1", false, false, 1, tTest1},
	{"TTest1w", true, false, 1, tTest1},
	{"TTest", false, true, 2, tTest2},
	{"TTestw", true, true, 2, tTest2},
	{"ZTest", false, false, 2, zTest},
	{"ZTestw", true, false, 2, zTest},
})

func testTable(kinds []testKind) (family []aggregation) {
	for _, k := range kinds {
		nArgs := 1
		if k.weighted {
			nArgs++
		}
		if k.grouped {
			nArgs++
		}
		for _, f := range figures {
			if (k.name[0] == 'Z') != (f.ending == "_z") && (f.ending == "_z" || f.ending == "_t" || f.ending == "_DF") {
				continue // _z belongs to z-tests, _t and _DF to t-tests
			}
			family = append(family, aggregation{
				name: k.name + f.ending, argsMin: nArgs, argsMax: nArgs + k.params,
				make: func(_ *fn.Context, s Spec) Aggregator {
					return &meanTest{kind: k, figure: f.of, nArgs: nArgs, read: make([]numbers, s.NArgs)}
				},
			})
		}
	}
	return family
}

func tTest1(s *samples) stat.Test {
	return stat.TTest(s.x[0], s.w[0], s.param(0, significance))
}

// tTest2 takes (value, sig, eqVar); one parameter alone is eqVar if it is a
// truth value.
func tTest2(s *samples) stat.Test {
	sig, pooled := s.param(0, significance), s.param(1, -1) != 0
	if len(s.params) == 1 && (sig == 0 || sig == -1 || sig == 1) {
		sig, pooled = significance, sig != 0
	}
	return stat.TTest2(s.x[0], s.w[0], s.x[1], s.w[1], sig, pooled)
}

func zTest(s *samples) stat.Test {
	return stat.ZTest(s.x[0], s.w[0], s.param(0, 0), s.param(1, significance))
}

// meanTest keeps the samples of each group of rows and tests them.
type meanTest struct {
	kind   testKind
	figure func(*stat.Test) float64
	nArgs  int // without parameters
	read   []numbers
	groups []samples
}

// samples are the values of one group of rows: one sample, or two told apart
// by the values of the group argument, in order of appearance.
type samples struct {
	x, w   [2][]float64
	labels []dual.Value // of grouped tests
	many   bool         // more than two labels: no test
	params []float64
}

func (s *samples) param(i int, fallback float64) float64 {
	if i < len(s.params) && !math.IsNaN(s.params[i]) {
		return s.params[i]
	}
	return fallback
}

// sampleOf returns which sample a label means.
func (s *samples) sampleOf(label dual.Value) int {
	for i, l := range s.labels {
		if dual.Same(l, label) {
			return i
		}
	}
	if len(s.labels) == 2 {
		s.many = true
		return 0
	}
	s.labels = append(s.labels, label)
	return len(s.labels) - 1
}

func (a *meanTest) Grow(nGroups int) { a.groups = grown(a.groups, nGroups) }

func (a *meanTest) Add(groups []uint32, args []dual.Vector) {
	in := make([][]float64, len(args))
	for k := range in {
		in[k] = a.read[k].of(&args[k])
	}
	value := in[a.nArgs-1]
	for i, v := range value {
		w := 1.0
		if a.kind.weighted {
			w = in[0][i]
		}
		if math.IsNaN(v + w) {
			continue
		}
		s := &a.groups[groupOf(groups, i)]
		which := 0
		if a.kind.grouped {
			label := args[a.nArgs-2].At(i)
			if label.IsNull() {
				continue
			}
			which = s.sampleOf(label)
		}
		if s.params == nil {
			for _, p := range in[a.nArgs:] {
				s.params = append(s.params, p[i])
			}
		}
		s.x[which] = append(s.x[which], v)
		s.w[which] = append(s.w[which], w)
	}
}

func (a *meanTest) Merge(o Aggregator, to []uint32) {
	for g, theirs := range o.(*meanTest).groups {
		s := &a.groups[to[g]]
		if s.params == nil {
			s.params = theirs.params
		}
		s.many = s.many || theirs.many
		for k := range theirs.x {
			which := k
			if k < len(theirs.labels) {
				which = s.sampleOf(theirs.labels[k])
			}
			s.x[which] = append(s.x[which], theirs.x[k]...)
			s.w[which] = append(s.w[which], theirs.w[k]...)
		}
	}
}

func (a *meanTest) Result(g int) dual.Value {
	s := &a.groups[g]
	if len(s.x[0]) == 0 || s.many || a.kind.grouped && len(s.labels) != 2 {
		return dual.Value{}
	}
	t := a.kind.of(s)
	return finite(a.figure(&t))
}
