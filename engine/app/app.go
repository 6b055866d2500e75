// Package app holds an open app: its script, data model, objects, variables,
// bookmarks and connections, and how it is reloaded and saved.
//
// An [App] is shared by all sessions that have it open. Its data model is
// immutable and exchanged as a whole by a reload; until then, and after a
// failed one, the old model serves. Everything else changes item by item, and
// whoever subscribed is told by an [Event]. A [Library] is the folder of apps.
package app

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/cube"
	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/turns"
	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/storage"
)

// Errors that callers act on.
var (
	ErrNotFound   = errors.New("app not found")
	ErrExists     = errors.New("an app with this name exists already")
	ErrReloading  = errors.New("a reload of this app is running")
	ErrConnection = errors.New("connection not found")
	ErrConnExists = errors.New("a connection with this name exists already")
	ErrSessionApp = errors.New("a session app cannot be saved")
	ErrStateName  = errors.New("invalid or unknown alternate state")
	ErrVariable   = errors.New("a variable with this name exists already")
)

// Data is what a reload made: immutable.
type Data struct {
	Model  *model.Model
	Infer  *infer.Engine
	Locale *number.Locale
	Rules  *access.Rules // section access; nil: everybody sees everything
	// Results are the cubes and values of expressions that sessions share.
	Results *cube.Cache

	access  *storage.Catalog // the access section, to be saved
	reduced reduced
}

// resultsBytes bounds the results that are kept per model.
const resultsBytes = 256 << 20

func newData(m *model.Model, l *number.Locale, t *turns.Turns, n *cube.Counters) (*Data, error) {
	results, err := cube.NewCache(resultsBytes, t, n)
	if err != nil {
		return nil, fmt.Errorf("cache of results: %w", err)
	}
	return &Data{Model: m, Infer: infer.New(m), Locale: l, Results: results}, nil
}

// An App is an open app. Its methods may be called concurrently.
type App struct {
	ID      string
	Session bool // a session app: in memory only
	Items   *object.Store

	lib  *Library
	now  func() time.Time
	data atomic.Pointer[Data]

	mu          sync.RWMutex
	script      string
	props       *tree.Node
	states      []string
	connections []Connection
	created     time.Time
	modified    time.Time
	media       []qvf.Media
	loaded      time.Time // last successful reload
	changes     uint64    // counts what is to be saved
	kept        uint64    // changes up to which the file has them
	problems    []error   // of a foreign file

	subsMu sync.Mutex
	subs   map[int]func(Event)
	nextID int

	reloading sync.Mutex
	saving    sync.Mutex
	saved     weak.Pointer[Data] // what the file holds, zero = not known; guarded by saving. It keeps no data in memory
	file      os.FileInfo        // when it was last read or written here; guarded by saving
	base      document           // what the file held then; guarded by saving
	progress  progress
}

// A Connection is a named place that scripts load from.
type Connection struct {
	ID, Name, Type, String, User string
	Password                     string // taken, and never given away or saved
	Modified                     time.Time
}

// newApp returns an app without data.
func newApp(id, title string, session bool, now func() time.Time) *App {
	a := &App{
		ID: id, Session: session, Items: object.NewStore(), now: now, created: now(), modified: now(),
		props: tree.NewObject(
			tree.Member{Key: "qTitle", Value: tree.NewString(title)},
			tree.Member{Key: "qThumbnail", Value: tree.NewObject()},
		),
		subs: map[int]func(Event){},
	}
	d, err := newData(emptyModel(), number.Default(), nil, nil)
	if err != nil {
		panic("app: BUG: data without tables: " + err.Error())
	}
	a.data.Store(d)
	return a
}

// Data returns the current data; what is returned never changes.
func (a *App) Data() *Data { return a.data.Load() }

// Now returns the app's clock.
func (a *App) Now() time.Time { return a.now() }

// NewID returns a fresh id for an object.
func NewID() string { return uuid.NewString() }

// Script returns the load script.
func (a *App) Script() string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.script
}

// SetScript replaces the load script.
func (a *App) SetScript(s string) {
	a.mu.Lock()
	a.script = s
	a.mu.Unlock()
	a.touch()
	a.publish(Event{Kind: AppChanged})
}

// Properties returns the app's properties.
func (a *App) Properties() *tree.Node {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.props
}

// SetProperties replaces the app's properties.
func (a *App) SetProperties(p *tree.Node) {
	a.mu.Lock()
	a.props = p
	a.mu.Unlock()
	a.touch()
	a.publish(Event{Kind: AppChanged})
}

// Title returns the app's title.
func (a *App) Title() string { return a.Properties().Get("qTitle").Str() }

// Modified returns when the app was last changed, and whether that is unsaved.
func (a *App) Modified() (at time.Time, unsaved bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.modified, a.changes != a.kept
}

// Created returns when the app was made.
func (a *App) Created() time.Time { return a.created }

// Loaded returns the time of the last successful reload, zero if there was
// none.
func (a *App) Loaded() time.Time {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.loaded
}

func (a *App) touch() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes++
	a.modified = a.now()
}

// States returns the names of the alternate states, without the default one.
func (a *App) States() []string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.Clone(a.states)
}

// AddState adds an alternate state; one that exists already stays.
func (a *App) AddState(name string) error {
	if name == "" || strings.HasPrefix(name, "$") {
		return fmt.Errorf("%w: %q", ErrStateName, name)
	}
	a.mu.Lock()
	if !slices.Contains(a.states, name) {
		a.states = append(a.states, name)
	}
	a.mu.Unlock()
	a.touch()
	a.publish(Event{Kind: StatesChanged})
	return nil
}

// RemoveState removes an alternate state.
func (a *App) RemoveState(name string) error {
	a.mu.Lock()
	had := len(a.states)
	a.states = slices.DeleteFunc(a.states, func(s string) bool { return s == name })
	gone := len(a.states) < had
	a.mu.Unlock()
	if !gone {
		return fmt.Errorf("%w: %q", ErrStateName, name)
	}
	a.touch()
	a.publish(Event{Kind: StatesChanged})
	return nil
}
