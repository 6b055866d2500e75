package storage

import (
	"math"
)

// Values is the numbers of a column as one flat vector, in the narrowest type
// that holds all of them without loss. Summing a measure of many different
// values from it reads memory in order, where going through the symbol table
// jumps about.
//
// One slice is set. NULL and pure text are the least value of the integer
// types, which no number of the column has, and NaN of the others.
type Values struct {
	i8  []int8
	i16 []int16
	i32 []int32
	f32 []float32
	f64 []float64
}

// Values returns the flat vector of the column; it is made at first use and
// kept until [Column.Evict]. Any number of goroutines may ask for it once the
// catalog is sealed.
func (c *Column) Values() *Values {
	if v := c.values.Load(); v != nil {
		return v
	}
	v := c.makeValues()
	c.values.Store(v) // two goroutines may both make it; either result serves
	return v
}

// Whole returns the slice that is set where it is one of integers; NULL is the
// least value of its type.
func (v *Values) Whole() (i8 []int8, i16 []int16, i32 []int32) { return v.i8, v.i16, v.i32 }

// Evict gives up what is made again when it is asked for: the flat vector and
// the field's dictionary.
func (c *Column) Evict() {
	c.values.Store(nil)
	c.Field.dict.Store(nil)
}

func (c *Column) makeValues() *Values {
	s := c.Field.Symbols
	nums := make([]float64, s.n+1)
	s.ready()
	s.numbers(nums, 0)
	v := &Values{}
	switch lo, hi, whole, single := span(nums); {
	case whole && lo > math.MinInt8 && hi <= math.MaxInt8:
		v.i8 = flat(c, nums, func(x float64) int8 { return int8(x) }, math.MinInt8)
	case whole && lo > math.MinInt16 && hi <= math.MaxInt16:
		v.i16 = flat(c, nums, func(x float64) int16 { return int16(x) }, math.MinInt16)
	case whole && lo > math.MinInt32 && hi <= math.MaxInt32:
		v.i32 = flat(c, nums, func(x float64) int32 { return int32(x) }, math.MinInt32)
	case single:
		v.f32 = flat(c, nums, func(x float64) float32 { return float32(x) }, float32(math.NaN()))
	default:
		v.f64 = flat(c, nums, func(x float64) float64 { return x }, math.NaN())
	}
	return v
}

// span returns the least and greatest number, whether all are whole, and
// whether all fit a float32.
func span(nums []float64) (lo, hi float64, whole, single bool) {
	whole, single = true, true
	for _, x := range nums {
		if x != x { // NULL
			continue
		}
		lo, hi = min(lo, x), max(hi, x)
		whole = whole && x == math.Trunc(x)
		single = single && float64(float32(x)) == x
	}
	return lo, hi, whole, single
}

// flat converts each symbol once and spreads the results over the rows.
func flat[T any](c *Column, nums []float64, convert func(float64) T, null T) []T {
	table := make([]T, len(nums))
	for i, x := range nums {
		if x == x {
			table[i] = convert(x)
		} else {
			table[i] = null
		}
	}
	out := make([]T, c.rows)
	var codes [1 << 12]uint32
	for lo := 0; lo < c.rows; lo += len(codes) {
		part := codes[:min(len(codes), c.rows-lo)]
		c.Codes(part, lo)
		for i, code := range part {
			out[lo+i] = table[code]
		}
	}
	return out
}

// Floats writes the numbers of rows lo to lo+len(dst) into dst, NaN for NULL.
func (v *Values) Floats(dst []float64, lo int) {
	hi := lo + len(dst)
	switch {
	case v.i8 != nil:
		widen(dst, v.i8[lo:hi], math.MinInt8)
	case v.i16 != nil:
		widen(dst, v.i16[lo:hi], math.MinInt16)
	case v.i32 != nil:
		widen(dst, v.i32[lo:hi], math.MinInt32)
	case v.f32 != nil:
		for i, x := range v.f32[lo:hi] {
			dst[i] = float64(x)
		}
	default:
		copy(dst, v.f64[lo:hi])
	}
}

// FloatsAt writes the numbers of the given rows into dst, NaN for NULL.
func (v *Values) FloatsAt(dst []float64, rows []uint32) {
	switch {
	case v.i8 != nil:
		pick(dst, v.i8, rows, math.MinInt8)
	case v.i16 != nil:
		pick(dst, v.i16, rows, math.MinInt16)
	case v.i32 != nil:
		pick(dst, v.i32, rows, math.MinInt32)
	case v.f32 != nil:
		for i, r := range rows {
			dst[i] = float64(v.f32[r])
		}
	default:
		for i, r := range rows {
			dst[i] = v.f64[r]
		}
	}
}

func widen[T int8 | int16 | int32](dst []float64, src []T, null T) {
	for i, x := range src {
		dst[i] = float64(x)
		if x == null {
			dst[i] = math.NaN()
		}
	}
}

func pick[T int8 | int16 | int32](dst []float64, src []T, rows []uint32, null T) {
	for i, r := range rows {
		x := src[r]
		dst[i] = float64(x)
		if x == null {
			dst[i] = math.NaN()
		}
	}
}

// sizeBytes returns the memory of the vector, 0 for none.
func (v *Values) sizeBytes() int64 {
	if v == nil {
		return 0
	}
	return int64(len(v.i8) + 2*len(v.i16) + 4*len(v.i32) + 4*len(v.f32) + 8*len(v.f64))
}
