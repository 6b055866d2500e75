//go:build !amd64 || purego || checked

package simd

func count(a []uint64) int       { return countGeneric(a) }
func andCount(a, b []uint64) int { return andCountGeneric(a, b) }
func and(dst, b []uint64) int    { return andGeneric(dst, b) }
func or(dst, b []uint64) int     { return orGeneric(dst, b) }
func andNot(dst, b []uint64) int { return andNotGeneric(dst, b) }
