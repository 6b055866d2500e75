//go:build !amd64 || purego || checked

package simd

// member does nothing where there is no assembly.
func member[C Code](_ []uint64, _ []C, _ *CodeSet, _ bool) (words int, left uint64) { return 0, 0 }
