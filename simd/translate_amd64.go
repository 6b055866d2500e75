//go:build amd64 && !purego && !checked

package simd

import "math"

// The kernels do n codes, a multiple of 32 above 0, and check nothing. Gathers
// of eight by AVX2 were no faster than loads one by one: there are none.

//go:noescape
func translate8AVX512(dst *uint32, codes *uint8, n int, through *uint32)

//go:noescape
func translate16AVX512(dst *uint32, codes *uint16, n int, through *uint32)

//go:noescape
func translate32AVX512(dst *uint32, codes *uint32, n int, through *uint32)

// translate translates as many codes as the kernel can and returns how many.
// Gathers take codes as signed numbers.
func translate[C Code](dst []uint32, codes []C, through []uint32) int {
	n := len(codes) &^ 31
	if n == 0 || !hasAVX512 || len(through) > math.MaxInt32 {
		return 0
	}
	switch c := any(codes).(type) {
	case []uint8:
		translate8AVX512(&dst[0], &c[0], n, &through[0])
	case []uint16:
		translate16AVX512(&dst[0], &c[0], n, &through[0])
	case []uint32:
		translate32AVX512(&dst[0], &c[0], n, &through[0])
	default:
		return 0
	}
	return n
}
