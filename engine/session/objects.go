package session

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// An ObjectGate says what the user of a session may do with objects of apps.
// Rights on an object are those on the topmost one above it. Variables go with
// the app.
type ObjectGate interface {
	// Owner is who the user is as the owner of objects, DIRECTORY\id.
	Owner() string
	// Object returns what the site knows of an object, and what the user may do
	// with it.
	Object(appID string, it *object.Item) (Standing, error)
	// CreateObject is asked before an object is made.
	CreateObject(appID string, it *object.Item) error
	// ReadScript is asked before the script of an app is shown, which may hold what
	// others may not see.
	ReadScript(appID string) error
	// Publish makes an object visible to all who may read the app, or takes that
	// back; Approve makes it part of what the app's owner answers for.
	Publish(appID, objectID string, on bool) error
	Approve(appID, objectID string, on bool) error
}

// Rights are what a user may do with an object.
type Rights uint8

// The rights.
const (
	ReadObject Rights = 1 << iota
	ChangeObject
	DestroyObject
	PublishObject
	ApproveObject

	everyRight = ReadObject | ChangeObject | DestroyObject
)

// A Standing is what a site knows of an object.
type Standing struct {
	Rights              Rights
	Published, Approved bool
	Owner               string // DIRECTORY\id
	OwnerName           string
}

// standing returns the standing of an item of the app. What cannot be found out
// is not given.
func (s *Session) standing(it *object.Item) Standing {
	if s.Gate == nil || s.app.Session || it.Kind == object.Variable {
		return Standing{Rights: everyRight}
	}
	root := s.app.Items.Root(it.ID)
	if root == nil {
		return Standing{}
	}
	st, err := s.Gate.Object(s.app.ID, root)
	if err != nil {
		s.log.Error("rights on an object are not known", "app", s.app.ID, "object", it.ID, "user", s.User, "err", err)
		return Standing{}
	}
	return st
}

func (s *Session) mayRead(it *object.Item) bool { return s.standing(it).Rights&ReadObject != 0 }

// stored returns an item of the app that the user may see, nil if there is none.
func (s *Session) stored(id string) *object.Item {
	if it := s.app.Items.Get(id); it != nil && s.mayRead(it) {
		return it
	}
	return nil
}

// Stored is stored for an item of a kind.
func (s *Session) Stored(kind object.Kind, id string) *object.Item {
	if it := s.stored(id); it != nil && it.Kind == kind {
		return it
	}
	return nil
}

// Items returns the items of a kind of the app that the user may see.
func (s *Session) Items(kind object.Kind) []*object.Item { return s.visible(s.app.Items.All(kind)) }

// AllItems returns all items of the app that the user may see.
func (s *Session) AllItems() []*object.Item { return s.visible(s.app.Items.Everything()) }

func (s *Session) visible(items []*object.Item) []*object.Item {
	if s.Gate == nil {
		return items
	}
	return slices.DeleteFunc(items, func(it *object.Item) bool { return !s.mayRead(it) })
}

// may returns the open app for who has a right on one of its items.
func (s *Session) may(id string, right Rights) (*app.App, error) {
	a, err := s.App()
	if err != nil {
		return nil, err
	}
	it := a.Items.Get(id)
	if it == nil {
		return nil, fmt.Errorf("%w: %s", object.ErrNotFound, id)
	}
	if it.Kind == object.Variable {
		return s.Changing()
	}
	switch have := s.standing(it).Rights; {
	case have&ReadObject == 0:
		return nil, fmt.Errorf("%w: %s", object.ErrNotFound, id)
	case have&right != right:
		return nil, fmt.Errorf("%w: object %s", access.ErrDenied, id)
	}
	s.keepSoon()
	return a, nil
}

// create makes an item of the app that is the user's.
func (s *Session) create(kind object.Kind, props *tree.Node, parent string, state *tree.Node) (*object.Item, error) {
	a, err := s.mayCreate(kind, props, parent)
	if err != nil {
		return nil, err
	}
	owner := ""
	if s.Gate != nil {
		owner = s.Gate.Owner()
	}
	return a.CreateFor(owner, kind, props, parent, state)
}

// mayCreate returns the open app for who may make an item there: below another
// one who may change that.
func (s *Session) mayCreate(kind object.Kind, props *tree.Node, parent string) (*app.App, error) {
	a, err := s.App()
	switch {
	case err != nil || s.Gate == nil || a.Session:
		return a, err
	case kind == object.Variable:
		return s.Changing()
	case parent != "":
		return s.may(parent, ChangeObject)
	}
	draft, err := object.NewItem(kind, props, app.NewID, s.app.Now())
	if err != nil {
		return nil, err
	}
	draft.Owner = s.Gate.Owner()
	if err := s.Gate.CreateObject(a.ID, draft); err != nil {
		return nil, err
	}
	s.keepSoon()
	return a, nil
}

// ReadingScript returns the open app for who may read its script.
func (s *Session) ReadingScript() (*app.App, error) {
	a, err := s.App()
	if err != nil || s.Gate == nil || a.Session {
		return a, err
	}
	return a, s.Gate.ReadScript(a.ID)
}

// Clone copies an item of the app under a new id; the copy is the user's.
func (s *Session) Clone(kind object.Kind, id string) (*object.Item, error) {
	a, err := s.App()
	if err != nil {
		return nil, err
	}
	it := s.stored(id)
	if it == nil || it.Kind != kind {
		return nil, fmt.Errorf("%w: %s", object.ErrNotFound, id)
	}
	if _, err := s.mayCreate(kind, it.Props, it.Parent); err != nil {
		return nil, err
	}
	owner := ""
	if s.Gate != nil {
		owner = s.Gate.Owner()
	}
	return a.Clone(owner, kind, id)
}

// ReplaceBookmark has a bookmark keep the current selections.
func (s *Session) ReplaceBookmark(id string) (*Ref, error) {
	it := s.Stored(object.Bookmark, id)
	if it == nil {
		return nil, fmt.Errorf("%w: %s", object.ErrNotFound, id)
	}
	state := s.KeepState(it.Props.Get("qIncludeVariables").Truth())
	if _, err := s.change(id, func(it *object.Item) (*object.Item, error) { return it.WithState(state), nil }); err != nil {
		return nil, err
	}
	return s.Open(object.Bookmark, id), nil
}

// Reorder sorts the children of an item.
func (s *Session) Reorder(id string, ids []string) error {
	a, err := s.may(id, ChangeObject)
	if err != nil {
		return err
	}
	return a.Reorder(id, ids)
}

// Publish makes an item visible to all who may read the app, or takes that back.
// Without a site around there is nobody to publish for, and nothing happens.
func (s *Session) Publish(id string, on bool) error {
	return s.declare(id, func(appID string) error { return s.Gate.Publish(appID, id, on) })
}

// Approve makes a published item part of the app's base, or takes that back.
func (s *Session) Approve(id string, on bool) error {
	return s.declare(id, func(appID string) error { return s.Gate.Approve(appID, id, on) })
}

func (s *Session) declare(id string, change func(appID string) error) error {
	a, err := s.App()
	if err != nil || s.Gate == nil || a.Session || s.IsSessionObject(id) {
		return err
	}
	if s.stored(id) == nil {
		return fmt.Errorf("%w: %s", object.ErrNotFound, id)
	}
	if err := s.keep(); err != nil { // what is published has to be there
		return err
	}
	if err := change(a.ID); err != nil {
		return err
	}
	a.Announce(id)
	return nil
}

// keepAfter is how long changes of objects wait to be saved together, and
// keepAgain until that is tried again.
const (
	keepAfter = 500 * time.Millisecond
	keepAgain = 10 * time.Second
)

// keepSoon saves what the user is about to change of objects of a site's app:
// users of the hub never press a button for that. It is done once more when the
// request has ended, as what was waiting may be saved in between.
func (s *Session) keepSoon() {
	if s.Gate == nil || s.app.Session {
		return
	}
	s.touched = true
	s.unkept.Store(true)
	s.keepIn(keepAfter)
}

// keepIn saves objects after a while, unless that is going to happen anyway.
func (s *Session) keepIn(after time.Duration) {
	if s.keeps.Swap(true) {
		return
	}
	time.AfterFunc(after, func() {
		s.keeps.Store(false)
		if err := s.keep(); err != nil {
			s.log.Error("objects could not be saved", "user", s.User, "err", err)
		}
	})
}

// keep saves objects that wait for it. What cannot be saved now goes on waiting.
// It may be called from anywhere.
func (s *Session) keep() error {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	a := s.current.Load()
	if a == nil || !s.unkept.Swap(false) {
		return nil
	}
	err := s.keepNow(a)
	if err != nil {
		s.unkept.Store(true)
		s.keepIn(keepAgain)
	}
	return err
}

func (s *Session) keepNow(a *app.App) error {
	err := s.Gate.Read(a.ID) // one that was deleted is not to come back
	if err == nil {
		err = a.SaveDocument()
	}
	if err == nil {
		err = s.Gate.Saved(a.ID)
	}
	if errors.Is(err, access.ErrDenied) {
		return nil
	}
	return err
}
