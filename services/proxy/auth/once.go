package auth

import (
	"container/list"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"sync"
	"time"
)

// A Once keeps values that can be taken once, within a time: tickets, logins
// under way. It knows hashes of their keys only. Any number of goroutines may use it.
type Once[V any] struct {
	ttl time.Duration
	max int
	now func() time.Time

	mu    sync.Mutex
	byKey map[[sha256.Size]byte]*list.Element
	order list.List // of onceEntry, the first to end in front: all live equally long
}

type onceEntry[V any] struct {
	key   [sha256.Size]byte
	value V
	until time.Time
}

// NewOnce makes a store whose entries live for ttl; of more than n, the oldest go.
func NewOnce[V any](ttl time.Duration, n int, now func() time.Time) *Once[V] {
	return &Once[V]{ttl: ttl, max: n, now: now, byKey: map[[sha256.Size]byte]*list.Element{}}
}

// Put keeps a value. A key that is there already keeps its value, and Put
// reports false.
func (o *Once[V]) Put(key string, v V) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now, k := o.now(), sha256.Sum256([]byte(key))
	o.expire(now)
	if _, ok := o.byKey[k]; ok {
		return false
	}
	if len(o.byKey) >= o.max {
		o.remove(o.order.Front())
	}
	o.byKey[k] = o.order.PushBack(onceEntry[V]{key: k, value: v, until: now.Add(o.ttl)})
	return true
}

// Take returns the value and forgets it.
func (o *Once[V]) Take(key string) (v V, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire(o.now())
	el, ok := o.byKey[sha256.Sum256([]byte(key))]
	if !ok {
		return v, false
	}
	return o.remove(el).value, true
}

// Peek returns the value, which stays.
func (o *Once[V]) Peek(key string) (v V, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire(o.now())
	el, ok := o.byKey[sha256.Sum256([]byte(key))]
	if !ok {
		return v, false
	}
	return el.Value.(onceEntry[V]).value, true
}

// Len returns how many values can be taken.
func (o *Once[V]) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire(o.now())
	return len(o.byKey)
}

func (o *Once[V]) expire(now time.Time) {
	for el := o.order.Front(); el != nil && !now.Before(el.Value.(onceEntry[V]).until); el = o.order.Front() {
		o.remove(el)
	}
}

func (o *Once[V]) remove(el *list.Element) onceEntry[V] {
	e := o.order.Remove(el).(onceEntry[V])
	delete(o.byKey, e.key)
	return e
}

// randomID returns 128 random bits as text.
func randomID(random io.Reader) (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("random id: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}
