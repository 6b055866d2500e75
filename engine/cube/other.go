package cube

import (
	"context"
	"math"
	"slices"
	"sort"

	"github.com/cognate-bi/cognate/engine/query"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage/bitset"
	"github.com/cognate-bi/cognate/storage/dual"
)

// limit applies the dimension limits: of a limited dimension only some values
// stay, the others become one row per combination of the dimensions before it.
//
// Which values stay is decided by the first measure over the dimension (and
// those before it, unless the grouping is global); what the Others row shows
// is evaluated over the records of the values that went.
func (c *Cube) limit(ctx context.Context) error {
	for d := range c.dims {
		if c.dims[d].def.Other.Mode == "OTHER_OFF" || len(c.meas) == 0 {
			continue
		}
		if err := c.limitDim(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// A cohort is the values of a limited dimension under one combination of the
// dimensions before it.
type cohort struct {
	prefix []uint32
	codes  []uint32
	vals   []float64
	lost   *bitset.Set // codes that are not kept
}

func (c *Cube) limitDim(ctx context.Context, d int) error {
	cohorts, at, err := c.cohorts(ctx, d)
	if err != nil {
		return err
	}
	some := false
	for _, h := range cohorts {
		if err := c.choose(ctx, d, h); err != nil {
			return err
		}
		some = some || !h.lost.Empty()
	}
	if !some {
		return nil
	}
	c.others = true
	return c.rebuild(ctx, d, at)
}

// cohorts groups the values of dimension d by the dimensions before it; at
// finds the cohort of a row.
func (c *Cube) cohorts(ctx context.Context, d int) (map[string]*cohort, func(row int) *cohort, error) {
	first := d
	if !c.dims[d].def.Other.Global {
		first = 0
	}
	defs := c.dimDefs()[first : d+1]
	g, err := c.q.Grid(ctx, defs, []string{c.meas[0].expr})
	if err != nil {
		return nil, nil, err
	}
	vals, err := g.Measures(nil)
	if err != nil {
		return nil, nil, err
	}
	last := len(defs) - 1
	cohorts := map[string]*cohort{}
	for row := range g.N {
		var prefix []uint32
		for i := range last {
			prefix = append(prefix, c.sameCode(first+i, g, i, g.Code(i, row)))
		}
		code := c.sameCode(d, g, last, g.Code(last, row))
		if code == codeNull && (c.dims[d].def.NoNull || c.Def.SuppressMissing) {
			continue
		}
		k := key(prefix)
		h := cohorts[k]
		if h == nil {
			h = &cohort{prefix: prefix, lost: bitset.New(c.dims[d].field.Symbols.Len() + 1)}
			cohorts[k] = h
		}
		h.codes = append(h.codes, code)
		h.vals = append(h.vals, vals[0].Num(row))
	}
	at := func(row int) *cohort {
		var prefix []uint32
		for i := first; i < d; i++ {
			prefix = append(prefix, c.codes[i][row])
		}
		return cohorts[key(prefix)]
	}
	return cohorts, at, nil
}

// sameCode returns the code in the cube's dimension of a code of another grid
// of the same definition: codes of calculated dimensions are numbered anew in
// each grid.
func (c *Cube) sameCode(d int, g *query.Grid, i int, code uint32) uint32 {
	if c.dims[d].plain != nil || code == codeNull {
		return code
	}
	return c.dims[d].field.Symbols.Find(g.Field(i).Symbols.Value(code))
}

func key(codes []uint32) string {
	b := make([]byte, 0, 4*len(codes))
	for _, c := range codes {
		b = append(b, byte(c), byte(c>>8), byte(c>>16), byte(c>>24))
	}
	return string(b)
}

// choose marks the values that do not stay.
func (c *Cube) choose(ctx context.Context, d int, h *cohort) error {
	o := &c.dims[d].def.Other
	number := func(source string) (float64, error) {
		if source == "" {
			return math.NaN(), nil
		}
		v, err := c.q.Value(ctx, source)
		return v.Float(), err
	}
	counted, err := number(o.Counted)
	if err != nil {
		return err
	}
	limit, err := number(o.Limit)
	if err != nil {
		return err
	}
	ascending := o.Ascending
	if o.Mode == "OTHER_COUNTED" && counted < 0 { // a negative count asks for the bottom
		ascending, counted = !ascending, -counted
	}
	total := 0.0
	for _, x := range h.vals {
		if x == x {
			total += x
		}
	}
	acc := 0.0
	for place, i := range h.ranked(ascending) {
		x := h.vals[i]
		keep := true
		switch o.Mode {
		case "OTHER_COUNTED":
			keep = float64(place) < counted
		case "OTHER_ABS_LIMITED":
			keep = holds(o.LimitMode, x, limit)
		case "OTHER_REL_LIMITED":
			keep = holds(o.LimitMode, x/total, relative(limit))
		case "OTHER_ABS_ACC_TARGET":
			keep = acc < limit
		case "OTHER_REL_ACC_TARGET":
			keep = acc/total < relative(limit)
		}
		if x == x {
			acc += x
		}
		if !keep {
			h.lost.Add(int(h.codes[i]))
		}
	}
	return nil
}

// ranked returns the places of the values in the order of their measure; those
// without one are last.
func (h *cohort) ranked(ascending bool) []int {
	idx := make([]int, len(h.codes))
	for i := range idx {
		idx[i] = i
	}
	sort.SliceStable(idx, func(i, j int) bool {
		a, b := h.vals[idx[i]], h.vals[idx[j]]
		switch {
		case a != a || b != b:
			return b != b && a == a
		case ascending:
			return a < b
		default:
			return a > b
		}
	})
	return idx
}

// relative reads a share given as fraction or in per cent.
func relative(x float64) float64 {
	if math.Abs(x) > 1 {
		return x / 100
	}
	return x
}

func holds(mode string, x, limit float64) bool {
	switch mode {
	case "OTHER_GE_LIMIT":
		return x >= limit
	case "OTHER_LE_LIMIT":
		return x <= limit
	case "OTHER_LT_LIMIT":
		return x < limit
	}
	return x > limit
}

// rebuild leaves out the rows of lost values and puts the Others rows behind
// the last row of their cohort, which at finds.
func (c *Cube) rebuild(ctx context.Context, d int, at func(int) *cohort) error {
	type block struct {
		h    *cohort
		rows []int32
	}
	var blocks []*block
	byPrefix := map[string]*block{}
	for row := range c.Rows {
		prefix := make([]uint32, d)
		for i := range prefix {
			prefix[i] = c.codes[i][row]
		}
		b := byPrefix[key(prefix)]
		if b == nil {
			b = &block{h: at(row)}
			byPrefix[key(prefix)] = b
			blocks = append(blocks, b)
		}
		if code := c.codes[d][row]; b.h == nil || int32(code) < 0 || !b.h.lost.Has(int(code)) {
			b.rows = append(b.rows, int32(row))
		}
	}
	var rows []int32
	extra := &otherRows{vals: make([][]dual.Value, len(c.vals)+len(c.attrs))}
	for _, b := range blocks {
		rows = append(rows, b.rows...)
		if b.h == nil || b.h.lost.Empty() || c.dims[d].def.Other.Suppress {
			continue
		}
		first := 0
		if len(b.rows) > 0 {
			first = int(b.rows[0])
		}
		prefix := make([]uint32, d)
		for i := range prefix {
			prefix[i] = c.codes[i][first]
		}
		n, err := c.evaluateOthers(ctx, d, b.h, prefix, extra)
		if err != nil {
			return err
		}
		for i := range n {
			rows = append(rows, -int32(len(extra.codes)-n+i)-1)
		}
	}
	c.take(rows, extra)
	return nil
}

// otherRows are rows that no grid of the cube has.
type otherRows struct {
	codes [][]uint32     // by row
	vals  [][]dual.Value // by measure and attribute
}

// evaluateOthers adds the rows of the lost values under one prefix: one per
// combination of the dimensions behind d.
func (c *Cube) evaluateOthers(ctx context.Context, d int, h *cohort, prefix []uint32, out *otherRows) (int, error) {
	q := *c.q
	st, _ := q.History.Now().State(q.State)
	st, ok := c.restrict(st, d, h.lost)
	for i := 0; ok && i < d; i++ {
		st, ok = c.restrict(st, i, bitset.Of(c.dims[i].field.Symbols.Len()+1, prefix[i]))
	}
	if !ok {
		return 0, nil
	}
	q.History = q.History.Replace(q.History.Now().With(q.State, st))
	exprs := c.expressions()
	g, err := q.Grid(ctx, c.dimDefs()[d+1:], exprs)
	if err != nil {
		return 0, err
	}
	vals, err := g.Measures(nil)
	if err != nil {
		return 0, err
	}
	for row := range g.N {
		codes := append(slices.Clone(prefix), codeOther)
		for i := d + 1; i < len(c.dims); i++ {
			codes = append(codes, c.sameCode(i, g, i-d-1, g.Code(i-d-1, row)))
		}
		out.codes = append(out.codes, codes)
		for m := range vals {
			out.vals[m] = append(out.vals[m], vals[m].At(row))
		}
	}
	return g.N, nil
}

// restrict narrows a state to codes of a dimension; ok = false if they do not
// come from one field.
func (c *Cube) restrict(st *state.State, d int, codes *bitset.Set) (*state.State, bool) {
	if codes.Has(codeNull) && codes.Count() == 1 {
		return st, false
	}
	var elements []int
	for code := range codes.All() {
		if code > 0 {
			elements = append(elements, code-1)
		}
	}
	f, picked, ok := c.Pick(d, elements)
	if !ok {
		return st, false
	}
	if old, has := st.Field(f.Name); has {
		picked.And(old.Codes)
	}
	if picked.Empty() {
		return st, false
	}
	return st.With(f.Name, state.Selection{Codes: picked}), true
}

// take arranges rows of the cube (>= 0) and extra rows (-1-i).
func (c *Cube) take(rows []int32, extra *otherRows) {
	codes := make([][]uint32, len(c.codes))
	for d := range codes {
		codes[d] = make([]uint32, len(rows))
		for i, r := range rows {
			if r >= 0 {
				codes[d][i] = c.codes[d][r]
			} else {
				codes[d][i] = extra.codes[-1-r][d]
			}
		}
	}
	mix := func(v dual.Vector, own []dual.Value) dual.Vector {
		out := make([]dual.Value, len(rows))
		for i, r := range rows {
			if r >= 0 {
				out[i] = v.At(int(r))
			} else {
				out[i] = own[-1-r]
			}
		}
		return dual.Vals(out)
	}
	for m := range c.vals {
		c.vals[m] = mix(c.vals[m], extra.vals[m])
	}
	for a := range c.attrs {
		c.attrs[a] = mix(c.attrs[a], extra.vals[len(c.vals)+a])
	}
	c.codes, c.Rows = codes, len(rows)
}
