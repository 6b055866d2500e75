//go:build !amd64 || purego

package simd

func structure(dst []uint64, text string, a, b, c byte) { structureGeneric(dst, text, a, b, c) }
