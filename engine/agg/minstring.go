package agg

import (
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

var stringFamily = []aggregation{
	{name: "MinString", argsMin: 1, argsMax: 1, ownDistinct: true, make: func(c *fn.Context, _ Spec) Aggregator {
		return &extremeText{texts: texter{c: c}, before: func(a, b string) bool { return a < b }}
	}},
	{name: "MaxString", argsMin: 1, argsMax: 1, ownDistinct: true, make: func(c *fn.Context, _ Spec) Aggregator {
		return &extremeText{texts: texter{c: c}, before: func(a, b string) bool { return a > b }}
	}},
}

// extremeText keeps the first or last text in text order. Numbers take part
// by their display text.
type extremeText struct {
	texts  texter
	before func(a, b string) bool
	groups []dual.Value
}

func (a *extremeText) Grow(nGroups int) { a.groups = grown(a.groups, nGroups) }

func (a *extremeText) Add(groups []uint32, args []dual.Vector) {
	v := &args[0]
	for i := range v.N {
		if !v.At(i).IsNull() {
			a.offer(groupOf(groups, i), a.texts.at(v, i))
		}
	}
}

func (a *extremeText) offer(g uint32, s string) {
	if best := &a.groups[g]; best.IsNull() || a.before(s, best.Text) {
		*best = dual.String(s)
	}
}

func (a *extremeText) Merge(o Aggregator, to []uint32) {
	for g, v := range o.(*extremeText).groups {
		if !v.IsNull() {
			a.offer(to[g], v.Text)
		}
	}
}

func (a *extremeText) Result(g int) dual.Value { return a.groups[g] }
