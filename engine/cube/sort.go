package cube

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/query"
	"github.com/cognate-bi/cognate/storage/dual"
)

// sort arranges the rows by the columns in their inter-column order.
func (c *Cube) sort(ctx context.Context, g *query.Grid, vals []dual.Vector, order []int32) error {
	c.sorted = c.columnOrder()
	c.ranks = make([][]int32, len(c.dims))
	var compare []func(a, b int32) int
	for _, col := range c.sorted {
		switch {
		case col < 0:
		case col < len(c.dims):
			used := make([]bool, g.Field(col).Symbols.Len()+1)
			for _, row := range order {
				used[g.Code(col, int(row))] = true
			}
			ranks, err := c.dimRanks(ctx, col, used)
			if err != nil {
				return err
			}
			c.ranks[col] = ranks
			compare = append(compare, func(a, b int32) int {
				return int(ranks[g.Code(col, int(a))]) - int(ranks[g.Code(col, int(b))])
			})
		default:
			if f := c.measureOrder(col-len(c.dims), vals); f != nil {
				compare = append(compare, f)
			}
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		for _, f := range compare {
			if d := f(a, b); d != 0 {
				return d
			}
		}
		return 0
	})
	return nil
}

// columnOrder returns the sort order of the columns, completed by those that
// the definition does not mention.
func (c *Cube) columnOrder() []int {
	return completed(c.Def.SortOrder, pseudo, len(c.dims)+len(c.meas))
}

// dimRanks returns the place of each used code of a dimension; NULL is last.
func (c *Cube) dimRanks(ctx context.Context, d int, used []bool) ([]int32, error) {
	v := &c.dims[d]
	var by Sort
	if v.def.Active < len(v.def.Sort) {
		by = v.def.Sort[v.def.Active]
	} else if len(v.def.Sort) > 0 {
		by = v.def.Sort[0]
	}
	sorter := &codeSorter{c: c, v: v}
	if err := sorter.prepare(ctx, by, used); err != nil {
		return nil, err
	}
	var codes []uint32
	for code := 1; code < len(used); code++ {
		if used[code] {
			codes = append(codes, uint32(code))
		}
	}
	slices.SortStableFunc(codes, sorter.compare)
	if v.def.Reverse {
		slices.Reverse(codes)
	}
	ranks := make([]int32, len(used))
	ranks[codeNull] = math.MaxInt32
	for i, code := range codes {
		ranks[code] = int32(i)
	}
	return ranks, nil
}

// A codeSorter compares codes by the criteria of a dimension, in the order
// state, expression, frequency, number, text, load order.
type codeSorter struct {
	c     *Cube
	v     *dimView
	steps []func(a, b uint32) int
}

func (s *codeSorter) compare(a, b uint32) int {
	for _, f := range s.steps {
		if d := f(a, b); d != 0 {
			return d
		}
	}
	return cmp.Compare(a, b) // load order decides at last
}

func (s *codeSorter) add(sign int, f func(a, b uint32) int) {
	if sign != 0 {
		s.steps = append(s.steps, func(a, b uint32) int { return sign * f(a, b) })
	}
}

// prepare makes the steps of a comparison out of criteria, in their fixed
// order. used has the codes that occur.
func (s *codeSorter) prepare(ctx context.Context, by Sort, used []bool) error {
	s.add(by.State, func(a, b uint32) int { return stateRank(s.v.states[a-1]) - stateRank(s.v.states[b-1]) })
	if by.Expression != 0 && by.Expr != "" {
		vals, err := s.byExpression(ctx, by.Expr)
		if err != nil {
			return err
		}
		sign := by.Expression
		s.steps = append(s.steps, func(a, b uint32) int { return compareNullLast(vals[a], vals[b], sign) })
	}
	if by.Frequency != 0 && s.v.plain != nil {
		st, _ := s.c.q.History.Now().State(s.c.q.State)
		n := s.c.q.Infer.Frequency(st, s.v.plain)
		s.add(-by.Frequency, func(a, b uint32) int { return cmp.Compare(n[a], n[b]) })
	}
	if by.Numeric != 0 {
		sym := s.v.field.Symbols
		s.steps = append(s.steps, func(a, b uint32) int {
			x, y := sym.Number(a), sym.Number(b)
			switch nx, ny := x != x, y != y; {
			case nx || ny: // values without a number come after those with one
				return cmp.Compare(btoi(nx), btoi(ny))
			default:
				return by.Numeric * cmp.Compare(x, y)
			}
		})
	}
	if by.ASCII != 0 {
		keys := s.textKeys(used)
		s.add(by.ASCII, func(a, b uint32) int { return strings.Compare(keys[a], keys[b]) })
	}
	s.add(by.Load, cmp.Compare[uint32])
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// byExpression evaluates the sort expression per value of the dimension.
func (s *codeSorter) byExpression(ctx context.Context, source string) ([]dual.Value, error) {
	g, err := s.c.q.Grid(ctx, []query.DimDef{s.c.dimDef(s.v.def.Field())}, []string{source})
	if err != nil {
		return nil, err
	}
	vals, err := g.Measures(nil)
	if err != nil {
		return nil, err
	}
	// codes of a calculated dimension are numbered anew: by value
	out := make([]dual.Value, s.v.field.Symbols.Len()+1)
	for row := range g.N {
		code := g.Code(0, row)
		if s.v.plain == nil && code != 0 {
			code = s.v.field.Symbols.Find(g.Field(0).Symbols.Value(code))
		}
		out[code] = vals[0].At(row)
	}
	return out, nil
}

// compareNullLast orders values by number, then by text; NULL comes last
// whatever the direction.
func compareNullLast(a, b dual.Value, sign int) int {
	if a.IsNull() || b.IsNull() {
		return cmp.Compare(btoi(a.IsNull()), btoi(b.IsNull()))
	}
	return sign * dual.Compare(a, b)
}

// stateRank orders states as a list box does: selected first, then possible,
// then alternative, then excluded.
func stateRank(s infer.Status) int {
	switch s {
	case infer.Locked, infer.Selected:
		return 0
	case infer.Optional:
		return 1
	case infer.Alternative:
		return 2
	case infer.SelectedExcluded, infer.LockedExcluded:
		return 3
	}
	return 4
}

// textKeys returns keys that compare like the texts do in the collation of
// the app: without case first.
func (s *codeSorter) textKeys(used []bool) []string {
	loc := s.c.q.Fn.Locale
	tag, err := language.Parse(loc.CollationLocale)
	if err != nil {
		tag = language.Und
	}
	col := collate.New(tag)
	var buf collate.Buffer
	keys := make([]string, len(used))
	for code := 1; code < len(used); code++ {
		if used[code] {
			keys[code] = string(col.KeyFromString(&buf, loc.Text(s.v.field.Value(uint32(code)))))
			buf.Reset()
		}
	}
	return keys
}

// measureOrder returns the comparison of a measure's values, nil if it does
// not sort.
func (c *Cube) measureOrder(i int, vals []dual.Vector) func(a, b int32) int {
	m := c.meas[i].def
	sign := m.Sort.Numeric
	if sign == 0 {
		sign = m.Sort.ASCII
	}
	if m.Reverse {
		sign = -sign
	}
	if sign == 0 {
		return nil
	}
	if m.Sort.Numeric == 0 {
		loc := c.q.Fn.Locale
		return func(a, b int32) int {
			return sign * strings.Compare(loc.Text(vals[i].At(int(a))), loc.Text(vals[i].At(int(b))))
		}
	}
	return func(a, b int32) int { return compareNullLast(vals[i].At(int(a)), vals[i].At(int(b)), sign) }
}
