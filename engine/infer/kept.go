package infer

import (
	"container/list"
	"sync"

	"github.com/cognate-bi/cognate/engine/state"
)

// kept holds the results that were asked for last, as far as sizeMax allows.
// Their parts are counted as they are found.
type kept struct {
	sizeMax int64

	mu     sync.Mutex
	byHash map[uint64]*list.Element
	order  list.List // of *Result, the latest first
	size   int64
}

// keptMin results are kept, however large they are: whoever has selected asks
// for the result several times in the next moments.
const keptMin = 4

// of returns the result for the state, made by add if it is not there.
func (k *kept) of(st *state.State, add func() *Result) *Result {
	hash := st.Hash()
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.byHash[hash]; e != nil && state.Equal(e.Value.(*Result).State, st) {
		k.order.MoveToFront(e)
		return e.Value.(*Result)
	} else if e != nil { // another state of the same hash
		k.remove(e)
	}
	r := add()
	k.byHash[hash] = k.order.PushFront(r)
	k.shrink()
	return r
}

// grow counts a part of a result, if that is kept.
func (k *kept) grow(r *Result, sizeBytes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.byHash[r.State.Hash()]; e != nil && e.Value == r {
		r.size += int64(sizeBytes)
		k.size += int64(sizeBytes)
		k.shrink()
	}
}

func (k *kept) shrink() {
	for k.size > k.sizeMax && k.order.Len() > keptMin {
		k.remove(k.order.Back())
	}
}

func (k *kept) remove(e *list.Element) {
	r := k.order.Remove(e).(*Result)
	delete(k.byHash, r.State.Hash())
	k.size -= r.size
}

// last returns the last n results, the latest first.
func (k *kept) last(n int) (out []*Result) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for e := k.order.Front(); e != nil && len(out) < n; e = e.Next() {
		out = append(out, e.Value.(*Result))
	}
	return out
}

// Drop gives up all results that are kept.
func (e *Engine) Drop() {
	e.kept.mu.Lock()
	e.kept.order.Init()
	clear(e.kept.byHash)
	e.kept.size = 0
	e.kept.mu.Unlock()
	e.scans.drop()
}

// SizeBytes returns how much memory the kept results take; sets of rows that
// are a whole constraint count twice.
func (e *Engine) SizeBytes() int64 {
	e.kept.mu.Lock()
	size := e.kept.size
	e.kept.mu.Unlock()
	return size + e.scans.sizeBytes()
}
