package infer

import (
	"runtime"
	"sync"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/bitset"
)

type column = *storage.Column

// blockRows is the share of a scan that one worker takes at a time; a
// multiple of 64, so that workers never touch the same word of a bitmap.
const blockRows = 1 << 18

// mark returns a flag per code for the codes of the given rows (nil: all).
// The null code is never marked. n is the number of the field's values.
func mark(col column, rows *bitset.Set, n int) []uint8 {
	m := marking{col: col, seen: make([]uint8, n+1)}
	markAll(rows, []*marking{&m})
	return m.seen
}

// blocks calls f for the blocks of 0..n, from several goroutines if there is
// work for them.
func blocks(n int, f func(lo, hi int)) {
	workers := min(runtime.GOMAXPROCS(0), (n+blockRows-1)/blockRows)
	if workers <= 1 {
		if n > 0 {
			f(0, n)
		}
		return
	}
	var wg sync.WaitGroup
	share := ((n+workers-1)/workers + 63) &^ 63
	for lo := 0; lo < n; lo += share {
		wg.Go(func() { f(lo, min(lo+share, n)) })
	}
	wg.Wait()
}
