package agg

import (
	"math"

	"github.com/cognate-bi/cognate/storage/dual"
)

// A Totaler is an aggregator that can tell the result over all of its groups
// together, so that nobody need fold the rows a second time for it.
type Totaler interface {
	Aggregator
	// Total returns the result over all groups. It changes nothing.
	Total() dual.Value
}

var (
	_ Totaler = (*sum)(nil)
	_ Totaler = (*count)(nil)
	_ Totaler = (*extreme)(nil)
)

// Total implements [Totaler].
func (a *sum) Total() dual.Value {
	all := sum{mean: a.mean, groups: make([]total, 1)}
	all.Merge(a, make([]uint32, len(a.groups)))
	return all.Result(0)
}

// Total implements [Totaler].
func (a *count) Total() dual.Value {
	all := count{groups: make([]int, 1)}
	all.Merge(a, make([]uint32, len(a.groups)))
	return all.Result(0)
}

// Total implements [Totaler].
func (a *extreme) Total() dual.Value {
	all := extreme{sign: a.sign, groups: []float64{math.Inf(1)}}
	all.Merge(a, make([]uint32, len(a.groups)))
	return all.Result(0)
}
