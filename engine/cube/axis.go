package cube

import (
	"slices"
	"strconv"
)

// pseudo is the dimension of the measures: it stands for a measure where
// there are several.
const pseudo = -1

// A node is a cell of the left or top axis of a pivot table.
type node struct {
	dim    int    // position in Cube.dims, or pseudo
	code   uint32 // of the dimension; of the pseudo dimension the measure
	total  bool
	parent *node
	below  []*node
	first  int // leaves of the axis that lie under the node: first to last-1
	last   int
	open   bool
}

// An axis is one side of a pivot table.
type axis struct {
	top    bool
	dims   []int // outer first
	root   *node
	leaves []*node
}

// An Open is the nodes of a pivot table whose state differs from the
// definition's: opened where it starts closed, closed where it starts
// expanded. Keys come from [Cube.NodeKey].
type Open map[string]bool

// axes splits the dimensions into left and top, in their inter-column order.
func (c *Cube) axes() (left, top []int) {
	var order []int
	seen := map[int]bool{}
	for _, col := range c.sorted {
		if col < len(c.dims) && !seen[col] && (col != pseudo || len(c.meas) > 1) {
			seen[col] = true
			order = append(order, col)
		}
	}
	if len(c.meas) > 1 && !seen[pseudo] {
		order = append(order, pseudo)
	}
	n := c.Def.LeftDims
	if n < 0 {
		n = slices.Index(order, pseudo)
		if n < 0 {
			n = len(order)
		}
	}
	n = min(n, len(order))
	return order[:n], order[n:]
}

func (c *Cube) leftDims() int {
	if c.Def.Mode == Stacked {
		return min(1, len(c.dims))
	}
	if c.Def.Mode != Pivot || c.Err != nil {
		return c.Def.LeftDims
	}
	left, _ := c.axes()
	return len(left)
}

// buildAxis makes the tree of an axis from the combinations in the rows.
func (c *Cube) buildAxis(dims []int, top bool, open Open) *axis {
	a := &axis{top: top, dims: dims, root: &node{open: true}}
	tuples := c.distinct(dims)
	c.grow(a, a.root, 0, tuples, open)
	a.number(a.root)
	return a
}

// distinct returns the combinations of the dimensions that occur, sorted; the
// pseudo dimension takes the number of every measure.
func (c *Cube) distinct(dims []int) [][]uint32 {
	seen := map[string]bool{}
	var out [][]uint32
	var own []int // without the pseudo dimension
	for _, d := range dims {
		if d != pseudo {
			own = append(own, d)
		}
	}
	for row := range c.Rows {
		tuple := make([]uint32, len(own))
		for i, d := range own {
			tuple[i] = c.codes[d][row]
		}
		if k := key(tuple); !seen[k] {
			seen[k] = true
			out = append(out, tuple)
		}
	}
	slices.SortStableFunc(out, func(a, b []uint32) int {
		for i, d := range own {
			if x := int(c.rank(d, a[i])) - int(c.rank(d, b[i])); x != 0 {
				return x
			}
		}
		return 0
	})
	at := slices.Index(dims, pseudo)
	if at < 0 {
		return out
	}
	var all [][]uint32
	for _, t := range out {
		for m := range c.meas {
			all = append(all, slices.Insert(slices.Clone(t), at, uint32(m)))
		}
	}
	return all
}

func (c *Cube) rank(d int, code uint32) int32 {
	if d >= len(c.ranks) || int(code) >= len(c.ranks[d]) {
		return 1<<31 - 2 // Others, behind all values
	}
	return c.ranks[d][code]
}

// grow adds the nodes of one level under a node.
func (c *Cube) grow(a *axis, under *node, level int, tuples [][]uint32, open Open) {
	if level == len(a.dims) {
		return
	}
	dim := a.dims[level]
	for len(tuples) > 0 {
		code := tuples[0][level]
		var mine, rest [][]uint32
		for _, t := range tuples {
			if t[level] == code {
				mine = append(mine, t)
			} else {
				rest = append(rest, t)
			}
		}
		n := &node{dim: dim, code: code, parent: under}
		under.below = append(under.below, n)
		n.open = level+1 < len(a.dims) && (a.dims[level+1] == pseudo || c.Def.FullyExpanded != open[a.key(n)])
		if n.open {
			c.grow(a, n, level+1, mine, open)
		}
		tuples = rest
	}
	if dim != pseudo && c.dims[dim].def.Total && (level > 0 || len(under.below) > 0) {
		c.addTotal(a, under, level)
	}
}

// addTotal adds the total node of a level; measures are told apart below it.
func (c *Cube) addTotal(a *axis, under *node, level int) {
	t := &node{dim: a.dims[level], code: codeTotal, total: true, parent: under, open: true}
	if slices.Contains(a.dims[level+1:], pseudo) {
		for m := range c.meas {
			t.below = append(t.below, &node{dim: pseudo, code: uint32(m), parent: t})
		}
	}
	if c.Def.TotalsAbove {
		under.below = slices.Insert(under.below, 0, t)
	} else {
		under.below = append(under.below, t)
	}
}

// number gives every node its range of leaves.
func (a *axis) number(n *node) {
	n.first = len(a.leaves)
	if len(n.below) == 0 {
		a.leaves = append(a.leaves, n)
	}
	for _, b := range n.below {
		a.number(b)
	}
	n.last = len(a.leaves)
}

// key identifies a node across computations.
func (a *axis) key(n *node) string {
	k := "L"
	if a.top {
		k = "T"
	}
	for ; n != nil && n.parent != nil; n = n.parent {
		k += " " + strconv.Itoa(n.dim) + ":" + strconv.FormatUint(uint64(n.code), 10)
	}
	return k
}

// path returns the dimensions and codes that a leaf fixes, and its measure.
func (n *node) path() (dims []int, codes []uint32, measure int) {
	measure = -1
	for ; n != nil && n.parent != nil; n = n.parent {
		switch {
		case n.dim == pseudo:
			measure = int(n.code)
		case !n.total:
			dims = append(dims, n.dim)
			codes = append(codes, n.code)
		}
	}
	return dims, codes, measure
}
