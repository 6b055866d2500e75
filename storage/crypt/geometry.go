package crypt

import "math/bits"

// A geometry says how a body is cut into chunks. Its methods but check need
// values that passed check.
type geometry struct {
	chunk uint64 // plaintext bytes of every chunk but the last
	len   uint64 // plaintext bytes of all chunks
}

// check holds the geometry to the limits of the format, which keep every sum
// of offsets below 2^63.
func (g geometry) check() error {
	if g.chunk < chunkMin || g.chunk > chunkMax || bits.OnesCount64(g.chunk) != 1 {
		return malformed("core.chunk", 0, "%d is not a power of two from %d to %d", g.chunk, chunkMin, chunkMax)
	}
	if g.len > lenMax {
		return malformed("core.len", 0, "%d bytes, at most %d", g.len, uint64(lenMax))
	}
	if n := g.chunks(); n > chunksMax {
		return malformed("core.len", 0, "%d chunks, at most %d", n, uint64(chunksMax))
	}
	return nil
}

// chunks returns the number of chunks, at least 1.
func (g geometry) chunks() uint64 {
	if g.len == 0 {
		return 1
	}
	return (g.len-1)/g.chunk + 1
}

func (g geometry) sealedLen() int64 { return int64(g.len + tagLen*g.chunks()) }

// plainLen returns the plaintext bytes of chunk i, i < chunks().
func (g geometry) plainLen(i uint64) int {
	return int(min(g.chunk, g.len-i*g.chunk))
}

// sealedOff returns where chunk i begins in the sealed body.
func (g geometry) sealedOff(i uint64) int64 { return int64(i * (g.chunk + tagLen)) }

func (g geometry) last(i uint64) bool { return i == g.chunks()-1 }
