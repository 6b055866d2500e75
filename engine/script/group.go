package script

import (
	"context"
	"fmt"
	"io"

	"github.com/cognate-bi/cognate/engine/agg"
	"github.com/cognate-bi/cognate/engine/eval"
	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/storage/dual"
)

// rowNoInput is the placeholder of RowNo() in a grouped LOAD.
const rowNoInput = "\x00rowno"

// A groupStage is a LOAD with aggregations: it reads all of its input and then
// delivers a row per group, in order of first appearance.
type groupStage struct {
	feed   *feed
	keys   []*program
	aggs   []*aggregate
	out    []outCol
	inputs map[string]int // placeholder → input of out's programs: keys, then aggs, then RowNo

	groups  []dual.Vector // once the input is read: a vector per input
	nGroups int
	read    bool
	row     int
}

// An aggregate is one aggregation call and its state.
type aggregate struct {
	args  []*program
	state agg.Aggregator
}

var _ source.Reader = (*groupStage)(nil)

// isGrouped reports whether a load aggregates.
func isGrouped(l *load, fields []loadField) bool {
	if len(l.groupBy) > 0 {
		return true
	}
	found := false
	for _, f := range fields {
		expr.Walk(f.node, func(n expr.Node) bool {
			if isAggregation(n) {
				found = true
			}
			return !found
		})
	}
	return found
}

func isAggregation(n expr.Node) bool {
	c, ok := n.(*expr.Call)
	return ok && binderOf(c.Name) == nil && fn.Lookup(c.Name) == nil && agg.Known(c.Name)
}

func newGroupStage(l *load, f *feed, fields []loadField) (*groupStage, error) {
	g := &groupStage{feed: f, inputs: map[string]int{}}
	byText := map[string]string{} // canonical text of a group expression or aggregation → placeholder
	for i, k := range l.groupBy {
		p, err := f.compile(k, phaseWhere)
		if err != nil {
			return nil, fmt.Errorf("GROUP BY: %w", err)
		}
		g.keys = append(g.keys, p)
		byText[expr.String(k)] = g.placeholder("key", i)
		if x, ok := k.(*expr.Field); ok { // however it is quoted
			byText[expr.String(&expr.Field{Name: x.Name, Quoted: true})] = g.placeholder("key", i)
		}
	}
	for i := range fields {
		if err := g.aggregates(fields[i].node, byText); err != nil {
			return nil, err
		}
	}
	g.inputs[rowNoInput] = len(g.keys) + len(g.aggs) + 1
	for _, x := range fields {
		node := expr.Replace(storedLiteral(x.node), func(n expr.Node) expr.Node {
			if name := byText[groupText(n)]; name != "" {
				return &expr.Field{At: n.Pos(), Name: name}
			}
			return nil
		})
		c := outCol{name: x.name, read: interpreter(f.r.fn.Locale)}
		if field, ok := node.(*expr.Field); ok {
			if i := g.inputs[field.Name]; i <= len(g.keys) { // what aggregations return is read as any result
				c.direct = i
			}
		}
		if c.direct == 0 {
			p, err := eval.Compile(node, &env{r: f.r, feed: f, group: g.inputs}, f.r.fn)
			if err != nil {
				return nil, err
			}
			c.prog = &program{p.Start()}
		}
		g.out = append(g.out, c)
	}
	return g, nil
}

// groupText is the text by which a node is recognised as a group expression.
func groupText(n expr.Node) string {
	if x, ok := n.(*expr.Field); ok {
		return expr.String(&expr.Field{Name: x.Name, Quoted: true})
	}
	return expr.String(n)
}

func (g *groupStage) placeholder(kind string, i int) string {
	name := fmt.Sprintf("\x00%s%d", kind, i)
	n := i + 1
	if kind == "agg" {
		n += len(g.keys)
	}
	g.inputs[name] = n
	return name
}

// aggregates compiles the aggregations in n. Group expressions are not looked
// into.
func (g *groupStage) aggregates(n expr.Node, byText map[string]string) error {
	var err error
	expr.Walk(n, func(n expr.Node) bool {
		text := groupText(n)
		if err != nil || byText[text] != "" {
			return false
		}
		if !isAggregation(n) {
			return true
		}
		var a *aggregate
		if a, err = g.aggregate(n.(*expr.Call)); err == nil {
			g.aggs = append(g.aggs, a)
			byText[text] = g.placeholder("agg", len(g.aggs)-1)
		}
		return false
	})
	return err
}

func (g *groupStage) aggregate(c *expr.Call) (*aggregate, error) {
	state, err := agg.New(g.feed.r.fn, agg.Spec{Name: c.Name, Distinct: c.Distinct, NArgs: len(c.Args)})
	if err != nil {
		return nil, &expr.Error{At: c.At, Msg: err.Error()}
	}
	a := &aggregate{state: state}
	for _, arg := range c.Args {
		if star, ok := arg.(*expr.Star); ok {
			arg = &expr.Literal{At: star.At, Value: dual.Number(1)}
		}
		p, err := g.feed.compile(arg, phaseWhere)
		if err != nil {
			return nil, err
		}
		a.args = append(a.args, p)
	}
	return a, nil
}

// Fields implements [source.Reader].
func (g *groupStage) Fields() []string { return outNames(g.out) }

// Close implements [source.Reader].
func (g *groupStage) Close() error { return g.feed.in.Close() }

// Next implements [source.Reader].
func (g *groupStage) Next(ctx context.Context) (*source.Batch, error) {
	if !g.read {
		g.read = true
		if err := g.readInput(ctx); err != nil {
			return nil, err
		}
	}
	n := min(batchRows, g.nGroups-g.row)
	if n <= 0 {
		return nil, io.EOF
	}
	if g.feed.needs || g.feed.single {
		n = 1
	}
	vecs := sliceAll(g.groups, g.row, g.row+n)
	vecs[g.inputs[rowNoInput]-1] = sequence(g.feed.r.rowNo(), n, fn.FormatInteger)
	g.row += n
	columns, err := project(g.out, n, vecs, true)
	return &source.Batch{Rows: n, Columns: columns}, err
}

// readInput folds the whole input.
func (g *groupStage) readInput(ctx context.Context) error {
	keys := newGrouper(len(g.keys), g.feed.r.show)
	for {
		n, vecs, err := g.feed.next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		keyVecs, err := runAll(g.keys, n, vecs)
		if err != nil {
			return err
		}
		groups, err := keys.add(n, keyVecs)
		if err != nil {
			return err
		}
		for _, a := range g.aggs {
			args, err := runAll(a.args, n, vecs)
			if err != nil {
				return err
			}
			a.state.Grow(keys.n)
			a.state.Add(groups, args)
		}
	}
	g.finish(keys)
	return nil
}

// finish makes the vectors of the groups.
func (g *groupStage) finish(keys *grouper) {
	g.nGroups = keys.n
	if len(g.keys) == 0 {
		g.nGroups = 1 // also without input: Sum over nothing
	}
	g.groups = make([]dual.Vector, len(g.inputs))
	for i := range g.keys {
		g.groups[i] = keys.column(i)
	}
	for i, a := range g.aggs {
		a.state.Grow(g.nGroups)
		g.groups[len(g.keys)+i] = results(a.state, g.nGroups)
	}
}

// results returns the results of n groups.
func results(a agg.Aggregator, n int) dual.Vector {
	nums := make([]float64, n)
	if format, ok := agg.Numbers(a, nums); ok {
		return dual.Nums(nums, format)
	}
	vals := make([]dual.Value, n)
	for i := range vals {
		vals[i] = a.Result(i)
	}
	return dual.Vals(vals)
}

func runAll(programs []*program, n int, vecs []dual.Vector) ([]dual.Vector, error) {
	out := make([]dual.Vector, len(programs))
	for i, p := range programs {
		v, err := p.run.Vector(n, vecs)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}
