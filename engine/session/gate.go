package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// A Gate says what the user of a session may do with the apps of the library.
// It is asked at each step, so a right that is taken away is gone at once. Its
// errors wrap [access.ErrDenied] where the user may not.
type Gate interface {
	// Read is asked before an app is opened or shown.
	Read(appID string) error
	// Known adds to what a login told of the user what the site knows of him,
	// such as the groups of his directory: section access goes by both.
	Known(login access.User) (access.User, error)
	// Change is asked before an app is changed: its script, data, variables and
	// properties.
	Change(appID string) error
	// Standings tells of those of the apps that the user may open, by id.
	Standings(appIDs []string) (map[string]AppStanding, error)
	// Saved is told that an app was saved.
	Saved(appID string) error
	// Create makes an empty app of the user's, and Delete removes one.
	Create(title string) (appID string, err error)
	Delete(appID string) error
	// Connections returns the data connections that the user may load from; they
	// take the place of those that apps hold.
	Connections() ([]app.Connection, error)
	AddConnection(c app.Connection) (id string, err error)
	SetConnection(id string, c app.Connection) error
	DeleteConnection(id string) error

	// Libraries returns the content libraries that the user may read, and the
	// files of the app.
	Libraries(appID string) ([]Library, error)

	ObjectGate
}

// A Library is a set of files that pages may show.
type Library struct {
	Name     string
	OfApp    bool // the files of the app
	Modified time.Time
	Files    []string // addresses below the prefix of the virtual proxy
}

// Media lists files as clients see them.
func Media(libraries ...Library) *tree.Node {
	items := []*tree.Node{}
	for _, l := range libraries {
		for _, at := range l.Files {
			url := tree.NewString(at)
			items = append(items, tree.NewObject(tree.Member{Key: "qUrlDef", Value: url}, tree.Member{Key: "qUrl", Value: url}))
		}
	}
	return tree.NewObject(tree.Member{Key: "qItems", Value: tree.NewArray(items...)})
}

// appendMedia writes the files that the user may show.
func (s *Session) appendMedia(dst []byte) ([]byte, error) {
	libraries, err := s.Libraries()
	if err != nil {
		return nil, err
	}
	return Media(libraries...).Append(dst), nil
}

// Libraries returns the libraries that the user may read; none without a gate.
func (s *Session) Libraries() ([]Library, error) {
	a, err := s.App()
	if err != nil || s.Gate == nil {
		return nil, err
	}
	return s.Gate.Libraries(a.ID)
}

// An AppStanding is what a user may do with an app, and where it is shown.
type AppStanding struct {
	Privileges       []string  // as rules name them, and reload
	Published        time.Time // zero: it is not
	StreamID, Stream string    // that it is published to
	Thumbnail        string    // address; "" = none
}

// ownStanding is that of an app without a gate, or of a session app.
func ownStanding() AppStanding {
	return AppStanding{Privileges: []string{"read", "update", "delete", "reload", "exportdata"}}
}

// Changing returns the open app for who may change it.
func (s *Session) Changing() (*app.App, error) {
	a, err := s.App()
	if err != nil || s.Gate == nil || a.Session {
		return a, err
	}
	if err := s.Gate.Change(a.ID); err != nil {
		return nil, err
	}
	return a, nil
}

// readable reports whether the user may open an app. One that he may not does
// not exist for him.
func (s *Session) readable(id string) error {
	if s.Gate == nil {
		return nil
	}
	err := s.Gate.Read(id)
	if errors.Is(err, access.ErrDenied) {
		return fmt.Errorf("%w: %s", app.ErrNotFound, id)
	}
	return err
}

// resolve returns the id of the app that the user means by an id or a title.
// Titles are those of the apps that he may open: of others he learns nothing.
func (s *Session) resolve(name string) (id string, err error) {
	if s.Gate == nil {
		return s.lib.Resolve(name)
	}
	if id, ok := s.lib.ByID(name); ok {
		return id, nil
	}
	apps, err := s.Apps()
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(apps, func(e AppEntry) bool { return e.Title == name })
	if i < 0 {
		return "", fmt.Errorf("%w: %s", app.ErrNotFound, name)
	}
	return apps[i].ID, nil
}

// Save writes the open app to its file.
func (s *Session) Save() error {
	a, err := s.Changing()
	if err != nil {
		return err
	}
	if err := a.Save(); err != nil || s.Gate == nil {
		return err
	}
	s.unkept.Store(false)
	return s.Gate.Saved(a.ID)
}

// SaveObjects writes the objects of the open app to its file; a session app has
// no place to keep them. Whoever may only read the app keeps his own with it.
func (s *Session) SaveObjects() error {
	a, err := s.App()
	if err != nil || a.Session {
		return err
	}
	if s.Gate == nil {
		return a.SaveDocument()
	}
	if err := s.Gate.Change(a.ID); err == nil {
		s.unkept.Store(true)
	} else if !errors.Is(err, access.ErrDenied) {
		return err
	}
	return s.keep()
}

// An AppEntry is the listing of an app for a user.
type AppEntry struct {
	app.Entry
	Standing AppStanding
}

// Apps returns the apps that the user may open.
func (s *Session) Apps() ([]AppEntry, error) {
	all, err := s.lib.List()
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(all))
	for i, e := range all {
		ids[i] = e.ID
	}
	standings, err := s.standings(ids)
	if err != nil {
		return nil, err
	}
	var out []AppEntry
	for _, e := range all {
		if st, ok := standings[e.ID]; ok {
			out = append(out, AppEntry{e, st})
		}
	}
	return out, nil
}

// AppEntry returns the listing of an app.
func (s *Session) AppEntry(id string) (AppEntry, error) {
	standings, err := s.standings([]string{id})
	if err != nil {
		return AppEntry{}, err
	}
	st, ok := standings[id]
	if !ok {
		return AppEntry{}, fmt.Errorf("%w: %s", app.ErrNotFound, id)
	}
	e, err := s.lib.Entry(id)
	return AppEntry{e, st}, err
}

// AppStanding returns what the user may do with the open app.
func (s *Session) AppStanding() (AppStanding, error) {
	a, err := s.App()
	if err != nil || a.Session {
		return ownStanding(), err
	}
	standings, err := s.standings([]string{a.ID})
	return standings[a.ID], err // nothing any more, if the right was taken away
}

func (s *Session) standings(ids []string) (map[string]AppStanding, error) {
	if s.Gate != nil {
		return s.Gate.Standings(ids)
	}
	out := map[string]AppStanding{}
	for _, id := range ids {
		out[id] = ownStanding()
	}
	return out, nil
}

// CreateApp makes an empty app.
func (s *Session) CreateApp(title string) (id string, err error) {
	if s.Gate != nil {
		return s.Gate.Create(title)
	}
	return s.lib.Create(title)
}

// DeleteApp removes an app.
func (s *Session) DeleteApp(id string) error {
	if s.Gate != nil {
		return s.Gate.Delete(id)
	}
	return s.lib.Delete(id)
}

// Reload runs the script of the open app with the connections of the user; if
// it is partial, only the loads that say so.
func (s *Session) Reload(ctx context.Context, partial bool) (ok bool, err error) {
	a, err := s.Changing()
	if err != nil {
		return false, err
	}
	who, err := s.known()
	if err != nil {
		return false, err
	}
	r := app.Reloading{User: s.User, ID: app.NewID(), Partial: partial, Identity: who}
	s.reload.Store(&r.ID)
	if s.Gate != nil {
		if r.Connections, err = s.Gate.Connections(); err != nil {
			return false, err
		}
	}
	return a.ReloadWith(ctx, r)
}

// Connections returns the data connections that scripts of the user may use.
func (s *Session) Connections() ([]app.Connection, error) {
	if s.Gate != nil {
		return s.Gate.Connections()
	}
	a, err := s.App()
	if err != nil {
		return nil, err
	}
	return a.Connections(), nil
}

// AddConnection makes a data connection and returns its id.
func (s *Session) AddConnection(c app.Connection) (id string, err error) {
	if s.Gate != nil {
		return s.Gate.AddConnection(c)
	}
	a, err := s.Changing()
	if err != nil {
		return "", err
	}
	return a.AddConnection(c)
}

// SetConnection replaces a data connection.
func (s *Session) SetConnection(id string, c app.Connection) error {
	if s.Gate != nil {
		return s.Gate.SetConnection(id, c)
	}
	a, err := s.Changing()
	if err != nil {
		return err
	}
	return a.SetConnection(id, c)
}

// DeleteConnection removes a data connection.
func (s *Session) DeleteConnection(id string) error {
	if s.Gate != nil {
		return s.Gate.DeleteConnection(id)
	}
	a, err := s.Changing()
	if err != nil {
		return err
	}
	return a.DeleteConnection(id)
}
