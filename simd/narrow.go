package simd

// Narrow writes codes, all of which fit a C, into the first len(codes) elements
// of dst.
func Narrow[C Code](dst []C, codes []uint32) {
	dst = dst[:len(codes)]
	for i, c := range codes {
		dst[i] = C(c)
	}
}

// Max returns the greatest code, 0 of none.
func Max[C Code](codes []C) C {
	var a, b, c, d C // four chains: none waits for another
	i := 0
	for ; i+4 <= len(codes); i += 4 {
		p := codes[i : i+4 : i+4]
		a, b, c, d = max(a, p[0]), max(b, p[1]), max(c, p[2]), max(d, p[3])
	}
	for _, code := range codes[i:] {
		a = max(a, code)
	}
	return max(max(a, b), max(c, d))
}
