// Package eval compiles expressions to programs over vectors. The same
// programs serve LOAD statements, where the inputs are columns of the source,
// and charts, where they are fields along the association or the results of
// aggregations.
//
// What depends on one coded input only (Year(Date), Upper(Name),
// If(Status='x', 1, 0)) is computed once per dictionary entry, not once per
// row: the result is a vector of the same codes over a new dictionary.
package eval

import (
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Binding says where the value of a node comes from. One member is set.
type Binding struct {
	// Input is an input vector of the program, by number from 1.
	Input int
	// Func is called with the values of the node's arguments.
	Func *fn.Func
	// Vector computes the whole vector from the vectors of the node's
	// arguments: functions that look at other rows.
	Vector func(n int, args []dual.Vector) (dual.Vector, error)
	// Const is the same for all rows.
	Const *dual.Value
	// Node stands in the place of the bound one: a variable's or a master
	// item's expression.
	Node expr.Node
	// Args are the arguments of Func and Vector; nil: those of the call that
	// is bound.
	Args []expr.Node
}

// An Env binds the names of an expression. Bind is asked for every field
// reference, call and outer set expression, from the outside in; ok = false
// leaves a call to the scalar functions. Arguments of a node that is bound to
// an input are not looked at.
type Env interface {
	Bind(n expr.Node) (b Binding, ok bool, err error)
}

// A Program is a compiled expression. It is immutable; [Program.Start] gives
// the state that a goroutine needs to run it.
type Program struct {
	ctx  *fn.Context
	root op
	n    int // operations, each with a memo of its own
}

// An op is one operation of a program.
type op interface {
	run(r *Run) (dual.Vector, error)
}

// depthMax bounds the nesting of expressions, with what bindings put in.
const depthMax = 1000

// Compile turns the expression into a program.
func Compile(n expr.Node, env Env, ctx *fn.Context) (*Program, error) {
	c := &compiler{env: env, ctx: ctx}
	root, err := c.node(n, 0)
	if err != nil {
		return nil, err
	}
	return &Program{ctx: ctx, root: root, n: c.n}, nil
}

type compiler struct {
	env Env
	ctx *fn.Context
	n   int
}

func errorAt(n expr.Node, format string, args ...any) error {
	return &expr.Error{At: n.Pos(), Msg: fmt.Sprintf(format, args...)}
}

func (c *compiler) node(n expr.Node, depth int) (op, error) {
	if depth > depthMax {
		return nil, errorAt(n, "expression is nested more than %d deep", depthMax)
	}
	switch n := n.(type) {
	case *expr.Literal:
		if n.Value.Kind == dual.Text { // counts as a number where it reads as one
			return constant{fn.Literal(c.ctx.Locale, n.Value.Text)}, nil
		}
		return constant{n.Value}, nil
	case *expr.Unary:
		f := fn.Unary(n.Op)
		if f == nil {
			return nil, errorAt(n, "unknown operator %q", n.Op)
		}
		eval := func(x *fn.Context, a []dual.Value) dual.Value { return f(x, a[0]) }
		return c.apply(&fn.Func{Name: n.Op, Eval: eval}, []expr.Node{n.X}, depth)
	case *expr.Binary:
		return c.binary(n, depth)
	case *expr.Star:
		return nil, errorAt(n, "* stands only in Count(*)")
	default:
		return c.bound(n, depth)
	}
}

func (c *compiler) binary(n *expr.Binary, depth int) (op, error) {
	f := fn.Binary(n.Op)
	if f == nil {
		return nil, errorAt(n, "unknown operator %q", n.Op)
	}
	eval := func(x *fn.Context, a []dual.Value) dual.Value { return f(x, a[0], a[1]) }
	o, err := c.apply(&fn.Func{Name: n.Op, Eval: eval}, []expr.Node{n.L, n.R}, depth)
	if err != nil {
		return nil, err
	}
	if ar := arithmetic(n.Op); ar != nil {
		o.(*call).arith = ar
	}
	return o, nil
}

func (c *compiler) bound(n expr.Node, depth int) (op, error) {
	b, ok, err := c.env.Bind(n)
	if err != nil {
		return nil, err
	}
	call, isCall := n.(*expr.Call)
	if isCall && b.Args == nil {
		b.Args = call.Args
	}
	switch {
	case !ok && isCall:
		return c.scalar(call, depth)
	case !ok:
		return nil, errorAt(n, "unknown name %s", expr.String(n))
	case b.Input > 0:
		return input(b.Input - 1), nil
	case b.Const != nil:
		return constant{*b.Const}, nil
	case b.Node != nil:
		return c.node(b.Node, depth+1)
	case b.Func != nil:
		return c.apply(b.Func, b.Args, depth)
	case b.Vector != nil:
		args, err := c.args(b.Args, depth)
		if err != nil {
			return nil, err
		}
		return &vectorCall{f: b.Vector, args: args}, nil
	}
	panic(fmt.Sprintf("eval: BUG: empty binding of %T", n))
}

func (c *compiler) scalar(n *expr.Call, depth int) (op, error) {
	f := fn.Lookup(n.Name)
	if f == nil {
		return nil, errorAt(n, "unknown function %s", n.Name)
	}
	if len(n.Args) < f.Min || (f.Max >= 0 && len(n.Args) > f.Max) {
		return nil, errorAt(n, "%s takes %s, not %d", f.Name, arity(f), len(n.Args))
	}
	if n.Set != nil || n.Total || n.Distinct {
		return nil, errorAt(n, "%s is no aggregation: it takes no set, DISTINCT or TOTAL", f.Name)
	}
	if strings.EqualFold(n.Name, "if") {
		args, err := c.args(n.Args, depth)
		if err != nil {
			return nil, err
		}
		c.n++
		return &branch{args: args, all: &call{id: c.n - 1, f: f}}, nil
	}
	return c.apply(f, n.Args, depth)
}

func arity(f *fn.Func) string {
	switch {
	case f.Max < 0:
		return fmt.Sprintf("at least %d arguments", f.Min)
	case f.Min == f.Max:
		return fmt.Sprintf("%d arguments", f.Min)
	default:
		return fmt.Sprintf("%d to %d arguments", f.Min, f.Max)
	}
}

func (c *compiler) args(nodes []expr.Node, depth int) ([]op, error) {
	args := make([]op, len(nodes))
	for i, a := range nodes {
		var err error
		if args[i], err = c.node(a, depth+1); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// apply makes the call of f, and computes it now if nothing in it varies.
func (c *compiler) apply(f *fn.Func, nodes []expr.Node, depth int) (op, error) {
	args, err := c.args(nodes, depth)
	if err != nil {
		return nil, err
	}
	c.n++
	o := &call{id: c.n - 1, f: f, args: args}
	return o, nil
}
