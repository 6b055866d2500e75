package state

import (
	"fmt"
	"maps"
	"slices"
)

// Default is the name of the default state.
const Default = "$"

// A Set is the state of every alternate state, the default one included. It
// is immutable; the zero Set has only the default state, without selections.
type Set struct {
	states map[string]*State
	reads  *Reads // who notes what is looked at; nil: nobody
	step   int    // where in the history the set was found
}

// State returns the named state ("" and "$" are the default one); ok = false
// if there is no such alternate state.
func (s Set) State(name string) (st *State, ok bool) {
	if name == "" {
		name = Default
	}
	st, ok = s.states[name]
	ok = ok || name == Default
	if s.reads != nil {
		s.reads.note(Read{s.step, name, false}, st, ok)
	}
	return st, ok
}

// Order returns the fields of the named state in the order in which they were
// first selected.
func (s Set) Order(name string) []string {
	if name == "" {
		name = Default
	}
	st := s.states[name]
	if s.reads != nil {
		s.reads.note(Read{s.step, name, true}, st, true)
	}
	return st.Fields()
}

// Names returns the names of the alternate states, without the default one.
func (s Set) Names() []string {
	names := slices.Sorted(maps.Keys(s.states))
	return slices.DeleteFunc(names, func(n string) bool { return n == Default })
}

// With returns the set with one state replaced, or added.
func (s Set) With(name string, st *State) Set {
	if name == "" {
		name = Default
	}
	states := maps.Clone(s.states)
	if states == nil {
		states = map[string]*State{}
	}
	states[name] = st
	s.states = states
	return s
}

// Without returns the set without an alternate state.
func (s Set) Without(name string) (Set, error) {
	if _, ok := s.states[name]; !ok || name == Default {
		return s, fmt.Errorf("no alternate state %q", name)
	}
	states := maps.Clone(s.states)
	delete(states, name)
	s.states = states
	return s, nil
}

// EqualSets reports whether both sets have the same states with the same
// selections.
func EqualSets(a, b Set) bool {
	names := append(a.Names(), Default)
	if len(names) != len(b.Names())+1 {
		return false
	}
	for _, n := range names {
		x, _ := a.State(n)
		y, ok := b.State(n)
		if !ok || !Equal(x, y) {
			return false
		}
	}
	return true
}

// A History is where a user is and the steps before and after. It is
// immutable; the zero History has nothing selected.
type History struct {
	now    Set
	past   []kept // oldest first
	future []kept // next first
	reads  *Reads // who notes what is looked at; nil: nobody
}

// historyMax bounds the steps that are kept.
const historyMax = 100

// Now returns the current selections.
func (h History) Now() Set { return h.now }

// Step returns the history after a user's step to s: the forward part goes.
func (h History) Step(s Set) History {
	past := append(slices.Clone(h.past), keep(h.now))
	if len(past) > historyMax {
		past = past[len(past)-historyMax:]
	}
	return History{now: s, past: past}
}

// Replace returns the history with the current selections exchanged: what is
// no step of its own (locks, steps inside a modal selection).
func (h History) Replace(s Set) History {
	h.now = s
	return h
}

// Back returns the history one step back; ok = false at the beginning.
func (h History) Back() (History, bool) {
	n := len(h.past)
	if n == 0 {
		return h, false
	}
	future := append([]kept{keep(h.now)}, h.future...)
	return History{now: h.past[n-1].set(), past: h.past[: n-1 : n-1], future: future}, true
}

// Forward returns the history one step forward; ok = false at the end.
func (h History) Forward() (History, bool) {
	if len(h.future) == 0 {
		return h, false
	}
	past := append(slices.Clone(h.past), keep(h.now))
	return History{now: h.future[0].set(), past: past, future: h.future[1:]}, true
}

// BackCount returns the number of steps back that can be taken.
func (h History) BackCount() int { return len(h.past) }

// ForwardCount returns the number of steps forward that can be taken.
func (h History) ForwardCount() int { return len(h.future) }

// At returns the selections n steps back (n > 0) or forward (n < 0), of the
// furthest step there is.
func (h History) At(n int) Set {
	s := h.now
	switch {
	case n > 0 && len(h.past) > 0:
		s = h.past[max(0, len(h.past)-n)].set()
	case n < 0 && len(h.future) > 0:
		s = h.future[min(len(h.future), -n)-1].set()
	}
	s.reads, s.step = h.reads, n
	return s
}

// Map returns the history with f applied to every set in it.
func (h History) Map(f func(Set) Set) History {
	out := History{now: f(h.now)}
	for _, k := range h.past {
		out.past = append(out.past, keep(f(k.set())))
	}
	for _, k := range h.future {
		out.future = append(out.future, keep(f(k.set())))
	}
	return out
}

// MapStates returns the set with f applied to every state.
func (s Set) MapStates(f func(*State) *State) Set {
	out := Set{states: map[string]*State{}}
	for n, st := range s.states {
		out.states[n] = f(st)
	}
	return out
}
