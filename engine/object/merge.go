package object

import "slices"

// Merge takes over what others have made of the items: base is as they were when
// both sides were the same, theirs is how the others have them. What was changed
// here since stays as it is here; all else becomes as they have it. It returns
// the items that are gone.
func (s *Store) Merge(base, theirs []*Item) (gone []*Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, their := byID(base), byID(theirs)
	ours, names := s.items, variableNames(theirs)
	changed := func(id string) bool { return ours[id] != was[id] } // items are immutable, so that another is another one
	merged := make(map[string]*Item, len(theirs))
	var order []string
	put := func(it *Item) {
		merged[it.ID] = it
		order = append(order, it.ID)
	}
	for _, it := range theirs {
		switch mine := ours[it.ID]; {
		case !changed(it.ID):
			put(it)
		case mine != nil:
			put(mine)
		}
	}
	for _, id := range s.order {
		it := ours[id]
		if their[id] != nil {
			continue
		}
		if changed(id) && (it.Kind != Variable || !names[it.Name()]) {
			put(it)
			continue
		}
		gone = append(gone, it)
	}
	s.items, s.order = merged, order
	s.reunite()
	return gone
}

// reunite has every item in its parent's list of children.
func (s *Store) reunite() {
	for _, id := range s.order {
		parent := s.items[s.items[id].Parent]
		if parent == nil || slices.Contains(parent.Children, id) {
			continue
		}
		p := *parent
		p.Children = append(slices.Clone(parent.Children), id)
		s.items[p.ID] = &p
	}
}

func byID(items []*Item) map[string]*Item {
	out := make(map[string]*Item, len(items))
	for _, it := range items {
		out[it.ID] = it
	}
	return out
}

func variableNames(items []*Item) map[string]bool {
	out := map[string]bool{}
	for _, it := range items {
		if it.Kind == Variable {
			out[it.Name()] = true
		}
	}
	return out
}
