//go:build amd64 && !purego && !checked

package simd

// The kernels do n words of 64 codes, n above 0, and return the OR of all
// words. They check nothing: a set has a bit for every code that occurs.

//go:noescape
func member8VBMI(dst *uint64, codes *uint8, n int, keep uint64, table *uint8) uint64

//go:noescape
func member8AVX2(dst *uint64, codes *uint8, n int, keep uint64, matrix *uint8) uint64

//go:noescape
func member16AVX512(dst *uint64, codes *uint16, n int, keep uint64, set *uint64) uint64

//go:noescape
func member16AVX2(dst *uint64, codes *uint16, n int, keep uint64, set *uint64) uint64

//go:noescape
func member32AVX512(dst *uint64, codes *uint32, n int, keep uint64, set *uint64) uint64

//go:noescape
func member32AVX2(dst *uint64, codes *uint32, n int, keep uint64, set *uint64) uint64

//go:noescape
func member16x1BW(dst *uint64, codes *uint16, n int, keep uint64, set *uint64) uint64

//go:noescape
func member16x2BW(dst *uint64, codes *uint16, n int, keep uint64, set *uint64) uint64

//go:noescape
func member16x4BW(dst *uint64, codes *uint16, n int, keep uint64, set *uint64) uint64

//go:noescape
func range16AVX512(dst *uint64, codes *uint16, n int, keep uint64, lo, span uint32) uint64

//go:noescape
func range16AVX2(dst *uint64, codes *uint16, n int, keep uint64, lo, span uint32) uint64

//go:noescape
func range32AVX512(dst *uint64, codes *uint32, n int, keep uint64, lo, span uint32) uint64

//go:noescape
func range32AVX2(dst *uint64, codes *uint32, n int, keep uint64, lo, span uint32) uint64

// member is Member, or MemberAnd, of as many whole words as the best kernel
// that there is can do; it returns how many, and the OR of them.
func member[C Code](rows []uint64, codes []C, s *CodeSet, and bool) (words int, left uint64) {
	n := len(codes) >> 6
	if n == 0 || !hasAVX2 {
		return 0, 0
	}
	keep := ^uint64(0)
	if and {
		keep = 0
	}
	switch c := any(codes).(type) {
	case []uint8:
		return n, member8(&rows[0], &c[0], n, keep, s)
	case []uint16:
		return n, member16(&rows[0], &c[0], n, keep, s)
	case []uint32:
		return n, member32(&rows[0], &c[0], n, keep, s)
	}
	return 0, 0
}

func member8(dst *uint64, codes *uint8, n int, keep uint64, s *CodeSet) uint64 {
	switch {
	case hasVBMI:
		return member8VBMI(dst, codes, n, keep, &s.table[0])
	default:
		return member8AVX2(dst, codes, n, keep, &s.matrix[0])
	}
}

func member16(dst *uint64, codes *uint16, n int, keep uint64, s *CodeSet) uint64 {
	switch words := &s.words[0]; {
	case s.run && s.lo+s.span <= 0xFFFF && hasAVX512:
		return range16AVX512(dst, codes, n, keep, s.lo, s.span)
	case s.run && s.lo+s.span <= 0xFFFF:
		return range16AVX2(dst, codes, n, keep, s.lo, s.span)
	case !hasAVX512:
		return member16AVX2(dst, codes, n, keep, words)
	case len(s.flags) <= 1024:
		return member16x1BW(dst, codes, n, keep, words)
	case len(s.flags) <= 2048:
		return member16x2BW(dst, codes, n, keep, words)
	case len(s.flags) <= 4096:
		return member16x4BW(dst, codes, n, keep, words)
	default:
		return member16AVX512(dst, codes, n, keep, words)
	}
}

func member32(dst *uint64, codes *uint32, n int, keep uint64, s *CodeSet) uint64 {
	switch words := &s.words[0]; {
	case s.run && hasAVX512:
		return range32AVX512(dst, codes, n, keep, s.lo, s.span)
	case s.run:
		return range32AVX2(dst, codes, n, keep, s.lo, s.span)
	case hasAVX512:
		return member32AVX512(dst, codes, n, keep, words)
	default:
		return member32AVX2(dst, codes, n, keep, words)
	}
}
