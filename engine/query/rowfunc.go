package query

import (
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

// An arrangement is the rows in the order in which they are shown, cut into
// column segments: rows that agree in all dimensions but the last.
type arrangement struct {
	n        int
	segments []int // bounds: segment i is rows segments[i] to segments[i+1]
	dims     int
	total    bool                      // the grand total row
	code     func(dim, row int) uint32 // code of a dimension; nil on the total
}

// bounds returns the segment of every row as a function.
func (a *arrangement) bounds(total bool) func(row int) (lo, hi int) {
	if total {
		return func(int) (int, int) { return 0, a.n }
	}
	return func(row int) (int, int) {
		i := sort.SearchInts(a.segments, row+1) - 1
		return a.segments[i], a.segments[i+1]
	}
}

// A rowNode is a function that looks at other rows of the grid.
type rowNode struct {
	at     int
	vector func(n int, args []dual.Vector) (dual.Vector, error)
	args   []expr.Node
}

// Pos implements expr.Node.
func (n *rowNode) Pos() int { return n.at }

// rowFuncs are the inter-record functions; the arguments are a reference to
// the arrangement, TOTAL, and the argument vectors.
var rowFuncs = map[string]struct {
	min, max int
	f        func(a *arrangement, total bool, args []dual.Vector) dual.Vector
}{
	"above":                   {1, 3, shifted(-1)},
	"below":                   {1, 3, shifted(1)},
	"top":                     {1, 3, fromEdge(true)},
	"bottom":                  {1, 3, fromEdge(false)},
	"rowno":                   {0, 0, rowNo},
	"noofrows":                {0, 0, noOfRows},
	"rank":                    {1, 3, rank},
	"dimensionality":          {0, 0, dimensionality},
	"secondarydimensionality": {0, 0, constantRow(0)},
	"columnno":                {0, 0, constantRow(1)},
	"noofcolumns":             {0, 0, constantRow(1)},
	"before":                  {1, 3, noColumns},
	"after":                   {1, 3, noColumns},
	"first":                   {1, 3, func(_ *arrangement, _ bool, args []dual.Vector) dual.Vector { return args[0] }},
	"last":                    {1, 3, func(_ *arrangement, _ bool, args []dual.Vector) dual.Vector { return args[0] }},
	"hrank":                   {1, 3, noColumns},
}

// windows are the functions that with a third argument give several values,
// as arguments of a range function.
var windows = map[string]int{"above": -1, "below": 1}

// rowFunc resolves inter-record functions, Column() and range functions over
// windows; ok = false for others.
func (p *planner) rowFunc(lower string, n *expr.Call, within *scope, depth int) (expr.Node, bool, error) {
	if isSynthetic(n) {
		p.ordered = true
		return p.syntheticValue(n), true, nil
	}
	if lower == "column" {
		node, err := p.column(n)
		return node, true, err
	}
	if strings.HasPrefix(lower, "range") {
		return p.overWindows(n, within, depth)
	}
	def, ok := rowFuncs[lower]
	if !ok || (lower == "noofrows" && len(n.Args) > 0) {
		return nil, false, nil
	}
	if len(n.Args) < def.min || len(n.Args) > def.max {
		return nil, true, errorAt(n, "%s takes %d to %d arguments, not %d", n.Name, def.min, def.max, len(n.Args))
	}
	args, err := p.arguments(n.Args, within, depth)
	if err != nil {
		return nil, true, err
	}
	arr, total := p.arr, n.Total
	p.ordered = true
	return &rowNode{n.At, func(_ int, args []dual.Vector) (dual.Vector, error) {
		return def.f(arr, total, args), nil
	}, args}, true, nil
}

// column is Column(n): measure n of the same row.
func (p *planner) column(n *expr.Call) (expr.Node, error) {
	if len(n.Args) != 1 {
		return nil, errorAt(n, "Column takes one argument")
	}
	lit, ok := n.Args[0].(*expr.Literal)
	if !ok || !lit.Value.HasNum() || lit.Value.Num < 1 || int(lit.Value.Num) > len(p.resolved) {
		return nil, errorAt(n, "Column takes the number of an earlier measure")
	}
	return p.resolved[int(lit.Value.Num)-1], nil
}

// overWindows resolves RangeSum(Above(x, 0, 3), y): each window becomes three
// arguments, which are put back together row by row.
func (p *planner) overWindows(n *expr.Call, within *scope, depth int) (expr.Node, bool, error) {
	f := fn.Lookup(n.Name)
	if f == nil || !slices.ContainsFunc(n.Args, isWindow) {
		return nil, false, nil
	}
	type piece struct {
		step  int // direction of a window, 0 for a plain argument
		total bool
	}
	var pieces []piece
	var flat []expr.Node
	for _, a := range n.Args {
		if !isWindow(a) {
			pieces, flat = append(pieces, piece{}), append(flat, a)
			continue
		}
		w := a.(*expr.Call)
		pieces = append(pieces, piece{windows[strings.ToLower(w.Name)], w.Total})
		flat = append(flat, w.Args...)
	}
	args, err := p.arguments(flat, within, depth)
	if err != nil {
		return nil, true, err
	}
	arr, ctx := p.arr, p.c.Fn
	p.ordered = true
	vector := func(rows int, args []dual.Vector) (dual.Vector, error) {
		out := make([]dual.Value, rows)
		var list []dual.Value
		for row := range out {
			list = list[:0]
			at := 0
			for _, pc := range pieces {
				if pc.step == 0 {
					list = append(list, args[at].At(row))
					at++
					continue
				}
				list = arr.window(list, row, pc.step, pc.total, args[at:at+3])
				at += 3
			}
			if len(list) == 0 {
				list = append(list, dual.Value{})
			}
			out[row] = f.Eval(ctx, list)
		}
		return dual.Vals(out), nil
	}
	return &rowNode{n.At, vector, args}, true, nil
}

func isWindow(n expr.Node) bool {
	c, ok := n.(*expr.Call)
	return ok && len(c.Args) == 3 && windows[strings.ToLower(c.Name)] != 0
}

// window appends the values of a window: count rows from offset on, in the
// direction of step, as far as the segment goes.
func (a *arrangement) window(list []dual.Value, row, step int, total bool, args []dual.Vector) []dual.Value {
	offset, count := args[1].Num(row), args[2].Num(row)
	if !(math.Abs(offset) <= float64(a.n)) || !(count >= 1) {
		return list
	}
	lo, hi := a.bounds(total)(row)
	for i := range int(math.Min(count, float64(a.n)+1)) {
		if at := row + step*(int(offset)+i); at >= lo && at < hi {
			list = append(list, args[0].At(at))
		}
	}
	return list
}

// fetched takes the first argument from the row that to names, for a row and
// the second argument n, if it is in the row's segment, which is [lo, hi).
func fetched(to func(row, n, lo, hi int) int) func(*arrangement, bool, []dual.Vector) dual.Vector {
	return func(a *arrangement, total bool, args []dual.Vector) dual.Vector {
		bounds := a.bounds(total)
		at := make([]int32, a.n)
		for row := range at {
			at[row] = -1
			lo, hi := bounds(row)
			if n, ok := offset(args, row, a.n, 1); ok {
				if from := to(row, n, lo, hi); from >= lo && from < hi {
					at[row] = int32(from)
				}
			}
		}
		return args[0].Gather(at)
	}
}

func shifted(step int) func(*arrangement, bool, []dual.Vector) dual.Vector {
	return fetched(func(row, n, _, _ int) int { return row + step*n })
}

func fromEdge(top bool) func(*arrangement, bool, []dual.Vector) dual.Vector {
	return fetched(func(_, n, lo, hi int) int {
		if top {
			return lo + n - 1
		}
		return hi - n
	})
}

// offset reads the second argument of a row.
func offset(args []dual.Vector, row, n, missing int) (int, bool) {
	if len(args) < 2 {
		return missing, true
	}
	x := args[1].Num(row)
	if !(math.Abs(x) <= float64(n)) {
		return 0, false
	}
	return int(x), true
}

func rowNo(a *arrangement, total bool, _ []dual.Vector) dual.Vector {
	if a.total {
		return dual.Constant(dual.Number(0), a.n)
	}
	bounds := a.bounds(total)
	out := make([]float64, a.n)
	for row := range out {
		lo, _ := bounds(row)
		out[row] = float64(row - lo + 1)
	}
	return dual.Nums(out, nil)
}

func noOfRows(a *arrangement, total bool, _ []dual.Vector) dual.Vector {
	bounds := a.bounds(total)
	out := make([]float64, a.n)
	for row := range out {
		lo, hi := bounds(row)
		out[row] = float64(hi - lo)
	}
	return dual.Nums(out, nil)
}

func dimensionality(a *arrangement, _ bool, _ []dual.Vector) dual.Vector {
	return dual.Constant(dual.Number(float64(a.dims)), a.n)
}

func constantRow(x float64) func(*arrangement, bool, []dual.Vector) dual.Vector {
	return func(a *arrangement, _ bool, _ []dual.Vector) dual.Vector {
		return dual.Constant(dual.Number(x), a.n)
	}
}

// noColumns is the value of a function over columns where there is one only.
func noColumns(a *arrangement, _ bool, _ []dual.Vector) dual.Vector {
	return dual.Constant(dual.Value{}, a.n)
}

// rank ranks the rows of each segment, the highest number first. The mode
// says which rank equal values share: 1 the lowest, 2 the average, 3 the
// highest, 4 none; 0 depends on which half of the ranking they lie in. The
// format says what is shown: the number (1), or the range as text.
func rank(a *arrangement, total bool, args []dual.Vector) dual.Vector {
	out := make([]dual.Value, a.n)
	segments := a.segments
	if total {
		segments = []int{0, a.n}
	}
	for s := range len(segments) - 1 {
		rankSegment(out, segments[s], segments[s+1], args)
	}
	return dual.Vals(out)
}

// rankSegment ranks the rows [lo, hi), the greatest number first; rows without
// one have no rank.
func rankSegment(out []dual.Value, lo, hi int, args []dual.Vector) {
	var rows []int
	for row := lo; row < hi; row++ {
		if x := args[0].Num(row); x == x {
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, func(i, j int) int {
		switch x, y := args[0].Num(i), args[0].Num(j); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	for i := 0; i < len(rows); {
		j := i
		for j < len(rows) && args[0].Num(rows[j]) == args[0].Num(rows[i]) {
			j++
		}
		for k := i; k < j; k++ {
			out[rows[k]] = rankValue(i+1, j, k+1, len(rows), rows[k], args)
		}
		i = j
	}
}

// rankValue returns the rank of a row whose ties have ranks first to last of
// n, itself being at place own.
func rankValue(first, last, own, n, row int, args []dual.Vector) dual.Value {
	mode := 0
	if len(args) > 1 {
		mode = int(args[1].Num(row))
	}
	x := float64(first)
	switch mode {
	case 0:
		switch middle := float64(n+1) / 2; {
		case float64(last) <= middle || first == last:
		case float64(first) >= middle:
			x = float64(last)
		default:
			x = float64(first+last) / 2
		}
	case 2:
		x = float64(first+last) / 2
	case 3:
		x = float64(last)
	case 4:
		x = float64(own)
	}
	format := 0.0
	if len(args) > 2 {
		format = args[2].Num(row)
	}
	if format == 2 && own != first {
		return dual.New("", x) // only the first of equals shows its rank
	}
	if format != 0 || first == last || mode == 4 {
		return dual.Number(x)
	}
	return dual.New(itoa(first)+"-"+itoa(last), x)
}
