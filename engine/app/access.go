package app

import (
	"fmt"
	"sync"

	"github.com/cognate-bi/cognate/engine/access"
)

// reduced is the data as users with section access see it, by reduction.
type reduced struct {
	mu   sync.Mutex
	data map[string]*Data
}

// DataFor returns the data that a user may see: all of it without section
// access or for nil, who stands for the engine's own trust in its caller.
// Users with the same reduction share one model. The error is
// [access.ErrDenied] for who may not open the app.
func (a *App) DataFor(u *access.User) (*Data, error) {
	d := a.Data()
	if u == nil || d.Rules == nil {
		return d, nil
	}
	red, err := d.Rules.For(*u)
	if err != nil {
		return nil, err
	}
	d.reduced.mu.Lock()
	defer d.reduced.mu.Unlock()
	if r := d.reduced.data[red.Key()]; r != nil {
		return r, nil
	}
	r, err := a.reduce(d, red)
	if err != nil {
		return nil, err
	}
	if d.reduced.data == nil {
		d.reduced.data = map[string]*Data{}
	}
	d.reduced.data[red.Key()] = r
	return r, nil
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
