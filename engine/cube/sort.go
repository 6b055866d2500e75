package cube

import (
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
	var by sortKeys
	open := len(c.dims) // dimensions that are not in by: no two rows have all others in common
	for _, col := range c.sorted {
		switch {
		case col < 0:
		case col < len(c.dims):
			keys, err := c.dimKeys(ctx, g, col, order)
			if err != nil {
				return err
			}
			if open > 0 {
				by = append(by, keys)
			}
			open--
		case open > 0:
			if keys := c.measureKeys(col-len(c.dims), vals, order); keys != nil {
				by = append(by, keys)
			}
		}
	}
	permute(order, by.places(len(order)))
	return nil
}

// dimKeys returns the keys of the rows by a dimension, whose ranks it notes.
func (c *Cube) dimKeys(ctx context.Context, g *query.Grid, d int, order []int32) ([]uint64, error) {
	used := make([]bool, g.Field(d).Symbols.Len()+1)
	for _, row := range order {
		used[g.Code(d, int(row))] = true
	}
	ranks, err := c.dimRanks(ctx, d, used)
	if err != nil {
		return nil, err
	}
	c.ranks[d] = ranks
	keys := make([]uint64, len(order))
	for i, row := range order {
		keys[i] = uint64(ranks[g.Code(d, int(row))])
	}
	return keys, nil
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
	codes := []uint32{}
	for code := 1; code < len(used); code++ {
		if used[code] {
			codes = append(codes, uint32(code))
		}
	}
	sorter := &codeSorter{c: c, v: v, codes: codes}
	if err := sorter.prepare(ctx, by); err != nil {
		return nil, err
	}
	permute(codes, sorter.by.places(len(codes))) // load order decides at last
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

// A codeSorter makes the keys of codes by the criteria of a dimension, in the
// order state, expression, frequency, number, text, load order.
type codeSorter struct {
	c     *Cube
	v     *dimView
	codes []uint32 // those that occur, ascending
	by    sortKeys
}

// add adds whole numbers as keys, if sign is not 0.
func (s *codeSorter) add(sign int, number func(i int, code uint32) int) {
	if sign == 0 {
		return
	}
	keys := make([]uint64, len(s.codes))
	for i, code := range s.codes {
		keys[i] = wholeKey(sign * number(i, code))
	}
	s.by = append(s.by, keys)
}

// prepare makes keys out of criteria, in their fixed order.
func (s *codeSorter) prepare(ctx context.Context, by Sort) error {
	s.add(by.State, func(_ int, code uint32) int { return stateRank(s.v.states[code-1]) })
	if by.Expression != 0 && by.Expr != "" {
		vals, err := s.byExpression(ctx, by.Expr)
		if err != nil {
			return err
		}
		of := dual.Vals(vals)
		s.by = append(s.by, valueKeys(&of, s.codes, by.Expression))
	}
	if by.Frequency != 0 && s.v.plain != nil {
		st, _ := s.c.q.History.Now().State(s.c.q.State)
		n := s.c.q.Infer.Frequency(st, s.v.plain)
		s.add(-by.Frequency, func(_ int, code uint32) int { return int(n[code]) })
	}
	if by.Numeric != 0 {
		keys := make([]uint64, len(s.codes))
		for i, code := range s.codes { // values without a number come after those with one
			keys[i] = numberKey(s.v.field.Symbols.Number(code), by.Numeric)
		}
		s.by = append(s.by, keys)
	}
	if by.ASCII != 0 {
		texts := s.textKeys()
		ranks := ranksBy(len(texts), func(a, b int) int { return strings.Compare(texts[a], texts[b]) })
		s.add(by.ASCII, func(i int, _ uint32) int { return ranks[i] })
	}
	s.add(by.Load, func(_ int, code uint32) int { return int(code) })
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

// textKeys returns for each code a key that compares like its text does in the
// collation of the app: without case first.
func (s *codeSorter) textKeys() []string {
	loc := s.c.q.Fn.Locale
	tag, err := language.Parse(loc.CollationLocale)
	if err != nil {
		tag = language.Und
	}
	col := collate.New(tag)
	var buf collate.Buffer
	keys := make([]string, len(s.codes))
	for i, code := range s.codes {
		keys[i] = string(col.KeyFromString(&buf, loc.Text(s.v.field.Value(code))))
		buf.Reset()
	}
	return keys
}

// measureKeys returns the keys of the rows by a measure, nil if it does not
// sort.
func (c *Cube) measureKeys(i int, vals []dual.Vector, order []int32) []uint64 {
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
	if m.Sort.Numeric != 0 {
		return valueKeys(&vals[i], order, sign)
	}
	texts := make([]string, len(order))
	for k, row := range order {
		texts[k] = c.q.Fn.Locale.Text(vals[i].At(int(row)))
	}
	keys := make([]uint64, len(order))
	for k, rank := range ranksBy(len(texts), func(a, b int) int { return strings.Compare(texts[a], texts[b]) }) {
		keys[k] = wholeKey(sign * rank)
	}
	return keys
}
