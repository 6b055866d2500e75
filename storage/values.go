package storage

import (
	"math"
	"runtime"
	"slices"
	"sync"
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

// Values returns the flat vector of the column; it is made at first use, once,
// however many ask, and kept until [Column.Evict]. Any number of goroutines may
// ask for it once the catalog is sealed.
func (c *Column) Values() *Values {
	if v := c.values.Load(); v != nil {
		return v
	}
	c.making.Lock()
	defer c.making.Unlock()
	if v := c.values.Load(); v != nil {
		return v
	}
	v := c.makeValues()
	c.values.Store(v)
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
	var wg sync.WaitGroup
	wg.Go(c.ready) // beside the symbols
	c.Field.Symbols.ready()
	wg.Wait()
	v := &Values{}
	if whole := c.Field.Symbols.wholeNumbers(); whole != nil && wide(whole) {
		v.i32 = flat(c, whole)
		return v
	}
	nums := c.Field.Symbols.allNumbers()
	switch lo, hi, whole, single := span(nums); {
	case whole && lo > math.MinInt8 && hi <= math.MaxInt8:
		v.i8 = flat(c, convert(nums, func(x float64) int8 { return int8(x) }, math.MinInt8))
	case whole && lo > math.MinInt16 && hi <= math.MaxInt16:
		v.i16 = flat(c, convert(nums, func(x float64) int16 { return int16(x) }, math.MinInt16))
	case whole && lo > math.MinInt32 && hi <= math.MaxInt32:
		v.i32 = flat(c, convert(nums, func(x float64) int32 { return int32(x) }, math.MinInt32))
	case single:
		v.f32 = flat(c, convert(nums, func(x float64) float32 { return float32(x) }, float32(math.NaN())))
	default:
		v.f64 = flat(c, nums)
	}
	return v
}

// wholeNumbers returns the numbers of all codes if they lie so, noWhole for those
// that have none; nil if not. It must not be changed.
func (s *Symbols) wholeNumbers() []int32 {
	s.ready()
	return s.packed.i32
}

// wide reports whether some number takes more than 16 bits.
func wide(whole []int32) bool {
	return slices.ContainsFunc(whole, func(x int32) bool { return x != noWhole && x != int32(int16(x)) })
}

// allNumbers returns the numbers of all codes, NaN for those that have none. It
// must not be changed.
func (s *Symbols) allNumbers() []float64 {
	s.ready()
	if s.nums != nil {
		return s.nums
	}
	nums := make([]float64, s.n+1)
	s.numbers(nums, 0)
	return nums
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
		whole = whole && noFraction(x)
		single = single && float64(float32(x)) == x
	}
	return lo, hi, whole, single
}

// noFraction reports whether x has no fraction; infinity has none.
func noFraction(x float64) bool {
	return float64(int64(x)) == x || x == math.Trunc(x) // the first is fast, and right for most
}

// flat spreads what belongs to each code over the rows, all processors sharing
// them.
func flat[T number](c *Column, of []T) []T {
	c.ready()
	out := large[T](c.rows, c.rows)
	share := (c.rows/runtime.GOMAXPROCS(0) + 1<<16) &^ 63
	var wg sync.WaitGroup
	for lo := share; lo < c.rows; lo += share {
		wg.Go(func() { spread(c, out[lo:min(lo+share, c.rows)], lo, of) })
	}
	spread(c, out[:min(share, c.rows)], 0, of)
	wg.Wait()
	return out
}

// spread writes what belongs to the codes of rows lo to lo+len(dst) into dst.
func spread[T number](c *Column, dst []T, lo int, of []T) {
	if to := words32(dst); to != nil {
		c.Through(to, lo, words32(of))
		return
	}
	var codes [1 << 12]uint32
	for at := 0; at < len(dst); at += len(codes) {
		part := codes[:min(len(codes), len(dst)-at)]
		c.Codes(part, lo+at)
		for i, code := range part {
			dst[at+i] = of[code]
		}
	}
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
