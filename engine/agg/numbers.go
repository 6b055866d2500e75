package agg

import (
	"math"

	"github.com/cognate-bi/cognate/storage/dual"
)

// numbers reads vectors as plain numbers, NaN where there is none. It keeps
// the numbers of the dictionary it saw last, so that a coded column is
// converted once.
//
// The dictionary of an expression is filled while rows ask for its entries, so
// an entry that was NULL is looked up again when it is asked for.
type numbers struct {
	dict *dual.Dict
	nums []float64 // of dict
	out  []float64 // scratch
}

// of returns one number per value of v, valid until the next call.
func (r *numbers) of(v *dual.Vector) []float64 {
	nums := r.entries(v.Dict)
	switch {
	case v.Const:
		out := r.scratch(v.N)
		for i := range out {
			out[i] = v.Dict.Num(0)
		}
		return out
	case v.Codes != nil && v.Dict.Vals == nil:
		out := r.scratch(v.N)
		for i, code := range v.Codes {
			out[i] = nums[code]
		}
		return out
	case v.Codes != nil:
		out := r.scratch(v.N)
		for i, code := range v.Codes {
			if nums[code] != nums[code] { // NaN: perhaps filled meanwhile
				nums[code] = v.Dict.Vals[code].Float()
			}
			out[i] = nums[code]
		}
		return out
	}
	return nums[:v.N]
}

// entries returns the numbers of a dictionary.
func (r *numbers) entries(d *dual.Dict) []float64 {
	if d.Vals == nil {
		return d.Nums
	}
	if r.dict != d {
		r.nums = r.nums[:0]
		for i := range d.Vals {
			r.nums = append(r.nums, d.Vals[i].Float())
		}
		r.dict = d
	}
	return r.nums
}

func (r *numbers) scratch(n int) []float64 {
	if cap(r.out) < n {
		r.out = make([]float64, n)
	}
	return r.out[:n]
}

// first returns the first number of x, NaN if there is none.
func first(x []float64) float64 {
	for _, v := range x {
		if !math.IsNaN(v) {
			return v
		}
	}
	return math.NaN()
}
