package repository

import (
	"context"

	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// A Connection is a data connection as the engine knows it. Its password stays
// in the store.
type Connection struct {
	ID, Name, Type, String, User string
	Modified                     string // a date of the interface
}

// Connections returns the data connections that the caller may read, by name.
func (r *Repository) Connections(ctx context.Context, c *Caller) ([]Connection, error) {
	found, err := r.List(ctx, c, r.schema.Type("DataConnection"), Query{OrderBy: "name asc"})
	if err != nil {
		return nil, err
	}
	list := make([]Connection, len(found))
	for i, e := range found {
		list[i] = Connection{
			ID: text(e[schema.ID]), Name: text(e["name"]), Type: text(e["type"]), String: text(e["connectionstring"]), User: text(e["username"]),
			Modified: text(e[schema.ModifiedDate]),
		}
	}
	return list, nil
}

// loadsAs is in whose name the script of an app loads: a person's own, and the
// owner's where a service does it. Whoever may write a script and have it run by
// a task reaches no more than the owner does.
func (r *Repository) loadsAs(ctx context.Context, c *Caller, owner string) (*Caller, error) {
	if !c.IsService() {
		return c, nil
	}
	user, err := r.store.Get(ctx, "User", owner)
	if err != nil {
		return nil, err
	}
	as := &Caller{Directory: text(user.Doc["userDirectory"]), ID: text(user.Doc["userId"]), Context: rules.ContextHub}
	if as.IsService() {
		as.Context = rules.ContextBoth
	}
	return as, nil
}

// needConnection asks, where a change makes a data connection lead elsewhere,
// for the right to create the one that it becomes: the rules tell there who may
// reach folders of the server.
func (r *Repository) needConnection(l *loader, d *decider, old *store.Entity, change map[string]any) error {
	t := r.schema.Type("DataConnection")
	if old.Type != t.Name || !differs(t, old.Doc, change, "type") && !differs(t, old.Doc, change, "connectionstring") {
		return nil
	}
	return d.needDraft(l, &store.Entity{Type: old.Type, ID: old.ID, Doc: r.schema.Merge(t, old.Doc, change)}, rules.Create)
}
