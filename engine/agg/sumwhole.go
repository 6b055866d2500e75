package agg

import (
	"math"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage"
)

// A WholeAdder is an aggregator of one argument that can read a field's flat
// vector of integers as it lies.
type WholeAdder interface {
	Aggregator
	// AddWhole is Add with the numbers that v has at the rows, or, where rows
	// is nil, at the n rows from lo on. It reports false, and adds nothing, if
	// v is not of integers.
	AddWhole(groups []uint32, v *storage.Values, rows []uint32, lo, n int) bool
	// AddMasked is AddWhole of one group for those of the n rows from lo on whose
	// bits are set, bit 0 being that of row lo.
	AddMasked(v *storage.Values, rows []uint64, lo, n int) bool
}

var _ WholeAdder = (*sum)(nil)

// AddWhole implements [WholeAdder]. Integers need neither conversion nor
// compensation.
func (a *sum) AddWhole(groups []uint32, v *storage.Values, rows []uint32, lo, n int) bool {
	switch i8, i16, i32 := v.Whole(); {
	case i8 != nil:
		addWhole(a.groups, groups, i8, rows, lo, n, math.MinInt8)
	case i16 != nil:
		addWhole(a.groups, groups, i16, rows, lo, n, math.MinInt16)
	case i32 != nil:
		addWhole(a.groups, groups, i32, rows, lo, n, math.MinInt32)
	default:
		return false
	}
	return true
}

// AddMasked implements [WholeAdder].
func (a *sum) AddMasked(v *storage.Values, rows []uint64, lo, n int) bool {
	t := &a.groups[0]
	switch i8, i16, i32 := v.Whole(); {
	case i8 != nil:
		addMasked(t, i8[lo:lo+n], rows, math.MinInt8)
	case i16 != nil:
		addMasked(t, i16[lo:lo+n], rows, math.MinInt16)
	case i32 != nil:
		addMasked(t, i32[lo:lo+n], rows, math.MinInt32)
	default:
		return false
	}
	return true
}

func addMasked[T simd.Whole](t *total, x []T, rows []uint64, null T) {
	sum, n := simd.SumMasked(x, rows, null)
	t.whole += sum
	t.n += n
}

func addWhole[T simd.Whole](totals []total, groups []uint32, x []T, rows []uint32, lo, n int, null T) {
	switch {
	case groups == nil && rows == nil:
		addOne(&totals[0], x[lo:lo+n], null)
	case groups == nil:
		addOneAt(&totals[0], x, rows, null)
	case rows == nil:
		addRun(totals, groups, x[lo:lo+n], null)
	default:
		addAt(totals, groups, x, rows, null)
	}
}

func addRun[T simd.Whole](totals []total, groups []uint32, x []T, null T) {
	groups = groups[:len(x)]
	for i, v := range x {
		if v != null {
			t := &totals[groups[i]]
			t.whole += int64(v)
			t.n++
		}
	}
}

func addAt[T simd.Whole](totals []total, groups []uint32, x []T, rows []uint32, null T) {
	groups = groups[:len(rows)]
	for i, r := range rows {
		if v := x[r]; v != null {
			t := &totals[groups[i]]
			t.whole += int64(v)
			t.n++
		}
	}
}

func addOne[T simd.Whole](t *total, x []T, null T) {
	sum, n := int64(0), 0
	for _, v := range x {
		if v != null {
			sum += int64(v)
			n++
		}
	}
	t.whole += sum
	t.n += n
}

func addOneAt[T simd.Whole](t *total, x []T, rows []uint32, null T) {
	sum, n := int64(0), 0
	for _, r := range rows {
		if v := x[r]; v != null {
			sum += int64(v)
			n++
		}
	}
	t.whole += sum
	t.n += n
}
