package session

import (
	"context"
)

// SearchFor limits a list object to the values that match; "" ends that.
func (s *Session) SearchFor(ctx context.Context, p Place, text string) (found bool, err error) {
	f, err := s.fieldAt(ctx, p, 0)
	if err != nil {
		return false, err
	}
	if text == "" {
		s.AbortSearch(p)
		return true, nil
	}
	if f != nil {
		codes, err := s.Search(ctx, f, p.State, text)
		if err != nil {
			return false, err
		}
		found = !codes.Empty()
	}
	s.searches[p.target] = text
	s.objectChanged(p.object)
	return found, nil
}

// AbortSearch ends the search of a list object, if there is one.
func (s *Session) AbortSearch(p Place) {
	if _, ok := s.searches[p.target]; ok {
		delete(s.searches, p.target)
		s.objectChanged(p.object)
	}
}

// AcceptSearch selects what a list object's search has found, and ends it.
func (s *Session) AcceptSearch(ctx context.Context, p Place, how Pick) (bool, error) {
	text := s.searches[p.target]
	f, err := s.fieldAt(ctx, p, 0)
	if err != nil || f == nil || text == "" {
		return false, err
	}
	codes, err := s.Search(ctx, f, p.State, text)
	if err != nil {
		return false, err
	}
	s.AbortSearch(p)
	return s.Select(f, codes, s.in(p, how))
}
