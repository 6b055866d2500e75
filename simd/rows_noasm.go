//go:build !amd64 || purego || checked

package simd

// appendRows does nothing where there is no assembly.
func appendRows(dst []uint32, _ []uint64, _ uint32) ([]uint32, int) { return dst, 0 }
