//go:build amd64 && !purego && !checked

package simd

import "slices"

// The kernel compresses the numbers of 16 rows at a time: 3 to 5 times as fast
// as bit by bit where a fifth of the rows or more are set. A kernel that gathers
// the codes of listed rows lost: it waits for the same memory.

//go:noescape
func appendRowsAVX512(dst *uint32, words *uint64, n int, base uint32)

const (
	// appendRowsOver is how far the kernel writes behind the last row: a whole
	// block, where the last rows of a word are not set.
	appendRowsOver = 16
	// appendRowsMin is the number of rows per word that are worth it.
	appendRowsMin = 4
)

// appendRows appends the rows of as many words as the kernel does, and returns
// how many.
func appendRows(dst []uint32, words []uint64, base uint32) ([]uint32, int) {
	if !hasAVX512 || len(words) == 0 {
		return dst, 0
	}
	n := Count(words)
	if n < appendRowsMin*len(words) {
		return dst, 0
	}
	dst = slices.Grow(dst, n+appendRowsOver)
	at := dst[len(dst) : len(dst)+n+appendRowsOver]
	appendRowsAVX512(&at[0], &words[0], len(words), base)
	return dst[:len(dst)+n], len(words)
}
