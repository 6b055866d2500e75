package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// packed are the numbers of symbols that nothing is added to any more, in a
// form that is narrower than a float64 each and loses nothing: -0 stays what
// it is. The zero value is no numbers at all.
//
//	step != 0   code c has first + (c-1)*step; all values have a number
//	i32         number of code c, noWhole when it is pure text or NULL
//	f32         number of code c, NaN when it is pure text or NULL
type packed struct {
	first, step int64
	i32         []int32
	f32         []float32
}

const (
	// noWhole stands for what has no number; -2^31 itself is not packed so.
	noWhole = math.MinInt32
	// wholeMax is where whole numbers begin that a float64 may round.
	wholeMax = 1 << 53
)

// pack returns the numbers of all codes, NULL's NaN first, in the narrowest
// form; ok is false if none is narrower than a float64.
func pack(nums []float64) (p packed, ok bool) {
	if p.first, p.step = progression(nums); p.step != 0 {
		return p, true
	}
	whole, single := len(nums) > 0, len(nums) > 0
	for _, x := range nums {
		if x != x {
			continue
		}
		whole = whole && isWhole(x) && x > noWhole && x <= math.MaxInt32
		single = single && float64(float32(x)) == x
	}
	switch {
	case whole:
		p.i32 = convert(nums, func(x float64) int32 { return int32(x) }, noWhole)
	case single:
		p.f32 = convert(nums, func(x float64) float32 { return float32(x) }, float32(math.NaN()))
	}
	return p, whole || single
}

// progression returns the first number and the distance from each to the next
// one, 0 if distances differ or anything but NULL is no whole number.
func progression(nums []float64) (first, step int64) {
	if len(nums) < 2 || !isWhole(nums[1]) {
		return 0, 0
	}
	first, step = int64(nums[1]), 1
	if len(nums) > 2 && isWhole(nums[2]) {
		step = int64(nums[2]) - first
	}
	want := first
	for _, x := range nums[1:] {
		if !isWhole(x) || int64(x) != want {
			return 0, 0
		}
		want += step
	}
	return first, step
}

// isWhole reports whether an int64 holds x as it is.
func isWhole(x float64) bool {
	return math.Abs(x) < wholeMax && x == math.Trunc(x) && (x != 0 || !math.Signbit(x))
}

// convert converts every number, what has none to null.
func convert[T number](nums []float64, to func(float64) T, null T) []T {
	out := large[T](len(nums), len(nums))
	for i, x := range nums {
		if x == x {
			out[i] = to(x)
		} else {
			out[i] = null
		}
	}
	return out
}

// any reports whether some code has a number.
func (p *packed) any() bool { return p.step != 0 || p.i32 != nil || p.f32 != nil }

// form returns how the numbers lie in memory; none are as float64.
func (p *packed) form() numbersForm {
	switch {
	case p.step != 0:
		return asProgression
	case p.i32 != nil:
		return asInt32
	case p.f32 != nil:
		return asFloat32
	}
	return asFloat64
}

// bytes returns the numbers as they lie at rest.
func (p *packed) bytes() []byte {
	switch p.form() {
	case asProgression:
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(p.first)), uint64(p.step))
	case asInt32:
		return bytesOf(p.i32)
	default:
		return bytesOf(p.f32)
	}
}

// takePacked returns numbers from how they lie at rest; none if they are not of
// the form.
func takePacked(b []byte, form numbersForm) (p packed) {
	switch form {
	case asProgression:
		p.first, p.step = int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))
	case asInt32:
		p.i32 = view[int32](b)
	case asFloat32:
		p.f32 = view[float32](b)
	case asFloat64:
	}
	return p
}

// verify checks numbers of n values that came from outside: that every number
// of a progression is one that a float64 holds, and NULL has none.
func (p *packed) verify(n int) error {
	switch p.form() {
	case asProgression:
		last, ok := mulAdd(p.first, p.step, int64(n)-1)
		if !ok || max(p.first, last) >= wholeMax || min(p.first, last) <= -wholeMax {
			return fmt.Errorf("numbers from %d in steps of %d", p.first, p.step)
		}
	case asInt32:
		if p.i32[0] != noWhole {
			return errNullNumber
		}
	case asFloat32:
		if p.f32[0] == p.f32[0] {
			return errNullNumber
		}
	case asFloat64:
	}
	return nil
}

var errNullNumber = errors.New("NULL has a number")

// mulAdd returns a + b*n if that is no more than 2^62; n is below 2^32 and not
// negative.
func mulAdd(a, b, n int64) (sum int64, ok bool) {
	const most = 1 << 62
	if max(a, -a) >= most/2 || a == math.MinInt64 || b == math.MinInt64 || n > 0 && max(b, -b) >= most/2/n {
		return 0, false
	}
	return a + b*n, true
}

// missing reports whether some of the values has no number.
func (s *Symbols) missing() bool {
	switch {
	case s.packed.step != 0:
		return false
	case s.packed.i32 != nil:
		return slices.Contains(s.packed.i32[1:], noWhole)
	case s.packed.f32 != nil:
		return hasNaN(s.packed.f32[1:])
	case s.nums != nil:
		return hasNaN(s.nums[1:])
	}
	return s.n > 0
}

// integral reports whether no number has a fraction.
func (s *Symbols) integral() bool {
	switch {
	case s.packed.f32 != nil:
		return !slices.ContainsFunc(s.packed.f32[1:], func(x float32) bool { return !noFraction(float64(x)) })
	case s.nums != nil:
		return !slices.ContainsFunc(s.nums[1:], func(x float64) bool { return !noFraction(x) })
	}
	return true
}

func hasNaN[T float32 | float64](x []T) bool {
	for _, v := range x {
		if v != v {
			return true
		}
	}
	return false
}

// at returns the number of a code, NaN if it has none.
func (p *packed) at(code uint32) float64 {
	switch {
	case p.i32 != nil:
		if x := p.i32[code]; x != noWhole {
			return float64(x)
		}
	case p.f32 != nil:
		if x := p.f32[code]; x == x { // one NaN is written like another
			return float64(x)
		}
	case p.step != 0 && code != 0:
		return float64(p.first + (int64(code)-1)*p.step)
	}
	return math.NaN()
}

// sizeBytes returns the memory of the numbers.
func (p *packed) sizeBytes() int64 { return int64(4*cap(p.i32) + 4*cap(p.f32)) }

// numbered reports whether some value has a number.
func (s *Symbols) numbered() bool { return s.nums != nil || s.packed.any() }

// at is [Symbols.Number] of symbols that are in memory.
func (s *Symbols) at(code uint32) float64 {
	if s.nums != nil {
		return s.nums[code]
	}
	return s.packed.at(code)
}

// numbers writes the numbers of codes from lo on into dst.
func (s *Symbols) numbers(dst []float64, lo int) {
	hi := lo + len(dst)
	switch p := &s.packed; {
	case s.nums != nil:
		copy(dst, s.nums[lo:hi])
	case p.i32 != nil:
		widen(dst, p.i32[lo:hi], noWhole)
	default:
		for i := range dst {
			dst[i] = p.at(uint32(lo + i))
		}
	}
}
