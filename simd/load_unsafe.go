//go:build (amd64 || arm64 || wasm) && !checked

package simd

import "unsafe"

// load64 returns the eight bytes of b from at on as a little-endian number.
// The caller has made sure that they are there; the build tag `checked` makes
// each load do so, too.
func load64(b []byte, at int) uint64 {
	return *(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), at))
}

// store64 writes v, little-endian, into the eight bytes of b from at on.
func store64(b []byte, at int, v uint64) {
	*(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), at)) = v
}
