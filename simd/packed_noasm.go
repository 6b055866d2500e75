//go:build !amd64 || purego || checked

package simd

// unpackCodes does nothing where there is no assembly.
func unpackCodes(_ []uint32, _ []byte, _ int) int { return 0 }
