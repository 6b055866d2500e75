//go:build !amd64 || purego

package simd

func unpackThrough[C Code](dst []C, records []byte, b Bits, through []C) int {
	return unpackThroughGeneric(dst, records, b, through)
}
