package script

import (
	"math"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// gather returns the values of v at the given positions. Codes stay codes.
func gather(v *dual.Vector, at []int32) dual.Vector {
	switch {
	case v.Const:
		return dual.Vector{N: len(at), Const: true, Dict: v.Dict}
	case v.Codes != nil:
		codes := make([]uint32, len(at))
		for i, p := range at {
			codes[i] = v.Codes[p]
		}
		return dual.Coded(codes, v.Dict)
	default:
		return v.Gather(at)
	}
}

func gatherAll(v []dual.Vector, at []int32) []dual.Vector {
	out := make([]dual.Vector, len(v))
	for i := range v {
		if v[i].Dict != nil {
			out[i] = gather(&v[i], at)
		}
	}
	return out
}

func sliceAll(v []dual.Vector, lo, hi int) []dual.Vector {
	out := make([]dual.Vector, len(v))
	for i := range v {
		if v[i].Dict != nil {
			out[i] = v[i].Slice(lo, hi)
		}
	}
	return out
}

// sequence returns first, first+1 ... as a vector of n numbers.
func sequence(first, n int, f *dual.Format) dual.Vector {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(first + i)
	}
	return dual.Nums(x, f)
}

// truths returns the positions where v is true; all is set, and no position
// listed, if it is true everywhere.
func truths(v *dual.Vector) (at []int32, all bool) {
	if v.Const {
		return nil, isTrue(v.Num(0))
	}
	for i := range v.N {
		if isTrue(v.Num(i)) {
			at = append(at, int32(i))
		}
	}
	return at, len(at) == v.N
}

func isTrue(x float64) bool { return x != 0 && !math.IsNaN(x) }

// keepText marks the result of Text(): a text that is not read as a number
// when it is stored.
var keepText = &dual.Format{Type: dual.ASCII}

// A memo maps the values of vectors one by one and remembers, for coded ones,
// what became of the entries of a dictionary.
type memo struct {
	each func(dual.Value) dual.Value
	from *dual.Dict
	out  *dual.Dict
	done []bool
}

// vector returns each(v). Vectors of plain numbers are returned as they are
// unless numbers is set.
func (m *memo) vector(v dual.Vector, numbers bool) dual.Vector {
	switch {
	case !numbers && v.Dict.Vals == nil:
		return v
	case v.Const:
		return dual.Constant(m.each(v.Dict.At(0)), v.N)
	case v.Codes != nil:
		return dual.Coded(v.Codes, m.entries(&v))
	}
	out := make([]dual.Value, v.N)
	for i := range out {
		out[i] = m.each(v.Dict.At(i))
	}
	return dual.Vals(out)
}

// entries maps the dictionary entries that v uses.
func (m *memo) entries(v *dual.Vector) *dual.Dict {
	if m.from != v.Dict {
		m.from = v.Dict
		m.out = &dual.Dict{Vals: make([]dual.Value, v.Dict.Len())}
		m.done = make([]bool, v.Dict.Len())
	}
	for _, e := range v.Codes {
		if !m.done[e] {
			m.done[e] = true
			m.out.Vals[e] = m.each(v.Dict.At(int(e)))
		}
	}
	return m.out
}

// interpreter reads texts that expressions made as the texts of a file are
// read.
func interpreter(l *number.Locale) *memo {
	return &memo{each: func(v dual.Value) dual.Value {
		if v.Kind != dual.Text {
			return v
		}
		if v.Format == keepText {
			return dual.String(v.Text)
		}
		return dual.New(v.Text, l.Num(v))
	}}
}
