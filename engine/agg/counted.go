package agg

import "github.com/cognate-bi/cognate/storage/dual"

// Counted is an aggregator that can take equal rows together: a row that
// comes n times is folded in one step.
type Counted interface {
	Aggregator
	// AddCounted is Add with every row i coming n[i] times.
	AddCounted(groups []uint32, args []dual.Vector, n []uint32)
}

var (
	_ Counted = (*sum)(nil)
	_ Counted = (*count)(nil)
	_ Counted = (*mode)(nil)
)

// AddCounted implements [Counted].
func (a *sum) AddCounted(groups []uint32, args []dual.Vector, n []uint32) {
	for i, v := range a.read.of(&args[0]) {
		if v == v { // not NULL
			t := &a.groups[groupOf(groups, i)]
			t.sum.Add(v * float64(n[i]))
			t.n += int(n[i])
		}
	}
}

// AddCounted implements [Counted].
func (a *count) AddCounted(groups []uint32, args []dual.Vector, n []uint32) {
	v := &args[0]
	for i := range v.N {
		a.groups[groupOf(groups, i)] += a.counts[kindAt(v.Dict, v.Entry(i))] * int(n[i])
	}
}

// AddCounted implements [Counted].
func (a *mode) AddCounted(groups []uint32, args []dual.Vector, n []uint32) {
	for i := range args[0].N {
		a.groups[groupOf(groups, i)][a.values.idAt(&args[0], i)] += int(n[i])
	}
}
