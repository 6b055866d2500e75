package session

import (
	"context"
	"fmt"
	"slices"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// A Pick says how values become a selection.
type Pick struct {
	Object   string // the object that selects, "" = a field or the app
	State    string // alternate state; "" and "$" = the default one
	Toggle   bool   // flip the values instead of replacing the selection
	SoftLock bool   // select in a locked field too
}

// State returns the selections of an alternate state.
func (s *Session) State(name string) (*state.State, error) {
	st, ok := s.history.Now().State(name)
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrState, name)
	}
	return st, nil
}

// History returns the selections with their past and future.
func (s *Session) History() state.History { return s.history }

// Select selects values of a field by code. ok = false means that nothing was
// changed: the field is locked, there is nothing to select, or a locked field
// contradicts it.
func (s *Session) Select(f *model.Field, codes *bitset.Set, p Pick) (ok bool, err error) {
	if err := s.mayPick(p.Object); err != nil {
		return false, err
	}
	st, err := s.State(p.State)
	if err != nil {
		return false, err
	}
	old, _ := st.Field(f.Name)
	if old.Locked && !p.SoftLock {
		return false, nil
	}
	next := state.Selection{Codes: codes, OneAlways: old.OneAlways}
	if p.Toggle && old.Codes != nil {
		next.Codes = toggled(old, codes)
	}
	switch {
	case codes.Empty():
		return false, nil
	case old.OneAlways && next.Codes.Count() != 1:
		return false, nil
	case next.Codes.Empty():
		s.step(p.State, st.Without(f.Name))
		return true, nil
	}
	err = s.lib.Turns().Do(context.Background(), func(context.Context, bool) error { // a selection is quick, and waits for what is
		st, ok = s.reconcile(st, f, next)
		return nil
	})
	if ok {
		s.step(p.State, st)
	}
	return ok, err
}

// toggled flips codes in a selection. A field that always has one value moves
// to the new one instead of having two.
func toggled(old state.Selection, codes *bitset.Set) *bitset.Set {
	if old.OneAlways && codes.Count() == 1 && !codes.Equal(old.Codes) {
		return codes
	}
	out, both := old.Codes.Clone(), old.Codes.Clone()
	both.And(codes)
	out.Or(codes)
	out.AndNot(both)
	return out
}

// reconcile adds a selection to the state. Where it fits to no row together
// with older ones, the older ones in unlocked fields that contradict it give
// way; a locked one that does refuses it.
func (s *Session) reconcile(st *state.State, f *model.Field, sel state.Selection) (*state.State, bool) {
	full := st.With(f.Name, sel)
	if s.fits(full, f, sel) {
		return full, true
	}
	fixed := st.Keep(func(name string, o state.Selection) bool { return o.Locked && name != f.Name }).With(f.Name, sel)
	if !s.fits(fixed, f, sel) {
		return st, false
	}
	older := slices.Clone(st.Fields())
	slices.Reverse(older) // the newest have the best chance to stay
	for _, name := range older {
		o, _ := st.Field(name)
		if name == f.Name || o.Locked {
			continue
		}
		if with := fixed.With(name, o); s.fits(with, f, sel) {
			fixed = with
		}
	}
	return fixed, true
}

// fits reports whether some selected value of the field is possible.
func (s *Session) fits(st *state.State, f *model.Field, sel state.Selection) bool {
	possible := s.data.Infer.Of(st).Possible(f)
	for code := range sel.Codes.All() {
		if possible[code] != 0 {
			return true
		}
	}
	return false
}

// step makes a new selection state current: a step of the history, or a part
// of the modal object's one step.
func (s *Session) step(name string, st *state.State) {
	now := s.history.Now()
	if old, _ := now.State(name); state.Equal(old, st) && !lockChanged(old, st) {
		return
	}
	s.stepSet(now.With(name, st))
	s.selectionChanged(stateName(name))
}

func stateName(name string) string {
	if name == "" {
		return state.Default
	}
	return name
}

func lockChanged(a, b *state.State) bool {
	for _, f := range a.Fields() {
		x, _ := a.Field(f)
		y, _ := b.Field(f)
		if x.Locked != y.Locked {
			return true
		}
	}
	return false
}

func (s *Session) stepSet(set state.Set) {
	if s.modal != nil {
		s.modal.made = true
		s.history = s.modal.before.Step(set)
		s.objectChanged(s.modal.object)
		return
	}
	s.history = s.history.Step(set)
}

// Clear removes the selection of a field; ok = false if it is locked or has
// to keep one value.
func (s *Session) Clear(field string, p Pick) (ok bool, err error) {
	if err := s.mayPick(p.Object); err != nil {
		return false, err
	}
	st, err := s.State(p.State)
	if err != nil {
		return false, err
	}
	sel, _ := st.Field(field)
	if sel.Locked && !p.SoftLock || sel.OneAlways {
		return false, nil
	}
	s.step(p.State, st.Without(field))
	return true, nil
}

// ClearAll removes all selections of a state, locked ones only on request,
// and the one of the field `but` never.
func (s *Session) ClearAll(name string, lockedAlso bool, but string) error {
	s.acceptModal()
	st, err := s.State(name)
	if err != nil {
		return err
	}
	s.step(name, st.Keep(func(field string, sel state.Selection) bool {
		return sel.Locked && !lockedAlso || sel.OneAlways || field == but
	}))
	return nil
}

// SetLock locks or unlocks a field; ok = false if nothing is selected in it.
// It is no step of the history.
func (s *Session) SetLock(field, name string, locked bool) (ok bool, err error) {
	st, err := s.State(name)
	if err != nil {
		return false, err
	}
	sel, ok := st.Field(field)
	if !ok {
		return !locked, nil
	}
	if sel.Locked != locked {
		sel.Locked = locked
		s.replace(name, st.With(field, sel))
	}
	return true, nil
}

// LockAll locks or unlocks all selections of a state.
func (s *Session) LockAll(name string, locked bool) error {
	st, err := s.State(name)
	if err != nil {
		return err
	}
	for _, f := range st.Fields() {
		if _, err := s.SetLock(f, name, locked); err != nil {
			return err
		}
	}
	return nil
}

// replace exchanges the current selections without a step.
func (s *Session) replace(name string, st *state.State) {
	s.history = s.history.Replace(s.history.Now().With(name, st))
	s.selectionChanged(stateName(name))
}

// SetOneAlways makes a field always have one selected value, or ends that;
// ok = false if not exactly one is selected.
func (s *Session) SetOneAlways(field, name string, on bool) (ok bool, err error) {
	st, err := s.State(name)
	if err != nil {
		return false, err
	}
	sel, has := st.Field(field)
	if on && (!has || sel.Codes.Count() != 1) {
		return false, nil
	}
	if has && sel.OneAlways != on {
		sel.OneAlways = on
		s.replace(name, st.With(field, sel))
	}
	return true, nil
}

// Back goes one step back in the history, Forward one forward. At the end
// nothing happens.
func (s *Session) Back() { s.move(state.History.Back) }

// Forward goes one step forward.
func (s *Session) Forward() { s.move(state.History.Forward) }

func (s *Session) move(to func(state.History) (state.History, bool)) {
	s.acceptModal()
	old := s.history.Now()
	h, ok := to(s.history)
	if !ok {
		return
	}
	s.history = h
	s.setChanged(old, h.Now())
}

// setChanged tells of all states that differ, and of the history.
func (s *Session) setChanged(old, now state.Set) {
	for _, name := range append(now.Names(), state.Default) {
		a, _ := old.State(name)
		if b, _ := now.State(name); !state.Equal(a, b) || lockChanged(a, b) {
			s.selectionChanged(name)
		}
	}
}

// setSet makes a whole set of states current, as one step.
func (s *Session) setSet(set state.Set) {
	old := s.history.Now()
	s.stepSet(set)
	s.setChanged(old, set)
}

// carryOver moves the selections to the model of a new reload: values that
// exist there stay selected.
func (s *Session) carryOver(from, to *app.Data) state.History {
	return s.history.Map(func(set state.Set) state.Set {
		return set.MapStates(func(st *state.State) *state.State {
			var out *state.State
			for _, name := range st.Fields() {
				sel, _ := st.Field(name)
				old, f := from.Model.Field(name), to.Model.Field(name)
				if old == nil || f == nil {
					continue
				}
				codes := bitset.New(f.Symbols.Len() + 1)
				for code := range sel.Codes.All() {
					if c := f.Symbols.Find(old.Value(uint32(code))); c != 0 {
						codes.Add(int(c))
					}
				}
				sel.Codes = codes
				out = out.With(name, sel)
			}
			return out
		})
	})
}

// syncStates gives the history the alternate states that exist now.
func (s *Session) syncStates() {
	names := append(s.app.States(), s.ownStates...)
	have := s.history.Now().Names()
	slices.Sort(names)
	if slices.Equal(slices.Compact(names), have) {
		return
	}
	s.history = s.history.Map(func(set state.Set) state.Set {
		for _, n := range set.Names() {
			if !slices.Contains(names, n) {
				set, _ = set.Without(n) // it is there: just listed
			}
		}
		for _, n := range names {
			if _, ok := set.State(n); !ok {
				set = set.With(n, nil)
			}
		}
		return set
	})
}

// StateNames returns the names of the alternate states of app and session.
func (s *Session) StateNames() []string { return s.history.Now().Names() }

// AddState adds an alternate state, for this session only or to the app.
func (s *Session) AddState(name string, own bool, source string) error {
	if !own {
		a, err := s.Changing()
		if err != nil {
			return err
		}
		if err := a.AddState(name); err != nil {
			return err
		}
	} else {
		if name == "" || slices.Contains(s.StateNames(), name) {
			return fmt.Errorf("%w: %q", ErrState, name)
		}
		s.ownStates = append(s.ownStates, name)
	}
	s.syncStates()
	if source != "" {
		st, err := s.State(source)
		if err != nil {
			return err
		}
		s.replace(name, st)
	}
	return nil
}

// RemoveState removes an alternate state.
func (s *Session) RemoveState(name string, own bool) error {
	if own {
		i := slices.Index(s.ownStates, name)
		if i < 0 {
			return fmt.Errorf("%w: %q", ErrState, name)
		}
		s.ownStates = slices.Delete(s.ownStates, i, i+1)
	} else if a, err := s.Changing(); err != nil {
		return err
	} else if err := a.RemoveState(name); err != nil {
		return err
	}
	s.selectionChanged(name)
	s.syncStates()
	return nil
}
