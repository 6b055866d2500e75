package agg

import (
	"math"
	"sort"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

var extremeFamily = []aggregation{
	{name: "Min", argsMin: 1, argsMax: 2, ownDistinct: true, make: func(_ *fn.Context, s Spec) Aggregator { return newExtreme(s, 1) }},
	{name: "Max", argsMin: 1, argsMax: 2, ownDistinct: true, make: func(_ *fn.Context, s Spec) Aggregator { return newExtreme(s, -1) }},
}

func newExtreme(s Spec, sign float64) Aggregator {
	if s.NArgs == 2 {
		return &ranked{sign: sign}
	}
	return &extreme{sign: sign}
}

// extreme keeps the least of sign*x: the smallest number for sign 1, the
// largest for -1.
type extreme struct {
	sign   float64
	read   numbers
	groups []float64 // +Inf as long as there is none
}

func (a *extreme) Grow(nGroups int) {
	for len(a.groups) < nGroups {
		a.groups = append(a.groups, math.Inf(1))
	}
}

func (a *extreme) Add(groups []uint32, args []dual.Vector) {
	x := a.read.of(&args[0])
	if groups == nil {
		best := a.groups[0]
		for _, v := range x {
			if v *= a.sign; v < best { // false for NaN
				best = v
			}
		}
		a.groups[0] = best
		return
	}
	for i, v := range x {
		if v *= a.sign; v < a.groups[groups[i]] {
			a.groups[groups[i]] = v
		}
	}
}

func (a *extreme) Merge(o Aggregator, to []uint32) {
	for g, v := range o.(*extreme).groups {
		a.groups[to[g]] = math.Min(a.groups[to[g]], v)
	}
}

func (a *extreme) Result(g int) dual.Value { return dual.Formatted(a.result(g), fn.FormatReal) }

// result returns the number of a group, NaN for NULL.
func (a *extreme) result(g int) float64 {
	if math.IsInf(a.groups[g], 1) {
		return math.NaN()
	}
	return a.groups[g] * a.sign
}

func (a *extreme) numbers(dst []float64) *dual.Format {
	for g := range dst {
		dst[g] = a.result(g)
	}
	return fn.FormatReal
}

// ranked keeps as many of the least different sign*x as the rank asks for.
type ranked struct {
	sign       float64
	read, rank numbers
	groups     []leading
}

// leading is a sorted list of different numbers, at most rank of them.
type leading struct {
	rank int // 0 = not known yet
	x    []float64
}

func (a *ranked) Grow(nGroups int) { a.groups = grown(a.groups, nGroups) }

func (a *ranked) Add(groups []uint32, args []dual.Vector) {
	x, rank := a.read.of(&args[0]), a.rank.of(&args[1])
	for i, v := range x {
		l := &a.groups[groupOf(groups, i)]
		if l.rank == 0 {
			l.rank = rankOf(rank[i])
		}
		if v == v {
			l.add(v * a.sign)
		}
	}
}

// rankOf returns the rank an argument asks for, 0 if it is none.
func rankOf(x float64) int {
	if !(x >= 1 && x <= math.MaxInt32) {
		return 0
	}
	return int(x)
}

func (l *leading) add(v float64) {
	n := len(l.x)
	if n >= l.rank && (n == 0 || v >= l.x[n-1]) {
		return
	}
	i := sort.SearchFloat64s(l.x, v)
	if i < n && l.x[i] == v {
		return
	}
	if n < l.rank {
		l.x = append(l.x, 0)
	}
	copy(l.x[i+1:], l.x[i:])
	l.x[i] = v
}

func (a *ranked) Merge(o Aggregator, to []uint32) {
	for g, l := range o.(*ranked).groups {
		mine := &a.groups[to[g]]
		mine.rank = max(mine.rank, l.rank)
		for _, v := range l.x {
			mine.add(v)
		}
	}
}

func (a *ranked) Result(g int) dual.Value {
	l := &a.groups[g]
	if l.rank == 0 || len(l.x) < l.rank {
		return dual.Value{}
	}
	return dual.Formatted(l.x[l.rank-1]*a.sign, fn.FormatReal)
}
