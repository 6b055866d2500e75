package infer

import (
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

func (r *recent) find(st *state.State) *Result {
	hash := st.Hash()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, have := range r.ring {
		if have != nil && have.State.Hash() == hash && state.Equal(have.State, st) {
			return have
		}
	}
	return nil
}

func (r *recent) add(res *Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring[r.next] = res
	r.next = (r.next + 1) % len(r.ring)
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
}

// SizeBytes returns about how much memory the kept results take.
func (e *Engine) SizeBytes() int64 { return int64(e.cache.WeightedSize()) }
