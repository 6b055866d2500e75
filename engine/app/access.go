package app

import (
	"errors"
	"fmt"
	"regexp"
	"sync"
	"weak"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/script"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// reduced is the data as users with section access see it, by reduction. It
// knows what sessions hold, and holds nothing itself: the data of a reduction
// goes with its last session.
type reduced struct {
	mu   sync.Mutex
	data map[string]weak.Pointer[Data]
}

// DataFor returns what a user may see of d, data of the app: all of it without
// section access or for nil, who stands for the engine's own trust in its caller.
// Users with the same reduction share one model. The error is
// [access.ErrDenied] for who may not open the app.
func (a *App) DataFor(d *Data, u *access.User) (*Data, error) {
	if u == nil || d.Rules == nil {
		return d, nil
	}
	red, err := d.Rules.For(*u)
	if err != nil {
		return nil, err
	}
	d.reduced.mu.Lock()
	defer d.reduced.mu.Unlock()
	if r := d.reduced.data[red.Key()].Value(); r != nil {
		return r, nil
	}
	r, err := a.reduce(d, red)
	if err != nil {
		return nil, err
	}
	if d.reduced.data == nil {
		d.reduced.data = map[string]weak.Pointer[Data]{}
	}
	d.reduced.live() // drops those that are gone
	d.reduced.data[red.Key()] = weak.Make(r)
	return r, nil
}

var accessStatement = regexp.MustCompile(`(?i)\bSECTION\s+ACCESS\b`)

// guarded reports whether a foreign app has section access. Where the file does
// not say, its script does.
func (a *App) guarded() bool {
	for _, name := range []string{"hassectionaccess", "qHasSectionAccess"} {
		if has := a.Properties().Get(name); has != nil {
			return has.Truth()
		}
	}
	return accessStatement.MatchString(a.Script())
}

// errShut says what becomes of the data of a guarded app.
var errShut = errors.New("the app has section access, whose rules cannot be read: its data are shown to nobody until it is reloaded")

// shut returns an access section that lets nobody in, for an app whose own one
// cannot be read. The next reload puts that of the script in its place.
func shut(show func(dual.Value) string) (*storage.Catalog, error) {
	c := storage.NewCatalog(show)
	c.Put(c.NewBuilder("Access", []string{"ACCESS", "USERID"}).Table())
	return c, c.Seal()
}

// keptFor returns the tables that a reload in part begins with, for who may see
// all of their data: the script may give them to anybody.
func (a *App) keptFor(u *access.User) (*script.Kept, error) {
	d := a.Data()
	seen, err := a.DataFor(d, u)
	if err != nil {
		return nil, err
	}
	if seen != d {
		return nil, fmt.Errorf("%w: a partial reload begins with data that the user may not see", access.ErrDenied)
	}
	return d.kept(), nil
}

// mayTake says whether a user may load an app with an access section by BINARY:
// who is an administrator of it.
func mayTake(u *access.User) func(*storage.Catalog) error {
	return func(c *storage.Catalog) error {
		rules, err := access.Read(c)
		if err == nil && u != nil && !rules.Admin(*u) {
			err = fmt.Errorf("%w: BINARY takes an ADMIN of the app that is loaded", access.ErrDenied)
		}
		return err
	}
}

// live returns the data of the reductions that some session holds. r.mu is
// held.
func (r *reduced) live() (data []*Data) {
	for key, p := range r.data {
		if d := p.Value(); d != nil {
			data = append(data, d)
		} else {
			delete(r.data, key)
		}
	}
	return data
}

func (a *App) reduce(d *Data, red *access.Reduction) (*Data, error) {
	c, err := access.Reduce(d.Infer, red, d.Locale.Text)
	if err != nil {
		return nil, err
	}
	if c == d.Model.Catalog {
		return d, nil
	}
	r, err := a.lib.link(c, nil, d.Locale)
	if err != nil {
		return nil, fmt.Errorf("section access: %w", err)
	}
	return r, nil
}
