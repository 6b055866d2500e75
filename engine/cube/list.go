package cube

import (
	"context"
	"slices"

	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/query"
	"github.com/cognate-bi/cognate/storage/dual"
)

// computeList makes the rows of a list object: every value of the field,
// whatever its state, or those that a search matches.
func (c *Cube) computeList(ctx context.Context, o Options) error {
	def := c.dimDef(c.dims[0].def.Field())
	def.Listed = true
	var exprs []string
	exprs = append(exprs, c.Def.Expressions...)
	g, err := c.q.Grid(ctx, []query.DimDef{def}, exprs)
	if err != nil {
		return c.invalid(err)
	}
	c.bind(g)
	v := &c.dims[0]
	n := v.field.Symbols.Len()
	used := make([]bool, n+1)
	for code := 1; code <= n; code++ {
		used[code] = o.Matches == nil || o.Matches.Has(code)
	}
	ranks, err := c.listRanks(ctx, used)
	if err != nil {
		return c.invalid(err)
	}
	var codes []uint32
	for code := 1; code <= n; code++ {
		if used[code] {
			codes = append(codes, uint32(code))
		}
	}
	slices.SortFunc(codes, func(a, b uint32) int { return int(ranks[a]) - int(ranks[b]) })
	if c.Def.AutoSortRows > 0 && len(codes) > c.Def.AutoSortRows {
		slices.SortStableFunc(codes, func(a, b uint32) int { return stateRank(v.states[a-1]) - stateRank(v.states[b-1]) })
	}
	c.Rows, c.codes, c.sorted = len(codes), [][]uint32{codes}, []int{0}
	if c.Def.Frequency != 'N' && v.plain != nil {
		st, _ := c.q.History.Now().State(c.q.State)
		c.frequency = c.q.Infer.Frequency(st, v.plain)
	}
	return c.listExpressions(g, codes)
}

func (c *Cube) listRanks(ctx context.Context, used []bool) ([]int32, error) {
	return c.dimRanks(ctx, 0, used)
}

// listExpressions evaluates the expressions of a list object per value.
func (c *Cube) listExpressions(g *query.Grid, codes []uint32) error {
	if len(c.Def.Expressions) == 0 {
		return nil
	}
	vals, err := g.Measures(nil)
	if err != nil {
		return c.invalid(err)
	}
	rowOf := make([]int32, c.dims[0].field.Symbols.Len()+1)
	for i := range rowOf {
		rowOf[i] = -1
	}
	for row := range g.N {
		rowOf[g.Code(0, row)] = int32(row)
	}
	at := make([]int32, len(codes))
	for i, code := range codes {
		at[i] = rowOf[code]
	}
	for i := range vals {
		c.attrs = append(c.attrs, vals[i].Gather(at))
	}
	return nil
}

// status returns the state that a cell shows. Without qShowAlternatives a
// list object shows alternatives as excluded.
func (c *Cube) status(d int, code uint32) infer.Status {
	v := &c.dims[d]
	if code == codeNull || int(code) > len(v.states) {
		return infer.Locked // the protocol's state of what cannot be selected
	}
	s := v.states[code-1]
	if c.Def.List && !c.Def.ShowAlternatives && s == infer.Alternative {
		return infer.Excluded
	}
	return s
}

// value returns the value of a code of a dimension.
func (v *dimView) value(code uint32) dual.Value { return v.field.Value(code) }
