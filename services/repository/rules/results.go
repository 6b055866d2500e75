package rules

import (
	"slices"
	"sync"
	"sync/atomic"
)

const (
	entriesMax = 100_000 // results per user
	depsMax    = 128     // a result that looked at more is not kept
	changesMax = 100_000
)

type entityKey struct {
	category Category
	typeName string
	id       string
}

func keyOf(c Category, e Entity) entityKey { return entityKey{c, e.Type(), e.ID()} }

// backKey stands for who refers to an entity by a back reference.
func backKey(id, name string) entityKey { return entityKey{id: id + "." + name} }

// A dependency is an entity that a result has looked at, and the privileges
// that it asked for there; or who refers to one.
type dependency struct {
	key   entityKey
	asked Action
}

// A result is what is known of one user and one resource. It does not change.
type result struct {
	granted Action // subset of known
	known   Action
	deps    []dependency
	since   uint64 // it is valid as long as nothing it looked at changed later
}

// results are those of one user in one context; safe for concurrent use.
type results struct {
	changes *changes
	mu      sync.RWMutex
	byKey   map[entityKey]result
}

func newResults(c *changes) *results {
	return &results{changes: c, byKey: map[entityKey]result{}}
}

func (r *results) get(key entityKey) (result, bool) {
	r.mu.RLock()
	found, ok := r.byKey[key]
	r.mu.RUnlock()
	return found, ok && r.changes.validSince(key, &found)
}

func (r *results) keep(key entityKey, asked, granted Action, deps []dependency, since uint64) {
	if key.id == "" || len(deps) > depsMax {
		return // not stored yet, or too widely tied
	}
	fresh := result{granted: granted, known: asked | granted, deps: deps, since: since}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.byKey[key]; ok && r.changes.validSince(key, &old) {
		fresh = old.merge(fresh)
	}
	if len(r.byKey) >= entriesMax {
		clear(r.byKey)
	}
	r.byKey[key] = fresh
}

func (r result) merge(s result) result {
	deps := slices.Clone(r.deps)
	for _, d := range s.deps {
		if i := slices.IndexFunc(deps, func(known dependency) bool { return known.key == d.key }); i >= 0 {
			deps[i].asked |= d.asked
		} else {
			deps = append(deps, d)
		}
	}
	return result{r.granted | s.granted, r.known | s.known, deps, min(r.since, s.since)}
}

// changes number the changes of entities, so that one costs nothing where
// results are kept: a result older than a change of what it looked at is void.
// A decision that was under way during the change is void, too.
type changes struct {
	last atomic.Uint64
	mu   sync.RWMutex
	byID map[string]uint64
}

func (c *changes) now() uint64 { return c.last.Load() }

// note reports false if there are too many changes to remember.
func (c *changes) note(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil {
		c.byID = map[string]uint64{}
	}
	c.byID[id] = c.last.Load() + 1
	c.last.Add(1)
	return len(c.byID) <= changesMax
}

func (c *changes) validSince(key entityKey, r *result) bool {
	if r.since >= c.last.Load() {
		return true
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.byID[key.id] > r.since {
		return false
	}
	for i := range r.deps {
		if c.byID[r.deps[i].key.id] > r.since {
			return false
		}
	}
	return true
}
