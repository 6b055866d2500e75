package agg

import (
	"math"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

var countFamily = []aggregation{
	counting("Count", func(k dual.Kind) bool { return k != dual.Null }),
	counting("NullCount", func(k dual.Kind) bool { return k == dual.Null }),
	counting("NumericCount", func(k dual.Kind) bool { return k&dual.Num != 0 }),
	counting("TextCount", func(k dual.Kind) bool { return k == dual.Text }),
	counting("MissingCount", func(k dual.Kind) bool { return k&dual.Num == 0 }),
}

func counting(name string, counts func(dual.Kind) bool) aggregation {
	return aggregation{name: name, argsMin: 1, argsMax: 1, make: func(*fn.Context, Spec) Aggregator {
		a := &count{}
		for k := range a.counts {
			if counts(dual.Kind(k)) {
				a.counts[k] = 1
			}
		}
		return a
	}}
}

// count counts the values of some kinds.
type count struct {
	counts [4]int // by dual.Kind: 1 if it counts
	groups []int

	dict *dual.Dict // the dictionary of ones
	ones []uint8    // per entry of dict: 1 if it counts
}

func (a *count) Grow(nGroups int) { a.groups = grown(a.groups, nGroups) }

func (a *count) Add(groups []uint32, args []dual.Vector) {
	v := &args[0]
	ones := a.entries(v.Dict)
	switch {
	case groups == nil && v.Const:
		a.groups[0] += int(ones[0]) * v.N
	case groups == nil && v.Codes != nil:
		n := 0
		for _, code := range v.Codes {
			n += int(ones[code])
		}
		a.groups[0] += n
	case groups == nil:
		n := 0
		for _, one := range ones[:v.N] {
			n += int(one)
		}
		a.groups[0] += n
	case v.Const:
		for _, g := range groups {
			a.groups[g] += int(ones[0])
		}
	case v.Codes != nil:
		for i, g := range groups {
			a.groups[g] += int(ones[v.Codes[i]])
		}
	default:
		for i, g := range groups {
			a.groups[g] += int(ones[i])
		}
	}
}

// entries returns for each entry of d whether it counts. The answer is kept
// until another dictionary comes.
func (a *count) entries(d *dual.Dict) []uint8 {
	if d == a.dict {
		return a.ones
	}
	a.dict, a.ones = d, a.ones[:0]
	for i := range d.Vals {
		a.ones = append(a.ones, uint8(a.counts[d.Vals[i].Kind]))
	}
	if d.Vals == nil {
		for _, x := range d.Nums {
			kind := dual.Num
			if math.IsNaN(x) {
				kind = dual.Null
			}
			a.ones = append(a.ones, uint8(a.counts[kind]))
		}
	}
	return a.ones
}

func (a *count) Merge(o Aggregator, to []uint32) {
	for g, n := range o.(*count).groups {
		a.groups[to[g]] += n
	}
}

func (a *count) Result(g int) dual.Value {
	return dual.Formatted(float64(a.groups[g]), fn.FormatInteger)
}
