package repository

import (
	"context"
	"fmt"

	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// Roles returns the roles that rules in force know.
func (r *Repository) Roles() []string { return append([]string{}, r.guard.Rules().Roles()...) }

// ResetRules forgets the results of decisions.
func (r *Repository) ResetRules(reason string) { r.guard.Reset(reason) }

// Explain tells why a user may, or may not, do something with an entity. Who
// asks has to be allowed to read both, and the rules.
func (r *Repository) Explain(ctx context.Context, c *Caller, userID string, t *schema.Type, id string, action rules.Action) (*rules.Explanation, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	user, err := r.store.Get(ctx, "User", userID)
	if err != nil {
		return nil, err
	}
	e, err := r.store.Get(ctx, t.Name, id)
	if err != nil {
		return nil, err
	}
	l := r.loader(ctx, r.store, e)
	for _, read := range []*store.Entity{user, e} {
		if err := d.need(l, read, rules.Read); err != nil {
			return nil, err
		}
	}
	if seen, err := d.section("QmcSection_Audit"); err != nil || !seen {
		return nil, fmt.Errorf("audit of rights: %w", ErrForbidden)
	}
	return r.guard.Rules().Explain(rules.Request{User: l.resource(user), Context: c.Context}, l.resource(e), action)
}

// Sections returns those of the named sections of console and hub that the
// caller may see.
func (r *Repository) Sections(ctx context.Context, c *Caller, names []string) ([]string, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	seen := []string{}
	for _, name := range names {
		ok, err := d.section(name)
		if err != nil {
			return nil, err
		}
		if ok {
			seen = append(seen, name)
		}
	}
	return seen, nil
}

func (d *decider) section(name string) (bool, error) {
	if d.access == nil {
		return true, nil
	}
	got, err := d.access.Allowed(rules.Section(name), rules.Read)
	return got != 0, err
}
