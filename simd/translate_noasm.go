//go:build !amd64 || purego || checked

package simd

// translate does nothing where there is no assembly.
func translate[C Code](_ []uint32, _ []C, _ []uint32) int { return 0 }
