// Package turns lets computations share the processors in turns.
//
// At most so many run at a time. One that begins is *fresh*; one that has run
// for its slice while others wait gives way and is *tired* from then on. Fresh
// ones go first, as most of them are done within a slice, and after some of them
// a tired one, so that all come to an end. Each list is served in the order in
// which it was joined: a session, which has one request at a time, cannot take
// the turns of others.
//
// A computation gives way where it asks its context for its error, as scans do
// after every morsel.
package turns

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Slice is how long a computation runs before it gives way to others: longer
// than most clicks, shorter than a person notices.
const Slice = 20 * time.Millisecond

// freshMax is how many fresh turns come before a tired one.
const freshMax = 8

// Turns are the places of computations. The nil *Turns has no bounds.
type Turns struct {
	slice   time.Duration
	waiting atomic.Int32 // number of those below

	mu     sync.Mutex
	places int
	used   int
	fresh  []*turn
	tired  []*turn
	passed int // fresh turns since the last tired one
}

// New returns turns of at most so many computations at a time.
func New(places int, slice time.Duration) *Turns { return &Turns{places: max(1, places), slice: slice} }

// A turn is a computation, and its context.
type turn struct {
	context.Context //nolint:containedctx // it is one
	all             *Turns
	next            chan struct{} // gets a value when there is a place

	gate  chan struct{} // full while it gives way, so that all its goroutines do
	begun time.Time
	out   bool // it was cancelled while it waited: it ends without a place
}

// Do runs a computation when it is its turn. alone says that nothing else was
// running or waiting: it may use all processors. The error is that of f, or of
// ctx if that ends first. f must not wait for other computations.
func (t *Turns) Do(ctx context.Context, f func(ctx context.Context, alone bool) error) error {
	if t == nil {
		return f(ctx, true)
	}
	c := &turn{Context: ctx, all: t, next: make(chan struct{}, 1), gate: make(chan struct{}, 1)}
	alone, err := t.enter(c)
	if err != nil {
		return err
	}
	defer func() {
		if !c.out {
			t.leave()
		}
	}()
	return f(c, alone)
}

// Err gives way to others if it is their turn, and returns the context's error.
func (c *turn) Err() error {
	if c.all.waiting.Load() > 0 {
		c.giveWay()
	}
	return c.Context.Err()
}

// giveWay waits for another place if the slice is used up. A cancelled
// computation keeps its place: it ends soon.
func (c *turn) giveWay() {
	c.gate <- struct{}{}
	defer func() { <-c.gate }()
	if time.Since(c.begun) < c.all.slice || c.Context.Err() != nil {
		return
	}
	c.all.swap(c)
	select {
	case <-c.next:
	case <-c.Context.Done():
		c.out = c.all.withdraw(c) // else a place came at the same moment
	}
	c.begun = time.Now()
}

func (t *Turns) enter(c *turn) (alone bool, err error) {
	t.mu.Lock()
	alone = t.used == 0
	if t.used < t.places {
		t.used++
		c.begun = time.Now()
		t.mu.Unlock()
		return alone, nil
	}
	t.fresh = append(t.fresh, c)
	t.waiting.Add(1)
	t.mu.Unlock()
	select {
	case <-c.next:
		c.begun = time.Now()
		return false, nil
	case <-c.Context.Done():
	}
	if t.withdraw(c) { // else a place came at the same moment
		return false, c.Context.Err()
	}
	t.leave()
	return false, c.Context.Err()
}

// withdraw takes a waiting computation out of the list.
func (t *Turns) withdraw(c *turn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, list := range []*[]*turn{&t.fresh, &t.tired} {
		if i := slices.Index(*list, c); i >= 0 {
			*list = slices.Delete(*list, i, i+1)
			t.waiting.Add(-1)
			return true
		}
	}
	return false
}

// swap gives the place of a computation to the next one; it waits as a tired
// one.
func (t *Turns) swap(c *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tired = append(t.tired, c)
	t.waiting.Add(1)
	t.pass()
}

// leave gives a place to whoever waits.
func (t *Turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pass()
}

// pass hands a place on, or frees it.
func (t *Turns) pass() {
	from := &t.fresh
	if len(t.fresh) == 0 || len(t.tired) > 0 && t.passed >= freshMax {
		from = &t.tired
	}
	if len(*from) == 0 {
		t.used--
		return
	}
	if t.passed++; from == &t.tired {
		t.passed = 0
	}
	c := (*from)[0]
	(*from)[0] = nil
	*from = (*from)[1:]
	t.waiting.Add(-1)
	c.next <- struct{}{}
}
