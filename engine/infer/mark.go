package infer

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// A marking looks for the codes that a column has in some rows.
type marking struct {
	col    column
	seen   []uint8 // one flag per code; those that are set before need no look
	more   bool    // some may be set before
	within []uint8 // the only codes that the rows can have; nil = all
	mu     sync.Mutex
}

// begin sets the flags of codes that cannot occur, so that a search ends as soon
// as all are found that can.
func (m *marking) begin() {
	if m.within != nil {
		simd.OrNotFlags(m.seen, m.within)
		m.more = true
	}
}

func (m *marking) end() {
	m.seen[0] = 0
	if m.within != nil {
		simd.AndFlags(m.seen, m.within)
	}
}

// A share is the part of a marking that one worker does: words lo to hi of the
// bitmap of rows, or numbers lo to hi of their list.
type share struct {
	*marking
	lo, hi int
	alone  bool // nobody else works on the marking: no flags of its own
}

// listShare is the part of the rows below which they are listed: walking a list
// for every column is less work than finding the bits of it anew.
const listShare = 12

// markAll sets the flag of every code that a column has in the given rows (nil:
// all), for all columns of a table at once. The null code is never marked.
//
// Workers take whole columns, the dear ones first, as merging the flags of a
// large dictionary costs as much as setting many; only few columns are cut into
// parts.
func markAll(rows *bitset.Set, all []*marking) {
	if len(all) == 0 || all[0].col.Rows() == 0 {
		return
	}
	for _, m := range all {
		m.begin()
	}
	src := newMarked(rows, all[0].col.Rows())
	shares := src.shares(all)
	work := func(at *atomic.Int64) {
		for i := int(at.Add(1)) - 1; i < len(shares); i = int(at.Add(1)) - 1 {
			src.mark(shares[i])
		}
	}
	var at atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(shares), 1+src.n/blockRows*len(all)) - 1 {
		wg.Go(func() { work(&at) })
	}
	work(&at)
	wg.Wait()
	for _, m := range all {
		m.end()
	}
}

// marked is the rows whose codes are marked, as a bitmap or as a list.
type marked struct {
	words []uint64 // nil: all rows
	list  []uint32 // nil: by words
	n     int      // rows of the table
	alive int
}

func newMarked(rows *bitset.Set, n int) *marked {
	m := &marked{n: n, alive: n}
	if rows == nil {
		return m
	}
	m.words = rows.Words()
	if m.alive = rows.Count(); m.alive < n/listShare {
		m.list = simd.AppendRows(make([]uint32, 0, m.alive+16), m.words, 0) // 16 more: kernels write blocks
	}
	return m
}

// shares cuts the work, the largest first.
func (m *marked) shares(all []*marking) (out []share) {
	units := (m.n + 63) / 64 // words, or rows of the list
	if m.list != nil {
		units = len(m.list)
	}
	workers := runtime.GOMAXPROCS(0)
	parts := 1
	if m.alive > blockRows {
		parts = max(1, 2*workers/len(all))
	}
	for _, x := range all {
		for i := range parts {
			out = append(out, share{x, units * i / parts, units * (i + 1) / parts, parts == 1})
		}
	}
	slices.SortStableFunc(out, func(a, b share) int { return len(b.seen) - len(a.seen) })
	return out
}

// mark does a share.
func (m *marked) mark(s share) {
	if s.alone {
		s.seen[0] = 1 // NULL is not looked for
		m.into(s.seen, s)
		return
	}
	s.mu.Lock()
	own := slices.Clone(s.seen) // workers that share flags slow each other down
	s.mu.Unlock()
	own[0] = 1
	m.into(own, s)
	s.mu.Lock()
	simd.OrFlags(s.seen, own)
	s.mu.Unlock()
}

func (m *marked) into(seen []uint8, s share) {
	open := len(seen) - 1 // all but NULL
	if s.more || !s.alone {
		open = len(seen) - simd.CountFlags(seen)
	}
	switch {
	case open == 0:
	case m.list != nil:
		markList(seen, s.col, m.list[s.lo:s.hi], open)
	case m.words == nil:
		part := s.col.Part(s.lo*64, min(s.hi*64, m.n))
		part.Mark(seen, nil, open)
	default:
		part := s.col.Part(s.lo*64, min(s.hi*64, m.n))
		part.Mark(seen, m.words[s.lo:s.hi], open)
	}
}

// markList marks the codes of listed rows until no code is open.
func markList(seen []uint8, col column, rows []uint32, open int) {
	stride := max(1<<12, len(seen)) // between two looks at whether all is seen
	for len(rows) > 0 && open > 0 {
		n := min(stride, len(rows))
		col.MarkAt(seen, rows[:n])
		if rows = rows[n:]; len(rows) > 0 {
			open = len(seen) - simd.CountFlags(seen)
		}
	}
}
