package rules

import (
	"errors"
	"fmt"
)

// Errors of a decision; nothing is granted beside them.
var (
	ErrNoUser = errors.New("rules: a request without a user")
	// ErrTooComplex: rules that ask for privileges in circles or endlessly.
	ErrTooComplex = errors.New("rules: privileges depend on each other too deeply")
)

const (
	stackMax = 64
	stepsMax = 100_000 // conditions evaluated for one call of Allowed
)

// An Access decides for one request. It is for one goroutine and for a short
// time: begin it before the resources are read, so that a change in between
// is seen.
type Access struct {
	set     *RuleSet
	request Request
	store   *results
	start   uint64 // sequence number of changes when the Access began
	kept    []keptVerdict
	stack   []frame
	steps   int
	err     error // of the running call
}

// A frame is a question being answered.
type frame struct {
	key      entityKey
	asked    Action // the one action in question; none while rules that ask nothing are tried
	deps     []dependency
	outerHit int // least depth of a question that was met again
}

// Access begins decisions without a cache.
func (s *RuleSet) Access(r Request) (*Access, error) {
	return s.access(r, newResults(&changes{}))
}

func (s *RuleSet) access(r Request, store *results) (*Access, error) {
	if r.User == nil {
		return nil, ErrNoUser
	}
	return &Access{set: s, request: r, store: store, start: store.changes.now(), kept: make([]keptVerdict, s.slots)}, nil
}

// Allowed returns which of the wanted actions the user may do with a resource
// that is stored as it stands.
func (a *Access) Allowed(resource Entity, want Action) (Action, error) {
	return a.decide(Security, resource, want)
}

// AllowedDraft is Allowed for a resource as it is about to be stored: results
// are neither taken from the cache nor kept.
func (a *Access) AllowedDraft(resource Entity, want Action) (Action, error) {
	draft, err := a.set.Access(a.request)
	if err != nil {
		return None, err
	}
	return draft.decide(Security, resource, want)
}

func (a *Access) decide(c Category, resource Entity, want Action) (Action, error) {
	a.stack, a.steps, a.err = a.stack[:0], 0, nil
	key := keyOf(c, resource)
	granted, known := a.lookup(key, want)
	if missing := want &^ granted &^ known; missing != 0 {
		got, _ := a.judge(resource, key, missing)
		granted |= got
	}
	if a.err != nil {
		return None, fmt.Errorf("rules: decide on %s %s: %w", resource.Type(), resource.ID(), a.err)
	}
	return granted & want, nil
}

// fail keeps the first error of the running call.
func (a *Access) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// depend notes that the question on top of the stack has looked at an entity.
// Of too many that may be kept no more are noted.
func (a *Access) depend(d dependency) {
	if len(a.stack) == 0 {
		return
	}
	top := &a.stack[len(a.stack)-1]
	for i := range top.deps {
		if top.deps[i].key == d.key {
			top.deps[i].asked |= d.asked
			return
		}
	}
	if len(top.deps) <= depsMax {
		top.deps = append(top.deps, d)
	}
}

func (a *Access) dependAll(deps []dependency) {
	for _, d := range deps {
		a.depend(d)
	}
}

// privilege answers HasPrivilege: may the same user do action with e. Asked
// again while it is being answered it is open.
func (a *Access) privilege(e Entity, action Action) verdict {
	key := keyOf(Security, e)
	for depth := range a.stack {
		if f := &a.stack[depth]; f.key == key && f.asked == action {
			top := &a.stack[len(a.stack)-1]
			top.outerHit = min(top.outerHit, depth)
			return openAt(depth)
		}
	}
	a.depend(dependency{key: key, asked: action})
	if granted, known := a.lookup(key, action); known != 0 {
		return verdictOf(granted != 0)
	}
	got, open := a.judge(e, key, action)
	if got != 0 {
		return yes
	}
	return open
}

// judge evaluates rules until all of want is granted. open is the verdict if
// nothing is: not no, if it depends on a question further out.
func (a *Access) judge(e Entity, key entityKey, want Action) (got Action, open verdict) {
	depth := len(a.stack)
	if depth >= stackMax {
		a.fail(ErrTooComplex)
		return None, no
	}
	a.stack = append(a.stack, frame{key: key, outerHit: depth})
	candidates := a.set.candidates(key.category, e)
	got = a.tryFree(candidates, e, want)
	(want &^ got).Each(func(action Action) {
		a.stack[depth].asked = action
		switch v := a.tryAsking(candidates, e, action); {
		case v == yes:
			got |= action
		case v.opensBelow(depth):
			open = open.or(v)
		}
	})
	a.finish(depth, want, got)
	return got, open
}

// tryFree evaluates the rules that ask for no privilege, once for all actions.
func (a *Access) tryFree(candidates candidates, e Entity, want Action) (got Action) {
	candidates.each(false, func(r *rule) bool {
		if useful := r.Actions & want &^ got; useful != 0 && a.holds(r, e) == yes {
			got |= r.Actions & want
			r.score.add(useful)
		}
		return got != want && a.err == nil
	})
	return got
}

// tryAsking evaluates the rules that ask for privileges, for one action: what
// they may ask depends on it.
func (a *Access) tryAsking(candidates candidates, e Entity, action Action) verdict {
	v := no
	candidates.each(true, func(r *rule) bool {
		if r.Actions&action == 0 {
			return true
		}
		if v = v.or(a.holds(r, e)); v == yes {
			r.score.add(action)
		}
		return v != yes && a.err == nil
	})
	return v
}

func (a *Access) holds(r *rule, e Entity) verdict {
	if !r.alive(a.request.Context) {
		return no
	}
	if a.steps++; a.steps > stepsMax {
		a.fail(ErrTooComplex)
		return no
	}
	return r.condition.eval(a, e)
}

// finish pops a question. Its answer is kept unless it depends on a question
// further out; that one inherits what was looked at.
func (a *Access) finish(depth int, want, got Action) {
	f := a.stack[depth]
	a.stack = a.stack[:depth]
	if f.outerHit >= depth && a.err == nil {
		a.store.keep(f.key, want, got, f.deps, a.start)
	}
	a.dependAll(f.deps)
	if depth > 0 && f.outerHit < depth {
		outer := &a.stack[depth-1]
		outer.outerHit = min(outer.outerHit, f.outerHit)
	}
}

// lookup takes what is known from the store. A result that went through a
// question now on the stack would have been open there, so it does not count.
func (a *Access) lookup(key entityKey, want Action) (granted, known Action) {
	r, ok := a.store.get(key)
	if !ok || r.known&want == 0 {
		return None, None
	}
	for _, d := range r.deps {
		for i := range a.stack {
			if f := &a.stack[i]; f.key == d.key && f.asked&d.asked != 0 {
				return None, None
			}
		}
	}
	a.dependAll(r.deps)
	return r.granted & want, r.known & want
}
