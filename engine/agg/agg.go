// Package agg is the library of aggregations: functions that fold the values
// of many rows into one value per group.
//
// The evaluator computes the arguments of an aggregation for a batch of rows
// as vectors, numbers the groups the rows belong to, and hands both to an
// [Aggregator]. Several aggregators of one kind can work on parts of the rows
// and be merged. Families are one file each.
package agg

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

// An Aggregator folds the argument vectors of rows into groups. One goroutine
// uses it at a time.
type Aggregator interface {
	// Grow makes room for groups 0 to nGroups-1, at least as many as before.
	// It is called before the first Add.
	Grow(nGroups int)
	// Add folds a batch of rows. groups[i] is the group of row i, nil means
	// all rows are in group 0; every vector has as many values as there are
	// rows. Rows come in load order. Vectors without codes are not kept: their
	// numbers change after the call.
	Add(groups []uint32, args []dual.Vector)
	// Merge adds what o has, an aggregator made from the same Spec: its group
	// g goes to group to[g] of this one. The rows of o come after ours. o is
	// not used afterwards.
	Merge(o Aggregator, to []uint32)
	// Result returns the value of a group.
	Result(g int) dual.Value
}

// A Spec says which aggregation is wanted. Distinct counts every different
// combination of arguments once per group.
type Spec struct {
	Name     string // without case
	Distinct bool
	NArgs    int
}

// An aggregation is an entry of a family's table.
type aggregation struct {
	name             string
	argsMin, argsMax int
	// ownDistinct says that the aggregation sees to DISTINCT itself, or that
	// it makes no difference.
	ownDistinct bool
	make        func(c *fn.Context, s Spec) Aggregator
}

var families = [][]aggregation{
	sumFamily, countFamily, extremeFamily, onlyFamily, concatFamily, stringFamily, orderFamily,
	sortedFamily, modeFamily, momentFamily, rankFamily, sampleFamily, pairFamily, testFamily, chiFamily,
}

var byName = index(families)

func index(families [][]aggregation) map[string]*aggregation {
	m := map[string]*aggregation{}
	for _, family := range families {
		for i := range family {
			m[strings.ToLower(family[i].name)] = &family[i]
		}
	}
	return m
}

// Known reports whether there is an aggregation of that name, without case.
func Known(name string) bool { return byName[strings.ToLower(name)] != nil }

// New makes an aggregator. The error tells an unknown name or a number of
// arguments that the aggregation does not take.
func New(c *fn.Context, s Spec) (Aggregator, error) {
	a := byName[strings.ToLower(s.Name)]
	if a == nil {
		return nil, fmt.Errorf("no aggregation %s", s.Name)
	}
	if s.NArgs < a.argsMin || s.NArgs > a.argsMax {
		return nil, fmt.Errorf("%s takes %d to %d arguments, not %d", a.name, a.argsMin, a.argsMax, s.NArgs)
	}
	s.Name = a.name
	if s.Distinct && !a.ownDistinct {
		return newDistinct(a.make(c, s), s.NArgs), nil
	}
	return a.make(c, s), nil
}

// grown returns s with at least n elements.
func grown[T any](s []T, n int) []T {
	if n <= len(s) {
		return s
	}
	if n > cap(s) { // doubled: groups become more from batch to batch, and copying them all each time is slow
		s = slices.Grow(s, max(n, 2*len(s))-len(s))
	}
	return append(s, make([]T, n-len(s))...)
}

// groupOf returns the group of row i.
func groupOf(groups []uint32, i int) uint32 {
	if groups == nil {
		return 0
	}
	return groups[i]
}
