package dual

import (
	"math"
	"strconv"
)

// A Dict is a list of values that coded vectors point into. It is immutable
// and shared: its address is its identity, by which the evaluator remembers
// what it has already computed from it.
//
// Exactly one of Nums and Vals is set. Nums holds numbers without own text,
// NaN for NULL, all shown by Format; or, if Texts is set, whole numbers below
// 1e15 that came as texts, each the one by which its number is shown anyway.
//
// Distinct says that no two entries are the [Same], as in a symbol table.
type Dict struct {
	Nums     []float64
	Vals     []Value
	Format   *Format
	Texts    bool
	Distinct bool
}

// Len returns the number of entries.
func (d *Dict) Len() int {
	if d.Vals != nil {
		return len(d.Vals)
	}
	return len(d.Nums)
}

// At returns entry i.
func (d *Dict) At(i int) Value {
	if d.Vals != nil {
		return d.Vals[i]
	}
	if d.Texts {
		return New(strconv.FormatInt(int64(d.Nums[i]), 10), d.Nums[i])
	}
	return Formatted(d.Nums[i], d.Format)
}

// Num returns the number of entry i, NaN where it has none.
func (d *Dict) Num(i int) float64 {
	if d.Vals != nil {
		return d.Vals[i].Float()
	}
	return d.Nums[i]
}

// A Vector is a batch of N values of one column or expression:
//
//	dense:    Codes == nil, Dict has N entries, entry i is value i
//	coded:    Codes has N elements, value i is entry Codes[i] of Dict
//	constant: Codes == nil, Const, Dict has one entry, which is every value
//
// NULL is an entry like others (NaN or the zero Value). Vectors are not
// changed once they are handed on.
type Vector struct {
	N     int
	Const bool
	Codes []uint32
	Dict  *Dict
}

// Nums returns a dense vector of numbers; NaN is NULL.
func Nums(x []float64, f *Format) Vector {
	return Vector{N: len(x), Dict: &Dict{Nums: x, Format: f}}
}

// Texts returns a dense vector of whole numbers with their texts ([Dict]).
func Texts(x []float64) Vector { return Vector{N: len(x), Dict: &Dict{Nums: x, Texts: true}} }

// Vals returns a dense vector of values.
func Vals(v []Value) Vector { return Vector{N: len(v), Dict: &Dict{Vals: v}} }

// Coded returns a vector of codes into d.
func Coded(codes []uint32, d *Dict) Vector { return Vector{N: len(codes), Codes: codes, Dict: d} }

// Constant returns a vector of n times v.
func Constant(v Value, n int) Vector {
	return Vector{N: n, Const: true, Dict: &Dict{Vals: []Value{v}}}
}

// Entry returns the index into v.Dict of value i.
func (v *Vector) Entry(i int) int {
	switch {
	case v.Const:
		return 0
	case v.Codes != nil:
		return int(v.Codes[i])
	default:
		return i
	}
}

// At returns value i.
func (v *Vector) At(i int) Value { return v.Dict.At(v.Entry(i)) }

// Num returns the number of value i, NaN where it has none.
func (v *Vector) Num(i int) float64 { return v.Dict.Num(v.Entry(i)) }

// Slice returns values lo to hi (exclusive).
func (v *Vector) Slice(lo, hi int) Vector {
	switch {
	case v.Const:
		return Vector{N: hi - lo, Const: true, Dict: v.Dict}
	case v.Codes != nil:
		return Vector{N: hi - lo, Codes: v.Codes[lo:hi], Dict: v.Dict}
	case v.Dict.Vals != nil:
		return Vector{N: hi - lo, Dict: &Dict{Vals: v.Dict.Vals[lo:hi]}}
	default:
		return Vector{N: hi - lo, Dict: &Dict{Nums: v.Dict.Nums[lo:hi], Format: v.Dict.Format, Texts: v.Dict.Texts}}
	}
}

// Gather returns the values at the given positions. A negative position
// gives NULL.
func (v *Vector) Gather(at []int32) Vector {
	if v.Dict.Len() == 0 { // nothing but NULL can be asked for
		return Constant(Value{}, len(at))
	}
	if v.Codes == nil && !v.Const && v.Dict.Nums != nil && !v.Dict.Texts {
		out := make([]float64, len(at))
		for i, p := range at {
			if p < 0 {
				out[i] = math.NaN()
			} else {
				out[i] = v.Dict.Nums[p]
			}
		}
		return Nums(out, v.Dict.Format)
	}
	out := make([]Value, len(at))
	for i, p := range at {
		if p >= 0 {
			out[i] = v.At(int(p))
		}
	}
	if v.Codes == nil && !v.Const {
		return Vals(out)
	}
	missing := false
	for _, p := range at {
		missing = missing || p < 0
	}
	if missing {
		return Vals(out)
	}
	codes := make([]uint32, len(at))
	for i, p := range at {
		codes[i] = uint32(v.Entry(int(p)))
	}
	return Coded(codes, v.Dict)
}
