package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// whiteList returns the list of what files libraries of a kind may hold, where
// theirs is not another one.
func whiteList(ctx context.Context, from reader, k ContentKind) (*store.Entity, error) {
	found, err := from.List(ctx, "FileExtensionWhiteList", store.Query{Where: filter.Equal("libraryType", k.list), Take: 1})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("white list of %s: %w", k.list, ErrNotFound)
	}
	return found[0], nil
}

// WhiteList returns what files an app may have, to who may read it.
func (r *Repository) WhiteList(ctx context.Context, c *Caller, appID string) (map[string]any, error) {
	if _, err := r.Get(ctx, c, r.schema.Type("App"), appID, false); err != nil {
		return nil, err
	}
	list, err := whiteList(ctx, r.store, AppContent)
	if err != nil {
		return nil, err
	}
	return r.Get(ctx, c, r.schema.Type("FileExtensionWhiteList"), list.ID, false)
}

// checkExtensions checks the names of files against the white list of their
// library. Files without an extension, as LICENSE, are taken in extensions only.
func (r *Repository) checkExtensions(ctx context.Context, k ContentKind, list any, paths ...string) error {
	e, err := r.store.Get(ctx, "FileExtensionWhiteList", refID(list))
	if err != nil {
		return err
	}
	found, err := r.store.ByIDs(ctx, refIDs(e.Doc["fileExtensions"]))
	if err != nil {
		return err
	}
	allowed := map[string]bool{"": k == ExtensionContent}
	for _, x := range found {
		allowed[filter.Fold(text(x.Doc["name"]))] = true
	}
	for _, p := range paths {
		if x := extensionOf(p); !allowed[x] {
			return &schema.Error{Field: "externalpath", Reason: fmt.Sprintf("%.200q: files of type %q are not on the white list of %s", p, x, k.list)}
		}
	}
	return nil
}

// A quota is how much the content of an app may take, in bytes.
type quota struct{ file, library int64 }

// Of an app's files, where administrators have set nothing else.
const (
	appFileMax    = 50 << 20
	appContentMax = 200 << 20
)

func appQuota(ctx context.Context, from reader) (quota, error) {
	found, err := from.List(ctx, "AppContentQuota", store.Query{Take: 1})
	if err != nil || len(found) == 0 {
		return quota{appFileMax, appContentMax}, err
	}
	return quota{whole(found[0].Doc["maxFileSize"]), whole(found[0].Doc["maxLibrarySize"])}, nil
}

// fileMax returns how large a file of a kind may be.
func (r *Repository) fileMax(ctx context.Context, k ContentKind) (int64, error) {
	if k != AppContent {
		return contentMax, nil
	}
	q, err := appQuota(ctx, r.store)
	return q.file, err
}

// takeSpace takes the space of new files off what an app has left.
func takeSpace(ctx context.Context, tx *store.Tx, known map[string]*store.Entity, files []newFile, change map[string]any) error {
	q, err := appQuota(ctx, tx)
	if err != nil {
		return err
	}
	left := q.library
	replaced := map[string]bool{}
	for _, f := range files {
		left -= f.staged.SizeBytes
		replaced[f.staged.AppID] = true
	}
	for id, e := range known {
		if !replaced[id] {
			left -= whole(e.Doc["size"])
		}
	}
	if left < 0 {
		return &schema.Error{Field: "file", Reason: fmt.Sprintf("the app's files would take %d bytes more than the %d that they may", -left, q.library)}
	}
	change["remainingLibrarySpace"], change["maxFileSize"] = number64(left), number64(q.file)
	return nil
}

// number64 is a whole number as documents have it.
func number64(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// whole returns a number of a document, 0 if it is none.
func whole(v any) int64 {
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return i
}

// A Library is a set of files that pages may show.
type Library struct {
	Name     string // of an app's files the app's id
	OfApp    bool
	Modified string   // date
	Files    []string // addresses below the prefix of a virtual proxy
}

// Libraries returns the content libraries that the caller may read, by name, and
// the files of an app, with the files in each that he may read.
func (r *Repository) Libraries(ctx context.Context, c *Caller, appID string) ([]Library, error) {
	all, err := r.List(ctx, c, r.schema.Type("ContentLibrary"), Query{OrderBy: "name"})
	if err != nil {
		return nil, err
	}
	own, err := r.List(ctx, c, r.schema.Type(AppContent.Library), Query{where: filter.Equal("app.id", appID)})
	if err != nil {
		return nil, err
	}
	all = append(own, all...)
	var ids []string
	for _, lib := range all {
		ids = append(ids, refIDs(lib["references"])...)
	}
	ids, err = r.Readable(ctx, c, r.schema.Type("StaticContentReference"), append([]string{}, ids...))
	if err != nil {
		return nil, err
	}
	may := map[string]bool{}
	for _, id := range ids {
		may[id] = true
	}
	out := make([]Library, len(all))
	for i, lib := range all {
		out[i] = Library{Name: text(lib["name"]), Modified: text(lib[schema.ModifiedDate])}
		if i < len(own) {
			out[i].Name, out[i].OfApp = appID, true
		}
		for _, f := range objects(lib["references"]) {
			if may[text(f[schema.ID])] {
				out[i].Files = append(out[i].Files, text(f["externalPath"]))
			}
		}
		slices.Sort(out[i].Files)
	}
	return out, nil
}
