package agg

import (
	"sort"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

var sortedFamily = []aggregation{
	{name: "FirstSortedValue", argsMin: 2, argsMax: 3, ownDistinct: true, make: func(_ *fn.Context, s Spec) Aggregator {
		return &firstSorted{distinct: s.Distinct, nArgs: s.NArgs}
	}},
}

// firstSorted keeps the values on the rows of the lowest sort weights, as many
// different weights as the rank asks for. Rows without a weight are left out.
type firstSorted struct {
	distinct bool
	nArgs    int
	weight   numbers
	rank     numbers
	groups   []podium
}

// A podium is a list of places sorted by weight, at most rank of them.
type podium struct {
	rank   int
	places []place
}

// A place is a weight and the value on its rows, or several.
type place struct {
	weight  float64
	value   dual.Value
	several bool
}

func (a *firstSorted) Grow(nGroups int) { a.groups = grown(a.groups, nGroups) }

func (a *firstSorted) Add(groups []uint32, args []dual.Vector) {
	weight := a.weight.of(&args[1])
	var rank []float64
	if a.nArgs > 2 {
		rank = a.rank.of(&args[2])
	}
	for i, w := range weight {
		p := &a.groups[groupOf(groups, i)]
		if p.rank == 0 {
			p.rank = 1
			if rank != nil {
				p.rank = rankOf(rank[i])
			}
		}
		if w != w || len(p.places) >= p.rank && (p.rank == 0 || w > p.places[len(p.places)-1].weight) {
			continue
		}
		p.add(place{weight: w, value: args[0].At(i)})
	}
}

func (p *podium) add(q place) {
	n := len(p.places)
	i := sort.Search(n, func(i int) bool { return p.places[i].weight >= q.weight })
	if i < n && p.places[i].weight == q.weight {
		mine := &p.places[i]
		same := dual.Same(mine.value, q.value) || mine.value.IsNull() && q.value.IsNull()
		mine.several = mine.several || q.several || !same
		return
	}
	if i >= p.rank {
		return
	}
	if n < p.rank {
		p.places = append(p.places, place{})
	}
	copy(p.places[i+1:], p.places[i:])
	p.places[i] = q
}

func (a *firstSorted) Merge(o Aggregator, to []uint32) {
	for g, theirs := range o.(*firstSorted).groups {
		p := &a.groups[to[g]]
		p.rank = max(p.rank, theirs.rank)
		for _, q := range theirs.places {
			p.add(q)
		}
	}
}

func (a *firstSorted) Result(g int) dual.Value {
	p := &a.groups[g]
	if p.rank == 0 || len(p.places) < p.rank {
		return dual.Value{}
	}
	q := p.places[p.rank-1]
	if q.several && !a.distinct {
		return dual.Value{}
	}
	return q.value
}
