package app

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cognate-bi/cognate/engine/cube"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/turns"
	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/crypt"
)

// Options are the settings of a library.
type Options struct {
	Dir     string            // folder of the apps; "" = session apps only
	Folders map[string]string // folder connections that every app has, by name
	BaseDir string            // where scripts find files without lib://; "" = nowhere
	// SiteConnections says that connections are given to each reload, and those
	// that apps hold do not count: whoever may write a script could read any
	// file of the server by them.
	SiteConnections bool
	Workers         int // goroutines of one operation; 0 = all processors
	// Keys open sealed files. SealApps and SealQVDs say what is sealed for
	// their recipients when it is written.
	Keys               *crypt.Ring
	SealApps, SealQVDs bool
	Limits             // at first
	Now                func() time.Time
	Log                *slog.Logger
}

// Limits bound what apps take. They may change while the engine runs.
type Limits struct {
	// MemoryMax bounds the memory of all apps and of results that are kept, in
	// bytes; 0 = no bound.
	MemoryMax int64
	// IdleTTL is how long an app that nobody has open any more stays in memory;
	// 0 = not at all.
	IdleTTL time.Duration
	// ReloadTime bounds a run of a script, and ReloadBytes the memory of the
	// tables that it loads; 0 = no bound beside MemoryMax.
	ReloadTime  time.Duration
	ReloadBytes int64
	// ObjectTime bounds the computation of a hypercube or list; 0 = no bound.
	ObjectTime time.Duration
}

// A Library is the apps of one engine: those on disk and those open.
type Library struct {
	opt      Options
	limits   atomic.Pointer[Limits]
	versions atomic.Uint64 // of models
	turns    *turns.Turns  // of all computations
	results  cube.Counters // of the results that are kept

	mu   sync.Mutex
	open map[string]*shared
}

// shared is an app with the number of its users. Who comes while it is being
// loaded waits on ready.
type shared struct {
	app   *App
	err   error
	users int
	ready chan struct{}
	idle  *idle // nobody has it open
}

// NewLibrary opens a folder of apps and creates it if needed.
func NewLibrary(o Options) (*Library, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o755); err != nil {
			return nil, fmt.Errorf("folder of apps: %w", err)
		}
	}
	l := &Library{opt: o, open: map[string]*shared{}, turns: turns.New(runtime.GOMAXPROCS(0), turns.Slice)}
	l.SetLimits(o.Limits)
	l.tellOfOldApps()
	l.dropLeftovers()
	return l, nil
}

// tellOfOldApps logs the apps that were folders, as before there were app
// files.
func (l *Library) tellOfOldApps() {
	old, _ := filepath.Glob(filepath.Join(l.opt.Dir, "*", "app.json"))
	if l.opt.Dir == "" || len(old) == 0 {
		return
	}
	l.opt.Log.Warn("apps of an earlier version are not read: create them anew from the script in app.json", "apps", len(old), "first", old[0])
}

// keys returns the key store, nil if there is none.
func (l *Library) keys() crypt.Keys {
	if l.opt.Keys == nil {
		return nil
	}
	return l.opt.Keys
}

func (l *Library) saveOptions() qvf.SaveOptions {
	o := qvf.SaveOptions{Now: l.opt.Now()}
	if l.opt.SealApps && l.opt.Keys != nil {
		o.Seal = l.opt.Keys.Recipients()
	}
	return o
}

// Turns returns the turns that computations of all sessions take.
func (l *Library) Turns() *turns.Turns { return l.turns }

// Results returns what the caches of results of all apps have done.
func (l *Library) Results() *cube.Counters { return &l.results }

// Limits returns the limits that count now.
func (l *Library) Limits() Limits { return *l.limits.Load() }

// SetLimits has other limits count: for scripts from the next one on, for memory
// as soon as it is looked at.
func (l *Library) SetLimits(x Limits) { l.limits.Store(&x) }

// Options returns the settings, with defaults filled in.
func (l *Library) Options() Options { return l.opt }

func emptyModel() *model.Model {
	m, err := model.Build(storage.NewCatalog(nil), 0)
	if err != nil {
		panic("app: BUG: a model without tables: " + err.Error())
	}
	return m
}

// An Entry is an app in the listing of a library.
type Entry struct {
	ID, Title      string
	SizeBytes      int64
	Modified       time.Time
	Loaded         time.Time // last reload
	ConnectedUsers int
}

// List returns the apps of the folder, by title. What cannot be read is left
// out and logged.
func (l *Library) List() ([]Entry, error) {
	if l.opt.Dir == "" {
		return nil, nil
	}
	dirs, err := os.ReadDir(l.opt.Dir)
	if err != nil {
		return nil, fmt.Errorf("list apps: %w", err)
	}
	var out []Entry
	for _, d := range dirs {
		id, ok := strings.CutSuffix(d.Name(), fileSuffix)
		if !ok || d.IsDir() {
			continue
		}
		e, err := l.Entry(id)
		if err != nil {
			l.opt.Log.Warn("app left out of the list", "app", id, "err", err)
			continue
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Or(strings.Compare(a.Title, b.Title), strings.Compare(a.ID, b.ID)) })
	return out, nil
}

// Entry returns the listing of one app.
func (l *Library) Entry(id string) (Entry, error) {
	path, err := l.file(id)
	if err != nil {
		return Entry{}, err
	}
	f, err := qvf.OpenFile(path, qvf.OpenOptions{})
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	if err != nil {
		return Entry{}, err
	}
	props, err := f.Properties()
	if err != nil {
		return Entry{}, err
	}
	state, err := f.State()
	if err != nil {
		return Entry{}, err
	}
	doc, problems := documentOf(&qvf.App{Properties: props}, state)
	e := Entry{ID: id, Title: doc.Props.Get("qTitle").Str(), Loaded: doc.Loaded, Modified: doc.Modified, SizeBytes: f.Size()}
	l.mu.Lock()
	if s := l.open[id]; s != nil {
		e.ConnectedUsers = s.users
	}
	l.mu.Unlock()
	return e, errors.Join(problems...)
}

// fileSuffix ends the names of app files.
const fileSuffix = ".qvf"

// file returns where an app lies. An id is the name of a file in the folder:
// what could lead elsewhere is not found.
func (l *Library) file(id string) (string, error) {
	if l.opt.Dir == "" || id == "" || strings.HasPrefix(id, ".") || strings.ContainsAny(id, `/\:`+"\x00") || len(id) > 200 {
		return "", fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	return filepath.Join(l.opt.Dir, id+fileSuffix), nil
}

// Resolve returns the id of the app that a client names by id, by file name
// or by title.
func (l *Library) Resolve(name string) (string, error) {
	if id, ok := l.ByID(name); ok {
		return id, nil
	}
	entries, err := l.List()
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if e.Title == name {
			return e.ID, nil
		}
	}
	return "", fmt.Errorf("%w: %s", ErrNotFound, name)
}

// ByID returns the id of the app that a client names by id or file name.
func (l *Library) ByID(name string) (id string, ok bool) {
	l.mu.Lock()
	_, isOpen := l.open[name]
	l.mu.Unlock()
	if isOpen {
		return name, true
	}
	for _, id := range []string{name, strings.TrimSuffix(name, fileSuffix)} {
		if path, err := l.file(id); err == nil {
			if _, err := os.Stat(path); err == nil {
				return id, true
			}
		}
	}
	return "", false
}

// Create makes an empty app on disk, of a title that no other one has, and
// returns its id.
func (l *Library) Create(title string) (string, error) {
	entries, err := l.List()
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(entries, func(e Entry) bool { return e.Title == title }) {
		return "", fmt.Errorf("%w: %s", ErrExists, title)
	}
	return l.CreateAny(title)
}

// CreateAny is Create for a title that others may have.
func (l *Library) CreateAny(title string) (string, error) {
	a := l.newApp(NewID(), title, false)
	if err := a.write(true); err != nil {
		return "", fmt.Errorf("create app %s: %w", title, err)
	}
	return a.ID, nil
}

func (l *Library) newApp(id, title string, session bool) *App {
	a := newApp(id, title, session, l.opt.Now)
	a.lib = l
	return a
}

// NewSessionApp makes an app that lives in memory, opened once.
func (l *Library) NewSessionApp(id string) *App {
	a := l.newApp(id, "", true)
	l.mu.Lock()
	defer l.mu.Unlock()
	ready := make(chan struct{})
	close(ready)
	l.open[id] = &shared{app: a, users: 1, ready: ready}
	return a
}

// Open returns the app with the id and counts one user more; [Library.Close]
// takes it back. It is loaded once, however many ask for it at a time.
func (l *Library) Open(id string) (*App, error) {
	l.mu.Lock()
	s := l.open[id]
	if s != nil && s.idle != nil && !l.wake(id, s) {
		s = nil // it is replaced below
	}
	if s != nil {
		s.users++
		l.mu.Unlock()
		<-s.ready
		if s.err != nil {
			l.drop(id, s)
		}
		return s.app, s.err
	}
	s = &shared{users: 1, ready: make(chan struct{})}
	l.open[id] = s
	l.mu.Unlock()

	if s.app, s.err = l.load(id); s.err == nil {
		s.err = l.admit(s.app)
	}
	close(s.ready)
	if s.err != nil {
		l.drop(id, s)
	}
	return s.app, s.err
}

// Close gives back an app. After the last one it stays for [Limits.IdleTTL].
func (l *Library) Close(a *App) {
	l.mu.Lock()
	s := l.open[a.ID]
	l.mu.Unlock()
	if s != nil && s.app == a {
		l.drop(a.ID, s)
	}
}

func (l *Library) drop(id string, s *shared) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.users--; s.users <= 0 && l.open[id] == s && !l.keep(id, s) {
		delete(l.open, id)
	}
}

// OpenApps returns the ids of the apps in memory.
func (l *Library) OpenApps() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for id := range l.open {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Delete removes an app from disk. Sessions that have it open keep it in
// memory.
func (l *Library) Delete(id string) error {
	path, err := l.file(id)
	if err != nil {
		return err
	}
	err = os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	if err != nil {
		return fmt.Errorf("delete app %s: %w", id, err)
	}
	l.mu.Lock()
	s := l.open[id]
	l.mu.Unlock()
	if s != nil && l.isIdle(s) {
		l.dropIdle(s)
	}
	return nil
}
