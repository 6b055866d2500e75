package infer

import (
	"runtime"
	"sync"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/bitset"
)

type column = *storage.Column

// blockRows is the share of a scan that one worker takes at a time; a
// multiple of 64, so that workers never touch the same word of a bitmap.
const blockRows = 1 << 18

// filter clears the rows whose code is not allowed.
func filter(col column, rows *bitset.Set, allowed []uint8) {
	words, set := rows.Words(), simd.NewCodeSet(allowed)
	blocks(col.Rows(), func(lo, hi int) { col.MemberAnd(words[lo/64:(hi+63)/64], lo, set) })
}

// mark returns a flag per code for the codes of the given rows (nil: all).
// The null code is never marked. n is the number of the field's values.
func mark(col column, rows *bitset.Set, n int) []uint8 {
	var words []uint64
	if rows != nil {
		words = rows.Words()
	}
	var mu sync.Mutex
	seen := make([]uint8, n+1)
	blocks(col.Rows(), func(lo, hi int) {
		part := col.Part(lo, hi)
		var w []uint64
		if words != nil {
			w = words[lo/64 : (hi+63)/64]
		}
		own := make([]uint8, n+1) // workers that share flags slow each other down
		mu.Lock()
		open := n
		copy(own, seen)
		mu.Unlock()
		for _, s := range own[1:] {
			open -= int(s)
		}
		own[0] = 1 // NULL is not looked for
		if open == 0 {
			return
		}
		part.Mark(own, w, open)
		mu.Lock()
		for c, s := range own {
			seen[c] |= s
		}
		mu.Unlock()
	})
	seen[0] = 0
	return seen
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
