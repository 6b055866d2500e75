package session

import "github.com/cognate-bi/cognate/engine/state"

// modal is the object in selection mode: its selections apply at once, count
// as one step of the history, and can be taken back together.
type modal struct {
	object string
	paths  []string
	before state.History
	made   bool
}

// mayPick refuses selections by anything but the modal object.
func (s *Session) mayPick(object string) error {
	if s.modal != nil && s.modal.object != object {
		return ErrModal
	}
	return nil
}

// BeginSelections puts an object into selection mode. One that is in it
// already stays, with the new paths.
func (s *Session) BeginSelections(object string, paths []string) error {
	if err := s.mayPick(object); err != nil {
		return err
	}
	if s.modal == nil {
		s.modal = &modal{object: object, before: s.history}
		s.objectChanged(object)
	}
	s.modal.paths = paths
	return nil
}

// EndSelections leaves selection mode, keeping or taking back what was
// selected in it.
func (s *Session) EndSelections(object string, accept bool) error {
	if s.modal == nil {
		return nil
	}
	if s.modal.object != object {
		return ErrModal
	}
	s.AbortModal(accept)
	return nil
}

// AbortModal ends selection mode, whichever object is in it.
func (s *Session) AbortModal(accept bool) {
	if s.modal == nil {
		return
	}
	if !accept {
		s.ResetMadeSelections()
	}
	object := s.modal.object
	s.modal = nil
	s.objectChanged(object)
}

func (s *Session) acceptModal() { s.AbortModal(true) }

// ResetMadeSelections takes back what was selected in selection mode and
// stays in it.
func (s *Session) ResetMadeSelections() {
	if s.modal == nil || !s.modal.made {
		return
	}
	old := s.history.Now()
	s.history, s.modal.made = s.modal.before, false
	s.setChanged(old, s.history.Now())
	s.objectChanged(s.modal.object)
}
