package query

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/storage/dual"
)

// An aggr is the virtual table of Aggr(e, D1, D2 ...): the value of e for each
// combination of dimension values.
type aggr struct {
	fields     []*model.Field // D1, D2 ...
	groups     *groups        // combinations by field codes
	vals       []dual.Value   // by group
	noDistinct bool
}

// at returns the value for a combination of codes, NULL if there is none.
func (a *aggr) at(tuple []uint32) dual.Value {
	if g := a.groups.find(tuple); g >= 0 {
		return a.vals[g]
	}
	return dual.Value{}
}

// aggr computes the table of an Aggr call. Equal calls of a grid are computed
// once.
func (p *planner) aggr(n *expr.Call, within *scope) (*aggr, error) {
	if p.depth > expandDepthMax {
		return nil, errorAt(n, "Aggr is nested more than %d deep", expandDepthMax)
	}
	if len(n.Args) < 2 {
		return nil, errorAt(n, "Aggr takes an expression and at least one dimension")
	}
	s, err := p.set(n.Set, within)
	if err != nil {
		return nil, err
	}
	key := s.key() + " " + within.key() + " " + expr.String(n)
	if a := p.tables[key]; a != nil {
		return a, nil
	}
	sub := newPlanner(p.ctx, p.c, p.depth+1, within)
	sub.rows = s // the set limits the combinations, not what is aggregated over them
	a := &aggr{noDistinct: n.NoDist}
	for _, d := range n.Args[1:] {
		f, ok := d.(*expr.Field)
		if !ok || p.c.model().Field(f.Name) == nil {
			return nil, errorAt(d, "a dimension of Aggr has to be a field")
		}
		a.fields = append(a.fields, p.c.model().Field(f.Name))
		sub.dims = append(sub.dims, &dim{field: p.c.model().Field(f.Name)})
	}
	g, err := sub.build(n.Args[:1])
	if err != nil {
		return nil, err
	}
	order, err := g.aggrOrder(n)
	if err != nil {
		return nil, err
	}
	vals, err := g.Measures(order)
	if err != nil {
		return nil, err
	}
	a.groups = newGroups(make([]uint64, len(a.fields)))
	tuple := make([]uint32, len(a.fields))
	for i, row := range order {
		for d := range tuple {
			tuple[d] = g.Code(d, int(row))
		}
		a.groups.of(tuple)
		a.vals = append(a.vals, vals[0].At(i))
	}
	p.tables[key] = a
	return a, nil
}

// aggrOrder returns the rows in the order of the structured parameters; load
// order where they say nothing.
func (g *Grid) aggrOrder(n *expr.Call) ([]int32, error) {
	order := make([]int32, g.N)
	for i := range order {
		order[i] = int32(i)
	}
	ranks := make([][]int, len(g.dims))
	for d := range g.dims {
		sort := &expr.AggrSort{}
		if d+1 < len(n.Sort) && n.Sort[d+1] != nil {
			sort = n.Sort[d+1]
		}
		var err error
		if ranks[d], err = g.ranks(d, sort); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		for d := range ranks {
			if c := ranks[d][g.Code(d, int(a))] - ranks[d][g.Code(d, int(b))]; c != 0 {
				return c
			}
		}
		return 0
	})
	return order, nil
}

// ranks returns the place of every code of a dimension in an order.
func (g *Grid) ranks(d int, by *expr.AggrSort) ([]int, error) {
	f := g.dims[d].field
	codes := make([]uint32, f.Symbols.Len())
	for i := range codes {
		codes[i] = uint32(i + 1)
	}
	loc := g.c.Fn.Locale
	var less func(a, b uint32) int
	switch strings.ToLower(by.By) {
	case "", "load_order":
		less = func(a, b uint32) int { return int(a) - int(b) }
	case "numeric":
		less = func(a, b uint32) int { return dual.Compare(f.Value(a), f.Value(b)) }
	case "text":
		less = func(a, b uint32) int { return strings.Compare(loc.Text(f.Value(a)), loc.Text(f.Value(b))) }
	case "frequency":
		n := g.c.Infer.Frequency(g.c.current(), f)
		less = func(a, b uint32) int { return int(n[b]) - int(n[a]) }
	default:
		return nil, fmt.Errorf("unknown sort order %q of an Aggr dimension", by.By)
	}
	slices.SortStableFunc(codes, func(a, b uint32) int {
		if by.Desc {
			a, b = b, a
		}
		return less(a, b)
	})
	ranks := make([]int, len(codes)+1)
	ranks[0] = len(codes) // NULL last
	for i, c := range codes {
		ranks[c] = i
	}
	return ranks, nil
}
