package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/repository/appfiles"
	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// ErrNoContent says that this node keeps no static content.
var ErrNoContent = errors.New("this node keeps no static content")

const (
	referenceType = "StaticContentReference"
	// contentVersion is the field of a row that names the version of the file.
	contentVersion = "blobId"
	// contentMax bounds a file of static content; those of apps have a quota.
	contentMax = 1 << 30
)

// fileID returns the id of the row of a file. It follows from the path, so a
// path has one row, whoever makes it, and is found by its id.
func fileID(library, path string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("static:"+library+"/"+filter.Fold(path))).String()
}

// library returns the library that an address names.
func library(ctx context.Context, from reader, k ContentKind, name string) (*store.Entity, error) {
	if k.byName() {
		found, err := from.List(ctx, k.Library, store.Query{Where: filter.Equal("name", name), Take: 1})
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return found[0], nil
		}
	}
	if k == AppContent {
		if _, err := uuid.Parse(name); err != nil {
			return nil, fmt.Errorf("content of app %.100q: %w", name, ErrNotFound)
		}
		found, err := from.List(ctx, k.Library, store.Query{Where: filter.Equal("app.id", name), Take: 1})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("content of app %s: %w", name, ErrNotFound)
		}
		return found[0], nil
	}
	return from.Get(ctx, k.Library, name)
}

// changeable returns a library whose files the caller may change. That of an
// app is made for the first file.
func (r *Repository) changeable(ctx context.Context, c *Caller, k ContentKind, name string) (*decider, *store.Entity, error) {
	if r.content == nil {
		return nil, nil, ErrNoContent
	}
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	lib, err := library(ctx, r.store, k, name)
	if k == AppContent && errors.Is(err, ErrNotFound) {
		lib, err = r.addAppContent(ctx, d, name)
	}
	if err != nil {
		return nil, nil, err
	}
	return d, lib, d.need(r.loader(ctx, r.store, lib), lib, rules.Update)
}

// addAppContent makes the row of an app's content.
func (r *Repository) addAppContent(ctx context.Context, d *decider, appID string) (made *store.Entity, err error) {
	app, err := r.store.Get(ctx, "App", appID)
	if err != nil {
		return nil, err
	}
	if err := d.need(r.loader(ctx, r.store, app), app, rules.Read); err != nil {
		return nil, err
	}
	r.contentMu.Lock()
	defer r.contentMu.Unlock()
	err = r.change(ctx, d.caller, func(tx *store.Tx) error {
		if made, err = library(ctx, tx, AppContent, appID); !errors.Is(err, ErrNotFound) {
			return err // somebody else has made it, or there is no telling
		}
		quota, err := appQuota(ctx, tx)
		if err != nil {
			return err
		}
		made, err = r.create(ctx, tx, d, r.schema.Type(AppContent.Library), map[string]any{
			"app": ref(app.ID), "maxFileSize": number64(quota.file), "remainingLibrarySpace": number64(quota.library),
		})
		return err
	})
	return made, err
}

// A newFile is a file that is about to belong to a library.
type newFile struct {
	path      string
	staged    *appfiles.Staged
	overwrite bool // one that is there
}

// PutContent keeps a file in a library under a path, and returns the external
// path under which it is served. body is asked for the bytes once the caller is
// known to have the right.
func (r *Repository) PutContent(ctx context.Context, c *Caller, k ContentKind, name, at string, overwrite bool, body func() (io.Reader, error)) (string, error) {
	p, err := contentPath(strings.TrimPrefix(at, externalPath(k, name, "")))
	if err != nil {
		return "", err
	}
	d, lib, err := r.changeable(ctx, c, k, name)
	if err != nil {
		return "", err
	}
	if err := r.checkExtensions(ctx, k, lib.Doc["whiteList"], p); err != nil {
		return "", err
	}
	if !overwrite && slices.Contains(refIDs(lib.Doc["references"]), fileID(lib.ID, p)) {
		return "", taken(p)
	}
	most, err := r.fileMax(ctx, k)
	if err != nil {
		return "", err
	}
	file, err := body()
	if err != nil {
		return "", err
	}
	staged, err := r.content.folder(k).Stage(fileID(lib.ID, p), file, most)
	if err != nil {
		return "", err
	}
	files := []newFile{{p, staged, overwrite}}
	err = r.settleContent(ctx, c, k, files, func(tx *store.Tx) error { return r.addFiles(ctx, tx, d, k, lib.ID, files) })
	return externalPath(k, libraryName(k, lib), p), err
}

// taken says that a path has a file.
func taken(p string) error { return fmt.Errorf("%s: %w; overwrite=true replaces it", p, ErrExists) }

// settleContent commits rows and makes the staged files theirs, or drops them.
// Only one does so at a time, so that the last row and the last file are of
// the same version.
func (r *Repository) settleContent(ctx context.Context, c *Caller, k ContentKind, files []newFile, rows func(*store.Tx) error) error {
	r.contentMu.Lock()
	defer r.contentMu.Unlock()
	folder := r.content.folder(k)
	if err := r.change(ctx, c, rows); err != nil {
		for _, f := range files {
			folder.Drop(f.staged)
		}
		return err
	}
	for _, f := range files {
		if err := folder.Settle(f.staged); err != nil {
			return err
		}
	}
	return nil
}

// addFiles makes or changes the rows of files, and the library that refers to
// them.
func (r *Repository) addFiles(ctx context.Context, tx *store.Tx, d *decider, k ContentKind, libID string, files []newFile) error {
	lib, err := tx.Lock(ctx, k.Library, libID)
	if err != nil {
		return err
	}
	if err := d.need(r.loader(ctx, tx, lib), lib, rules.Update); err != nil {
		return err
	}
	known, err := tx.ByIDs(ctx, refIDs(lib.Doc["references"]))
	if err != nil {
		return err
	}
	references := slices.Clone(asList(lib.Doc["references"]))
	for _, f := range files {
		doc := fileDoc(k, libraryName(k, lib), f)
		switch {
		case known[f.staged.AppID] == nil:
			doc[schema.ID] = f.staged.AppID
			_, err = tx.Create(ctx, referenceType, doc)
			references = append(references, ref(f.staged.AppID))
		case f.overwrite:
			_, err = tx.Update(ctx, referenceType, f.staged.AppID, doc)
		default: // somebody was faster
			err = taken(f.path)
		}
		if err != nil {
			return err
		}
	}
	change := map[string]any{"references": references}
	if k == AppContent {
		if err := takeSpace(ctx, tx, known, files, change); err != nil {
			return err
		}
	}
	_, err = tx.Update(ctx, k.Library, lib.ID, change)
	return err
}

// fileDoc is the row of a file. Its content is checked by the rules of its
// library (security type normal).
func fileDoc(k ContentKind, name string, f newFile) map[string]any {
	return map[string]any{
		"dataLocation": "StaticContent/" + k.Folder + "/" + f.staged.AppID + contentSuffix, contentVersion: f.staged.Version, "size": number64(f.staged.SizeBytes),
		"fileName": path.Base(f.path), "logicalPath": logicalPath(k, name, f.path), "externalPath": externalPath(k, name, f.path),
		"serveOptions": number(0), "creationType": number(1), "staticContentSecurityType": number(1), "staticContentDataType": number(0),
	}
}

func externalPath(k ContentKind, name, p string) string { return "/" + k.Root + "/" + name + "/" + p }
func logicalPath(k ContentKind, name, p string) string  { return k.Folder + "/" + name + "/" + p }

// libraryName is how addresses name a library.
func libraryName(k ContentKind, lib *store.Entity) string {
	switch {
	case k.byName():
		return text(lib.Doc["name"])
	case k == AppContent:
		return refID(lib.Doc["app"])
	}
	return lib.ID
}

// RemoveContent deletes a file of a library.
func (r *Repository) RemoveContent(ctx context.Context, c *Caller, k ContentKind, name, at string) error {
	p, err := contentPath(strings.TrimPrefix(at, externalPath(k, name, "")))
	if err != nil {
		return err
	}
	if r.content == nil {
		return ErrNoContent
	}
	lib, err := library(ctx, r.store, k, name)
	if err != nil {
		return err
	}
	d, e, err := r.allowed(ctx, c, referenceType, fileID(lib.ID, p), rules.Delete)
	if err != nil {
		return err
	}
	return r.buryContent(ctx, c, func(tx *store.Tx, b *burial) error {
		kept, err := tx.Lock(ctx, k.Library, lib.ID)
		if err != nil {
			return err
		}
		if err := d.need(r.loader(ctx, tx, e), e, rules.Delete); err != nil {
			return err
		}
		if err := b.delete(ctx, tx, k, e.ID); err != nil || k != AppContent {
			return err
		}
		_, err = tx.Update(ctx, k.Library, lib.ID, map[string]any{"remainingLibrarySpace": number64(whole(kept.Doc["remainingLibrarySpace"]) + whole(e.Doc["size"]))})
		return err
	})
}

// deleteLibrary deletes a library with its files.
func (r *Repository) deleteLibrary(ctx context.Context, c *Caller, k ContentKind, id string) error {
	d, _, err := r.allowed(ctx, c, k.Library, id, rules.Delete)
	if err != nil {
		return err
	}
	return r.buryContent(ctx, c, func(tx *store.Tx, b *burial) error {
		lib, err := tx.Lock(ctx, k.Library, id)
		if err != nil {
			return err
		}
		if err := r.delete(ctx, tx, d, r.schema.Type(k.Library), lib.ID); err != nil {
			return err
		}
		return b.delete(ctx, tx, k, refIDs(lib.Doc["references"])...)
	})
}

// A burial is the files that a transaction takes aside.
type burial struct {
	content *ContentStore
	done    []buried
}

type buried struct {
	folder *appfiles.Folder
	id     string
}

// delete deletes rows of files and takes the files aside.
func (b *burial) delete(ctx context.Context, tx *store.Tx, k ContentKind, ids ...string) error {
	for _, id := range ids {
		if err := tx.Delete(ctx, referenceType, id); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if b.content == nil {
			continue
		}
		folder := b.content.folder(k)
		if err := folder.Bury(id); err != nil {
			return err
		}
		b.done = append(b.done, buried{folder, id})
	}
	return nil
}

// buryContent runs a transaction that deletes rows of files. With it the files
// go, or stay.
func (r *Repository) buryContent(ctx context.Context, c *Caller, rows func(*store.Tx, *burial) error) error {
	r.contentMu.Lock()
	defer r.contentMu.Unlock()
	b := &burial{content: r.content}
	err := r.change(ctx, c, func(tx *store.Tx) error { return rows(tx, b) })
	end := (*appfiles.Folder).Remove
	if err != nil {
		end = (*appfiles.Folder).Revive
	}
	for _, f := range b.done {
		err = errors.Join(err, end(f.folder, f.id)) // one that stays does not bring the others back
	}
	return err
}

// reconcileContent brings files and rows of static content together after a
// crash.
func (r *Repository) reconcileContent(ctx context.Context) error {
	if r.content == nil {
		return nil
	}
	for _, k := range ContentKinds() {
		if err := r.reconcileFolder(ctx, r.content.folder(k), referenceType, contentVersion); err != nil {
			return fmt.Errorf("repository: static content: %w", err)
		}
	}
	return sweepArchives(r.content.folder(ExtensionContent).Dir())
}

// asList returns a value that is a list.
func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

// copyContent gives an app copies of another one's files.
func (r *Repository) copyContent(ctx context.Context, c *Caller, from, to string) error {
	if r.content == nil {
		return nil
	}
	source, err := library(ctx, r.store, AppContent, from)
	if errors.Is(err, ErrNotFound) || err == nil && len(refIDs(source.Doc["references"])) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	d, lib, err := r.changeable(ctx, c, AppContent, to)
	if err != nil {
		return err
	}
	rows, err := r.store.ByIDs(ctx, refIDs(source.Doc["references"]))
	if err != nil {
		return err
	}
	var files []newFile
	folder := r.content.folder(AppContent)
	for id, e := range rows {
		p := strings.TrimPrefix(text(e.Doc["externalPath"]), externalPath(AppContent, from, ""))
		staged, err := folder.StageCopy(fileID(lib.ID, p), id)
		if err != nil {
			for _, f := range files {
				folder.Drop(f.staged)
			}
			return err
		}
		files = append(files, newFile{path: p, staged: staged})
	}
	return r.settleContent(ctx, c, AppContent, files, func(tx *store.Tx) error { return r.addFiles(ctx, tx, d, AppContent, lib.ID, files) })
}
