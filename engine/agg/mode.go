package agg

import (
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

var modeFamily = []aggregation{
	{name: "Mode", argsMin: 1, argsMax: 1, ownDistinct: true, make: func(*fn.Context, Spec) Aggregator {
		return &mode{values: newInterner()}
	}},
}

// mode is the one most frequent value.
type mode struct {
	values interner
	groups []map[uint32]int // id -> rows
}

func (a *mode) Grow(nGroups int) {
	for len(a.groups) < nGroups {
		a.groups = append(a.groups, map[uint32]int{})
	}
}

func (a *mode) Add(groups []uint32, args []dual.Vector) {
	for i := range args[0].N {
		a.groups[groupOf(groups, i)][a.values.idAt(&args[0], i)]++
	}
}

func (a *mode) Merge(o Aggregator, to []uint32) {
	theirs := o.(*mode)
	for g, counts := range theirs.groups {
		for id, n := range counts {
			a.groups[to[g]][a.values.id(theirs.values.values[id])] += n
		}
	}
}

func (a *mode) Result(g int) dual.Value {
	var best dual.Value
	most, tie := 0, false
	for id, n := range a.groups[g] {
		v := a.values.values[id]
		switch {
		case v.IsNull() || n < most:
		case n == most:
			tie = true
		default:
			best, most, tie = v, n, false
		}
	}
	if tie {
		return dual.Value{}
	}
	return best
}
