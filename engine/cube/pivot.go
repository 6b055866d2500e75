package cube

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/query"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A pivot is the two axes of a pivot table and the measures for every
// combination of their nodes.
type pivot struct {
	left, top *axis
	// by the dimensions that are fixed: measures per combination of codes
	parts map[string]*pivotPart
}

// A pivotPart is the measures over some of the dimensions.
type pivotPart struct {
	dims []int
	row  map[string]int
	vals []dual.Vector
}

// computePivot makes the axes and evaluates the measures for all sets of
// dimensions that some cell needs: all of them, and fewer for closed nodes
// and totals.
func (c *Cube) computePivot(ctx context.Context, open Open) error {
	left, top := c.axes()
	p := &pivot{left: c.buildAxis(left, false, open), top: c.buildAxis(top, true, open), parts: map[string]*pivotPart{}}
	need := map[string][]int{}
	for _, l := range shapes(p.left) {
		for _, t := range shapes(p.top) {
			dims := append(slices.Clone(l), t...)
			slices.Sort(dims)
			need[fmt.Sprint(dims)] = dims
		}
	}
	for k, dims := range need {
		part, err := c.pivotPart(ctx, dims)
		if err != nil {
			return err
		}
		p.parts[k] = part
	}
	c.pivot = p
	return nil
}

// shapes returns the different sets of dimensions that leaves of an axis fix.
func shapes(a *axis) (out [][]int) {
	seen := map[string]bool{}
	for _, leaf := range a.leaves {
		dims, _, _ := leaf.path()
		slices.Sort(dims)
		if k := fmt.Sprint(dims); !seen[k] {
			seen[k] = true
			out = append(out, dims)
		}
	}
	return out
}

// pivotPart evaluates the measures by some of the dimensions.
func (c *Cube) pivotPart(ctx context.Context, dims []int) (*pivotPart, error) {
	var defs []query.DimDef
	all := c.dimDefs()
	for _, d := range dims {
		defs = append(defs, all[d])
	}
	g, err := c.q.Grid(ctx, defs, c.expressions()[:len(c.meas)])
	if err != nil {
		return nil, err
	}
	part := &pivotPart{dims: dims, row: map[string]int{}}
	if len(dims) == 0 {
		totals, err := g.Totals()
		for _, v := range totals {
			part.vals = append(part.vals, dual.Constant(v, 1))
		}
		part.row[""] = 0
		return part, err
	}
	if part.vals, err = g.Measures(nil); err != nil {
		return nil, err
	}
	tuple := make([]uint32, len(dims))
	for row := range g.N {
		for i, d := range dims {
			tuple[i] = c.sameCode(d, g, i, g.Code(i, row))
		}
		part.row[key(tuple)] = row
	}
	return part, nil
}

// cell returns the measure at the crossing of two leaves.
func (c *Cube) cell(l, t *node) (m int, v dual.Value, total bool) {
	ld, lc, lm := l.path()
	td, tc, tm := t.path()
	m = max(lm, tm, 0)
	dims, codes := append(ld, td...), append(lc, tc...)
	idx := make([]int, len(dims))
	for i := range idx {
		idx[i] = i
	}
	slices.SortFunc(idx, func(i, j int) int { return dims[i] - dims[j] })
	sorted, tuple := make([]int, len(dims)), make([]uint32, len(dims))
	for i, j := range idx {
		sorted[i], tuple[i] = dims[j], codes[j]
	}
	part := c.pivot.parts[fmt.Sprint(sorted)]
	total = len(dims) < len(c.dims)
	if part == nil || m >= len(part.vals) {
		return m, dual.Value{}, total
	}
	if row, ok := part.row[key(tuple)]; ok {
		return m, part.vals[m].At(row), total
	}
	return m, dual.Value{}, total
}

func (c *Cube) pivotSize() (x, y int) {
	if c.pivot == nil {
		return 0, 0
	}
	return len(c.pivot.top.leaves), len(c.pivot.left.leaves)
}

// AppendPivotPage appends an NxPivotPage.
func (c *Cube) AppendPivotPage(dst []byte, p Page) []byte {
	x, y := c.pivotSize()
	p = p.clip(x, y)
	w := &writer{append(dst, '{')}
	w.open("qLeft", '[')
	if c.pivot != nil && len(c.pivot.left.dims) > 0 {
		c.axisNodes(w, c.pivot.left, c.pivot.left.root.below, p.Top, p.Top+p.Height)
	}
	w.close(']')
	w.open("qTop", '[')
	if c.pivot != nil && len(c.pivot.top.dims) > 0 {
		c.axisNodes(w, c.pivot.top, c.pivot.top.root.below, p.Left, p.Left+p.Width)
	} else if c.pivot != nil && len(c.meas) == 1 && p.Width > 0 {
		w.next('{') // the only measure heads its column
		w.str("qText", c.meas[0].title)
		w.int("qElemNo", -1)
		w.num("qValue", math.NaN())
		w.str("qType", "P")
		w.int("qUp", 0)
		w.int("qDown", 0)
		w.raw("qSubNodes", "[]")
		w.close('}')
	}
	w.close(']')
	w.open("qData", '[')
	for row := p.Top; row < p.Top+p.Height && p.Width > 0; row++ {
		w.next('[')
		for col := p.Left; col < p.Left+p.Width; col++ {
			m, v, total := c.cell(c.pivot.left.leaves[row], c.pivot.top.leaves[col])
			w.next('{')
			c.pivotValue(w, m, v, total)
			w.close('}')
		}
		w.close(']')
	}
	w.close(']')
	w.area(p)
	w.close('}')
	return w.b
}

func (c *Cube) pivotValue(w *writer, m int, v dual.Value, total bool) {
	if m < len(c.meas) {
		w.str("qLabel", c.meas[m].title)
		w.str("qText", c.measureText(m, v))
	}
	w.num("qNum", v.Float())
	switch {
	case v.IsNull():
		w.str("qType", "U")
	case total:
		w.str("qType", "T")
	default:
		w.str("qType", "V")
	}
}

// axisNodes writes the nodes whose leaves lie in lo to hi.
func (c *Cube) axisNodes(w *writer, a *axis, nodes []*node, lo, hi int) {
	for _, n := range nodes {
		if n.last <= lo || n.first >= hi {
			continue
		}
		w.next('{')
		c.nodeHead(w, a, n)
		w.int("qUp", max(0, lo-n.first))
		w.int("qDown", max(0, n.last-hi))
		w.open("qSubNodes", '[')
		c.axisNodes(w, a, n.below, lo, hi)
		w.close(']')
		w.close('}')
	}
}

// nodeHead writes what a node stands for, and whether a user can open or close
// it.
func (c *Cube) nodeHead(w *writer, a *axis, n *node) {
	switch {
	case n.dim == pseudo:
		w.str("qText", c.meas[n.code].title)
		w.int("qElemNo", -1-int(n.code))
		w.num("qValue", math.NaN())
		w.str("qType", "P")
		return
	case n.total:
		w.str("qText", c.totalText(n.dim))
		w.int("qElemNo", -1)
		w.num("qValue", math.NaN())
		w.str("qType", "T")
		return
	}
	c.valueHead(w, n.dim, n.code)
	level := slices.Index(a.dims, n.dim)
	deeper := level+1 < len(a.dims) && a.dims[level+1] != pseudo
	if deeper && !n.open {
		w.bool("qCanExpand", true)
	}
	if deeper && n.open {
		w.bool("qCanCollapse", true)
	}
}

// valueHead writes what a code of a dimension says at the head of rows or
// columns.
func (c *Cube) valueHead(w *writer, d int, code uint32) {
	switch code {
	case codeNull:
		w.str("qText", "-")
		w.int("qElemNo", -2)
		w.num("qValue", math.NaN())
		w.str("qType", "U")
	case codeOther:
		w.str("qText", c.otherText(d))
		w.int("qElemNo", -3)
		w.num("qValue", math.NaN())
		w.str("qType", "O")
	default:
		v := &c.dims[d]
		val := v.value(code)
		w.str("qText", c.dimText(v, val))
		w.int("qElemNo", int(code)-1)
		w.num("qValue", val.Float())
		w.str("qType", "N")
	}
}

func (c *Cube) totalText(dim int) string {
	if label := expression(c.dims[dim].def.Node.Get("qTotalLabel")); label != "" && !strings.HasPrefix(label, "=") {
		return label
	}
	return "Totals"
}

// NodeKey returns the key of the node at a row and column of the left (or
// top) axis, by which [Options.Open] opens and closes it; "" if there is none.
func (c *Cube) NodeKey(top bool, row, col int) string {
	a, n := c.nodeAt(top, row, col)
	if n == nil {
		return ""
	}
	return a.key(n)
}

// nodeAt returns the axis and, at a row and column of it, the node that stands
// for a value of a dimension; nil where there is none.
func (c *Cube) nodeAt(top bool, row, col int) (*axis, *node) {
	if c.pivot == nil {
		return nil, nil
	}
	a := c.pivot.left
	if top {
		a, row, col = c.pivot.top, col, row
	}
	n := a.root
	for level := 0; level <= col; level++ {
		at := slices.IndexFunc(n.below, func(b *node) bool { return b.first <= row && row < b.last })
		if at < 0 {
			return a, nil
		}
		n = n.below[at]
	}
	if n.dim == pseudo || n.total {
		return a, nil
	}
	return a, n
}

// NodeKeys returns the keys of all nodes of a level of an axis.
func (c *Cube) NodeKeys(top bool, level int) (keys []string) {
	if c.pivot == nil {
		return nil
	}
	a := c.pivot.left
	if top {
		a = c.pivot.top
	}
	nodes := a.root.below
	for range level {
		var next []*node
		for _, n := range nodes {
			next = append(next, n.below...)
		}
		nodes = next
	}
	for _, n := range nodes {
		if n.dim != pseudo && !n.total {
			keys = append(keys, a.key(n))
		}
	}
	return keys
}

// PivotElement returns the dimension and element number of the node at a row
// and column of an axis (for SelectPivotCells); ok = false where none is.
func (c *Cube) PivotElement(top bool, row, col int) (dim, elem int, ok bool) {
	_, n := c.nodeAt(top, row, col)
	if n == nil {
		return 0, 0, false
	}
	return n.dim, element(n.code), true
}
