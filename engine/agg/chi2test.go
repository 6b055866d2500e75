package agg

import (
	"math"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/fn/stat"
	"github.com/cognate-bi/cognate/storage/dual"
)

var chiFamily = []aggregation{
	chiTest("Chi2Test_Chi2", func(chi2, _ float64) float64 { return chi2 }),
	chiTest("Chi2Test_DF", func(_, df float64) float64 { return df }),
	chiTest("Chi2Test_p", stat.ChiUpper),
}

func chiTest(name string, of func(chi2, df float64) float64) aggregation {
	return aggregation{name: name, argsMin: 3, argsMax: 4, make: func(_ *fn.Context, s Spec) Aggregator {
		return &chi2{of: of, expected: s.NArgs > 3, cols: newInterner(), rows: newInterner()}
	}}
}

// chi2 fills a matrix, column by row, with observed and expected values.
type chi2 struct {
	of         func(chi2, df float64) float64
	expected   bool
	cols, rows interner
	read       [2]numbers
	groups     []map[pair]cell
}

type cell struct{ actual, expected float64 }

func (a *chi2) Grow(nGroups int) {
	for len(a.groups) < nGroups {
		a.groups = append(a.groups, map[pair]cell{})
	}
}

func (a *chi2) Add(groups []uint32, args []dual.Vector) {
	actual := a.read[0].of(&args[2])
	var expected []float64
	if a.expected {
		expected = a.read[1].of(&args[3])
	}
	for i, v := range actual {
		c := cell{actual: v}
		if a.expected {
			c.expected = expected[i]
		}
		if math.IsNaN(c.actual+c.expected) || args[0].At(i).IsNull() || args[1].At(i).IsNull() {
			continue
		}
		a.put(groupOf(groups, i), pair{a.cols.idAt(&args[0], i), a.rows.idAt(&args[1], i)}, c)
	}
}

func (a *chi2) put(g uint32, at pair, c cell) {
	old := a.groups[g][at]
	a.groups[g][at] = cell{old.actual + c.actual, old.expected + c.expected}
}

func (a *chi2) Merge(o Aggregator, to []uint32) {
	theirs := o.(*chi2)
	for g, cells := range theirs.groups {
		for at, c := range cells {
			a.put(to[g], pair{
				a.cols.id(theirs.cols.values[at.first]), a.rows.id(theirs.rows.values[at.second]),
			}, c)
		}
	}
}

func (a *chi2) Result(g int) dual.Value {
	cols, rows := map[uint32]float64{}, map[uint32]float64{}
	total := 0.0
	for at, c := range a.groups[g] {
		cols[at.first] += c.actual
		rows[at.second] += c.actual
		total += c.actual
	}
	var sum stat.Sum
	for col, nCol := range cols {
		for row, nRow := range rows {
			c := a.groups[g][pair{col, row}]
			if !a.expected {
				c.expected = nCol * nRow / total
			}
			sum.Add((c.actual - c.expected) * (c.actual - c.expected) / c.expected)
		}
	}
	df := float64(len(cols)-1) * float64(len(rows)-1)
	if df < 1 {
		return dual.Value{}
	}
	return finite(a.of(sum.Value(), df))
}
