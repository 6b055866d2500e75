//go:build amd64 && !purego && !checked

package simd

// The kernels add eight values at a time. A list of the rows first, and then
// the values at them, takes 2 to 6 times as long where a tenth of the rows or
// more are set.

//go:noescape
func sumMasked8AVX512(out *[16]int64, x *int8, words *uint64, n int, null int64)

//go:noescape
func sumMasked16AVX512(out *[16]int64, x *int16, words *uint64, n int, null int64)

//go:noescape
func sumMasked32AVX512(out *[16]int64, x *int32, words *uint64, n int, null int64)

// sumMasked sums as many words of rows, at least one, as the kernel does, and
// returns how many.
func sumMasked[T Whole](x []T, rows []uint64, null T) (sum int64, n, words int) {
	if !hasAVX512 {
		return 0, 0, 0
	}
	var out [16]int64
	switch x := any(x).(type) {
	case []int8:
		sumMasked8AVX512(&out, &x[0], &rows[0], len(rows), int64(null))
	case []int16:
		sumMasked16AVX512(&out, &x[0], &rows[0], len(rows), int64(null))
	case []int32:
		sumMasked32AVX512(&out, &x[0], &rows[0], len(rows), int64(null))
	}
	for i := range 8 {
		sum += out[i]
		n += int(out[8+i])
	}
	return sum, n, len(rows)
}
