package repository

import (
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// A CachePolicy says how browsers and others may keep a file.
type CachePolicy int

// The policies, with the numbers of the interface.
const (
	CacheNormal CachePolicy = iota
	CacheMustRevalidate
	CachePrivateNormal
	CachePrivateMustRevalidate
	CacheNoStore
)

// A ContentFile is an open file of static content.
type ContentFile struct {
	File      *os.File // the caller's, to be closed
	Name      string
	SizeBytes int64
	Version   string // another one for other bytes
	MimeType  string
	Modified  time.Time
	Policy    CachePolicy
	MaxAge    time.Duration // 0 = to be asked again each time
}

// Content opens a file of a library for a caller who may read it.
func (r *Repository) Content(ctx context.Context, c *Caller, k ContentKind, name, at string) (*ContentFile, error) {
	if r.content == nil {
		return nil, ErrNoContent
	}
	p, err := contentPath(at)
	if err != nil { // no file has such a path
		return nil, fmt.Errorf("%.200q: %w", at, ErrNotFound)
	}
	lib, err := library(ctx, r.store, k, name)
	if err != nil {
		return nil, err
	}
	_, e, err := r.allowed(ctx, c, referenceType, fileID(lib.ID, p), rules.Read)
	if err != nil {
		return nil, err
	}
	f := &ContentFile{Name: text(e.Doc["fileName"]), SizeBytes: whole(e.Doc["size"]), Version: text(e.Doc[contentVersion]), Modified: e.Modified, Policy: CachePolicy(whole(e.Doc["cachePolicy"]))}
	if f.MimeType, err = r.mimeType(ctx, f.Name); err != nil {
		return nil, err
	}
	if err := r.cacheControl(ctx, k, lib, p, f); err != nil {
		return nil, err
	}
	if f.File, err = r.content.folder(k).Read(e.ID); err != nil {
		return nil, err
	}
	info, err := f.File.Stat()
	if err != nil {
		_ = f.File.Close() // only read
		return nil, err
	}
	f.SizeBytes = info.Size()
	return f, nil
}

// mimeType returns the type of a file by its name.
func (r *Repository) mimeType(ctx context.Context, name string) (string, error) {
	const unknown = "application/octet-stream"
	extension := extensionOf(name)
	if extension == "" {
		return "text/plain", nil
	}
	found, err := r.store.List(ctx, "FileExtension", store.Query{Where: filter.Equal("name", extension), Take: 1})
	if err != nil || len(found) == 0 {
		return unknown, err
	}
	t, err := r.store.Get(ctx, "MimeType", refID(found[0].Doc["mimeType"]))
	if err != nil {
		return unknown, err
	}
	return text(t.Doc["mime"]), nil
}

// cacheControl finds what administrators say of how files of a library are
// kept: the first rule whose filter, with * for any run of characters, fits the
// path or the name of the file. One without a library is for all.
func (r *Repository) cacheControl(ctx context.Context, k ContentKind, lib *store.Entity, p string, f *ContentFile) error {
	if k != LibraryContent {
		return nil
	}
	list, err := r.store.List(ctx, "ContentCacheControl", store.Query{})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(e *store.Entity) bool {
		of := refID(e.Doc["contentLibrary"])
		pattern := text(e.Doc["filter"])
		return (of == "" || of == lib.ID) && (fits(pattern, p) || fits(pattern, path.Base(p)))
	})
	if i >= 0 {
		f.Policy, f.MaxAge = CachePolicy(whole(list[i].Doc["cachePolicy"])), time.Duration(whole(list[i].Doc["maxAge"]))*time.Second
	}
	return nil
}

// fits reports whether a text is as a pattern says; case does not matter.
func fits(pattern, s string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	s = strings.ToLower(s)
	if len(parts) == 1 {
		return s == parts[0]
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(s, first) || !strings.HasSuffix(s[len(first):], last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}

// ContentFiles returns the external paths of the files below a path that the
// caller may read, in order.
func (r *Repository) ContentFiles(ctx context.Context, c *Caller, at string) ([]string, error) {
	root, rest, _ := strings.Cut(strings.Trim(strings.ReplaceAll(at, `\`, "/"), "/"), "/")
	name, _, _ := strings.Cut(rest, "/")
	i := slices.IndexFunc(ContentKinds(), func(k ContentKind) bool { return strings.EqualFold(k.Root, root) })
	if i < 0 || name == "" {
		return nil, &schema.Error{Field: "path", Reason: fmt.Sprintf("%.200q is not below a library, as /content/Default", at)}
	}
	k := ContentKinds()[i]
	lib, err := library(ctx, r.store, k, name)
	if err != nil {
		return nil, err
	}
	ids := refIDs(lib.Doc["references"])
	if len(ids) == 0 {
		return []string{}, nil
	}
	_, files, err := r.list(ctx, c, r.schema.Type(referenceType), Query{IDs: ids})
	if err != nil {
		return nil, err
	}
	below := filter.Fold("/" + root + "/" + strings.TrimSuffix(rest, "/") + "/")
	out := []string{}
	for _, f := range files {
		if p := text(f.Doc["externalPath"]); strings.HasPrefix(filter.Fold(p), below) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out, nil
}
