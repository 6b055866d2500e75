// Package state holds selections.
//
// A [State] is the selections of one alternate state: for some fields the set
// of selected codes. States are immutable; an operation returns a new one. A
// [History] is the sequence of states that a user steps back and forward in.
//
// Which selections are possible together is not known here: that takes the
// association (package infer).
package state

import (
	"hash/fnv"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/cognate-bi/cognate/storage/bitset"
)

// A Selection is what is selected in one field.
type Selection struct {
	// Codes are the selected codes of the field's symbol table, which has
	// Codes.Len()-1 values. Never empty, never holding 0, the null code.
	Codes  *bitset.Set
	Locked bool
	// OneAlways keeps exactly one value selected.
	OneAlways bool
}

// A State is an immutable set of selections by field name. The nil State has
// no selections.
type State struct {
	fields map[string]Selection
	order  []string // fields in the order in which they were selected first
	hash   uint64
	print  atomic.Pointer[Print] // made when it is first asked for
}

// Field returns the selection in a field, ok = false if there is none.
func (s *State) Field(name string) (sel Selection, ok bool) {
	if s == nil {
		return Selection{}, false
	}
	sel, ok = s.fields[name]
	return sel, ok
}

// Fields returns the names of the fields with a selection, in the order in
// which they were first selected.
func (s *State) Fields() []string {
	if s == nil {
		return nil
	}
	return s.order
}

// Empty reports whether nothing is selected.
func (s *State) Empty() bool { return s == nil || len(s.fields) == 0 }

// Hash returns a number that is equal for states with the same selected
// codes; locks do not count.
func (s *State) Hash() uint64 {
	if s == nil {
		return 0
	}
	return s.hash
}

// With returns the state with the selection of one field replaced. A
// selection without codes, or with none set, removes it.
func (s *State) With(field string, sel Selection) *State {
	if sel.Codes == nil || sel.Codes.Empty() {
		return s.Without(field)
	}
	fields, order := s.copy()
	if _, ok := fields[field]; !ok {
		order = append(order, field)
	}
	fields[field] = sel
	return build(fields, order)
}

// Without returns the state without a selection in the field.
func (s *State) Without(field string) *State {
	if _, ok := s.Field(field); !ok {
		return s
	}
	fields, order := s.copy()
	delete(fields, field)
	return build(fields, slices.DeleteFunc(order, func(f string) bool { return f == field }))
}

// Keep returns the state with only the selections that keep says.
func (s *State) Keep(keep func(field string, sel Selection) bool) *State {
	out := s
	for _, f := range s.Fields() {
		if sel, _ := s.Field(f); !keep(f, sel) {
			out = out.Without(f)
		}
	}
	return out
}

func (s *State) copy() (map[string]Selection, []string) {
	if s == nil {
		return map[string]Selection{}, nil
	}
	return maps.Clone(s.fields), slices.Clone(s.order)
}

func build(fields map[string]Selection, order []string) *State {
	if len(fields) == 0 {
		return nil
	}
	s := &State{fields: fields, order: order}
	for _, f := range order { // independent of the order: field hashes are added
		h := fnv.New64a()
		_, _ = h.Write([]byte(f)) // a hash takes all bytes
		s.hash += fields[f].Codes.Hash(h.Sum64())
	}
	return s
}

// Equal reports whether both states select the same codes.
func Equal(a, b *State) bool {
	if len(a.Fields()) != len(b.Fields()) || a.Hash() != b.Hash() {
		return false
	}
	for _, f := range a.Fields() {
		x, _ := a.Field(f)
		y, ok := b.Field(f)
		if !ok || !x.Codes.Equal(y.Codes) {
			return false
		}
	}
	return true
}
