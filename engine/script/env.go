package script

import (
	"fmt"

	"github.com/cognate-bi/cognate/engine/agg"
	"github.com/cognate-bi/cognate/engine/eval"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

// An env binds the names of expressions: fields of the row and variables, and
// the functions that look at rows, tables or files.
type env struct {
	r     *runner
	feed  *feed          // nil outside of loads
	group map[string]int // inputs of a grouped LOAD by placeholder
	phase phase

	own map[*expr.Call]*fn.Func // calls that binders have put in
}

var _ eval.Env = (*env)(nil)

// value evaluates the expression ahead, outside of a load.
func (r *runner) value(sc *scanner) (dual.Value, error) {
	n, err := sc.expr()
	if err != nil {
		return dual.Value{}, err
	}
	return r.compute(n)
}

// compute evaluates an expression over variables.
func (r *runner) compute(n expr.Node) (dual.Value, error) {
	p, err := eval.Compile(n, &env{r: r}, r.fn)
	if err != nil {
		return dual.Value{}, err
	}
	return p.Value()
}

// Bind implements [eval.Env].
func (e *env) Bind(n expr.Node) (eval.Binding, bool, error) {
	switch n := n.(type) {
	case *expr.Field:
		b, err := e.field(n)
		return b, err == nil, err
	case *expr.Call:
		if f := e.own[n]; f != nil {
			return eval.Binding{Func: f}, true, nil
		}
		if bind := binderOf(n.Name); bind != nil {
			b, ok, err := bind(e, n)
			if ok || err != nil {
				return b, ok, err
			}
		}
		if fn.Lookup(n.Name) == nil && agg.Known(n.Name) {
			return eval.Binding{}, false, fmt.Errorf("aggregation %s is not possible here", n.Name)
		}
		return eval.Binding{}, false, nil
	}
	return eval.Binding{}, false, fmt.Errorf("set expressions are not possible in scripts")
}

// field binds a name: a field of the row, else a variable. Outside of loads
// an unknown name is NULL.
func (e *env) field(n *expr.Field) (eval.Binding, error) {
	if i := e.group[n.Name]; i > 0 {
		return eval.Binding{Input: i}, nil
	}
	if e.feed != nil && e.group == nil {
		if i := e.feed.field(n.Name); i > 0 {
			return eval.Binding{Input: i}, nil
		}
	}
	v, known := e.r.vars.get(n.Name)
	switch {
	case known || e.feed == nil:
		return eval.Binding{Const: &v}, nil
	case e.group != nil:
		return eval.Binding{}, &expr.Error{At: n.At, Msg: fmt.Sprintf("field %q is neither aggregated nor in GROUP BY", n.Name)}
	}
	return eval.Binding{}, &expr.Error{At: n.At, Msg: fmt.Sprintf("field %q not found", n.Name)}
}

// A binder binds a call; ok is false to leave it to the scalar functions.
type binder func(e *env, c *expr.Call) (b eval.Binding, ok bool, err error)

// scalar makes a binding to f with other arguments than those written.
func (e *env) scalar(c *expr.Call, f *fn.Func, args ...expr.Node) (eval.Binding, bool, error) {
	call := &expr.Call{At: c.At, Name: c.Name, Args: args}
	if e.own == nil {
		e.own = map[*expr.Call]*fn.Func{}
	}
	e.own[call] = f
	return eval.Binding{Node: call}, true, nil
}

// constant makes a binding to a value.
func constant(v dual.Value) (eval.Binding, bool, error) {
	return eval.Binding{Const: &v}, true, nil
}

// arity checks the number of arguments; most is -1 for any.
func arity(c *expr.Call, least, most int) error {
	if n := len(c.Args); n < least || (most >= 0 && n > most) {
		return &expr.Error{At: c.At, Msg: fmt.Sprintf("%s has %d arguments", c.Name, n)}
	}
	return nil
}

// nameArg returns the argument that names a field or table: a bare name means
// itself, unless it is a variable of a LET.
func (e *env) nameArg(n expr.Node) expr.Node {
	f, ok := n.(*expr.Field)
	if !ok {
		return n
	}
	if e.feed == nil {
		if _, ok := e.r.vars.get(f.Name); ok {
			return n
		}
	}
	return &expr.Literal{At: f.At, Value: dual.String(f.Name)}
}

// literal returns the text of a constant argument.
func literal(n expr.Node) (string, bool) {
	l, ok := n.(*expr.Literal)
	if !ok || l.Value.HasNum() {
		return "", false
	}
	return l.Value.Text, true
}

// needsRows notes that the stage has to be run row by row.
func (e *env) needsRows() {
	if e.feed != nil {
		e.feed.needs = true
	}
}

// looks notes that a function reads tables, which must not happen in several
// goroutines.
func (e *env) looks() {
	if e.feed != nil {
		e.feed.serial = true
	}
}

// A key is a value as the key of a map: equal for values that are the same.
type key struct {
	num   float64
	text  string
	isNum bool
}

func keyOf(v dual.Value) key {
	if v.HasNum() {
		return key{num: v.Num, isNum: true}
	}
	return key{text: v.Text}
}
