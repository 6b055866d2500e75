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

	dict  *dual.Dict  // the dictionary of kinds
	kinds []dual.Kind // of the entries of dict
}

func (a *count) Grow(nGroups int) { a.groups = grown(a.groups, nGroups) }

func (a *count) Add(groups []uint32, args []dual.Vector) {
	v := &args[0]
	if v.Const {
		one := a.counts[kindAt(v.Dict, 0)]
		if groups == nil {
			a.groups[0] += one * v.N
		}
		for _, g := range groups {
			a.groups[g] += one
		}
		return
	}
	switch {
	case v.Codes == nil:
		a.addEach(groups, v.N, func(i int) dual.Kind { return kindAt(v.Dict, i) })
	case v.Dict.Len() > kindsMax:
		a.addEach(groups, v.N, func(i int) dual.Kind { return kindAt(v.Dict, int(v.Codes[i])) })
	default:
		a.addCoded(groups, v, a.entries(v.Dict))
	}
}

// kindsMax is up to how many entries a dictionary has its kinds noted: to note
// those of millions costs more than a scan that looks at them as they come.
const kindsMax = 1 << 15

// addEach counts values without notes.
func (a *count) addEach(groups []uint32, n int, kind func(i int) dual.Kind) {
	if groups == nil {
		sum := 0
		for i := range n {
			sum += a.counts[kind(i)]
		}
		a.groups[0] += sum
		return
	}
	for i, g := range groups {
		a.groups[g] += a.counts[kind(i)]
	}
}

// addCoded counts codes. An entry that was NULL is looked at again: the
// dictionary of an expression is filled while rows ask for its entries.
func (a *count) addCoded(groups []uint32, v *dual.Vector, kinds []dual.Kind) {
	n := 0
	for i, code := range v.Codes {
		k := kinds[code]
		if k == dual.Null {
			k = kindAt(v.Dict, int(code))
			kinds[code] = k
		}
		if groups == nil {
			n += a.counts[k]
		} else {
			a.groups[groups[i]] += a.counts[k]
		}
	}
	if n > 0 {
		a.groups[0] += n
	}
}

func kindAt(d *dual.Dict, i int) dual.Kind {
	switch {
	case d.Vals != nil:
		return d.Vals[i].Kind
	case math.IsNaN(d.Nums[i]):
		return dual.Null
	}
	return dual.Num
}

// entries returns the kinds of the entries of d. They are kept until another
// dictionary comes.
func (a *count) entries(d *dual.Dict) []dual.Kind {
	if d != a.dict {
		a.dict, a.kinds = d, a.kinds[:0]
		for i := range d.Len() {
			a.kinds = append(a.kinds, kindAt(d, i))
		}
	}
	return a.kinds
}

func (a *count) Merge(o Aggregator, to []uint32) {
	for g, n := range o.(*count).groups {
		a.groups[to[g]] += n
	}
}

func (a *count) Result(g int) dual.Value {
	return dual.Formatted(float64(a.groups[g]), fn.FormatInteger)
}

func (a *count) numbers(dst []float64) *dual.Format {
	for g := range dst {
		dst[g] = float64(a.groups[g])
	}
	return fn.FormatInteger
}
