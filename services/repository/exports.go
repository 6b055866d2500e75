package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/services/repository/rules"
)

// exportTTL is how long an export may be fetched.
const exportTTL = 10 * time.Minute

// An export is a file that its caller may fetch once.
type export struct {
	appID, name string
	caller      string
	whole       bool // the file as it is
	prepare     Preparation
	until       time.Time
}

// An ExportScope says which objects of a published app an export has.
type ExportScope bool

// The scopes.
const (
	ApprovedObjects ExportScope = false // its base
	AllObjects      ExportScope = true  // what users have added, too
)

// Export makes a ticket with which the caller may fetch the file of an app, and
// the name that it has then. The token is the caller's own, to cancel it by.
func (r *Repository) Export(ctx context.Context, c *Caller, id, token string, noData bool, scope ExportScope) (ticket, name string, err error) {
	if r.files == nil {
		return "", "", ErrNoApps
	}
	_, e, err := r.allowed(ctx, c, "App", id, rules.Export)
	if err != nil {
		return "", "", err
	}
	x := &export{appID: e.ID, name: fileName(text(e.Doc["name"])), caller: c.String(), until: r.now().Add(exportTTL)}
	x.prepare = Preparation{Title: text(e.Doc["name"]), KeepData: !noData}
	if scope == ApprovedObjects && isTrue(e.Doc["published"]) {
		if x.prepare.Without, err = r.objectIDs(ctx, e.ID, unapproved); err != nil {
			return "", "", err
		}
	}
	if x.prepare.Connections, err = r.connectionsOf(ctx, c, e.ID); err != nil {
		return "", "", err
	}
	x.whole = !noData && len(x.prepare.Without) == 0 && len(x.prepare.Connections) == 0
	r.exportsMu.Lock()
	defer r.exportsMu.Unlock()
	if r.exports == nil {
		r.exports = map[string]*export{}
	}
	for t, x := range r.exports {
		if r.now().After(x.until) {
			delete(r.exports, t)
		}
	}
	if len(r.exports) >= exportsMax {
		return "", "", fmt.Errorf("%d exports wait to be fetched: %w", len(r.exports), ErrInvalid)
	}
	r.exports[strings.ToLower(token)] = x
	return token, x.name, nil
}

// connectionsOf returns the data connections that the script of an app uses, of
// those that the caller may read.
func (r *Repository) connectionsOf(ctx context.Context, c *Caller, id string) ([]Connection, error) {
	info, err := r.engine.Info(id)
	if err != nil || len(info.Uses) == 0 {
		return nil, err
	}
	all, err := r.Connections(ctx, c)
	return slices.DeleteFunc(all, func(x Connection) bool {
		return !slices.ContainsFunc(info.Uses, func(name string) bool { return strings.EqualFold(name, x.Name) })
	}), err
}

// exportsMax bounds the exports that wait.
const exportsMax = 10_000

// fileName returns the name of the file that an app is exported to.
func fileName(app string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(`\/:*?"<>|%#`, c) || c < ' ' {
			return '_'
		}
		return c
	}, app) + ".qvf"
}

// CancelExport forgets an export of the caller.
func (r *Repository) CancelExport(c *Caller, token string) { r.takeExport(c, token) }

// Fetch opens the file of an export of the caller, once. Without all of it it is
// a copy, which goes when it is closed.
func (r *Repository) Fetch(c *Caller, token string) (file io.ReadCloser, name string, sizeBytes int64, err error) {
	x := r.takeExport(c, token)
	if x == nil {
		return nil, "", 0, fmt.Errorf("export %s: %w", token, ErrNotFound)
	}
	f, err := r.files.Read(x.appID)
	if err != nil {
		return nil, "", 0, err
	}
	if !x.whole {
		if f, err = r.reduced(x, f); err != nil {
			return nil, "", 0, err
		}
	}
	info, err := f.Stat()
	if err != nil {
		return nil, "", 0, errors.Join(err, f.Close())
	}
	return f, x.name, info.Size(), nil
}

// reduced returns a copy of an app's file without what is not to be exported. It
// has no name any more, so it is gone when it is closed.
func (r *Repository) reduced(x *export, f *os.File) (*os.File, error) {
	staged, err := r.files.Stage(x.appID, f, uploadMax)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	defer r.files.Drop(staged)
	if _, err := r.engine.Prepare(staged.Path, x.appID, x.prepare); err != nil {
		return nil, err
	}
	return os.Open(staged.Path)
}

func (r *Repository) takeExport(c *Caller, token string) *export {
	r.exportsMu.Lock()
	defer r.exportsMu.Unlock()
	token = strings.ToLower(token)
	x := r.exports[token]
	if x == nil || x.caller != c.String() || r.now().After(x.until) {
		return nil
	}
	delete(r.exports, token)
	return x
}
