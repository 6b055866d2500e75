// Package session is one client of the engine: the app it has open, its
// selections, handles, modal object and own objects.
//
// Requests of a session run one after the other in its [Queue]; only there
// are its methods called, but for those that say otherwise. Changes of the
// app by others arrive at any time and touch nothing but the handle table,
// which has a lock of its own.
package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/cube"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/state"
)

// Errors that clients act on.
var (
	ErrNoDoc       = errors.New("no active document")
	ErrOtherDoc    = errors.New("another app is open in this session")
	ErrModal       = errors.New("another object is in selection mode")
	ErrNotModal    = errors.New("the object is not in selection mode")
	ErrHandle      = errors.New("unknown handle")
	ErrPath        = errors.New("no such definition in the object")
	ErrState       = errors.New("unknown alternate state")
	ErrUnsupported = errors.New("not supported yet")
	ErrInvalid     = errors.New("invalid parameters")
	ErrTooLarge    = errors.New("too much data at once")
	ErrDamaged     = errors.New("the app's data are damaged; reload the app or restore its file")
)

// A Session is one client. Several sockets may share it.
type Session struct {
	ID   string
	User string // UserDirectory=..; UserId=..
	// Identity is who section access lets see what; nil sees everything. It
	// is set before an app is opened.
	Identity *access.User
	// Gate says what the user may do; nil is everything. It is set before an app
	// is opened.
	Gate Gate

	Queue *Queue
	Usage *Usage
	LogID string // by which logs name the session

	lib *app.Library
	log *slog.Logger

	app         *app.App
	unsubscribe func()
	data        *app.Data // as of the running request
	whole       *app.Data // the app's, of which data is what the user may see
	seenBy      *access.User
	epoch       uint64 // of the handles when it began
	history     state.History
	modal       *modal
	objects     *object.Store // session objects and session variables
	ownStates   []string      // alternate states of this session only
	soft        map[string][]softPatch
	searches    map[target]string // list objects being searched
	temporary   map[string]*tree.Node
	groups      map[groupKey]int // active fields of cyclic dimensions
	expanded    map[target]cube.Open
	cubes       map[target]ownCube

	current atomic.Pointer[app.App] // the open app, for those outside the queue
	reload  atomic.Pointer[string]  // id of the last reload that the session has asked for
	unkept  atomic.Bool             // objects were changed, or are about to be
	touched bool                    // by the running request
	keeps   atomic.Bool             // they are going to be saved
	keeping sync.Mutex              // held while they are saved
	handles handles
}

// target is a definition inside an object.
type target struct{ object, path string }

// A softPatch is an edit of properties that only this session sees.
type softPatch struct {
	op    tree.Op
	path  string
	value *tree.Node
}

// New returns a session without an app. Close ends it.
func New(id, user string, lib *app.Library, log *slog.Logger) *Session {
	s := &Session{ID: id, User: user, lib: lib, log: log, Queue: newQueue(nil), LogID: app.NewID(), Usage: &Usage{Started: lib.Options().Now()}}
	s.handles.init()
	s.reset()
	return s
}

// reset forgets everything that belongs to an open app.
func (s *Session) reset() {
	s.history, s.modal = state.History{}, nil
	s.objects, s.ownStates = object.NewStore(), nil
	s.soft, s.searches = map[string][]softPatch{}, map[target]string{}
	s.temporary, s.groups = map[string]*tree.Node{}, map[groupKey]int{}
	s.expanded, s.cubes = map[target]cube.Open{}, map[target]ownCube{}
}

// Library returns the apps of the engine.
func (s *Session) Library() *app.Library { return s.lib }

// Close ends the session: it waits for the running request, whose context is
// cancelled, and gives back the app. It may be called from anywhere.
func (s *Session) Close() {
	s.Queue.close()
	s.closeApp()
}

func (s *Session) closeApp() {
	if s.app == nil {
		return
	}
	if err := s.keep(); err != nil {
		s.log.Error("objects could not be saved", "app", s.app.ID, "user", s.User, "err", err)
	}
	s.unsubscribe()
	s.lib.Close(s.app)
	s.app = nil
	s.current.Store(nil)
	s.unkept.Store(false)
	s.handles.closeAll()
	s.reset()
}

// OpenDoc opens the named app, by id or title. The app that is open already
// is given again; another one is refused.
func (s *Session) OpenDoc(name string) (*Ref, error) {
	if s.app != nil && s.app.ID == name {
		return s.again()
	}
	id, err := s.resolve(name)
	if err != nil {
		return nil, err
	}
	if s.app != nil {
		if s.app.ID == id {
			return s.again()
		}
		return nil, ErrOtherDoc
	}
	if err := s.readable(id); err != nil {
		return nil, err
	}
	a, err := s.lib.Open(id)
	if err == nil {
		if err = s.use(a); err != nil {
			s.lib.Close(a)
		}
	}
	s.Usage.open(err == nil)
	if err != nil {
		return nil, err
	}
	return s.docRef(), nil
}

// again gives the app that is open once more. Who may not open it any more has it
// closed: a session may live for long, and clients come back to it.
func (s *Session) again() (*Ref, error) {
	if s.app.Session {
		return s.docRef(), nil
	}
	err := s.readable(s.app.ID)
	if err == nil {
		return s.docRef(), nil
	}
	if errors.Is(err, app.ErrNotFound) {
		s.closeApp()
	}
	return nil, err
}

// CreateSessionApp makes an app that lives in memory and opens it.
func (s *Session) CreateSessionApp(id string) (*Ref, error) {
	if s.app != nil {
		return nil, ErrOtherDoc
	}
	if id == "" {
		id = "SessionApp_" + app.NewID()
	}
	if err := s.use(s.lib.NewSessionApp(id)); err != nil {
		return nil, err
	}
	return s.docRef(), nil
}

// known is who section access takes the user for.
func (s *Session) known() (*access.User, error) {
	if s.Identity == nil || s.Gate == nil {
		return s.Identity, nil
	}
	u, err := s.Gate.Known(*s.Identity)
	return &u, err
}

// seen is what the user may see of an app's data. Without an access section
// nobody has to be asked.
func (s *Session) seen(a *app.App, whole *app.Data) (*app.Data, error) {
	if whole.Rules == nil {
		return whole, nil
	}
	who, err := s.known()
	if err != nil {
		return nil, err
	}
	return a.DataFor(whole, who)
}

func (s *Session) use(a *app.App) error {
	whole := a.Data()
	d, err := s.seen(a, whole)
	if err != nil {
		return err
	}
	s.app, s.data, s.whole, s.seenBy = a, d, whole, s.Identity
	s.current.Store(a)
	s.unsubscribe = a.Subscribe(s.handles.onEvent)
	return nil
}

// ActiveDoc returns the open app's handle.
func (s *Session) ActiveDoc() (*Ref, error) {
	if s.app == nil {
		return nil, ErrNoDoc
	}
	return s.again()
}

// App returns the open app.
func (s *Session) App() (*app.App, error) {
	if s.app == nil {
		return nil, ErrNoDoc
	}
	return s.app, nil
}

// Progress returns how far the session's reload of the open app is. Those of
// others are not told: they show the script, and numbers of rows that section
// access may hide. It may be called from anywhere.
func (s *Session) Progress() app.Progress {
	a, id := s.current.Load(), s.reload.Load()
	if a == nil || id == nil {
		return app.Progress{}
	}
	if p := a.Progress(); p.ID == *id {
		return p
	}
	return app.Progress{}
}

// Now returns the time by the app's clock.
func (s *Session) Now() time.Time { return s.lib.Options().Now() }

// Data returns the data that the running request works on.
func (s *Session) Data() *app.Data { return s.data }

func (s *Session) docRef() *Ref {
	return s.handles.open(Ref{Class: Doc, ID: s.app.ID}, object.Deps{})
}

// Begin prepares the session for a request: it takes over data that a reload
// has exchanged since the last one.
func (s *Session) Begin() {
	s.handles.setBusy(true)
	if s.app == nil {
		return
	}
	s.syncStates()
	whole := s.app.Data()
	if whole == s.whole && s.Identity == s.seenBy {
		s.epoch = s.handles.epoch.Load()
		return
	}
	s.whole, s.seenBy = whole, s.Identity
	d, err := s.seen(s.app, whole)
	if err != nil { // a reload has shut the user out
		s.log.Info("access ended", "app", s.app.ID, "user", s.User, "reason", err)
		s.closeApp()
		return
	}
	if d != s.data {
		s.history = s.carryOver(s.data, d)
		s.data = d
		s.handles.epoch.Add(1) // what was computed since the exchange was of the old data
	}
	s.epoch = s.handles.epoch.Load()
}

// Damage tells what was found wrong with data that are read from the app's
// file when they are first asked for. What a request computed from them is not
// to be shown.
func (s *Session) Damage() error {
	if s.data == nil {
		return nil
	}
	if err := s.data.Model.Catalog.Damage(); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// End closes a request and returns what has changed since the last one: the
// handles whose layouts are out of date, and those that are gone.
func (s *Session) End() (changed, closed []int) {
	if s.touched && s.app != nil {
		s.keepSoon()
	}
	s.touched = false
	return s.handles.take()
}

// A Registry is the sessions of an engine.
type Registry struct {
	// Anonymous tells whether a user is nobody in particular; nil: none is. It is
	// set before sessions begin.
	Anonymous func(user string) bool
	// Ended is told of each session that ends, while its app is still open. It
	// is set before sessions begin.
	Ended func(*Session)

	lib     *app.Library
	log     *slog.Logger
	backlog *Backlog
	sum     Usage // of all sessions, also of those that have ended

	mu       sync.Mutex
	sessions map[owned]*entry
	closed   bool
}

// owned names a session: a key that clients may choose, and whose it is.
type owned struct{ key, user string }

// An entry is a session and the sockets that share it.
type entry struct {
	session *Session
	sockets int
	expiry  *time.Timer // runs while there are no sockets
}

// backlogMax bounds the bytes of requests that wait in all sessions.
const backlogMax = 1 << 30

// NewRegistry returns an empty registry.
func NewRegistry(lib *app.Library, log *slog.Logger) *Registry {
	return &Registry{lib: lib, log: log, backlog: NewBacklog(backlogMax), sessions: map[owned]*entry{}}
}

// ErrClosing says that the engine is going down.
var ErrClosing = errors.New("the engine is shutting down")

// Attach returns the session with the key and user, or a new one. Each call
// is matched by one of Detach.
func (r *Registry) Attach(key, user string, identity *access.User, gate Gate) (s *Session, attached bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, false, ErrClosing
	}
	name := owned{key, user}
	if e := r.sessions[name]; e != nil {
		if e.expiry != nil {
			e.expiry.Stop()
			e.expiry = nil
			e.session.handles.forget()
		}
		e.sockets++
		return e.session, true, nil
	}
	s = New(key, user, r.lib, r.log)
	s.Identity, s.Gate, s.Queue.backlog = identity, gate, r.backlog
	s.Usage.sum = &r.sum
	r.sum.starts.Add(1)
	r.sessions[name] = &entry{session: s, sockets: 1}
	return s, false, nil
}

// Detach gives back a session. After the last one it lives on for ttl.
func (r *Registry) Detach(s *Session, ttl time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := owned{s.ID, s.User}
	e := r.sessions[name]
	if e == nil || e.session != s {
		return
	}
	if e.sockets--; e.sockets > 0 {
		return
	}
	if ttl <= 0 {
		delete(r.sessions, name)
		go r.end(s) // it waits for the running request
		return
	}
	e.expiry = time.AfterFunc(ttl, func() { r.expire(e) })
}

func (r *Registry) expire(e *entry) {
	r.mu.Lock()
	name := owned{e.session.ID, e.session.User}
	gone := e.sockets == 0 && r.sessions[name] == e
	if gone {
		delete(r.sessions, name)
	}
	r.mu.Unlock()
	if gone {
		r.end(e.session)
	}
}

// end ends a session that is not among ours any more.
func (r *Registry) end(s *Session) {
	if r.Ended != nil {
		r.Ended(s)
	}
	s.Close()
}

// Len returns the number of sessions.
func (r *Registry) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sessions)
}

// Close ends all sessions and refuses new ones.
func (r *Registry) Close() {
	r.mu.Lock()
	r.closed = true
	var open []*Session
	for key, e := range r.sessions {
		if e.expiry != nil {
			e.expiry.Stop()
		}
		open = append(open, e.session)
		delete(r.sessions, key)
	}
	r.mu.Unlock()
	for _, s := range open {
		r.end(s)
	}
}

// OpenSessionApp makes the app in memory that a socket's path names. It may be
// called from anywhere: it waits for its turn in the queue.
func (s *Session) OpenSessionApp(id string) error {
	done := make(chan error, 1)
	ok := s.Queue.Add(nil, 0, func(context.Context) {
		_, err := s.CreateSessionApp(id)
		done <- err
	})
	if !ok {
		return ErrClosing
	}
	select {
	case err := <-done:
		return err
	case <-s.Queue.done:
		return ErrClosing
	}
}
