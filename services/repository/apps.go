package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/repository/appfiles"
	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// An Engine is what the repository needs of the engine that reads and writes
// the files of apps.
type Engine interface {
	// Prepare looks into a file that is to be an app's, and brings it into the
	// engine's form. An error says what is wrong with the file.
	Prepare(path, id string, p Preparation) (AppInfo, error)
	// RemoveObjects takes objects, with what lies inside of them, out of an app;
	// those that are not there are gone already.
	RemoveObjects(id string, objects []string) error
	// Info returns what an app tells of itself now.
	Info(id string) (AppInfo, error)
	// Reload runs the script of an app, and saves what it makes.
	Reload(ctx context.Context, id string, r Reloading) error
}

// Reloading is how an app is reloaded.
type Reloading struct {
	User        string       // DIRECTORY\id, for the script
	Partial     bool         // only the loads that say so
	Connections []Connection // that the script may use
	Log         io.Writer    // gets the script log
}

// A Preparation is what becomes of a file before it is an app's.
type Preparation struct {
	Title    string // "" = the file's own
	KeepData bool
	// Without are the objects that are left out, with what lies inside of them.
	Without []string
	// Disown leaves nobody the owner of an object: all are the app's owner's.
	Disown bool
	// Keep are the objects of the app as it is, in the file KeepFrom, that stay,
	// unless the new file has others of the same ids.
	KeepFrom string
	Keep     []string
	// Connections come along, without passwords.
	Connections []Connection
}

// An AppInfo is what the file of an app tells of it.
type AppInfo struct {
	Title, Description, Thumbnail string
	SavedIn                       string // version of the product, "" = the file does not say
	SizeBytes                     int64
	Loaded                        time.Time    // zero = never
	Connections                   []Connection // that the file holds, without passwords
	Uses                          []string     // names of connections that the script loads from
	Objects                       []ObjectInfo
}

// rowTextMax is how many characters of a text of an app's file a row takes. An
// app with more of it is an app all the same.
const rowTextMax = 512

// doc returns what a row has of it.
func (i *AppInfo) doc() map[string]any {
	loaded := schema.NullDate
	if !i.Loaded.IsZero() {
		loaded = schema.FormatDate(i.Loaded)
	}
	return map[string]any{"fileSize": json.Number(strconv.FormatInt(i.SizeBytes, 10)), "lastReloadTime": loaded, "savedInProductVersion": cut(i.SavedIn, rowTextMax)}
}

// versionField is the field of a row that names the version of the app's file
// (package appfiles).
const versionField = "migrationHash"

// ErrNoApps says that this node keeps no files of apps.
var ErrNoApps = errors.New("this node keeps no apps")

// uploadMax bounds an uploaded file.
const uploadMax = 64 << 30

// reconcile brings files and rows of apps together after a crash.
func (r *Repository) reconcile(ctx context.Context) error {
	if r.files == nil {
		return nil
	}
	if err := r.reconcileFolder(ctx, r.files, "App", versionField); err != nil {
		return fmt.Errorf("repository: files of apps: %w", err)
	}
	return r.catchUp(ctx)
}

// reconcileFolder brings the files of a folder and the rows of a type together;
// a field of the row names the version of the file.
func (r *Repository) reconcileFolder(ctx context.Context, folder *appfiles.Folder, typ, version string) error {
	done, err := folder.Reconcile(ctx, func(id string) (string, bool, error) {
		e, err := r.store.Get(ctx, typ, id)
		if errors.Is(err, ErrNotFound) {
			return "", false, nil
		}
		if err != nil {
			return "", false, err
		}
		return text(e.Doc[version]), true, nil
	})
	if err != nil {
		return err
	}
	if len(done.Settled)+len(done.Dropped)+len(done.Revived)+len(done.Removed) > 0 {
		r.log.Warn("ended what was left unfinished", "folder", folder.Dir(), "settled", done.Settled, "dropped", done.Dropped, "revived", done.Revived, "removed", done.Removed)
	}
	for _, id := range done.Strange {
		r.log.Warn("a file that no row knows", "folder", folder.Dir(), "id", id)
	}
	return nil
}

// catchUp takes over what apps tell that were saved without the repository being
// told: whose files have another size than their rows say, or objects without
// rows. One that cannot be read stays as it is.
func (r *Repository) catchUp(ctx context.Context) error {
	apps, err := r.store.List(ctx, "App", store.Query{})
	if err != nil || r.engine == nil {
		return err
	}
	self := Service("repository")
	for _, app := range apps {
		size, err := r.files.Size(app.ID)
		if err != nil { // none, or none that could be read
			continue
		}
		if fmt.Sprint(app.Doc["fileSize"]) == strconv.FormatInt(size, 10) {
			n, err := r.store.Count(ctx, objectType, store.Query{Where: filter.Equal("app.id", app.ID)})
			if err != nil {
				return err
			}
			if n > 0 {
				continue
			}
		}
		if err := r.Note(ctx, &self, app.ID); err != nil {
			r.log.Warn("an app does not tell what it has", "app", app.ID, "err", err)
		}
	}
	return nil
}

// Upload makes an app of a file.
func (r *Repository) Upload(ctx context.Context, c *Caller, file io.Reader, o AppImport) (map[string]any, error) {
	return r.uploaded(ctx, c, o, func(id string) (*appfiles.Staged, error) { return r.files.Stage(id, file, uploadMax) })
}

// Copy makes an app of the caller's of another one that he may duplicate. Tags
// and custom properties come along where withProperties says so.
func (r *Repository) Copy(ctx context.Context, c *Caller, id, name string, withProperties bool) (map[string]any, error) {
	d, from, err := r.allowed(ctx, c, "App", id, rules.Duplicate)
	if err != nil {
		return nil, err
	}
	others, err := r.objectIDs(ctx, from.ID, foreign(d.user.ID))
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = text(from.Doc["name"]) + "(1)"
	}
	doc := map[string]any{"name": name, "description": from.Doc["description"], "thumbnail": from.Doc["thumbnail"], "sourceAppId": from.ID, "targetAppId": from.ID}
	if withProperties {
		doc["customProperties"], doc["tags"] = from.Doc["customProperties"], from.Doc["tags"]
	}
	made, _, err := r.newApp(ctx, c, doc, func(id string) (*appfiles.Staged, error) { return r.files.StageCopy(id, from.ID) }, Preparation{KeepData: true, Without: others})
	if err != nil {
		return nil, err
	}
	if err := r.copyContent(ctx, c, from.ID, text(made["id"])); err != nil {
		return nil, fmt.Errorf("the app is copied, but not its files: %w", err)
	}
	return made, nil
}

// needNew asks for the right to create something of a type: whoever has it not
// need not send a file.
func (r *Repository) needNew(ctx context.Context, d *decider, t *schema.Type) error {
	if d.user.ID == "" { // nobody who could own it
		return forbidden(Right{rules.Create, t.Name, ""})
	}
	doc, err := r.withList(ctx, r.store, t, owned(d, t, map[string]any{"name": "new"}))
	if err != nil {
		return err
	}
	draft, err := r.draft(t, doc)
	if err != nil {
		return err
	}
	return d.needDraft(r.loader(ctx, r.store), draft, rules.Create)
}

// prepare brings the file of a new app into the engine's form, under a name
// that no other app of its owner has.
func (r *Repository) prepare(ctx context.Context, d *decider, staged *appfiles.Staged, p Preparation) (AppInfo, error) {
	name := p.Title
	fix := func(name string) (AppInfo, error) {
		p.Title = name
		info, err := r.engine.Prepare(staged.Path, staged.AppID, p)
		if err != nil {
			err = &schema.Error{Field: "file", Reason: err.Error()}
		}
		return info, err
	}
	if name != "" {
		free, err := freeName(ctx, r.store, d.user.ID, name)
		if err != nil {
			return AppInfo{}, err
		}
		return fix(free)
	}
	info, err := fix("")
	if err != nil {
		return info, err
	}
	free, err := freeName(ctx, r.store, d.user.ID, info.Title)
	if err != nil || free == info.Title {
		return info, err
	}
	return fix(free)
}

// newApp makes an app: its file is staged, its row committed, its file settled.
func (r *Repository) newApp(ctx context.Context, c *Caller, doc map[string]any, stage func(id string) (*appfiles.Staged, error), p Preparation) (map[string]any, AppInfo, error) {
	var info AppInfo
	if r.files == nil {
		return nil, info, ErrNoApps
	}
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, info, err
	}
	if err := r.needNew(ctx, d, r.schema.Type("App")); err != nil {
		return nil, info, err
	}
	id := uuid.NewString()
	staged, err := stage(id)
	if err != nil {
		return nil, info, err
	}
	p.Title, p.Disown = text(doc["name"]), true
	if info, err = r.prepare(ctx, d, staged, p); err != nil {
		r.files.Drop(staged)
		return nil, info, err
	}
	for k, v := range info.doc() {
		doc[k] = v
	}
	doc[schema.ID], doc["name"], doc[versionField], doc["published"], doc["availabilityStatus"] = id, info.Title, staged.Version, false, number(1)
	if doc["description"] == nil {
		doc["description"], doc["thumbnail"] = cut(info.Description, rowTextMax), cut(info.Thumbnail, rowTextMax)
	}
	made, err := r.commit(ctx, d, staged, func(tx *store.Tx) (*store.Entity, error) {
		app, err := r.create(ctx, tx, d, r.schema.Type("App"), doc)
		if err != nil {
			return nil, err
		}
		return app, r.takeObjects(ctx, tx, app, info.Objects)
	})
	return made, info, err
}

// commit commits the row of a staged file and settles the file.
func (r *Repository) commit(ctx context.Context, d *decider, staged *appfiles.Staged, row func(*store.Tx) (*store.Entity, error)) (map[string]any, error) {
	var e *store.Entity
	err := r.change(ctx, d.caller, func(tx *store.Tx) (err error) {
		e, err = row(tx)
		return err
	})
	if err != nil {
		r.files.Drop(staged)
		return nil, err
	}
	if err := r.files.Settle(staged); err != nil {
		return nil, err
	}
	return r.one(ctx, d, e, false)
}

// ReplaceApp gives an app the data and the objects of another one. What it is
// to the site stays: id, owner, stream, properties.
func (r *Repository) ReplaceApp(ctx context.Context, c *Caller, sourceID, targetID string) (map[string]any, error) {
	d, source, err := r.allowed(ctx, c, "App", sourceID, rules.Read)
	if err != nil {
		return nil, err
	}
	// Whoever only looks at an app has neither its script nor the data that section
	// access hides from him: an app of his that it replaced would.
	rights, err := d.may(r.loader(ctx, r.store, source), source, rules.Duplicate|rules.Update|rules.Export)
	if err == nil && rights == rules.None {
		err = forbidden(Right{rules.Duplicate, source.Type, source.ID})
	}
	if err != nil {
		return nil, err
	}
	others, err := r.objectIDs(ctx, source.ID, foreign(refID(source.Doc["owner"])))
	if err != nil {
		return nil, err
	}
	return r.replaceFile(ctx, d, targetID, func(id string) (*appfiles.Staged, error) { return r.files.StageCopy(id, source.ID) }, Preparation{KeepData: true, Without: others})
}

// UploadOver gives an app the data and the objects of a file.
func (r *Repository) UploadOver(ctx context.Context, c *Caller, file io.Reader, targetID string, keepData bool) (map[string]any, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	return r.replaceFile(ctx, d, targetID, func(id string) (*appfiles.Staged, error) { return r.files.Stage(id, file, uploadMax) }, Preparation{KeepData: keepData})
}

// replaceFile gives an app another file. What users have added to a published one
// stays.
func (r *Repository) replaceFile(ctx context.Context, d *decider, id string, stage func(id string) (*appfiles.Staged, error), p Preparation) (map[string]any, error) {
	if r.files == nil {
		return nil, ErrNoApps
	}
	target, err := r.store.Get(ctx, "App", id)
	if err != nil {
		return nil, err
	}
	action := rules.Update
	if isTrue(target.Doc["published"]) {
		action = rules.Publish
	}
	if err := d.need(r.loader(ctx, r.store, target), target, action); err != nil {
		return nil, err
	}
	if isTrue(target.Doc["published"]) {
		if p.Keep, err = r.objectIDs(ctx, target.ID, unapproved); err != nil {
			return nil, err
		}
	}
	staged, err := stage(target.ID)
	if err != nil {
		return nil, err
	}
	p.Title, p.Disown, p.KeepFrom = text(target.Doc["name"]), true, r.files.Path(target.ID)
	info, err := r.engine.Prepare(staged.Path, target.ID, p)
	if err != nil {
		r.files.Drop(staged)
		return nil, &schema.Error{Field: "file", Reason: err.Error()}
	}
	doc := info.doc()
	doc[versionField] = staged.Version
	return r.commit(ctx, d, staged, func(tx *store.Tx) (*store.Entity, error) {
		app, err := tx.Update(ctx, "App", target.ID, doc)
		if err != nil {
			return nil, err
		}
		if err := r.takeObjects(ctx, tx, app, info.Objects); err != nil || !isTrue(app.Doc["published"]) {
			return app, err
		}
		return app, r.raiseObjects(ctx, tx, app, info.Objects)
	})
}

// Publish moves an app into a stream. Its owner keeps it.
func (r *Repository) Publish(ctx context.Context, c *Caller, id, streamID, name string) (map[string]any, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	var changed *store.Entity
	err = r.change(ctx, c, func(tx *store.Tx) error {
		app, err := tx.Get(ctx, "App", id)
		if err != nil {
			return err
		}
		stream, err := tx.Get(ctx, "Stream", streamID)
		if err != nil {
			return err
		}
		l := r.loader(ctx, tx, app, stream)
		for _, e := range []*store.Entity{app, stream} {
			if err := d.need(l, e, rules.Publish); err != nil {
				return err
			}
		}
		doc := map[string]any{"stream": ref(stream.ID), "published": true, "publishTime": schema.FormatDate(r.now())}
		if name != "" {
			doc["name"] = name
		}
		if changed, err = tx.Update(ctx, "App", app.ID, doc); err != nil || isTrue(app.Doc["published"]) {
			return err
		}
		return r.publishObjects(ctx, tx, changed)
	})
	if err != nil {
		return nil, err
	}
	return r.one(ctx, d, changed, false)
}

// DeleteApp deletes an app and its file.
func (r *Repository) DeleteApp(ctx context.Context, c *Caller, id string) error {
	d, e, err := r.allowed(ctx, c, "App", id, rules.Delete)
	if err != nil {
		return err
	}
	if r.files != nil {
		if err := r.files.Bury(e.ID); err != nil {
			return err
		}
	}
	err = r.buryContent(ctx, c, func(tx *store.Tx, b *burial) error {
		if err := r.deleteParts(ctx, tx, b, e.ID); err != nil {
			return err
		}
		return r.delete(ctx, tx, d, r.schema.Type("App"), e.ID)
	})
	switch {
	case r.files == nil:
		return err
	case err != nil:
		return errors.Join(err, r.files.Revive(e.ID))
	}
	return r.files.Remove(e.ID)
}

// parts are the types of entities that go with what they belong to: objects and
// tasks with their app.
var parts = []string{"AppObject", "AppContent", "AppDataSegment", "AppInternal", "ReloadTask", executionType, "ExecutionResult"}

// deleteParts deletes what belongs to an entity.
func (r *Repository) deleteParts(ctx context.Context, tx *store.Tx, b *burial, id string) error {
	referrers, err := tx.Referrers(ctx, id)
	if err != nil {
		return err
	}
	for _, p := range referrers {
		if !slices.Contains(parts, p.Type) {
			continue
		}
		if err := r.deleteParts(ctx, tx, b, p.ID); err != nil {
			return err
		}
		if p.Type == "ReloadTask" {
			task, err := tx.Lock(ctx, p.Type, p.ID)
			if err == nil {
				err = r.dropEvents(ctx, tx, task)
			}
			if err == nil {
				err = r.deleteOperated(ctx, tx, task)
			}
			if err != nil {
				return err
			}
			continue
		}
		if p.Type == AppContent.Library {
			lib, err := tx.Lock(ctx, p.Type, p.ID)
			if err != nil {
				return err
			}
			if err := b.delete(ctx, tx, AppContent, refIDs(lib.Doc["references"])...); err != nil {
				return err
			}
		}
		if err := tx.Delete(ctx, p.Type, p.ID); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// Reload runs the script of an app, and notes what came of it. It returns when
// the script has ended; log gets the script log. A partial one runs only the
// loads that say so.
func (r *Repository) Reload(ctx context.Context, c *Caller, id string, partial bool, log io.Writer) error {
	if r.engine == nil {
		return ErrNoApps
	}
	_, e, err := r.allowed(ctx, c, "App", id, rules.Update)
	if err != nil {
		return err
	}
	as, err := r.loadsAs(ctx, c, refID(e.Doc["owner"]))
	if err != nil {
		return fmt.Errorf("owner of %s: %w", text(e.Doc["name"]), err)
	}
	connections, err := r.Connections(ctx, as)
	if err != nil {
		return err
	}
	if err := r.engine.Reload(ctx, e.ID, Reloading{c.String(), partial, connections, log}); err != nil {
		return fmt.Errorf("reload %s: %w", text(e.Doc["name"]), err)
	}
	return r.Note(ctx, c, e.ID)
}

// Note takes over what the file of an app tells since it was saved, in the name
// of the caller, whose right to save it was asked for before.
//
// An app that was deleted while it was saved is not to come back: its file goes
// again.
func (r *Repository) Note(ctx context.Context, c *Caller, id string) error {
	gone := false
	err := r.change(ctx, c, func(tx *store.Tx) error {
		// From here on nobody else notes it: what is found out now is the latest.
		app, err := tx.Lock(ctx, "App", id)
		if gone = errors.Is(err, ErrNotFound); err != nil {
			return err
		}
		info, err := r.engine.Info(app.ID)
		if err != nil {
			return err
		}
		if app, err = tx.Update(ctx, "App", app.ID, info.doc()); err != nil {
			return err
		}
		return r.takeObjects(ctx, tx, app, info.Objects)
	})
	if gone && r.files != nil {
		err = errors.Join(err, r.files.Bury(id), r.files.Remove(id))
	}
	return err
}

// Adopt makes the row of an app that the engine has made for the caller.
func (r *Repository) Adopt(ctx context.Context, c *Caller, id string, info AppInfo) error {
	doc := info.doc()
	doc[schema.ID], doc["name"], doc["published"], doc["availabilityStatus"] = id, info.Title, false, number(1)
	d, err := r.decider(ctx, c)
	if err != nil {
		return err
	}
	return r.change(ctx, c, func(tx *store.Tx) error {
		app, err := r.create(ctx, tx, d, r.schema.Type("App"), doc)
		if err != nil {
			return err
		}
		return r.takeObjects(ctx, tx, app, info.Objects)
	})
}

// Check returns nil if the caller may do something with an entity,
// [ErrForbidden] if he may only read it, and else [ErrNotFound].
func (r *Repository) Check(ctx context.Context, c *Caller, t *schema.Type, id string, action rules.Action) error {
	_, _, err := r.allowed(ctx, c, t.Name, id, action)
	return err
}

// Readable returns those of the ids that are entities of a type which the
// caller may read.
func (r *Repository) Readable(ctx context.Context, c *Caller, t *schema.Type, ids []string) ([]string, error) {
	_, _, keys, err := r.keys(ctx, c, t, Query{IDs: ids})
	if err != nil {
		return nil, err
	}
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.ID
	}
	return out, nil
}
