// Package query evaluates chart expressions over a model and a selection.
//
// Terms (data-model.md, section 8): the *scope* of an aggregation is its set
// of records, from the context or a set expression. Its *records* are the
// distinct row combinations of the tables that hold the fields of its
// argument, as far as they are in scope. A *grid* is the result for a list of
// dimensions: one row per combination of dimension values, one column per
// aggregation; measures are computed from the columns once the rows have
// their order.
package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"

	"github.com/cognate-bi/cognate/engine/eval"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Context is what an expression is evaluated in. It is not changed while
// evaluations run; any number of them may run at once.
type Context struct {
	Infer   *infer.Engine
	Fn      *fn.Context
	History state.History
	// State is the alternate state of the object, "" for the default one.
	State string
	// Variable returns the definition of a variable as written; nil: none.
	Variable func(name string) (string, bool)
	// Bookmark returns the selections of a bookmark by id or name; nil: none.
	Bookmark func(name string) (*state.State, bool)
	// Library returns the expression of a master measure or dimension by its
	// label; nil: none.
	Library func(label string) (string, bool)

	// DataOnly leaves out rows for which every measure is 0 or NULL because it
	// has no records there: whoever hides such rows need not list them.
	DataOnly bool

	// Workers bounds the goroutines of one scan, 0 = all processors;
	// MorselRows is the number of rows a worker takes at a time, FlatMin the
	// number of values of a measure from which its flat vector is used,
	// DirectMin the number of groups that are held as arrays however few rows
	// come; 0 = default.
	Workers    int
	MorselRows int
	FlatMin    int
	DirectMin  int
}

// ErrAborted is returned by evaluations whose context was cancelled.
var ErrAborted = errors.New("calculation aborted")

// morselRows keeps the codes of a few columns of a morsel in the L2 cache.
const morselRows = 1 << 15

func (c *Context) morsel() int {
	if c.MorselRows > 0 {
		return c.MorselRows
	}
	return morselRows
}

// flatMin is by default the size from which a symbol table's numbers leave the
// L2 cache.
func (c *Context) flatMin() int {
	if c.FlatMin > 0 {
		return c.FlatMin
	}
	return 1 << 16
}

// directMin is by default half a megabyte of sums.
func (c *Context) directMin() int {
	if c.DirectMin > 0 {
		return c.DirectMin
	}
	return 1 << 14
}

func (c *Context) workers() int {
	if c.Workers > 0 {
		return c.Workers
	}
	return runtime.GOMAXPROCS(0)
}

func (c *Context) model() *model.Model { return c.Infer.Model }

// current returns the selections of the context's own state.
func (c *Context) current() *state.State {
	st, _ := c.History.Now().State(c.State)
	return st
}

func aborted(ctx context.Context) error {
	if ctx.Err() != nil {
		return ErrAborted
	}
	return nil
}

// Value evaluates an expression without dimensions. The text may start with
// "=" and is expanded first.
func (c *Context) Value(ctx context.Context, source string) (dual.Value, error) {
	return totalOf(c.Grid(ctx, nil, []string{source}))
}

// Text evaluates an expression and returns its display text; NULL gives "-".
func (c *Context) Text(ctx context.Context, source string) (string, error) {
	v, err := c.Value(ctx, source)
	if err != nil {
		return "", err
	}
	if v.IsNull() {
		return "-", nil
	}
	return c.Fn.Locale.Text(v), nil
}

// parse expands and parses an expression.
func (c *Context) parse(ctx context.Context, source string, depth int) (expr.Node, error) {
	text, err := c.Expand(ctx, source, depth)
	if err != nil {
		return nil, err
	}
	return expr.Parse(text, expr.Options{})
}

// expandDepthMax bounds $(=...) whose expressions hold $(=...).
const expandDepthMax = 20

// Expand replaces dollar expansions: variables, and $(=...) evaluated in the
// current selections without dimensions.
func (c *Context) Expand(ctx context.Context, source string, depth int) (string, error) {
	if !strings.Contains(source, "$(") {
		return source, nil
	}
	if depth > expandDepthMax {
		return "", fmt.Errorf("dollar expansion is nested more than %d deep", expandDepthMax)
	}
	return expr.Expand(source, &expander{ctx, c, depth})
}

// An expander gives dollar expansion the variables of the app. A variable
// whose definition begins with = expands to its value.
type expander struct {
	ctx   context.Context //nolint:containedctx // lives as long as one call of Expand
	c     *Context
	depth int
}

// Variable implements [expr.Expander].
func (x *expander) Variable(name string) (expr.Expansion, bool) {
	if x.c.Variable == nil {
		return expr.Expansion{Num: math.NaN()}, false
	}
	def, ok := x.c.Variable(name)
	if !ok {
		return expr.Expansion{Num: math.NaN()}, false
	}
	if !strings.HasPrefix(strings.TrimSpace(def), "=") {
		return expr.Expansion{Text: def, Num: x.c.Fn.Locale.Num(dual.String(def))}, true
	}
	e, err := x.Eval(def, "")
	return e, err == nil
}

// Eval implements [expr.Expander].
func (x *expander) Eval(source, format string) (expr.Expansion, error) {
	node, err := x.c.parse(x.ctx, source, x.depth+1)
	if err != nil {
		return expr.Expansion{}, err
	}
	v, err := totalOf(x.c.grid(x.ctx, nil, []expr.Node{node}, x.depth+1))
	if err != nil {
		return expr.Expansion{}, err
	}
	text := x.c.Fn.Locale.Text(v)
	if format != "" && v.HasNum() {
		text = x.c.Fn.Locale.FormatNum(v.Num, &dual.Format{Pattern: format})
	}
	return expr.Expansion{Text: text, Num: v.Float()}, nil
}

// program compiles an expression whose names are all bound by env.
func (c *Context) program(n expr.Node, env eval.Env) (*eval.Program, error) {
	return eval.Compile(n, env, c.Fn)
}
