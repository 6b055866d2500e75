package repository

import (
	"context"
	"fmt"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// A decider decides for one request of a caller.
type decider struct {
	r      *Repository
	caller *Caller
	user   *store.Entity // that the caller is
	access *rules.Access // nil: a service of the site, which may do everything
}

// decider begins the decisions of a request.
func (r *Repository) decider(ctx context.Context, c *Caller) (*decider, error) {
	user, err := r.user(ctx, c)
	if err != nil || c.IsService() {
		return &decider{r: r, caller: c, user: user}, err
	}
	access, err := r.guard.Access(rules.Request{User: r.loader(ctx, r.store).resource(user), Session: c.Session, Environment: c.Environment, Context: c.Context})
	if err != nil {
		return nil, err
	}
	return &decider{r, c, user, access}, nil
}

// user returns the user that a caller is; one who is not stored has no more
// than a name.
func (r *Repository) user(ctx context.Context, c *Caller) (*store.Entity, error) {
	found, err := r.store.List(ctx, "User", store.Query{
		Where: filter.All(filter.Equal("userDirectory", c.Directory), filter.Equal("userId", c.ID)), Take: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", c, err)
	}
	if len(found) > 0 {
		return found[0], nil
	}
	return &store.Entity{Type: "User", Doc: map[string]any{"userDirectory": c.Directory, "userId": c.ID, "name": c.ID}}, nil
}

// may returns which of the wanted actions the caller may do with an entity of
// a loader. Inside a transaction nothing is kept: it may never be committed.
func (d *decider) may(l *loader, e *store.Entity, want rules.Action) (rules.Action, error) {
	if d.access == nil {
		return want, nil
	}
	if _, inside := l.from.(*store.Tx); inside {
		return d.access.AllowedDraft(l.resource(e), want)
	}
	return d.access.Allowed(l.resource(e), want)
}

// need is may for one action of which the caller needs to have the right.
// Whoever may not read an entity is told that it does not exist.
func (d *decider) need(l *loader, e *store.Entity, action rules.Action) error {
	got, err := d.may(l, e, action|rules.Read)
	switch {
	case err != nil:
		return err
	case got&rules.Read == 0:
		return fmt.Errorf("%s %s: %w", e.Type, e.ID, ErrNotFound)
	case got&action != action:
		return forbidden(Right{action, e.Type, e.ID})
	}
	return nil
}

// allowed returns an entity that the caller may do something with, and the
// decider of the request.
func (r *Repository) allowed(ctx context.Context, c *Caller, typ, id string, action rules.Action) (*decider, *store.Entity, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	e, err := r.store.Get(ctx, typ, id)
	if err != nil {
		return nil, nil, err
	}
	return d, e, d.need(r.loader(ctx, r.store, e), e, action)
}

// needDraft is need for an entity as it is about to be stored.
func (d *decider) needDraft(l *loader, e *store.Entity, action rules.Action) error {
	if d.access == nil {
		return nil
	}
	got, err := d.access.AllowedDraft(l.resource(e), action)
	if err == nil && got&action != action {
		err = forbidden(Right{action, e.Type, e.ID})
	}
	return err
}

// readable returns the keys of those entities that the caller may read, of the
// first wanted ones; 0 wants all.
func (d *decider) readable(l *loader, all []store.Key, wanted int) ([]store.Key, error) {
	if d.access == nil {
		return all, nil
	}
	out := all[:0:0]
	for _, k := range all {
		got, err := d.access.Allowed(l.keyed(k), rules.Read)
		if err != nil {
			return nil, err
		}
		if got != 0 {
			out = append(out, k)
		}
		if len(out) == wanted && wanted > 0 {
			break
		}
	}
	return out, nil
}
