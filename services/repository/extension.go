package repository

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/repository/appfiles"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// Limits of an archive with extensions.
const (
	archiveMax   = 256 << 20 // bytes of the archive
	unpackedMax  = 512 << 20 // bytes of all that is in it
	directoryMax = 4 << 20   // bytes of its directory
	entriesMax   = 10_000
	qextMax      = 1 << 20
)

// An Import says how extensions in an archive are taken over.
type Import struct {
	Name    string // of the one that is in it; "" = those of their .qext files
	Replace bool   // those that are there
}

// ImportExtensions makes extensions of an archive. Each is what lies beside and
// below a file name.qext. body is asked for the archive once the caller is known
// to have the right.
func (r *Repository) ImportExtensions(ctx context.Context, c *Caller, o Import, body func() (io.Reader, error)) ([]map[string]any, error) {
	if r.content == nil {
		return nil, ErrNoContent
	}
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := r.needNew(ctx, d, r.schema.Type(ExtensionContent.Library)); err != nil {
		return nil, err
	}
	from, err := body()
	if err != nil {
		return nil, err
	}
	archive, err := keepArchive(r.content.folder(ExtensionContent).Dir(), from)
	if err != nil {
		return nil, err
	}
	defer archive.drop()
	found, err := archive.extensions(o.Name)
	if err != nil {
		return nil, err
	}
	return r.importAll(ctx, d, o, found)
}

// importAll stages the files of extensions and makes their rows, all or none.
func (r *Repository) importAll(ctx context.Context, d *decider, o Import, found []*packed) ([]map[string]any, error) {
	list, err := whiteList(ctx, r.store, ExtensionContent)
	if err != nil {
		return nil, err
	}
	room := int64(unpackedMax)
	var all []newFile
	drop := func() {
		for _, f := range all {
			r.content.folder(ExtensionContent).Drop(f.staged)
		}
	}
	for _, x := range found {
		if err := r.checkExtensions(ctx, ExtensionContent, ref(list.ID), x.paths()...); err != nil {
			drop()
			return nil, err
		}
		if err := r.stagePacked(ctx, x, &room); err != nil {
			all = append(all, x.staged...)
			drop()
			return nil, err
		}
		all = append(all, x.staged...)
	}
	var made []*store.Entity
	err = r.settleContent(ctx, d.caller, ExtensionContent, all, func(tx *store.Tx) error {
		for _, x := range found {
			e, err := r.importOne(ctx, tx, d, x, o.Replace)
			if err != nil {
				return err
			}
			made = append(made, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, x := range found {
		if err := r.dropOthers(ctx, d.caller, x); err != nil {
			return nil, err
		}
	}
	for i := range made {
		if made[i], err = r.store.Get(ctx, made[i].Type, made[i].ID); err != nil {
			return nil, err
		}
	}
	return r.present(ctx, d, made, false, r.store.Full)
}

// stagePacked stages the files of an extension. room is how many bytes all
// files may still take.
func (r *Repository) stagePacked(ctx context.Context, x *packed, room *int64) error {
	lib, err := library(ctx, r.store, ExtensionContent, x.name)
	switch {
	case errors.Is(err, ErrNotFound):
		x.id = uuid.NewString()
	case err != nil:
		return err
	default:
		x.id = lib.ID
	}
	for _, f := range x.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		staged, err := stageEntry(r.content, fileID(x.id, f.path), f.entry, *room)
		if err != nil {
			return fmt.Errorf("%.200s: %w", f.entry.Name, err)
		}
		*room -= staged.SizeBytes
		x.staged = append(x.staged, newFile{f.path, staged, true})
	}
	return nil
}

// importOne makes the rows of an extension.
func (r *Repository) importOne(ctx context.Context, tx *store.Tx, d *decider, x *packed, replace bool) (*store.Entity, error) {
	lib, err := library(ctx, tx, ExtensionContent, x.name)
	switch {
	case errors.Is(err, ErrNotFound):
		if lib, err = r.create(ctx, tx, d, r.schema.Type(ExtensionContent.Library), map[string]any{schema.ID: x.id, "name": x.name}); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case !replace:
		return nil, fmt.Errorf("extension %q: %w; replace=true replaces it", x.name, ErrExists)
	case lib.ID != x.id: // made by somebody else this very moment
		return nil, fmt.Errorf("extension %q: %w", x.name, ErrStale)
	}
	return lib, r.addFiles(ctx, tx, d, ExtensionContent, lib.ID, x.staged)
}

// dropOthers deletes the files that an extension had and does not have any
// more.
func (r *Repository) dropOthers(ctx context.Context, c *Caller, x *packed) error {
	return r.buryContent(ctx, c, func(tx *store.Tx, b *burial) error {
		lib, err := tx.Lock(ctx, ExtensionContent.Library, x.id)
		if err != nil {
			return err
		}
		for _, id := range refIDs(lib.Doc["references"]) {
			isNew := slices.ContainsFunc(x.staged, func(f newFile) bool { return f.staged.AppID == id })
			if isNew {
				continue
			}
			if err := b.delete(ctx, tx, ExtensionContent, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteExtension deletes the extension of a name, with its files.
func (r *Repository) DeleteExtension(ctx context.Context, c *Caller, name string) error {
	lib, err := library(ctx, r.store, ExtensionContent, name)
	if err != nil {
		return err
	}
	return r.deleteLibrary(ctx, c, ExtensionContent, lib.ID)
}

// ExtensionSchema returns what the .qext files of the extensions say that the
// caller may read, by the name of the extension.
func (r *Repository) ExtensionSchema(ctx context.Context, c *Caller) (map[string]any, error) {
	if r.content == nil {
		return nil, ErrNoContent
	}
	_, list, err := r.list(ctx, c, r.schema.Type(ExtensionContent.Library), Query{})
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, lib := range list {
		files, err := r.store.ByIDs(ctx, refIDs(lib.Doc["references"]))
		if err != nil {
			return nil, err
		}
		for id, f := range files {
			if extensionOf(text(f.Doc["fileName"])) != "qext" {
				continue
			}
			said, err := r.readQext(id)
			if err != nil {
				r.log.Warn("an extension's description cannot be read", "extension", text(lib.Doc["name"]), "err", err)
				continue
			}
			out[text(lib.Doc["name"])] = said
		}
	}
	return out, nil
}

func (r *Repository) readQext(id string) (map[string]any, error) {
	f, err := r.content.folder(ExtensionContent).Read(id)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	return parseQext(f)
}

// parseQext reads the description of an extension.
func parseQext(from io.Reader) (map[string]any, error) {
	raw, err := io.ReadAll(io.LimitReader(from, qextMax+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > qextMax {
		return nil, fmt.Errorf("more than %d bytes", qextMax)
	}
	var said map[string]any
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(raw), "\ufeff")), &said); err != nil {
		return nil, err
	}
	if said == nil {
		return nil, errors.New("is no object")
	}
	return said, nil
}

// A packed is an extension in an archive.
type packed struct {
	name, id string
	root     string // folder in the archive, "" or with a slash behind
	files    []packedFile
	staged   []newFile
}

type packedFile struct {
	path  string // below root
	entry *zip.File
}

func (x *packed) paths() []string {
	out := make([]string, len(x.files))
	for i, f := range x.files {
		out[i] = f.path
	}
	return out
}

// An archive is an uploaded ZIP file.
type archive struct {
	file *os.File
	size int64
}

const archivePattern = "upload-*.zip.tmp"

// keepArchive takes an archive to the disk, as its directory is at its end.
func keepArchive(dir string, from io.Reader) (*archive, error) {
	f, err := os.CreateTemp(dir, archivePattern)
	if err != nil {
		return nil, err
	}
	a := &archive{file: f}
	a.size, err = io.Copy(f, io.LimitReader(from, archiveMax+1))
	if err == nil && a.size > archiveMax {
		err = fmt.Errorf("the archive: %w: more than %d bytes", appfiles.ErrTooLarge, archiveMax)
	}
	if err != nil {
		a.drop()
		return nil, err
	}
	return a, nil
}

func (a *archive) drop() { _ = errors.Join(a.file.Close(), os.Remove(a.file.Name())) } // else sweepArchives does

// sweepArchives removes what a crash has left of archives.
func sweepArchives(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, archivePattern))
	for _, p := range left {
		err = errors.Join(err, os.Remove(p))
	}
	return err
}

// wrong says what is wrong with an archive.
func wrong(format string, args ...any) error {
	return &schema.Error{Field: "archive", Reason: fmt.Sprintf(format, args...)}
}

// extensions returns what is in the archive. Files that belong to no extension,
// beside the folder of the only one, are left out.
func (a *archive) extensions(name string) ([]*packed, error) {
	return readArchive(a.file, a.size, name)
}

func readArchive(from io.ReaderAt, size int64, name string) ([]*packed, error) {
	opened := &budget{ReaderAt: from, left: directoryMax + 128<<10}
	z, err := zip.NewReader(opened, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // those are looked at below
		return nil, wrong("is no ZIP file: %v", err)
	}
	opened.done = true
	if len(z.File) > entriesMax {
		return nil, wrong("has %d files, at most %d are taken", len(z.File), entriesMax)
	}
	found, err := roots(z)
	if err != nil {
		return nil, err
	}
	if name != "" {
		if len(found) != 1 {
			return nil, wrong("holds %d extensions, and one name is given", len(found))
		}
		found[0].name = name
	}
	if err := sortOut(z, found); err != nil {
		return nil, err
	}
	return found, nil
}

// A budget bounds how much of an archive is read for its directory, whatever
// that says of itself.
type budget struct {
	io.ReaderAt
	left int
	done bool
}

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if !b.done {
		if b.left -= len(p); b.left < 0 {
			return 0, fmt.Errorf("the directory takes more than %d bytes", directoryMax)
		}
	}
	return b.ReaderAt.ReadAt(p, off)
}

// roots finds the descriptions of extensions.
func roots(z *zip.Reader) (found []*packed, err error) {
	seen := map[string]bool{}
	for _, e := range z.File {
		p := entryPath(e)
		if extensionOf(p) != "qext" || ignored(p) {
			continue
		}
		base := path.Base(p)
		x := &packed{name: base[:len(base)-len(".qext")], root: p[:len(p)-len(base)]}
		if reason := badSegment(x.name); reason != "" {
			return nil, wrong("%.200q: the name %s", p, reason)
		}
		if seen[strings.ToLower(x.name)] || seen[x.root+"/"] {
			return nil, wrong("%.200q: two extensions have the same name or folder", p)
		}
		seen[strings.ToLower(x.name)], seen[x.root+"/"] = true, true
		r, err := open(e)
		if err != nil {
			return nil, err
		}
		_, err = parseQext(r)
		if err = errors.Join(err, r.Close()); err != nil {
			return nil, wrong("%.200q: %v", p, err)
		}
		found = append(found, x)
	}
	if len(found) == 0 {
		return nil, wrong("holds no .qext file")
	}
	return found, nil
}

// sortOut gives each extension its files: an entry belongs to the deepest root
// above it.
func sortOut(z *zip.Reader, found []*packed) error {
	seen := map[string]bool{}
	for _, e := range z.File {
		p := entryPath(e)
		if strings.HasSuffix(p, "/") || ignored(p) {
			continue
		}
		if !e.Mode().IsRegular() {
			return wrong("%.200q is no ordinary file", e.Name)
		}
		if _, err := contentPath(p); err != nil || strings.HasPrefix(p, "/") {
			return wrong("%.200q is no path that can be taken", e.Name)
		}
		var owner *packed
		for _, x := range found {
			if strings.HasPrefix(p, x.root) && (owner == nil || len(x.root) > len(owner.root)) {
				owner = x
			}
		}
		if owner == nil {
			continue
		}
		if seen[strings.ToLower(p)] {
			return wrong("%.200q is in it twice", e.Name)
		}
		seen[strings.ToLower(p)] = true
		owner.files = append(owner.files, packedFile{p[len(owner.root):], e})
	}
	return nil
}

// entryPath is the path of an entry, with slashes: some programs write others.
func entryPath(e *zip.File) string { return strings.ReplaceAll(e.Name, `\`, "/") }

// ignored reports whether an entry is what a file manager has left.
func ignored(p string) bool {
	base := path.Base(p)
	return strings.HasPrefix(p, "__MACOSX/") || base == ".DS_Store" || base == "Thumbs.db"
}

// open opens an entry.
func open(e *zip.File) (io.ReadCloser, error) {
	if e.Flags&1 != 0 {
		return nil, wrong("%.200q is encrypted, which cannot be read", e.Name)
	}
	r, err := e.Open()
	if err != nil {
		return nil, wrong("%.200q: %v", e.Name, err)
	}
	return r, nil
}

// stageEntry stages what is packed in an entry.
func stageEntry(content *ContentStore, id string, e *zip.File, bytesMax int64) (*appfiles.Staged, error) {
	r, err := open(e)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // only read
	in := &noting{Reader: r}
	staged, err := content.folder(ExtensionContent).Stage(id, in, bytesMax)
	if in.err != nil {
		return nil, wrong("%.200q: %v", e.Name, in.err)
	}
	return staged, err
}

// noting keeps the error of a reader: whose fault it is that a copy failed.
type noting struct {
	io.Reader
	err error
}

func (n *noting) Read(p []byte) (int, error) {
	got, err := n.Reader.Read(p)
	if err != nil && err != io.EOF {
		n.err = err
	}
	return got, err
}
