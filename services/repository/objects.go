package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// An ObjectInfo is what the file of an app tells of one of its objects: a sheet,
// story, bookmark, master item and so on, not of what lies inside of one.
type ObjectInfo struct {
	ID, Type    string // as the engine has them
	ObjectType  string // as rules and listings know it: sheet, bookmark ...
	Name        string
	Description string
	Owner       string // DIRECTORY\id; "" is the app's owner
	Hash        string // of its content
	Added       bool   // by a user, to an app whose file was replaced
	SizeBytes   int64
}

const (
	objectType    = "AppObject"
	objectNameMax = 2560 // characters, as of the row's fields
	objectTextMax = 512
)

// doc returns what a row has of it.
func (o *ObjectInfo) doc() map[string]any {
	return map[string]any{
		"engineObjectId": o.ID, "engineObjectType": o.Type, "objectType": o.ObjectType,
		"name": cut(o.Name, objectNameMax), "description": cut(o.Description, objectTextMax),
		"contentHash": o.Hash, "size": json.Number(strconv.FormatInt(o.SizeBytes, 10)),
	}
}

// cut returns at most so many characters of a text.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most])
}

// objectRows returns the rows of an app's objects, by the engine's id.
func objectRows(ctx context.Context, from reader, appID string) (map[string]*store.Entity, error) {
	found, err := from.List(ctx, objectType, store.Query{Where: filter.Equal("app.id", appID)})
	if err != nil {
		return nil, fmt.Errorf("objects of app %s: %w", appID, err)
	}
	rows := make(map[string]*store.Entity, len(found))
	for _, e := range found {
		rows[text(e.Doc["engineObjectId"])] = e
	}
	return rows, nil
}

// takeObjects makes the rows of an app's objects what its file tells: rows are a
// function of the file, but for who owns an object and whether it is published
// and approved, which rows alone know.
func (r *Repository) takeObjects(ctx context.Context, tx *store.Tx, app *store.Entity, objects []ObjectInfo) error {
	rows, err := objectRows(ctx, tx, app.ID)
	if err != nil {
		return err
	}
	owners := map[string]string{"": refID(app.Doc["owner"])}
	for i := range objects {
		o := &objects[i]
		row := rows[o.ID]
		delete(rows, o.ID)
		switch {
		case row == nil:
			err = r.newObject(ctx, tx, app, o, owners)
		case text(row.Doc["contentHash"]) != o.Hash:
			_, err = tx.Update(ctx, objectType, row.ID, o.doc())
		}
		if err != nil {
			return fmt.Errorf("object %s of app %s: %w", o.ID, app.ID, err)
		}
	}
	for _, gone := range rows {
		if err := tx.Delete(ctx, objectType, gone.ID); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// newObject makes the row of an object. One that nobody has made came with the
// app: in a published one it is base content.
func (r *Repository) newObject(ctx context.Context, tx *store.Tx, app *store.Entity, o *ObjectInfo, owners map[string]string) error {
	owner, known := owners[o.Owner]
	if !known {
		var err error
		if owner, err = r.userID(ctx, tx, o.Owner); err != nil {
			return err
		}
		if owner == "" { // who has been deleted
			owner = owners[""]
		}
		owners[o.Owner] = owner
	}
	doc := o.doc()
	doc["app"], doc["owner"] = ref(app.ID), ref(owner)
	base := o.Owner == "" && isTrue(app.Doc["published"])
	doc["published"], doc["approved"] = base, base
	if base {
		doc["publishTime"] = schema.FormatDate(r.now())
	}
	_, err := tx.Create(ctx, objectType, doc)
	return err
}

// userID returns the id of the user with a name DIRECTORY\id, "" if there is
// none.
func (r *Repository) userID(ctx context.Context, from reader, name string) (string, error) {
	directory, id, _ := strings.Cut(name, `\`)
	found, err := from.List(ctx, "User", store.Query{Where: filter.All(filter.Equal("userDirectory", directory), filter.Equal("userId", id)), Take: 1})
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].ID, nil
}

func isTrue(v any) bool {
	b, _ := v.(bool)
	return b
}

// publishObjects makes what the owner of an app has made in it its base content:
// the app has just been published. What others have made stays theirs.
func (r *Repository) publishObjects(ctx context.Context, tx *store.Tx, app *store.Entity) error {
	rows, err := objectRows(ctx, tx, app.ID)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if refID(row.Doc["owner"]) != refID(app.Doc["owner"]) {
			continue
		}
		doc := map[string]any{"published": true, "approved": true, "publishTime": schema.FormatDate(r.now())}
		if _, err := tx.Update(ctx, objectType, row.ID, doc); err != nil {
			return err
		}
	}
	return nil
}

// raiseObjects makes the objects that came with the new file of a published app
// base content; those that users have added stay what they are.
func (r *Repository) raiseObjects(ctx context.Context, tx *store.Tx, app *store.Entity, objects []ObjectInfo) error {
	rows, err := objectRows(ctx, tx, app.ID)
	if err != nil {
		return err
	}
	for _, o := range objects {
		row := rows[o.ID]
		if o.Added || row == nil || isTrue(row.Doc["approved"]) {
			continue
		}
		doc := map[string]any{"published": true, "approved": true, "publishTime": schema.FormatDate(r.now()), "owner": app.Doc["owner"]}
		if _, err := tx.Update(ctx, objectType, row.ID, doc); err != nil {
			return err
		}
	}
	return nil
}

// unapproved are the objects that are not base content, foreign those private
// ones that are others' than a user's.
func unapproved(row *store.Entity) bool { return !isTrue(row.Doc["approved"]) }

func foreign(userID string) func(*store.Entity) bool {
	return func(row *store.Entity) bool {
		return !isTrue(row.Doc["published"]) && refID(row.Doc["owner"]) != userID
	}
}

// objectIDs returns the engine's ids of those objects of an app whose rows fit.
func (r *Repository) objectIDs(ctx context.Context, appID string, fits func(*store.Entity) bool) ([]string, error) {
	rows, err := objectRows(ctx, r.store, appID)
	if err != nil {
		return nil, err
	}
	var ids []string
	for id, row := range rows {
		if fits(row) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// A Standing is what a site knows of an object, and what a caller may do with it.
type Standing struct {
	RowID               string
	Rights              rules.Action
	Published, Approved bool
	Owner, OwnerName    string // DIRECTORY\id, and as shown
}

// Generation counts the changes after which rights on apps and their objects may
// be others.
func (r *Repository) Generation() uint64 { return r.generation.Load() }

// Standings returns the standings of all objects of an app, by the engine's ids.
func (r *Repository) Standings(ctx context.Context, c *Caller, appID string) (map[string]Standing, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	rows, err := objectRows(ctx, r.store, appID)
	if err != nil {
		return nil, err
	}
	batch := make([]*store.Entity, 0, len(rows))
	for _, row := range rows {
		batch = append(batch, row)
	}
	l := r.loader(ctx, r.store, batch...)
	if err := l.fetch("owner"); err != nil {
		return nil, err
	}
	out := make(map[string]Standing, len(rows))
	for id, row := range rows {
		st, err := d.standing(l, row)
		if err != nil {
			return nil, err
		}
		out[id] = st
	}
	return out, nil
}

func (d *decider) standing(l *loader, row *store.Entity) (Standing, error) {
	rights, err := d.may(l, row, rules.Read|rules.Update|rules.Delete|rules.Publish|rules.Approve)
	if err != nil {
		return Standing{}, err
	}
	st := Standing{RowID: row.ID, Rights: rights, Published: isTrue(row.Doc["published"]), Approved: isTrue(row.Doc["approved"])}
	owner, err := l.get(refID(row.Doc["owner"]))
	if err == nil && owner != nil {
		st.Owner, st.OwnerName = text(owner.Doc["userDirectory"])+`\`+text(owner.Doc["userId"]), text(owner.Doc["name"])
	}
	return st, err
}

// ObjectDraft returns what a caller may do with an object of an app that has no
// row yet.
func (r *Repository) ObjectDraft(ctx context.Context, c *Caller, appID string, o ObjectInfo) (Standing, error) {
	app, err := r.store.Get(ctx, "App", appID)
	if err != nil {
		return Standing{}, err
	}
	owner := refID(app.Doc["owner"])
	if o.Owner != "" {
		id, err := r.userID(ctx, r.store, o.Owner)
		if err != nil {
			return Standing{}, err
		}
		if id != "" {
			owner = id
		}
	}
	base := o.Owner == "" && isTrue(app.Doc["published"])
	doc := o.doc()
	doc["app"], doc["owner"], doc["published"], doc["approved"] = ref(app.ID), ref(owner), base, base
	rights, err := r.Rights(ctx, c, r.schema.Type(objectType), doc)
	return Standing{Rights: rights, Published: base, Approved: base, Owner: o.Owner}, err
}

// MayCreateObject reports whether a caller may make an object of his own in an
// app.
func (r *Repository) MayCreateObject(ctx context.Context, c *Caller, appID string, o ObjectInfo) (bool, error) {
	doc := o.doc()
	doc["app"], doc["published"], doc["approved"] = ref(appID), false, false
	return r.MayCreate(ctx, c, r.schema.Type(objectType), doc)
}

// SetPublished publishes an object of a published app, so that all who may read
// the app see it, or takes that back. Whoever could publish it may take it back,
// as long as it is not approved.
func (r *Repository) SetPublished(ctx context.Context, c *Caller, id string, on bool) (map[string]any, error) {
	return r.declare(ctx, c, id, func(d *decider, tx *store.Tx, l *loader, row, app *store.Entity) (map[string]any, error) {
		if !isTrue(app.Doc["published"]) {
			return nil, fmt.Errorf("an object of an app that is not published: %w", ErrInvalid)
		}
		err := d.need(l, row, rules.Publish)
		if errors.Is(err, ErrForbidden) && !on && unapproved(row) {
			private := *row
			private.Doc = r.schema.Merge(r.schema.Type(objectType), row.Doc, map[string]any{"published": false})
			err = d.needDraft(l, &private, rules.Publish)
		}
		doc := map[string]any{"published": on, "publishTime": schema.NullDate}
		if on {
			doc["publishTime"] = schema.FormatDate(r.now())
		} else {
			doc["approved"] = false
		}
		return doc, err
	})
}

// SetApproved makes a published object part of the base of its app, or takes
// that back. Who may approve objects of the app, or this one, may do so.
func (r *Repository) SetApproved(ctx context.Context, c *Caller, id string, on bool) (map[string]any, error) {
	return r.declare(ctx, c, id, func(d *decider, tx *store.Tx, l *loader, row, app *store.Entity) (map[string]any, error) {
		if on && !isTrue(row.Doc["published"]) {
			return nil, fmt.Errorf("an object that is not published: %w", ErrInvalid)
		}
		err := d.need(l, row, rules.Approve)
		if errors.Is(err, ErrForbidden) {
			err = d.need(r.loader(ctx, tx, app), app, rules.Approve)
		}
		return map[string]any{"approved": on}, err
	})
}

// declare changes the row of an object by what f returns.
func (r *Repository) declare(ctx context.Context, c *Caller, id string, f func(d *decider, tx *store.Tx, l *loader, row, app *store.Entity) (map[string]any, error)) (map[string]any, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	var changed *store.Entity
	err = r.change(ctx, c, func(tx *store.Tx) error {
		row, err := tx.Get(ctx, objectType, id)
		if err != nil {
			return err
		}
		app, err := tx.Get(ctx, "App", refID(row.Doc["app"]))
		if err != nil {
			return err
		}
		doc, err := f(d, tx, r.loader(ctx, tx, row, app), row, app)
		if err != nil {
			return err
		}
		changed, err = tx.Update(ctx, objectType, row.ID, doc)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.one(ctx, d, changed, false)
}

// ScriptObject is the row of an app's load script, on which rules say who may
// read it: its id and its type.
const ScriptObject = "app_appscript"

// deleteObjects deletes objects from the files of their apps, and their rows.
func (r *Repository) deleteObjects(ctx context.Context, c *Caller, ids []string) error {
	byApp := map[string][]string{}
	for _, id := range ids {
		_, row, err := r.allowed(ctx, c, objectType, id, rules.Delete)
		if err != nil {
			return err
		}
		if text(row.Doc["objectType"]) == ScriptObject {
			return fmt.Errorf("the script goes with its app: %w", ErrInvalid)
		}
		app := refID(row.Doc["app"])
		byApp[app] = append(byApp[app], text(row.Doc["engineObjectId"]))
	}
	if r.engine == nil {
		return ErrNoApps
	}
	for app, objects := range byApp {
		if err := r.engine.RemoveObjects(app, objects); err != nil {
			return fmt.Errorf("delete objects of app %s: %w", app, err)
		}
		if err := r.Note(ctx, c, app); err != nil {
			return err
		}
	}
	return nil
}
