package query

import (
	"math"
	"strings"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// ValueList and ValueLoop are synthetic dimensions: their values stand in the
// call, not in the data. In a measure the same call is the current value.

// loopMax bounds the values of a ValueLoop.
const loopMax = 100_000

// synthetic returns the dimension of a ValueList or ValueLoop call, nil for
// other expressions.
func (p *planner) synthetic(n expr.Node) (*dim, error) {
	call, ok := n.(*expr.Call)
	if !ok || !isSynthetic(call) {
		return nil, nil
	}
	vals, err := p.constants(call.Args)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(call.Name, "ValueLoop") {
		if vals, err = loop(call, vals); err != nil {
			return nil, err
		}
	}
	if len(vals) == 0 {
		return nil, errorAt(call, "%s needs at least one value", call.Name)
	}
	d := &dim{call: strings.ToLower(expr.String(call)), values: &storage.Field{Symbols: &storage.Symbols{}}}
	for _, v := range vals {
		if _, err := d.values.Symbols.Code(v); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func isSynthetic(n *expr.Call) bool {
	return strings.EqualFold(n.Name, "ValueList") || strings.EqualFold(n.Name, "ValueLoop")
}

func loop(n *expr.Call, args []dual.Value) ([]dual.Value, error) {
	if len(args) < 1 || len(args) > 3 {
		return nil, errorAt(n, "ValueLoop takes 1 to 3 arguments, not %d", len(args))
	}
	from, step := args[0].Float(), 1.0
	to := from
	if len(args) > 1 {
		to = args[1].Float()
	}
	if len(args) > 2 {
		step = args[2].Float()
	}
	count := math.Floor((to-from)/step) + 1
	if !(count >= 0 && count <= loopMax) {
		return nil, errorAt(n, "ValueLoop from %v to %v by %v makes no list of at most %d values", from, to, step, loopMax)
	}
	var vals []dual.Value
	for i := range int(count) {
		vals = append(vals, dual.Formatted(from+float64(i)*step, fn.FormatInteger))
	}
	return vals, nil
}

// syntheticValue resolves the call in a measure: the value of the dimension
// with the same call in each row, NULL in the totals and without it.
func (p *planner) syntheticValue(n *expr.Call) expr.Node {
	key := strings.ToLower(expr.String(n))
	for i, d := range p.dims {
		if d.call == key {
			arr := p.arr
			return &rowNode{at: n.At, vector: func(rows int, _ []dual.Vector) (dual.Vector, error) {
				out := make([]dual.Value, rows)
				for row := range out {
					if arr.code != nil {
						out[row] = d.values.Value(arr.code(i, row))
					}
				}
				return dual.Vals(out), nil
			}}
		}
	}
	return &constNode{at: n.At}
}

// allValues lists every value of a synthetic dimension.
func (d *dim) allValues(pt *part) {
	for code := range d.values.Symbols.Len() {
		pt.add(uint32(code + 1))
	}
}
