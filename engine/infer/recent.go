package infer

import (
	"slices"
	"sync"

	"github.com/cognate-bi/cognate/engine/state"
)

// recent holds the last results, whatever the cache thinks of them: it keeps
// what is asked for often, and may let a new result go at once. But whoever has
// selected asks for the result of it several times in the next moments, and
// then perhaps never again.
type recent struct {
	mu   sync.Mutex
	ring []*Result
	next int
}

// Bounds of the number of recent results.
const (
	recentMin = 4
	recentMax = 256
)

func newRecent(resultBytes, sizeBytes int) *recent {
	return &recent{ring: make([]*Result, min(max(sizeBytes/max(resultBytes, 1), recentMin), recentMax))}
}

// findOrAdd returns the result for the state of res that is there, else adds res.
func (r *recent) findOrAdd(res *Result) (_ *Result, found bool) {
	hash := res.State.Hash()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, have := range r.ring {
		if have != nil && have.State.Hash() == hash && state.Equal(have.State, res.State) {
			return have, true
		}
	}
	r.ring[r.next] = res
	r.next = (r.next + 1) % len(r.ring)
	return res, false
}

// last calls f for the recent results, the latest first, until it says that it
// has seen enough.
func (r *recent) last(f func(*Result) (enough bool)) {
	r.mu.Lock()
	all := append(slices.Clone(r.ring[r.next:]), r.ring[:r.next]...)
	r.mu.Unlock()
	for _, res := range slices.Backward(all) {
		if res != nil && f(res) {
			return
		}
	}
}

func (r *recent) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.ring)
}

// Drop gives up all results that are kept.
func (e *Engine) Drop() {
	e.cache.InvalidateAll()
	e.recent.clear()
	e.scans.drop()
}

// SizeBytes returns about how much memory the kept results take.
func (e *Engine) SizeBytes() int64 { return int64(e.cache.WeightedSize()) + e.scans.sizeBytes() }
