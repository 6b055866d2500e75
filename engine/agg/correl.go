package agg

import (
	"math"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/fn/stat"
	"github.com/cognate-bi/cognate/storage/dual"
)

var pairFamily = []aggregation{
	ofColumns("Correl", 2, 2, 2, func(p *points) float64 { return stat.Correl(p.cols[0], p.cols[1]) }),
	ofColumns("StEYX", 2, 2, 2, line(func(l *stat.Line) float64 { return l.SEY })),
	linEst("LinEst_M", func(l *stat.Line) float64 { return l.M }),
	linEst("LinEst_B", func(l *stat.Line) float64 { return l.B }),
	linEst("LinEst_R2", func(l *stat.Line) float64 { return l.R2 }),
	linEst("LinEst_DF", func(l *stat.Line) float64 { return l.DF }),
	linEst("LinEst_F", func(l *stat.Line) float64 { return l.F }),
	linEst("LinEst_SEM", func(l *stat.Line) float64 { return l.SEM }),
	linEst("LinEst_SEB", func(l *stat.Line) float64 { return l.SEB }),
	linEst("LinEst_SEY", func(l *stat.Line) float64 { return l.SEY }),
	linEst("LinEst_SSReg", func(l *stat.Line) float64 { return l.SSReg }),
	linEst("LinEst_SSResid", func(l *stat.Line) float64 { return l.SSResid }),
	ofColumns("Xirr", 2, 3, 2, func(p *points) float64 { return stat.Xirr(p.cols[0], p.cols[1]) }),
	ofColumns("Xnpv", 3, 3, 3, func(p *points) float64 { return stat.Xnpv(first(p.cols[0]), p.cols[1], p.cols[2]) }),
}

func linEst(name string, f func(*stat.Line) float64) aggregation {
	return ofColumns(name, 2, 4, 2, line(f))
}

// line takes a figure of the line of y (column 0) on x (column 1), forced
// through the point of the parameters y0 and x0 if y0 is given.
func line(f func(*stat.Line) float64) func(*points) float64 {
	return func(p *points) float64 {
		y, x := p.cols[0], p.cols[1]
		var l stat.Line
		var ok bool
		if len(p.params) > 0 {
			x0 := 0.0
			if len(p.params) > 1 {
				x0 = p.params[1]
			}
			l, ok = stat.FitLineThrough(x, y, x0, p.params[0])
		} else {
			l, ok = stat.FitLine(x, y)
		}
		if !ok {
			return math.NaN()
		}
		return f(&l)
	}
}

// ofColumns is a function of the complete records of a group: nCols columns of
// numbers. Further arguments are parameters, taken from the first record.
func ofColumns(name string, argsMin, argsMax, nCols int, f func(*points) float64) aggregation {
	return aggregation{name: name, argsMin: argsMin, argsMax: argsMax, make: func(_ *fn.Context, s Spec) Aggregator {
		return &columns{nCols: nCols, nArgs: s.NArgs, of: f, read: make([]numbers, s.NArgs)}
	}}
}

// columns keeps the complete records of each group.
type columns struct {
	nCols, nArgs int
	of           func(*points) float64
	read         []numbers
	groups       []points
}

// points are the records of a group, column by column, and the parameters.
type points struct {
	cols   [][]float64
	params []float64
}

func (a *columns) Grow(nGroups int) {
	for len(a.groups) < nGroups {
		a.groups = append(a.groups, points{cols: make([][]float64, a.nCols)})
	}
}

func (a *columns) Add(groups []uint32, args []dual.Vector) {
	in := make([][]float64, a.nArgs)
	for k := range in {
		in[k] = a.read[k].of(&args[k])
	}
	for i := range args[0].N {
		complete := true
		for _, col := range in[:a.nCols] {
			complete = complete && !math.IsNaN(col[i])
		}
		if !complete {
			continue
		}
		p := &a.groups[groupOf(groups, i)]
		if len(p.cols[0]) == 0 {
			for _, col := range in[a.nCols:] {
				p.params = append(p.params, col[i])
			}
		}
		for k := range p.cols {
			p.cols[k] = append(p.cols[k], in[k][i])
		}
	}
}

func (a *columns) Merge(o Aggregator, to []uint32) {
	for g, theirs := range o.(*columns).groups {
		p := &a.groups[to[g]]
		if len(p.cols[0]) == 0 {
			p.params = theirs.params
		}
		for k := range p.cols {
			p.cols[k] = append(p.cols[k], theirs.cols[k]...)
		}
	}
}

func (a *columns) Result(g int) dual.Value {
	if p := &a.groups[g]; len(p.cols[0]) > 0 {
		return finite(a.of(p))
	}
	return dual.Value{}
}
