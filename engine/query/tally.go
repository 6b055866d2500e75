package query

import (
	"github.com/cognate-bi/cognate/engine/agg"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A tally counts how often each code of a field occurs in each group. Jobs
// whose argument depends on one small field are computed from it afterwards:
// the scan costs one increment per row for all of them together, and the
// argument is evaluated once per value, not per row.
type tally struct {
	want int // grouping
	col  int // column of the field
	f    *model.Field
	size int      // codes of the field, NULL included
	n    []uint32 // by group*size + code
}

// tallyMax is the largest number of cells: beyond it the counters leave the
// L2 cache, and adding values row by row is as fast.
const tallyMax = 1 << 18

// canTally reports whether a job can be computed from counts.
func canTally(j *job) bool {
	if len(j.fields) != 1 || len(j.aggrs) > 0 || len(j.args) != 1 && !constantSecond(j) {
		return false
	}
	switch {
	case j.spec.Distinct:
		return j.spec.Name == "count" || j.spec.Name == "sum" || j.spec.Name == "avg"
	case insensitive[j.spec.Name] && len(j.args) == 1, countable[j.spec.Name]:
	default:
		return false
	}
	steady := true
	expr.Walk(j.args[0], func(n expr.Node) bool {
		if c, ok := n.(*expr.Call); ok {
			f := fn.Lookup(c.Name)
			steady = steady && (f == nil || !f.Volatile)
		}
		return steady
	})
	return steady
}

// countable are the aggregations that need no more of equal rows than their
// number.
var countable = map[string]bool{
	"sum": true, "avg": true, "count": true, "mode": true, "median": true, "fractile": true, "fractileexc": true,
}

// constantSecond reports whether a job has a second argument that is a literal.
func constantSecond(j *job) bool {
	if len(j.args) != 2 {
		return false
	}
	_, ok := j.args[1].(*expr.Literal)
	return ok
}

// planTallies gives every grouping of a job a tally, where that is possible.
// Jobs over the same field share theirs.
func (w *worker) planTallies() {
	w.tallyOf = make([][]*tally, len(w.s.jobs))
	for i, j := range w.s.jobs {
		w.tallyOf[i] = make([]*tally, len(w.aggs[i]))
		if !canTally(j) {
			continue
		}
		for k := range w.aggs[i] {
			w.tallyOf[i][k] = w.tally(w.s.jobAt[i][k], j.fields[0])
		}
	}
}

func (w *worker) tally(want int, f *model.Field) *tally {
	for _, t := range w.tallies {
		if t.want == want && t.f == f {
			return t
		}
	}
	size := f.Symbols.Len() + 1
	g := w.groups[want]
	if !g.direct || g.n*size > tallyMax {
		return nil
	}
	t := &tally{want: want, col: w.s.col[f], f: f, size: size, n: make([]uint32, g.n*size)}
	w.tallies = append(w.tallies, t)
	return t
}

// count adds a batch.
func (t *tally) count(w *worker, b *batch) {
	codes := w.fieldCodes(b, t.col)
	if len(w.s.wants[t.want]) == 0 {
		for _, c := range codes {
			t.n[c]++
		}
		return
	}
	size := uint32(t.size)
	groups := w.nums[t.want][:len(codes)]
	for i, c := range codes {
		t.n[groups[i]*size+c]++
	}
}

// settle computes the tallied jobs of a worker, to be called once after all
// workers have been merged into it.
func (w *worker) settle() error {
	for i := range w.s.jobs {
		for k, t := range w.tallyOf[i] {
			if t == nil {
				continue
			}
			if err := w.settleJob(i, k, t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *worker) settleJob(i, k int, t *tally) error {
	var groups, codes, n []uint32
	for at, count := range t.n {
		if count > 0 {
			groups = append(groups, uint32(at/t.size))
			codes = append(codes, uint32(at%t.size))
			n = append(n, count)
		}
	}
	a := w.aggs[i][k]
	a.Grow(w.groups[t.want].n)
	if len(codes) == 0 {
		return nil
	}
	args := make([]dual.Vector, len(w.runs[i]))
	for k, r := range w.runs[i] {
		var err error
		if args[k], err = r.Vector(len(codes), []dual.Vector{dual.Coded(codes, t.f.Dict())}); err != nil {
			return err
		}
	}
	if c, ok := a.(agg.Counted); ok {
		c.AddCounted(groups, args, n)
	} else {
		a.Add(groups, args)
	}
	return nil
}
