package repository

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// Changes calls f with the changes after number since, of entities of the types
// given or of all, in batches, in order, each once, until ctx ends, the store is
// closed or f returns an error, which it returns. LastChange says where to begin.
func (r *Repository) Changes(ctx context.Context, since int64, f func([]store.Change) error, types ...string) error {
	wanted := map[string]bool{}
	for _, name := range types {
		t := r.schema.Type(name)
		if t == nil || t.Embedded {
			return fmt.Errorf("changes of %q: there is no such type: %w", name, ErrInvalid)
		}
		for _, concrete := range r.schema.Concrete(t) {
			wanted[concrete] = true
		}
	}
	return r.store.Subscribe(ctx, since, func(batch []store.Change) error {
		if len(types) > 0 {
			batch = slices.DeleteFunc(batch, func(c store.Change) bool { return !wanted[c.Type] })
		}
		if len(batch) == 0 {
			return nil
		}
		return f(batch)
	})
}

// LastChange returns the number of the last change.
func (r *Repository) LastChange(ctx context.Context) (int64, error) { return r.store.LastChange(ctx) }

// A Happening is a change as lists of them show it, with the entity as it is
// now; of one that is gone the rest is empty.
type Happening struct {
	store.Change
	Entity *store.Entity // nil: deleted
}

// ChangesSince returns the changes of entities of types since a time, those that
// the caller may read; of what is deleted, those that he could read if it had
// nothing but its id. There are at most 10,000: who wants more asks again.
func (r *Repository) ChangesSince(ctx context.Context, c *Caller, since time.Time, types ...string) ([]Happening, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	changes, err := r.store.ChangesSince(ctx, since, types...)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, change := range changes {
		ids[change.ID] = true
	}
	known, err := r.store.ByIDs(ctx, keysOf(ids))
	if err != nil {
		return nil, err
	}
	all := make([]*store.Entity, 0, len(known))
	for _, e := range known {
		all = append(all, e)
	}
	l := r.loader(ctx, r.store, all...)
	var out []Happening
	for _, change := range changes {
		e := known[change.ID]
		seen, err := d.sees(l, change, e)
		if err != nil {
			return nil, err
		}
		if seen {
			out = append(out, Happening{change, e})
		}
	}
	return out, nil
}

func (d *decider) sees(l *loader, change store.Change, e *store.Entity) (bool, error) {
	if d.access == nil {
		return true, nil
	}
	if e != nil {
		got, err := d.may(l, e, rules.Read)
		return got != 0, err
	}
	got, err := d.access.AllowedDraft(l.resource(&store.Entity{Type: change.Type, ID: change.ID, Doc: map[string]any{}}), rules.Read)
	return got != 0, err
}

func keysOf(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	return out
}

// A Subscription asks to be told of changes by a call to an address.
type Subscription struct {
	Type     string           `json:"type"`
	ID       string           `json:"id,omitempty"`       // of one entity; "" is any
	Filter   string           `json:"filter,omitempty"`   // that it fits; what is deleted is always told of
	Kind     store.ChangeKind `json:"kind,omitempty"`     // 0 is any
	Property string           `json:"property,omitempty"` // that has changed; "" is any
	URL      string           `json:"url"`
	By       string           `json:"by"` // who asked
}

// subscriptionsMax bounds the subscriptions of a site.
const subscriptionsMax = 1000

// subscriptionState is where they are kept.
const subscriptionState = "subscriptions"

// Subscribe keeps a subscription, and returns its handle. Services of the site
// may subscribe; nobody else, as it makes the server call others.
func (r *Repository) Subscribe(ctx context.Context, c *Caller, s Subscription) (handle string, err error) {
	if !c.IsService() {
		return "", fmt.Errorf("notifications are for services of the site: %w", ErrForbidden)
	}
	if err := r.checkSubscription(&s); err != nil {
		return "", err
	}
	s.By, handle = c.String(), uuid.NewString()
	err = r.changeSubscriptions(ctx, func(all map[string]Subscription) error {
		if len(all) >= subscriptionsMax {
			return fmt.Errorf("there are %d subscriptions, more are not possible: %w", len(all), ErrInvalid)
		}
		all[handle] = s
		return nil
	})
	return handle, err
}

// Unsubscribe drops a subscription, if there is one.
func (r *Repository) Unsubscribe(ctx context.Context, c *Caller, handle string) error {
	if !c.IsService() {
		return fmt.Errorf("notifications are for services of the site: %w", ErrForbidden)
	}
	return r.changeSubscriptions(ctx, func(all map[string]Subscription) error {
		delete(all, strings.ToLower(handle))
		return nil
	})
}

// changeSubscriptions changes the subscriptions that are kept, and has those
// who deliver look at them.
func (r *Repository) changeSubscriptions(ctx context.Context, f func(map[string]Subscription) error) error {
	all := map[string]Subscription{}
	err := r.store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.State(ctx, subscriptionState, &all); err != nil {
			return err
		}
		if err := f(all); err != nil {
			return err
		}
		return tx.SetState(ctx, subscriptionState, all)
	})
	if err == nil {
		r.notices.set(all)
	}
	return err
}

// checkSubscription says what is wrong with a subscription.
func (r *Repository) checkSubscription(s *Subscription) error {
	t := r.schema.Type(s.Type)
	if t == nil || t.Embedded {
		return fmt.Errorf("there is no type %q: %w", s.Type, ErrInvalid)
	}
	s.Type = t.Name
	if s.Kind < 0 || s.Kind > store.Deleted {
		return fmt.Errorf("changetype %d is none: %w", s.Kind, ErrInvalid)
	}
	if s.Property != "" {
		f := t.Field(s.Property)
		if f == nil {
			return fmt.Errorf("%s has no property %q: %w", t.Name, s.Property, ErrInvalid)
		}
		s.Property = f.Name
	}
	if s.ID != "" {
		id, err := uuid.Parse(s.ID)
		if err != nil {
			return fmt.Errorf("id %q: %w", s.ID, ErrInvalid)
		}
		s.ID = id.String()
	}
	where, err := filter.Parse(s.Filter)
	if err != nil {
		return err
	}
	if _, err := filter.Resolve(where, r.schema, t); err != nil {
		return err
	}
	return checkCallback(s.URL)
}

// checkCallback says what is wrong with an address to be called. Whoever answers
// there needs a certificate of the site, which the connection finds out.
func checkCallback(address string) error {
	const urlMax = 2048
	u, err := url.Parse(address)
	switch {
	case err != nil, len(address) > urlMax:
		return fmt.Errorf("the address to call cannot be read: %w", ErrInvalid)
	case u.Scheme != "https":
		return fmt.Errorf("the address to call has to begin with https://: %w", ErrInvalid)
	case u.Hostname() == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("the address to call needs a host, and neither user nor fragment: %w", ErrInvalid)
	}
	return nil
}

// wants reports whether a subscription is about a change.
func (r *Repository) wants(ctx context.Context, s *Subscription, c *store.Change) (bool, error) {
	t := r.schema.Type(s.Type)
	switch {
	case t == nil || !slices.Contains(r.schema.Concrete(t), c.Type):
		return false, nil
	case s.ID != "" && s.ID != c.ID, s.Kind != 0 && s.Kind != c.Kind:
		return false, nil
	case s.Property != "" && !slices.Contains(c.Properties, s.Property):
		return false, nil
	case s.Filter == "" || c.Kind == store.Deleted:
		return true, nil
	}
	where, err := filter.Parse(s.Filter)
	if err != nil {
		return false, err
	}
	n, err := r.store.Count(ctx, s.Type, store.Query{Where: where, IDs: []string{c.ID}})
	return n > 0, err
}

// Trigger notes that system notifications are sent now. The change is what tells
// those who deliver them.
func (r *Repository) Trigger(ctx context.Context, c *Caller, ids ...string) error {
	d, err := r.decider(ctx, c)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return errors.Join(ErrInvalid, errors.New("no notification is named"))
	}
	return r.change(ctx, c, func(tx *store.Tx) error {
		for _, id := range ids {
			doc := map[string]any{"lastTriggeredDate": schema.FormatDate(r.now())}
			if _, err := r.update(ctx, tx, d, r.schema.Type("SystemNotification"), id, doc); err != nil {
				return err
			}
		}
		return nil
	})
}
