package agg

import (
	"math"
	"slices"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/fn/stat"
	"github.com/cognate-bi/cognate/storage/dual"
)

var sampleFamily = []aggregation{
	ofSample("Skew", 1, func(x []float64, _ float64) float64 { return stat.Skew(x) }),
	ofSample("Kurtosis", 1, func(x []float64, _ float64) float64 { return stat.Kurtosis(x) }),
	ofSample("Irr", 1, func(x []float64, _ float64) float64 { return stat.Irr(x) }),
	{name: "Npv", argsMin: 2, argsMax: 2, make: func(*fn.Context, Spec) Aggregator {
		return &sample{valueAt: 1, nArgs: 2, of: func(x []float64, rate float64) float64 { return stat.Npv(rate, x) }}
	}},
}

// ofSample is a function of all numbers of a group, in load order, and, with
// two arguments, of a parameter. It may reorder the numbers.
func ofSample(name string, nArgs int, f func(x []float64, parameter float64) float64) aggregation {
	return aggregation{name: name, argsMin: nArgs, argsMax: nArgs, make: func(*fn.Context, Spec) Aggregator {
		return &sample{nArgs: nArgs, of: f}
	}}
}

// sample keeps all numbers of a group.
type sample struct {
	nArgs   int
	valueAt int // argument that is the value; the other one is the parameter
	of      func(x []float64, parameter float64) float64
	read    [2]numbers
	groups  []sampleGroup
}

type sampleGroup struct {
	x         []float64
	parameter float64 // of the group's first row that has one
	hasParam  bool
}

func (a *sample) Grow(nGroups int) { a.groups = grown(a.groups, nGroups) }

func (a *sample) Add(groups []uint32, args []dual.Vector) {
	var parameter []float64
	if a.nArgs > 1 {
		parameter = a.read[1].of(&args[1-a.valueAt])
	}
	for i, v := range a.read[0].of(&args[a.valueAt]) {
		s := &a.groups[groupOf(groups, i)]
		if parameter != nil && !s.hasParam && !math.IsNaN(parameter[i]) {
			s.parameter, s.hasParam = parameter[i], true
		}
		if v == v {
			s.x = append(s.x, v)
		}
	}
}

func (a *sample) Merge(o Aggregator, to []uint32) {
	for g, theirs := range o.(*sample).groups {
		s := &a.groups[to[g]]
		if !s.hasParam {
			s.parameter, s.hasParam = theirs.parameter, theirs.hasParam
		}
		s.x = append(s.x, theirs.x...)
	}
}

func (a *sample) Result(g int) dual.Value {
	s := &a.groups[g]
	if len(s.x) == 0 || a.nArgs > 1 && !s.hasParam {
		return dual.Value{}
	}
	return finite(a.of(slices.Clone(s.x), s.parameter))
}

// finite returns a result; NULL if it is not a finite number.
func finite(x float64) dual.Value {
	if math.IsInf(x, 0) {
		return dual.Value{}
	}
	return dual.Formatted(x, fn.FormatReal)
}
