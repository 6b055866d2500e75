// Package balance chooses the engine that serves a user's app.
package balance

import (
	"cmp"
	"container/list"
	"slices"
	"strings"
	"sync"
)

// An Engine is one that may be chosen, as it is known now.
type Engine struct {
	Node    string // id of its node
	Address string // host:port
	Allowed bool   // the rules of the repository let it have the app
	Healthy bool   // answers its health check
	Full    bool   // says that it takes nothing more: memory is used up
	Busy    bool   // keeps its processors at their limit, which passes
	HasApp  bool   // has the app in memory
	Load    float64
	Check   uint64 // number of the health check that says so
}

// Available reports whether an engine can take a session.
func (e Engine) Available() bool { return e.Allowed && e.Healthy && !e.Full }

// stickyMax bounds how many choices are remembered; the ones used longest ago
// are forgotten.
const stickyMax = 100_000

// A Balancer remembers which engine a user has an app on. Any number of
// goroutines may use it.
type Balancer struct {
	mu     sync.Mutex
	byKey  map[string]*list.Element
	recent list.List // of choice, the last used in front
	turn   uint64
	given  map[string]*given // by node
}

// given is what a node was given since a health check, which does not tell of it.
type given struct {
	check    uint64
	sessions float64
	apps     map[string]bool
}

type choice struct{ key, node string }

// New makes a balancer that remembers nothing yet.
func New() *Balancer { return &Balancer{byKey: map[string]*list.Element{}, given: map[string]*given{}} }

// A Question is who wants what.
type Question struct {
	User   string   // directory\id
	App    string   // "" = none
	Nodes  []string // the virtual proxy's engines; nil = all
	Sticky bool     // stay with the engine of the last time
}

// Order returns the engines that can take the session, best first: the one of
// last time, those that are not busy, those that have the app, the least loaded.
// Equal ones take turns. An engine that the rules do not allow or that is not
// there is never among them; a busy one is, as slow answers are better than none.
func (b *Balancer) Order(q Question, engines []Engine) []Engine {
	b.mu.Lock()
	defer b.mu.Unlock()
	var able []Engine
	for _, e := range engines {
		if e.Available() && (q.Nodes == nil || slices.Contains(q.Nodes, e.Node)) {
			able = append(able, b.withGiven(e, q.App))
		}
	}
	if len(able) == 0 {
		return nil
	}
	last := ""
	if q.Sticky {
		last = b.last(q)
	}
	b.turn++
	able = rotate(able, int(b.turn%uint64(len(able))))
	slices.SortStableFunc(able, func(x, y Engine) int {
		return cmp.Or(first(x.Node == last, y.Node == last), first(!x.Busy, !y.Busy), first(x.HasApp, y.HasApp), cmp.Compare(x.Load, y.Load))
	})
	return able
}

// withGiven adds to an engine what it was given since its health check: not all
// who come between two checks go to the one that was idle then.
func (b *Balancer) withGiven(e Engine, app string) Engine {
	g := b.given[e.Node]
	if g == nil || g.check != e.Check {
		g = &given{check: e.Check, apps: map[string]bool{}}
		b.given[e.Node] = g
	}
	e.Load += g.sessions
	e.HasApp = e.HasApp || g.apps[app]
	return e
}

// Chose notes that a session went to a node.
func (b *Balancer) Chose(q Question, node string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g := b.given[node]; g != nil {
		g.sessions++
		if q.App != "" {
			g.apps[q.App] = true
		}
	}
	key := q.key()
	if el := b.byKey[key]; el != nil {
		el.Value = choice{key, node}
		b.recent.MoveToFront(el)
		return
	}
	if len(b.byKey) >= stickyMax {
		delete(b.byKey, b.recent.Remove(b.recent.Back()).(choice).key)
	}
	b.byKey[key] = b.recent.PushFront(choice{key, node})
}

func (b *Balancer) last(q Question) string {
	el := b.byKey[q.key()]
	if el == nil {
		return ""
	}
	b.recent.MoveToFront(el)
	return el.Value.(choice).node
}

// key cannot be confused: neither part holds the byte between them.
func (q Question) key() string { return strings.ToLower(q.User) + "\x00" + q.App }

func first(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	}
	return 1
}

func rotate(list []Engine, n int) []Engine { return append(list[n:len(list):len(list)], list[:n]...) }
