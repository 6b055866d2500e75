package agg

import (
	"math"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/fn/stat"
	"github.com/cognate-bi/cognate/storage/dual"
)

var sumFamily = []aggregation{
	{name: "Sum", argsMin: 1, argsMax: 1, make: func(*fn.Context, Spec) Aggregator { return &sum{} }},
	{name: "Avg", argsMin: 1, argsMax: 1, make: func(*fn.Context, Spec) Aggregator { return &sum{mean: true} }},
}

// sum adds the numeric parts; with mean it also counts them. NULL and text
// add nothing.
type sum struct {
	mean   bool
	read   numbers
	groups []total
}

// A total is a sum, of a compensated part and one of integers, and the number
// of its terms.
type total struct {
	sum   stat.Sum
	n     int
	whole int64 // of 32 bits each: the rows of a table cannot make it overflow
}

// value returns the sum. Both halves of whole are exact as they are added.
func (t *total) value() float64 {
	s := t.sum
	s.Add(float64(t.whole &^ math.MaxUint32))
	s.Add(float64(t.whole & math.MaxUint32))
	return s.Value()
}

func (a *sum) Grow(nGroups int) { a.groups = grown(a.groups, nGroups) }

func (a *sum) Add(groups []uint32, args []dual.Vector) {
	x := a.read.of(&args[0])
	if groups == nil {
		a.groups[0].add(x)
		return
	}
	for i, v := range x {
		if v == v {
			t := &a.groups[groups[i]]
			t.sum.Add(v)
			t.n++
		}
	}
}

// add adds all of x. Four sums side by side hide the latency of the additions.
func (t *total) add(x []float64) {
	var lanes [4]stat.Sum
	n := 0
	for ; len(x) >= 4; x = x[4:] {
		for k := range lanes {
			if v := x[k]; v == v { // not NaN
				lanes[k].Add(v)
				n++
			}
		}
	}
	for _, v := range x {
		if v == v {
			lanes[0].Add(v)
			n++
		}
	}
	for _, lane := range lanes {
		t.sum.AddSum(lane)
	}
	t.n += n
}

func (a *sum) Merge(o Aggregator, to []uint32) {
	for g, t := range o.(*sum).groups {
		mine := &a.groups[to[g]]
		mine.sum.AddSum(t.sum)
		mine.n += t.n
		mine.whole += t.whole
	}
}

func (a *sum) Result(g int) dual.Value { return dual.Formatted(a.result(g), fn.FormatReal) }

// result returns the number of a group, NaN for NULL.
func (a *sum) result(g int) float64 {
	t := &a.groups[g]
	switch {
	case !a.mean:
		return t.value()
	case t.n == 0:
		return math.NaN()
	}
	return t.value() / float64(t.n)
}

func (a *sum) numbers(dst []float64) *dual.Format {
	for g := range dst {
		dst[g] = a.result(g)
	}
	return fn.FormatReal
}
