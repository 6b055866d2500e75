//go:build !(amd64 || arm64 || wasm) || checked

package simd

import "encoding/binary"

// load64 returns the eight bytes of b from at on as a little-endian number.
func load64(b []byte, at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }

// store64 writes v, little-endian, into the eight bytes of b from at on.
func store64(b []byte, at int, v uint64) { binary.LittleEndian.PutUint64(b[at:], v) }
