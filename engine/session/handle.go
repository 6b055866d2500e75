package session

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// Class is the class of what a handle stands for, as the protocol names it.
type Class string

// The classes.
const (
	Doc              Class = "Doc"
	Field            Class = "Field"
	GenericObject    Class = "GenericObject"
	GenericDimension Class = "GenericDimension"
	GenericMeasure   Class = "GenericMeasure"
	GenericBookmark  Class = "GenericBookmark"
	GenericVariable  Class = "GenericVariable"
	Variable         Class = "Variable"
)

// ClassOf returns the class of items of a kind.
func ClassOf(k object.Kind) Class {
	return [...]Class{GenericObject, GenericDimension, GenericMeasure, GenericBookmark, GenericVariable}[k]
}

// A Ref is what a handle stands for.
type Ref struct {
	Handle int
	Class  Class
	ID     string // of the item or app; the name of a field or legacy variable
	Type   string // qGenericType
	State  string // of a field
}

// same is what makes two references one handle.
type same struct {
	class     Class
	id, state string
}

// handleState is an open handle. A valid one has had its layout fetched since
// it last changed.
type handleState struct {
	ref   Ref
	deps  object.Deps
	valid bool
}

// handles is the table of open handles. It may be used concurrently.
type handles struct {
	mu      sync.Mutex
	next    int
	byID    map[int]*handleState
	byRef   map[same]*handleState
	changed []int
	closed  []int
	epoch   atomic.Uint64 // counts changes of whatever layouts may depend on
	busy    bool          // a request is running: changes ride on its response
	push    map[int]func(changed, closed []int)
	nextFn  int
}

func (h *handles) init() {
	h.byID, h.byRef, h.push = map[int]*handleState{}, map[same]*handleState{}, map[int]func(changed, closed []int){}
	h.next = 1
}

// open returns the handle of ref: the one that it has, or a new one, which
// counts as changed until its layout is fetched.
func (h *handles) open(ref Ref, deps object.Deps) *Ref {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := same{ref.Class, ref.ID, ref.State}
	if st := h.byRef[key]; st != nil {
		return &st.ref
	}
	ref.Handle = h.next
	h.next++
	st := &handleState{ref: ref, deps: deps}
	h.byID[ref.Handle], h.byRef[key] = st, st
	if ref.Class != Field && ref.Class != Variable {
		h.changed = append(h.changed, ref.Handle)
	}
	return &st.ref
}

// get returns what a handle stands for.
func (h *handles) get(handle int) (*Ref, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if st := h.byID[handle]; st != nil {
		return &st.ref, nil
	}
	return nil, fmt.Errorf("%w: %d", ErrHandle, handle)
}

// setValid marks that the layout of an item has been fetched as of an epoch.
// Where something has changed since, the client has to fetch it again.
func (h *handles) setValid(class Class, id string, epoch uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.byRef[same{class, id, ""}]
	if st == nil {
		return
	}
	st.valid = h.epoch.Load() == epoch
	h.changed = slices.DeleteFunc(h.changed, func(c int) bool { return c == st.ref.Handle })
	if !st.valid {
		h.changed = append(h.changed, st.ref.Handle)
	}
}

// forget drops all handles without telling anybody: a client that comes back
// after its socket was lost asks for its objects again, and numbers that it
// has already seen would mislead it.
func (h *handles) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.byID)
	clear(h.byRef)
	h.changed, h.closed = nil, nil
}

// setDeps notes what an object depends on after its properties changed.
func (h *handles) setDeps(id string, deps object.Deps) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if st := h.byRef[same{GenericObject, id, ""}]; st != nil {
		st.deps = deps
	}
}

// invalidate marks the handles that match as changed.
func (h *handles) invalidate(match func(*handleState) bool) {
	h.epoch.Add(1)
	h.mu.Lock()
	for _, st := range h.byID {
		if st.valid && match(st) {
			st.valid = false
			h.changed = append(h.changed, st.ref.Handle)
		}
	}
	h.mu.Unlock()
	h.flush()
}

// close removes the handles that match.
func (h *handles) close(match func(*handleState) bool) {
	h.mu.Lock()
	for id, st := range h.byID {
		if match(st) {
			delete(h.byID, id)
			delete(h.byRef, same{st.ref.Class, st.ref.ID, st.ref.State})
			h.changed = slices.DeleteFunc(h.changed, func(c int) bool { return c == id })
			h.closed = append(h.closed, id)
		}
	}
	h.mu.Unlock()
	h.flush()
}

func (h *handles) closeAll() { h.close(func(*handleState) bool { return true }) }

func (h *handles) setBusy(b bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy = b
}

// take ends a request and returns the changes that ride on its response.
func (h *handles) take() (changed, closed []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy = false
	return h.drain()
}

func (h *handles) drain() (changed, closed []int) {
	changed, closed = h.changed, h.closed
	slices.Sort(changed)
	slices.Sort(closed)
	h.changed, h.closed = nil, nil
	return changed, closed
}

// flush pushes changes to all sockets unless a request is running.
func (h *handles) flush() {
	h.mu.Lock()
	if h.busy || len(h.changed)+len(h.closed) == 0 {
		h.mu.Unlock()
		return
	}
	changed, closed := h.drain()
	fs := h.pushers(-1)
	h.mu.Unlock()
	for _, f := range fs {
		f(changed, closed)
	}
}

// pushers returns the callbacks of all sockets but one.
func (h *handles) pushers(but int) []func(changed, closed []int) {
	fs := make([]func(changed, closed []int), 0, len(h.push))
	for id, f := range h.push {
		if id != but {
			fs = append(fs, f)
		}
	}
	return fs
}

// PushOthers sends changes that ride on a response of one socket to the other
// sockets of the session.
func (s *Session) PushOthers(id int, changed, closed []int) {
	s.handles.mu.Lock()
	fs := s.handles.pushers(id)
	s.handles.mu.Unlock()
	for _, f := range fs {
		f(changed, closed)
	}
}

// OnPush calls f with changes that no response carries, until cancel is
// called. It may be called from anywhere.
func (s *Session) OnPush(f func(changed, closed []int)) (id int, cancel func()) {
	h := &s.handles
	h.mu.Lock()
	defer h.mu.Unlock()
	id = h.nextFn
	h.nextFn++
	h.push[id] = f
	return id, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.push, id)
	}
}

// Handle returns what a handle stands for.
func (s *Session) Handle(handle int) (*Ref, error) { return s.handles.get(handle) }

// SetValid marks that the layout of the reference has been fetched.
func (s *Session) SetValid(r *Ref) { s.handles.setValid(r.Class, r.ID, s.epoch) }

// ShowsData reports whether the layout of the reference shows selections or
// data. It may be called from anywhere.
func (s *Session) ShowsData(r *Ref) bool {
	s.handles.mu.Lock()
	defer s.handles.mu.Unlock()
	st := s.handles.byID[r.Handle]
	return st != nil && st.deps.Data
}

// SetInvalid tells that a layout has to be fetched, also if that was told
// before.
func (s *Session) SetInvalid(handle int) {
	h := &s.handles
	h.mu.Lock()
	defer h.mu.Unlock()
	if st := h.byID[handle]; st != nil && !slices.Contains(h.changed, handle) {
		st.valid = false
		h.changed = append(h.changed, handle)
	}
}

// onEvent marks what a change of the app makes out of date. It is called by
// whoever changes the app.
func (h *handles) onEvent(e app.Event) {
	switch e.Kind {
	case app.AppChanged:
		h.invalidate(func(st *handleState) bool { return st.ref.Class == Doc })
	case app.Reloaded:
		h.invalidate(func(*handleState) bool { return true })
	case app.StatesChanged:
		h.invalidate(func(st *handleState) bool { return st.ref.Class == Doc || st.deps.Data })
	case app.ItemAdded, app.ItemChanged:
		h.invalidate(func(st *handleState) bool { return st.dependsOn(e.Item) })
	case app.ItemRemoved:
		h.invalidate(func(st *handleState) bool { return st.dependsOn(e.Item) })
		h.close(func(st *handleState) bool { return st.isItem() && slices.Contains(e.Gone, st.ref.ID) })
	}
}

func (st *handleState) isItem() bool { return strings.HasPrefix(string(st.ref.Class), "Generic") }

// dependsOn reports whether the layout shows or uses an item.
func (st *handleState) dependsOn(it *object.Item) bool {
	switch {
	case st.isItem() && (st.ref.ID == it.ID || st.ref.ID == it.Parent):
		return true
	case it.Kind == object.Variable && st.deps.OnVariable(it.Name()):
		return true
	case it.Kind == object.Variable && st.ref.Class == GenericVariable: // may be computed from it
		return true
	}
	return st.deps.OnItem(it.ID) || st.deps.OnList(it.Kind, it.Type) && it.Parent == ""
}

// selectionChanged marks what shows the selections of a state.
func (s *Session) selectionChanged(name string) {
	s.handles.invalidate(func(st *handleState) bool {
		return st.deps.OnState(name) || st.ref.Class == GenericVariable
	})
}

// objectChanged marks an object itself.
func (s *Session) objectChanged(id string) {
	s.handles.invalidate(func(st *handleState) bool { return st.ref.Class == GenericObject && st.ref.ID == id })
}

// refDeps returns what the layout of an item depends on.
func refDeps(kind object.Kind, effective *tree.Node) object.Deps {
	if kind == object.Generic || kind == object.Variable {
		return object.DepsOf(effective)
	}
	return object.Deps{}
}
