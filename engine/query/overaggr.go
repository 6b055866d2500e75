package query

import (
	"slices"

	"github.com/cognate-bi/cognate/engine/model"
)

// overAggr reports whether the records of a job are the rows of Aggr tables:
// one per combination of the tables' dimensions.
func (p *planner) overAggr(j *job) bool {
	if len(j.aggrs) == 0 || len(j.fields) > 0 {
		return false
	}
	for _, a := range j.aggrs {
		if a.noDistinct {
			return false
		}
	}
	return true
}

// runAggr aggregates over the rows of Aggr tables. The dimensions of the grid
// that are linked to them are brought in by listing all combinations of both
// kinds of dimensions; a combination of the table's own dimensions counts
// once.
func (p *planner) runAggr(j *job) error {
	sub := newPlanner(p.ctx, p.c, p.depth, j.scope)
	var fields []*model.Field
	for _, a := range j.aggrs {
		for _, f := range a.fields {
			if !slices.Contains(fields, f) {
				fields = append(fields, f)
				sub.dims = append(sub.dims, &dim{field: f})
			}
		}
	}
	own := len(sub.dims)
	at := make([]int, len(j.dims)) // where the grid's dimensions stand among sub.dims
	for i, pos := range j.dims {
		d := p.dims[pos]
		at[i] = slices.IndexFunc(sub.dims, func(o *dim) bool { return d.field != nil && o.field == d.field })
		if at[i] < 0 {
			at[i] = len(sub.dims)
			sub.dims = append(sub.dims, d)
		}
	}
	g, err := sub.build(nil)
	if err != nil {
		return err
	}
	once := newGroups(make([]uint64, own))
	cols := make([][]uint32, len(sub.dims))
	tuple := make([]uint32, own)
	n := 0
	for row := range g.N {
		for d := range tuple {
			tuple[d] = g.codes[d][row]
		}
		before := once.n
		if once.of(tuple); once.n == before {
			continue
		}
		n++
		for d := range cols {
			cols[d] = append(cols[d], g.codes[d][row])
		}
	}
	return p.foldAggr(j, fields, cols, at, n)
}

// foldAggr feeds the listed records to the job's aggregators.
func (p *planner) foldAggr(j *job, fields []*model.Field, cols [][]uint32, at []int, n int) error {
	s := &scan{c: p.c, scope: j.scope, planner: p, jobs: []*job{j}, col: map[*model.Field]int{}}
	for _, f := range fields {
		s.column(f)
	}
	for _, pos := range j.dims {
		s.dims = append(s.dims, &dim{field: p.dims[pos].field, values: p.dims[pos].values, through: p.dims[pos].through})
		s.at = append(s.at, pos)
	}
	s.jobAt = [][2]int{{s.want(j.dims), s.want(nil)}}
	w, err := s.newWorker()
	if err != nil {
		return err
	}
	if n > 0 {
		w.given = make([][]uint32, len(j.dims))
		for i := range j.dims {
			w.given[i] = cols[at[i]]
		}
		if err := w.add(&batch{n: n, cols: cols}); err != nil {
			return err
		}
	}
	w.deliver(0, j)
	return nil
}
