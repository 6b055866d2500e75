package object

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// A Store keeps items in the order of their creation. It may be used
// concurrently.
type Store struct {
	mu    sync.RWMutex
	items map[string]*Item
	order []string
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{items: map[string]*Item{}} }

// Get returns the item with the id, nil if there is none.
func (s *Store) Get(id string) *Item {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.items[id]
}

// OfKind returns the item with the id if it has the kind.
func (s *Store) OfKind(kind Kind, id string) *Item {
	if it := s.Get(id); it != nil && it.Kind == kind {
		return it
	}
	return nil
}

// Variable returns the variable of the name. Names are case-sensitive.
func (s *Store) Variable(name string) *Item {
	for _, it := range s.All(Variable) {
		if it.Name() == name {
			return it
		}
	}
	return nil
}

// Add puts a new item at the end, and into its parent's list of children.
func (s *Store) Add(it *Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items[it.ID] != nil {
		return fmt.Errorf("%w: %s", ErrExists, it.ID)
	}
	s.items[it.ID] = it
	s.order = append(s.order, it.ID)
	if parent := s.items[it.Parent]; parent != nil && !slices.Contains(parent.Children, it.ID) {
		p := *parent
		p.Children = append(slices.Clone(parent.Children), it.ID)
		s.items[p.ID] = &p
	}
	return nil
}

// Update replaces an item of the same id by what change makes of it. The
// family (parent, children) is the store's and stays.
func (s *Store) Update(id string, change func(*Item) (*Item, error)) (*Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.items[id]
	if old == nil {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	it, err := change(old)
	if err != nil {
		return nil, err
	}
	out := *it
	out.Parent, out.Children = old.Parent, old.Children
	s.items[id] = &out
	return &out, nil
}

// Reorder sorts the children of an item as in ids; ids that are missing keep
// their place at the end.
func (s *Store) Reorder(id string, ids []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.items[id]
	if old == nil {
		return fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	rank := map[string]int{}
	for i, c := range ids {
		rank[c] = i - len(ids)
	}
	it := *old
	it.Children = slices.Clone(old.Children)
	slices.SortStableFunc(it.Children, func(a, b string) int { return rank[a] - rank[b] })
	s.items[id] = &it
	return nil
}

// Remove takes an item with its descendants out and returns all their ids,
// the item's first; none if it was not there.
func (s *Store) Remove(id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items[id]
	if it == nil {
		return nil
	}
	if parent := s.items[it.Parent]; parent != nil {
		p := *parent
		p.Children = slices.DeleteFunc(slices.Clone(parent.Children), func(c string) bool { return c == id })
		s.items[p.ID] = &p
	}
	gone := []string{id}
	for i := 0; i < len(gone); i++ {
		if child := s.items[gone[i]]; child != nil {
			gone = append(gone, child.Children...)
			delete(s.items, gone[i])
		}
	}
	s.order = slices.DeleteFunc(s.order, func(o string) bool { return s.items[o] == nil })
	return gone
}

// All returns the items of a kind in order, variables sorted by name.
func (s *Store) All(kind Kind) []*Item {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []*Item
	for _, id := range s.order {
		if it := s.items[id]; it.Kind == kind {
			out = append(out, it)
		}
	}
	if kind == Variable {
		slices.SortStableFunc(out, func(a, b *Item) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return out
}

// Everything returns all items in order.
func (s *Store) Everything() []*Item {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*Item, len(s.order))
	for i, id := range s.order {
		out[i] = s.items[id]
	}
	return out
}

// Root returns the topmost item above the one with the id, which may be that one;
// nil if there is none.
func (s *Store) Root(id string) *Item {
	s.mu.RLock()
	defer s.mu.RUnlock()
	it := s.items[id]
	for range len(s.items) { // a broken file cannot make this endless
		if it == nil || s.items[it.Parent] == nil {
			return it
		}
		it = s.items[it.Parent]
	}
	return nil
}

// Descends reports whether id is ancestor or lies below it.
func (s *Store) Descends(id, ancestor string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for range len(s.items) + 1 { // a broken file cannot make this endless
		if id == ancestor {
			return true
		}
		it := s.items[id]
		if it == nil || it.Parent == "" {
			return false
		}
		id = it.Parent
	}
	return false
}
