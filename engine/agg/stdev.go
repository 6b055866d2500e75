package agg

import (
	"math"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

var momentFamily = []aggregation{
	{name: "StDev", argsMin: 1, argsMax: 1, make: func(*fn.Context, Spec) Aggregator { return &spread{} }},
	{name: "StErr", argsMin: 1, argsMax: 1, make: func(*fn.Context, Spec) Aggregator { return &spread{ofMean: true} }},
}

// spread is the sample standard deviation, or that of the mean. It keeps
// count, mean and squares around the mean (Welford), which merge exactly
// (Chan, Golub, LeVeque 1979), not the values.
type spread struct {
	ofMean bool
	read   numbers
	groups []moment
}

type moment struct{ n, mean, squares float64 }

func (a *spread) Grow(nGroups int) { a.groups = grown(a.groups, nGroups) }

func (a *spread) Add(groups []uint32, args []dual.Vector) {
	for i, v := range a.read.of(&args[0]) {
		if v == v {
			m := &a.groups[groupOf(groups, i)]
			m.n++
			d := v - m.mean
			m.mean += d / m.n
			m.squares += d * (v - m.mean)
		}
	}
}

func (a *spread) Merge(o Aggregator, to []uint32) {
	for g, theirs := range o.(*spread).groups {
		m := &a.groups[to[g]]
		n := m.n + theirs.n
		if theirs.n == 0 {
			continue
		}
		d := theirs.mean - m.mean
		m.squares += theirs.squares + d*d*m.n*theirs.n/n
		m.mean += d * theirs.n / n
		m.n = n
	}
}

func (a *spread) Result(g int) dual.Value {
	m := a.groups[g]
	if m.n < 2 {
		return dual.Value{}
	}
	s := math.Sqrt(m.squares / (m.n - 1))
	if a.ofMean {
		s /= math.Sqrt(m.n)
	}
	return dual.Formatted(s, fn.FormatReal)
}
