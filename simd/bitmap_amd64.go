//go:build amd64 && !purego && !checked

package simd

// The kernels do n words, a multiple of 32 above 0, and check nothing.

//go:noescape
func countAVX512(a *uint64, n int) int

//go:noescape
func countAVX2(a *uint64, n int) int

//go:noescape
func andCountAVX512(a, b *uint64, n int) int

//go:noescape
func andCountAVX2(a, b *uint64, n int) int

//go:noescape
func andAVX512(a, b *uint64, n int) int

//go:noescape
func andAVX2(a, b *uint64, n int) int

//go:noescape
func orAVX512(a, b *uint64, n int) int

//go:noescape
func orAVX2(a, b *uint64, n int) int

//go:noescape
func andNotAVX512(a, b *uint64, n int) int

//go:noescape
func andNotAVX2(a, b *uint64, n int) int

// whole returns how many of n words the kernels can do.
func whole(n int) int {
	if !hasAVX2 {
		return 0
	}
	return n &^ 31
}

func count(a []uint64) int {
	k, n := whole(len(a)), 0
	switch {
	case k > 0 && hasVPOPCNT:
		n = countAVX512(&a[0], k)
	case k > 0:
		n = countAVX2(&a[0], k)
	}
	return n + countGeneric(a[k:])
}

func andCount(a, b []uint64) int {
	k, n := whole(len(a)), 0
	switch {
	case k > 0 && hasVPOPCNT:
		n = andCountAVX512(&a[0], &b[0], k)
	case k > 0:
		n = andCountAVX2(&a[0], &b[0], k)
	}
	return n + andCountGeneric(a[k:], b[k:])
}

func and(dst, b []uint64) int {
	k, n := whole(len(dst)), 0
	switch {
	case k > 0 && hasVPOPCNT:
		n = andAVX512(&dst[0], &b[0], k)
	case k > 0:
		n = andAVX2(&dst[0], &b[0], k)
	}
	return n + andGeneric(dst[k:], b[k:])
}

func or(dst, b []uint64) int {
	k, n := whole(len(dst)), 0
	switch {
	case k > 0 && hasVPOPCNT:
		n = orAVX512(&dst[0], &b[0], k)
	case k > 0:
		n = orAVX2(&dst[0], &b[0], k)
	}
	return n + orGeneric(dst[k:], b[k:])
}

func andNot(dst, b []uint64) int {
	k, n := whole(len(dst)), 0
	switch {
	case k > 0 && hasVPOPCNT:
		n = andNotAVX512(&dst[0], &b[0], k)
	case k > 0:
		n = andNotAVX2(&dst[0], &b[0], k)
	}
	return n + andNotGeneric(dst[k:], b[k:])
}
