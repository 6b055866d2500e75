package repository

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// A knownUser is a user of a directory who is stored.
type knownUser struct {
	id, userID string
	synced     bool // came from the directory, once
	gone       bool
}

// knownPage is how many users are read at a time.
const knownPage = 5000

// knownUsers returns the users of a directory by their names in lower case.
func (r *Repository) knownUsers(ctx context.Context, directory string) (map[string]knownUser, error) {
	known := map[string]knownUser{}
	for skip := 0; ; skip += knownPage {
		page, err := r.store.List(ctx, "User", store.Query{Where: filter.Equal("userDirectory", directory), Skip: skip, Take: knownPage})
		if err != nil {
			return nil, fmt.Errorf("users of %s: %w", directory, err)
		}
		for _, e := range page {
			note(known, e)
		}
		if len(page) < knownPage {
			return known, nil
		}
	}
}

// knownUser is knownUsers for one of them.
func (r *Repository) knownUser(ctx context.Context, directory, userID string) (map[string]knownUser, error) {
	known := map[string]knownUser{}
	e, err := r.user(ctx, &Caller{Directory: directory, ID: userID})
	if err == nil && e.ID != "" {
		note(known, e)
	}
	return known, err
}

func note(known map[string]knownUser, e *store.Entity) {
	k := knownUser{id: e.ID, userID: text(e.Doc["userId"]), synced: text(e.Doc[connectorField]) != "", gone: isTrue(e.Doc["removedExternally"])}
	known[filter.Fold(k.userID)] = k
}

// connectorField names the connector that a user came by.
const connectorField = "userDirectoryConnectorName"

// A userWriter stores what a directory has told.
type userWriter struct {
	*syncing
	known     map[string]knownUser
	onlyKnown bool // nobody is added
	single    bool // of one user, beside a synchronisation that may be going on
	connector string
}

// writeMax is how many users one transaction changes.
const writeMax = 250

// write adds and changes users, then marks those that are not among them.
func (w *userWriter) write(ctx context.Context, people []DirectoryUser) error {
	for lo := 0; lo < len(people); lo += writeMax {
		if err := w.some(ctx, people[lo:min(lo+writeMax, len(people))]); err != nil {
			return err
		}
	}
	there := make(map[string]bool, len(people))
	for i := range people {
		there[filter.Fold(people[i].ID)] = true
	}
	var gone []string
	for name, k := range w.known {
		if k.synced && !k.gone && !there[name] {
			gone = append(gone, k.id)
		}
	}
	for lo := 0; lo < len(gone); lo += writeMax {
		if err := w.mark(ctx, gone[lo:min(lo+writeMax, len(gone))]); err != nil {
			return err
		}
	}
	return nil
}

// turn runs a transaction of users.
func (w *userWriter) turn(ctx context.Context, f func(tx *store.Tx) error) error {
	return w.change(ctx, func(tx *store.Tx) error {
		if !w.single {
			if err := w.mine(ctx, tx); err != nil {
				return err
			}
		}
		return f(tx)
	})
}

// writeTries is how often users are written who others add at the same time.
const writeTries = 3

// some writes some users. Who has logged in for the first time meanwhile is
// there on the next try.
func (w *userWriter) some(ctx context.Context, people []DirectoryUser) (err error) {
	for range writeTries {
		before := w.done
		err = w.turn(ctx, func(tx *store.Tx) error {
			w.done = before // it may be done again
			return w.put(ctx, tx, people)
		})
		if !errors.Is(err, ErrExists) {
			return err
		}
		for i := range people {
			key := filter.Fold(people[i].ID)
			if _, there := w.known[key]; there {
				continue
			}
			now, bad := w.repo.knownUser(ctx, w.done.Directory, people[i].ID)
			if bad != nil {
				return bad
			}
			for key, k := range now {
				w.known[key] = k
			}
		}
	}
	return err
}

func (w *userWriter) put(ctx context.Context, tx *store.Tx, people []DirectoryUser) error {
	ids := make([]string, 0, len(people))
	for i := range people {
		if k, there := w.known[filter.Fold(people[i].ID)]; there {
			ids = append(ids, k.id)
		}
	}
	stored, err := tx.ByIDs(ctx, ids) // as they are now: some of it is others' to change
	if err != nil {
		return err
	}
	for i := range people {
		p := &people[i]
		k, there := w.known[filter.Fold(p.ID)]
		switch e := stored[k.id]; {
		case there && e != nil:
			err = w.update(ctx, tx, e, p)
		case there, w.onlyKnown: // deleted meanwhile, or not wanted
		default:
			err = w.add(ctx, tx, p)
		}
		if err != nil {
			return fmt.Errorf("user %s: %w", p.ID, err)
		}
	}
	return nil
}

func (w *userWriter) add(ctx context.Context, tx *store.Tx, p *DirectoryUser) error {
	_, err := tx.Create(ctx, "User", map[string]any{
		"userDirectory": w.done.Directory, "userId": p.ID, "name": p.Name, connectorField: w.connector, "removedExternally": false, "blacklisted": false,
		"attributes": attributesOf(nil, p.Attributes),
	})
	if err == nil {
		w.done.Added++
	}
	return err
}

// update changes what the directory says of a user, and nothing else.
func (w *userWriter) update(ctx context.Context, tx *store.Tx, e *store.Entity, p *DirectoryUser) error {
	change := map[string]any{}
	for field, value := range map[string]string{"name": p.Name, connectorField: w.connector} {
		if text(e.Doc[field]) != value {
			change[field] = value
		}
	}
	old := objects(e.Doc["attributes"])
	if now := attributesOf(old, p.Attributes); !sameAttributes(old, now) {
		change["attributes"] = now
	}
	if isTrue(e.Doc["removedExternally"]) {
		change["removedExternally"] = false
		w.done.Back++
	}
	if len(change) == 0 {
		return nil
	}
	w.done.Changed++
	_, err := tx.Update(ctx, "User", e.ID, change)
	return err
}

// mark notes that users have vanished.
func (w *userWriter) mark(ctx context.Context, ids []string) error {
	before := w.done.Gone
	return w.turn(ctx, func(tx *store.Tx) error {
		w.done.Gone = before
		stored, err := tx.ByIDs(ctx, ids)
		if err != nil {
			return err
		}
		for id, e := range stored {
			if isTrue(e.Doc["removedExternally"]) {
				continue
			}
			if _, err := tx.Update(ctx, "User", id, map[string]any{"removedExternally": true}); err != nil {
				return err
			}
			w.done.Gone++
		}
		return nil
	})
}

// attributesOf returns the attributes of a user: those that came from nowhere
// stay, those of the directory are what it says now. One that is there already
// keeps its id.
func attributesOf(old []map[string]any, now []DirectoryAttribute) []any {
	out, ids := []any{}, map[[3]string]any{}
	for _, a := range old {
		if source := text(a["externalId"]); source != "" {
			ids[attributeKey(text(a["attributeType"]), text(a["attributeValue"]), source)] = a[schema.ID]
			continue
		}
		out = append(out, a)
	}
	for _, a := range now {
		source := a.Source
		if source == "" {
			source = a.Type
		}
		item := map[string]any{"attributeType": a.Type, "attributeValue": a.Value, "externalId": source}
		if id := ids[attributeKey(a.Type, a.Value, source)]; id != nil {
			item[schema.ID] = id
		}
		out = append(out, item)
	}
	return out
}

func attributeKey(kind, value, source string) [3]string {
	return [3]string{strings.ToLower(kind), value, source}
}

// sameAttributes reports whether a user has these attributes already, in any
// order.
func sameAttributes(old []map[string]any, now []any) bool {
	if len(old) != len(now) {
		return false
	}
	there := make(map[string]bool, len(old))
	for _, a := range old {
		there[text(a[schema.ID])] = true
	}
	for _, a := range now {
		if !there[text(a.(map[string]any)[schema.ID])] {
			return false
		}
	}
	return true
}
