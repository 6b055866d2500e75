package query

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/engine/agg"
	"github.com/cognate-bi/cognate/engine/eval"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Grid is the result for a list of dimensions and measures. Rows are in no
// particular order: whoever shows them sorts row numbers and asks for the
// measures in that order, as inter-record functions depend on it.
type Grid struct {
	N int // rows

	c        *Context
	p        *planner
	dims     []*dim
	codes    [][]uint32 // by dimension
	rowsOf   *groups    // the rows are what occurred of it, in its order; nil: of several or none
	measures []expr.Node
	slots    []dual.Vector // by job, N values each
}

// Code returns the code of a dimension in a row, 0 for NULL.
func (g *Grid) Code(dim, row int) uint32 { return g.codes[dim][row] }

// Field returns the field that holds the values of a dimension: a field of
// the model, or for a calculated dimension one of its own.
func (g *Grid) Field(dim int) *storage.Field { return g.dims[dim].source() }

// Plain returns the name of the field that a dimension is, "" if it is
// calculated.
func (g *Grid) Plain(dim int) string {
	if f := g.dims[dim].field; f != nil {
		return f.Name
	}
	return ""
}

// Inputs returns the names of the fields that a dimension depends on.
func (g *Grid) Inputs(dim int) (names []string) {
	for _, f := range g.dims[dim].fields() {
		names = append(names, f.Name)
	}
	return names
}

// Grid evaluates measures over dimensions in the context's state.
func (c *Context) Grid(ctx context.Context, dims []DimDef, measures []string) (*Grid, error) {
	nodes := make([]expr.Node, len(measures))
	for i, m := range measures {
		if strings.TrimSpace(m) == "" {
			nodes[i] = &expr.Literal{}
			continue
		}
		var err error
		if nodes[i], err = c.parse(ctx, m, 0); err != nil {
			return nil, &MeasureError{i, err}
		}
	}
	return c.grid(ctx, dims, nodes, 0)
}

// A DimensionError says which dimension of a grid is wrong.
type DimensionError struct {
	Dim int
	Err error
}

// Error implements error.
func (e *DimensionError) Error() string { return fmt.Sprintf("dimension %d: %v", e.Dim+1, e.Err) }

// Unwrap returns the cause.
func (e *DimensionError) Unwrap() error { return e.Err }

// A MeasureError says which measure of a grid is wrong.
type MeasureError struct {
	Measure int
	Err     error
}

// Error implements error.
func (e *MeasureError) Error() string { return fmt.Sprintf("measure %d: %v", e.Measure+1, e.Err) }

// Unwrap returns the cause.
func (e *MeasureError) Unwrap() error { return e.Err }

func (c *Context) grid(ctx context.Context, dims []DimDef, measures []expr.Node, depth int) (*Grid, error) {
	p := newPlanner(ctx, c, depth, natural(c.current()))
	for i, def := range dims {
		d, err := p.dim(def)
		if err != nil {
			return nil, &DimensionError{i, err}
		}
		p.dims = append(p.dims, d)
	}
	return p.build(measures)
}

// build resolves the measures, runs the scans and puts the rows together.
func (p *planner) build(measures []expr.Node) (*Grid, error) {
	g := &Grid{c: p.c, p: p, dims: p.dims}
	for i, m := range measures {
		node, err := p.measure(m, p.context, 0)
		if err != nil {
			return nil, &MeasureError{i, err}
		}
		g.measures = append(g.measures, node)
		p.resolved = g.measures
	}
	for _, j := range p.jobs {
		if err := p.place(j); err != nil {
			return nil, err
		}
	}
	if err := p.runJobs(); err != nil {
		return nil, err
	}
	if err := p.makeRows(g); err != nil {
		return nil, err
	}
	for _, j := range p.jobs {
		g.slots = append(g.slots, g.column(&j.byRow))
	}
	return g, nil
}

// place finds out which tables a job's records come from and which dimensions
// split them.
func (p *planner) place(j *job) error {
	fields := j.fields
	for _, a := range j.aggrs {
		fields = append(fields, a.fields...)
	}
	j.tables = homes(fields)
	trees := map[int]bool{}
	for _, t := range j.tables {
		trees[t.Tree] = true
		if len(trees) > 1 && !p.overAggr(j) { // Aggr lists the cartesian product itself
			return fmt.Errorf("%s: the fields of one aggregation lie in tables without a link: %s and %s", j.spec.Name, j.tables[0].Name, t.Name)
		}
	}
	if len(j.tables) == 0 || (j.total && len(j.keep) == 0) {
		return nil
	}
	for i, d := range p.dims {
		if j.total && !slices.Contains(j.keep, i) {
			continue
		}
		within := d.call == ""
		for _, f := range d.fields() {
			within = within && (trees[treeOf(f)] || j.tables[0].Column(f) != nil)
		}
		if within {
			j.dims = append(j.dims, i)
		}
	}
	return nil
}

// runJobs puts jobs that share records into one scan and runs the scans.
func (p *planner) runJobs() error {
	shared := map[string]*scan{} // by scope and base
	var order []*scan
	for _, j := range p.jobs {
		var err error
		switch {
		case len(j.tables) == 0:
			err = p.dummy(j)
		case p.overAggr(j):
			err = p.runAggr(j)
		default:
			s := &scan{c: p.c, scope: j.scope, planner: p, from: j.tables, jobs: []*job{j}}
			s.look()
			if s.chooseBase(); s.base == nil {
				s.chooseBroader()
			}
			if s.base == nil {
				if err := p.runApart(j); err != nil {
					return err
				}
				continue
			}
			key := fmt.Sprint(s.base.ID, " ", j.scope.key())
			if s.broader {
				key += " from " + names(j.tables)
			}
			if same := shared[key]; same != nil {
				same.jobs = append(same.jobs, j)
				continue
			}
			shared[key] = s
			order = append(order, s)
		}
		if err != nil {
			return err
		}
	}
	for _, s := range order {
		s.look()
		s.ways, _ = s.waysFrom(s.base) // each job was asked before
		if _, err := s.run(p.ctx); err != nil {
			return err
		}
	}
	return nil
}

func names(tables []*model.Table) string {
	list := make([]string, len(tables))
	for i, t := range tables {
		list[i] = strconv.Quote(t.Name)
	}
	return strings.Join(list, " ")
}

// runApart runs a job whose records may belong to several groups: what is one
// record over everything comes once per group, so the two are separate scans.
func (p *planner) runApart(j *job) error {
	for _, grouping := range [][]int{j.dims, nil} {
		part := *j
		part.dims = grouping
		s := &scan{c: p.c, scope: j.scope, planner: p, from: j.tables, jobs: []*job{&part}}
		s.look()
		s.jobAt[0][1] = s.jobAt[0][0]
		s.chooseBase()
		if _, err := s.run(p.ctx); err != nil {
			return err
		}
		if grouping != nil {
			j.byRow = part.byRow
		}
		j.overall = part.byRow
	}
	if len(j.dims) == 0 {
		j.byRow = j.overall
	}
	return nil
}

// dummy evaluates an aggregation without fields over one record.
func (p *planner) dummy(j *job) error {
	s := &scan{c: p.c, scope: j.scope}
	env := newRecordEnv(s, j)
	a, err := agg.New(p.c.Fn, j.spec)
	if err != nil {
		return err
	}
	args := make([]dual.Vector, len(j.args))
	for i, n := range j.args {
		prog, err := p.c.program(n, env)
		if err != nil {
			return err
		}
		if args[i], err = prog.Start().Vector(1, nil); err != nil {
			return err
		}
	}
	a.Grow(1)
	a.Add(nil, args)
	g := newGroups(nil)
	g.seen[0] = 1
	j.byRow = result{groups: g, agg: a}
	j.overall = j.byRow
	return nil
}

// column looks the job's result up for every row of the grid.
func (g *Grid) column(r *result) dual.Vector {
	if len(r.dims) == 0 {
		return dual.Constant(r.only(), g.N)
	}
	nums := make([]float64, g.N)
	var vals []dual.Value
	group := g.groupsOf(r)
	empty := r.empty()
	var format *dual.Format
	for row := range g.N {
		v := empty
		if at := group(row); at >= 0 {
			v = r.agg.Result(at)
		}
		if vals == nil && (v.HasText() || (v.Format != format && row > 0 && !v.IsNull())) {
			vals = make([]dual.Value, g.N) // not just numbers of one format after all
			for i, x := range nums[:row] {
				vals[i] = dual.Formatted(x, format)
			}
		}
		if vals != nil {
			vals[row] = v
			continue
		}
		nums[row] = v.Float()
		if !v.IsNull() {
			format = v.Format
		}
	}
	if vals != nil {
		return dual.Vals(vals)
	}
	return dual.Nums(nums, format)
}

// groupsOf returns the function from rows to the groups of a result; -1 is none.
func (g *Grid) groupsOf(r *result) func(row int) int {
	if r.groups == g.rowsOf && !r.groups.direct {
		return func(row int) int { return row }
	}
	tuple := make([]uint32, len(r.dims))
	return func(row int) int {
		for i, d := range r.dims {
			tuple[i] = g.codes[d][row]
		}
		return r.groups.find(tuple)
	}
}

// only returns the result of the single group, or that over no records.
func (r *result) only() dual.Value {
	r.agg.Grow(1)
	return r.agg.Result(0)
}

// empty returns the aggregation over no records.
func (r *result) empty() dual.Value {
	r.agg.Grow(r.groups.n + 1) // one group more than ever got a record
	return r.agg.Result(r.groups.n)
}

// totalOf returns the first measure of a grid over everything. It takes what
// makes a grid as that returns it.
func totalOf(g *Grid, err error) (dual.Value, error) {
	if err != nil {
		return dual.Value{}, err
	}
	vals, err := g.Totals()
	if err != nil {
		return dual.Value{}, err
	}
	return vals[0], nil
}

// Totals returns the measures over everything: the grand total row.
func (g *Grid) Totals() ([]dual.Value, error) {
	slots := make([]dual.Vector, len(g.p.jobs))
	for i, j := range g.p.jobs {
		slots[i] = dual.Constant(j.grandTotal(), 1)
	}
	*g.p.arr = arrangement{n: 1, segments: []int{0, 1}, total: true}
	out := make([]dual.Value, len(g.measures))
	for i := range g.measures {
		v, err := g.evaluate(i, 1, slots)
		if err != nil {
			return nil, err
		}
		out[i] = v.At(0)
	}
	return out, nil
}

// Measures returns the measures for the rows in the given order; nil is every
// row as it comes. It is not to be called concurrently.
func (g *Grid) Measures(order []int32) ([]dual.Vector, error) {
	n := g.N
	slots := g.slots
	if order != nil {
		n = len(order)
		slots = make([]dual.Vector, len(g.slots))
		for i := range slots {
			slots[i] = g.slots[i].Gather(order)
		}
	}
	code := g.Code
	if order != nil {
		code = func(dim, row int) uint32 { return g.codes[dim][order[row]] }
	}
	*g.p.arr = arrangement{n: n, segments: g.segments(order, n), dims: len(g.dims), code: code}
	out := make([]dual.Vector, len(g.measures))
	for i := range g.measures {
		var err error
		if out[i], err = g.evaluate(i, n, slots); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (g *Grid) evaluate(i, n int, slots []dual.Vector) (dual.Vector, error) {
	prog, err := g.c.program(g.measures[i], slotEnv{})
	if err != nil {
		return dual.Vector{}, &MeasureError{i, err}
	}
	v, err := prog.Start().Vector(n, slots)
	if err != nil {
		return dual.Vector{}, &MeasureError{i, err}
	}
	return v, nil
}

// segments returns the bounds of the column segments: runs of rows that agree
// in all dimensions but the last.
func (g *Grid) segments(order []int32, n int) []int {
	bounds := []int{0}
	row := func(i int) int {
		if order != nil {
			return int(order[i])
		}
		return i
	}
	for i := 1; i < n; i++ {
		for d := range len(g.dims) - 1 {
			if g.codes[d][row(i)] != g.codes[d][row(i-1)] {
				bounds = append(bounds, i)
				break
			}
		}
	}
	return append(bounds, n)
}

// A slotEnv binds measures to the results of jobs.
type slotEnv struct{}

// Bind implements eval.Env.
func (slotEnv) Bind(n expr.Node) (eval.Binding, bool, error) {
	switch n := n.(type) {
	case *slotNode:
		return eval.Binding{Input: n.i + 1}, true, nil
	case *constNode:
		return eval.Binding{Const: &n.v}, true, nil
	case *funcNode:
		return eval.Binding{Func: n.f, Args: n.args}, true, nil
	case *rowNode:
		return eval.Binding{Vector: n.vector, Args: n.args}, true, nil
	}
	return eval.Binding{}, false, nil
}

// Ordered reports whether a measure looks at other rows, so that it depends
// on the order of the rows.
func (g *Grid) Ordered() bool { return g.p.ordered }

// Through returns, for a dimension calculated from one field, the dimension's
// code of every code of that field; nil for other dimensions.
func (g *Grid) Through(dim int) []uint32 { return g.dims[dim].through }
