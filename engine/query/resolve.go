package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/agg"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/storage/dual"
)

// ErrInvalidDimension is wrapped by errors about the definition of a
// dimension.
var ErrInvalidDimension = errors.New("invalid dimension")

// A planner turns the measures of a grid into jobs and what is left to be
// computed per row.
type planner struct {
	ctx     context.Context //nolint:containedctx // lives as long as one grid is planned
	c       *Context
	depth   int
	context *scope // of the object's state
	rows    *scope // whose dimension values make rows; the context's
	dims    []*dim
	jobs    []*job
	byKey   map[string]int   // jobs by scope and source
	tables  map[string]*aggr // Aggr tables likewise
	arr     *arrangement     // what inter-record functions look at, set before each run
	// measures by their label, for references between columns, and those
	// that are resolved already, by number
	columns  map[string]expr.Node
	resolved []expr.Node
	ordered  bool // some measure looks at other rows
}

// A constNode is a value that is known when the grid is planned.
type constNode struct {
	at int
	v  dual.Value
}

// Pos implements expr.Node.
func (n *constNode) Pos() int { return n.at }

// A funcNode is a function of the model, called like a scalar function.
type funcNode struct {
	at   int
	f    *fn.Func
	args []expr.Node
}

// Pos implements expr.Node.
func (n *funcNode) Pos() int { return n.at }

func newPlanner(ctx context.Context, c *Context, depth int, within *scope) *planner {
	return &planner{ctx: ctx, c: c, depth: depth, context: within, rows: within, byKey: map[string]int{}, tables: map[string]*aggr{}, arr: &arrangement{}}
}

func errorAt(n expr.Node, format string, args ...any) error {
	return &expr.Error{At: n.Pos(), Msg: fmt.Sprintf(format, args...)}
}

// nestingMax bounds what names put in the place of names.
const nestingMax = 100

// measure resolves an expression over aggregations: aggregations become
// slots, names outside of them become Only().
func (p *planner) measure(n expr.Node, within *scope, depth int) (expr.Node, error) {
	if depth > 10*nestingMax {
		return nil, errorAt(n, "expression is nested too deep")
	}
	switch n := n.(type) {
	case *expr.Unary:
		x, err := p.measure(n.X, within, depth+1)
		return &expr.Unary{At: n.At, Op: n.Op, X: x}, err
	case *expr.Binary:
		l, err := p.measure(n.L, within, depth+1)
		if err != nil {
			return nil, err
		}
		r, err := p.measure(n.R, within, depth+1)
		return &expr.Binary{At: n.At, Op: n.Op, L: l, R: r}, err
	case *expr.Scope:
		s, err := p.set(n.Set, within)
		if err != nil {
			return nil, err
		}
		return p.measure(n.X, s, depth+1)
	case *expr.Field:
		if p.c.model().Field(n.Name) != nil {
			return p.aggregate(&expr.Call{At: n.At, Name: "Only", Args: []expr.Node{n}}, within)
		}
		sub, err := p.named(n, depth)
		if err != nil {
			return nil, err
		}
		return p.measure(sub, within, depth+nestingMax/10)
	case *expr.Call:
		return p.call(n, within, depth)
	}
	return n, nil
}

func (p *planner) set(e *expr.SetExpr, within *scope) (*scope, error) {
	x := &setter{ctx: p.ctx, c: p.c, depth: p.depth}
	return x.scope(e, within)
}

// named returns what a name that is no field stands for: a column of the
// chart, a master item, or a variable.
func (p *planner) named(n *expr.Field, depth int) (expr.Node, error) {
	if depth > 5*nestingMax {
		return nil, errorAt(n, "%s refers to itself", n.Name)
	}
	if node, ok := p.columns[n.Name]; ok {
		return node, nil
	}
	if p.c.Library != nil {
		if def, ok := p.c.Library(n.Name); ok {
			return p.c.parse(p.ctx, def, p.depth+1)
		}
	}
	if p.c.Variable != nil {
		if def, ok := p.c.Variable(n.Name); ok {
			if !strings.HasPrefix(strings.TrimSpace(def), "=") {
				return &constNode{n.At, p.c.Fn.Locale.Interpret(def)}, nil
			}
			return p.c.parse(p.ctx, def, p.depth+1)
		}
	}
	return nil, errorAt(n, "no field, variable or column %s", n.Name)
}

func (p *planner) call(n *expr.Call, within *scope, depth int) (expr.Node, error) {
	lower := strings.ToLower(n.Name)
	switch {
	case lower == "aggr":
		return p.aggregate(&expr.Call{At: n.At, Name: "Only", Args: []expr.Node{n}}, within)
	case agg.Known(n.Name):
		return p.aggregate(n, within)
	}
	if node, ok, err := p.selectionFunc(lower, n); ok || err != nil {
		return node, err
	}
	if node, ok, err := p.rowFunc(lower, n, within, depth); ok || err != nil {
		return node, err
	}
	out := *n
	var err error
	if out.Args, err = p.arguments(n.Args, within, depth); err != nil {
		return nil, err
	}
	if f := p.c.modelFunc(lower); f != nil {
		return &funcNode{n.At, f, out.Args}, nil
	}
	return &out, nil
}

func (p *planner) arguments(args []expr.Node, within *scope, depth int) ([]expr.Node, error) {
	out := make([]expr.Node, len(args))
	for i, a := range args {
		var err error
		if out[i], err = p.measure(a, within, depth+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// aggregate makes the job of an aggregation, or finds the same one.
func (p *planner) aggregate(n *expr.Call, within *scope) (expr.Node, error) {
	s, err := p.set(n.Set, within)
	if err != nil {
		return nil, err
	}
	j := &job{spec: agg.Spec{Name: strings.ToLower(n.Name), Distinct: n.Distinct, NArgs: len(n.Args)}, scope: s, total: n.Total}
	if _, err := agg.New(p.c.Fn, j.spec); err != nil {
		return nil, errorAt(n, "%v", err)
	}
	for _, name := range n.TotalBy {
		if i := p.dimOf(name); i >= 0 {
			j.keep = append(j.keep, i)
		}
	}
	rec := &recordResolver{p: p, scope: within}
	for _, a := range n.Args {
		arg, err := rec.resolve(a, 0)
		if err != nil {
			return nil, err
		}
		j.args = append(j.args, arg)
	}
	j.fields, j.aggrs = rec.fields, rec.aggrs
	key := s.key() + " " + within.key() + " " + expr.String(n)
	if i, ok := p.byKey[key]; ok {
		return &slotNode{n.At, i}, nil
	}
	p.byKey[key] = len(p.jobs)
	p.jobs = append(p.jobs, j)
	return &slotNode{n.At, len(p.jobs) - 1}, nil
}

// dimOf returns the position of the dimension that is the named field, -1 if
// none is.
func (p *planner) dimOf(name string) int {
	return slices.IndexFunc(p.dims, func(d *dim) bool { return d.field != nil && d.field.Name == name })
}

// A recordResolver resolves what is evaluated per record: the arguments of an
// aggregation, or a calculated dimension.
type recordResolver struct {
	p      *planner
	scope  *scope
	fields []*model.Field
	aggrs  []*aggr
}

func (r *recordResolver) field(n expr.Node, f *model.Field) expr.Node {
	if !slices.Contains(r.fields, f) {
		r.fields = append(r.fields, f)
	}
	return &fieldNode{n.Pos(), f}
}

// resolve replaces names by what they stand for, and what does not change from
// record to record by its value.
func (r *recordResolver) resolve(n expr.Node, depth int) (expr.Node, error) {
	if depth > 10*nestingMax {
		return nil, errorAt(n, "expression is nested too deep")
	}
	switch n := n.(type) {
	case *expr.Unary:
		x, err := r.resolve(n.X, depth+1)
		return &expr.Unary{At: n.At, Op: n.Op, X: x}, err
	case *expr.Binary:
		left, err := r.resolve(n.L, depth+1)
		if err != nil {
			return nil, err
		}
		right, err := r.resolve(n.R, depth+1)
		return &expr.Binary{At: n.At, Op: n.Op, L: left, R: right}, err
	case *expr.Field:
		if f := r.p.c.model().Field(n.Name); f != nil {
			return r.field(n, f), nil
		}
		sub, err := r.p.named(n, depth)
		if err != nil {
			return nil, err
		}
		return r.resolve(sub, depth+nestingMax/10)
	case *expr.Scope:
		return nil, errorAt(n, "a set expression cannot stand inside an aggregation's argument")
	case *expr.Call:
		return r.call(n, depth)
	}
	return n, nil
}

// call resolves a function inside an aggregation.
func (r *recordResolver) call(n *expr.Call, depth int) (expr.Node, error) {
	lower := strings.ToLower(n.Name)
	switch {
	case lower == "aggr":
		a, err := r.p.aggr(n, r.scope)
		if err != nil {
			return nil, err
		}
		r.aggrs = append(r.aggrs, a)
		return &aggrNode{n.At, a}, nil
	case agg.Known(n.Name):
		if !n.Total || len(n.TotalBy) > 0 {
			return nil, errorAt(n, "%s inside an aggregation needs TOTAL or Aggr", n.Name)
		}
		v, err := r.p.constant(n, r.scope)
		return &constNode{n.At, v}, err
	}
	if node, ok, err := r.p.selectionFunc(lower, n); ok || err != nil {
		return node, err
	}
	out := *n
	out.Args = make([]expr.Node, len(n.Args))
	for i, a := range n.Args {
		var err error
		if out.Args[i], err = r.resolve(a, depth+1); err != nil {
			return nil, err
		}
	}
	if f := r.p.c.modelFunc(lower); f != nil {
		return &funcNode{n.At, f, out.Args}, nil
	}
	return &out, nil
}

// constant evaluates an aggregation over everything in a scope.
func (p *planner) constant(n expr.Node, within *scope) (dual.Value, error) {
	sub := newPlanner(p.ctx, p.c, p.depth+1, within)
	if sub.depth > expandDepthMax {
		return dual.Value{}, errorAt(n, "aggregations are nested too deep")
	}
	return totalOf(sub.build([]expr.Node{n}))
}
