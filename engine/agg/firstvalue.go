package agg

import (
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

var orderFamily = []aggregation{
	{name: "FirstValue", argsMin: 1, argsMax: 1, ownDistinct: true, make: func(*fn.Context, Spec) Aggregator { return &edgeValue{} }},
	{name: "LastValue", argsMin: 1, argsMax: 1, ownDistinct: true, make: func(*fn.Context, Spec) Aggregator { return &edgeValue{last: true} }},
}

// edgeValue keeps the value of the first or last row of a group, NULL too.
type edgeValue struct {
	last   bool
	groups []edge
}

type edge struct {
	value dual.Value
	set   bool
}

func (a *edgeValue) Grow(nGroups int) { a.groups = grown(a.groups, nGroups) }

func (a *edgeValue) Add(groups []uint32, args []dual.Vector) {
	for i := range args[0].N {
		if e := &a.groups[groupOf(groups, i)]; a.last || !e.set {
			*e = edge{args[0].At(i), true}
		}
	}
}

func (a *edgeValue) Merge(o Aggregator, to []uint32) {
	for g, theirs := range o.(*edgeValue).groups {
		if e := &a.groups[to[g]]; theirs.set && (a.last || !e.set) {
			*e = theirs
		}
	}
}

func (a *edgeValue) Result(g int) dual.Value { return a.groups[g].value }
