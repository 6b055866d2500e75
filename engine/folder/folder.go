// Package folder keeps an app as a folder of readable files, so that apps live
// in version control and are edited with any editor.
//
//	app.json                 properties, alternate states, connections, order of objects, tables
//	script.qvs               load script; lines that end in CR LF in the app end in LF here
//	variables.json           all variables with their properties
//	objects/<id>.json        a sheet or other root object with all below it
//	dimensions/<id>.json     master dimensions; measures/, bookmarks/ likewise
//	media/...                images
//	data/<table>.qvd         tables, or .parquet; access/ for the access section
//
// What is written depends on the app alone: writing it again gives the same
// bytes. Numbers and texts of the data survive as in QVD files.
package folder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/arrowio"
	"github.com/cognate-bi/cognate/storage/dual"
	"github.com/cognate-bi/cognate/storage/safefile"
)

// Files of the folder.
const (
	appFile       = "app.json"
	scriptFile    = "script.qvs"
	variablesFile = "variables.json"
	dataFolder    = "data"
	accessFolder  = "access"
)

// version is the version of the layout.
const version = 1

// manifest is app.json.
type manifest struct {
	Version    int             `json:"version"`
	CRLF       bool            `json:"crlf,omitempty"` // all lines of the script end so in the app
	Properties json.RawMessage `json:"properties"`
	State      json.RawMessage `json:"state,omitempty"`
	Tables     []tableEntry    `json:"tables"`
	Access     []tableEntry    `json:"access,omitempty"`
}

// A tableEntry says where a table is, and what its file does not tell.
type tableEntry struct {
	Name     string `json:"name"`
	File     string `json:"file"`
	Loose    bool   `json:"loose,omitempty"`
	Distinct bool   `json:"distinct,omitempty"`
	Comment  string `json:"comment,omitempty"`
}

// folders are where objects lie, by the type of their stream.
var folders = map[string]string{
	qvf.TypeObject: "objects", qvf.TypeDimension: "dimensions", qvf.TypeMeasure: "measures", qvf.TypeBookmark: "bookmarks",
}

// Formats of the data.
const (
	QVD     = "qvd"
	Parquet = "parquet"
	None    = "none" // no data at all
)

// Write writes an app into a folder, which is made, or has to be empty or hold
// an app: then files of objects that are gone are removed.
func Write(ctx context.Context, dir string, a *app.App, format string) error {
	if err := prepare(dir); err != nil {
		return err
	}
	w := &writer{ctx: ctx, dir: dir, format: format, written: map[string]bool{}, d: a.Data()}
	content := a.Content()
	if err := w.document(content.App); err != nil {
		return err
	}
	m := manifest{Version: version, CRLF: endsCRLF(content.App.Script), Properties: content.App.Properties, State: stable(content.State)}
	var err error
	if format != None {
		if m.Tables, err = w.tables(dataFolder, w.sourceTables()); err != nil {
			return err
		}
		if content.Access != nil {
			if m.Access, err = w.tables(accessFolder, content.Access.Tables()); err != nil {
				return err
			}
		}
	}
	if err := w.json(appFile, m); err != nil {
		return err
	}
	return w.removeOthers()
}

// prepare makes the folder and refuses one that holds something else.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, appFile)); len(files) > 0 && err != nil {
		return fmt.Errorf("%s is not empty and holds no app", dir)
	}
	return nil
}

// A writer writes the files of an app.
type writer struct {
	ctx     context.Context //nolint:containedctx // lives as long as Write
	dir     string
	format  string
	written map[string]bool // by path below dir
	d       *app.Data
}

func (w *writer) file(name string, write func(io.Writer) error) error {
	w.written[name] = true
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := safefile.Write(path, write); err != nil {
		return err
	}
	return os.Chmod(path, 0o644)
}

func (w *writer) bytes(name string, b []byte) error {
	return w.file(name, func(out io.Writer) error {
		_, err := out.Write(b)
		return err
	})
}

func (w *writer) json(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return w.bytes(name, append(b, '\n'))
}

func (w *writer) document(a *qvf.App) error {
	script := a.Script
	if endsCRLF(script) {
		script = strings.ReplaceAll(script, "\r\n", "\n")
	}
	if err := w.bytes(scriptFile, []byte(script)); err != nil {
		return err
	}
	vars := make([]variable, len(a.Variables))
	for i, v := range a.Variables {
		vars[i] = variable{v.Script, v.Value, v.Properties}
	}
	if err := w.json(variablesFile, vars); err != nil {
		return err
	}
	for _, o := range a.Objects {
		if o.JSON == nil {
			return fmt.Errorf("object %q: only a part of it could be read", o.ID)
		}
		if err := w.json(folders[o.EntryType]+"/"+fileName(o.ID)+".json", o.JSON); err != nil {
			return err
		}
	}
	for _, m := range a.Media {
		if err := w.bytes("media/"+fileName(strings.TrimPrefix(m.Stream, "/media/")), m.Content); err != nil {
			return err
		}
	}
	return nil
}

// endsCRLF reports whether every line ends in CR LF.
func endsCRLF(script string) bool {
	n := strings.Count(script, "\r\n")
	return n > 0 && n == strings.Count(script, "\n") && n == strings.Count(script, "\r")
}

// A variable is an entry of variables.json.
type variable struct {
	Script     bool            `json:"script,omitempty"`
	Value      json.RawMessage `json:"value,omitempty"`
	Properties json.RawMessage `json:"properties"`
}

// fileName makes a name of a file of any text, one for one.
func fileName(text string) string {
	name := url.PathEscape(text)
	if name == "" || name[0] == '.' {
		return "%" + name
	}
	return name
}

func textOf(name string) (string, error) {
	if strings.HasPrefix(name, "%.") || name == "%" {
		name = name[1:]
	}
	return url.PathUnescape(name)
}

// stable takes out of the state what changes without the app being changed.
func stable(state json.RawMessage) json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(state, &m) != nil {
		return state
	}
	var items []map[string]json.RawMessage
	if json.Unmarshal(m["items"], &items) == nil {
		for _, it := range items {
			delete(it, "created")
			delete(it, "modified")
		}
		m["items"], _ = json.Marshal(items) // was JSON before
	}
	b, err := json.Marshal(m)
	if err != nil {
		return state
	}
	return b
}

// sourceTables returns the tables as the script has loaded them.
func (w *writer) sourceTables() []*storage.Table {
	var out []*storage.Table
	for _, t := range w.d.Model.Tables {
		if !t.Synthetic {
			out = append(out, w.d.Model.SourceTable(t))
		}
	}
	return out
}

func (w *writer) tables(folder string, tables []*storage.Table) ([]tableEntry, error) {
	entries := make([]tableEntry, len(tables))
	for i, t := range tables {
		e := tableEntry{t.Name, folder + "/" + fileName(t.Name) + "." + w.format, t.Loose, t.Distinct, t.Comment}
		err := w.file(e.File, func(out io.Writer) error {
			if w.format == Parquet {
				return arrowio.WriteParquet(w.ctx, out, t, arrowio.WriteOptions{Show: w.d.Locale.Text})
			}
			return qvd.Write(w.ctx, out, t, qvd.WriteOptions{Show: w.d.Locale.Text})
		})
		if err != nil {
			return nil, err
		}
		entries[i] = e
	}
	return entries, w.d.Model.Catalog.Damage()
}

// removeOthers removes files of an earlier version of the app.
func (w *writer) removeOthers() error {
	for _, folder := range []string{"objects", "dimensions", "measures", "bookmarks", "media", dataFolder, accessFolder} {
		files, err := os.ReadDir(filepath.Join(w.dir, folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, f := range files {
			if !f.IsDir() && !w.written[folder+"/"+f.Name()] {
				if err := os.Remove(filepath.Join(w.dir, folder, f.Name())); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Read reads an app out of a folder. Its data are linked, as after a reload.
func Read(ctx context.Context, dir string, show func(dual.Value) string) (qvf.Content, error) {
	r := &reader{ctx: ctx, dir: dir, show: show}
	c, err := r.content()
	if err != nil {
		return qvf.Content{}, fmt.Errorf("read app of folder %s: %w", dir, err)
	}
	return c, nil
}

type reader struct {
	ctx  context.Context //nolint:containedctx // lives as long as Read
	dir  string
	show func(dual.Value) string
}

func (r *reader) content() (c qvf.Content, err error) {
	var m manifest
	if err := r.json(appFile, &m); err != nil {
		return c, err
	}
	if m.Version != version {
		return c, fmt.Errorf("%s: version %d, this program reads %d", appFile, m.Version, version)
	}
	script, err := os.ReadFile(filepath.Join(r.dir, scriptFile))
	if err != nil {
		return c, err
	}
	c.App = &qvf.App{Properties: m.Properties, Script: string(script), HasScript: true}
	if m.CRLF { // an editor may have put some of them in
		lines := strings.ReplaceAll(c.App.Script, "\r\n", "\n")
		c.App.Script = strings.ReplaceAll(lines, "\n", "\r\n")
	}
	c.State = m.State
	var vars []variable
	if err := r.json(variablesFile, &vars); err != nil {
		return c, err
	}
	for _, v := range vars {
		c.App.Variables = append(c.App.Variables, qvf.Variable{Script: v.Script, User: !v.Script, Value: v.Value, Properties: v.Properties})
	}
	if err := errors.Join(r.objects(c.App), r.media(c.App)); err != nil {
		return c, err
	}
	if c.Data, err = r.catalog(m.Tables); err != nil {
		return c, err
	}
	if _, err := model.Build(c.Data, 1); err != nil {
		return c, fmt.Errorf("link tables: %w", err)
	}
	if len(m.Access) > 0 {
		if c.Access, err = r.catalog(m.Access); err != nil {
			return c, err
		}
		return c, c.Access.Seal()
	}
	return c, nil
}

func (r *reader) json(name string, v any) error {
	b, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// names returns the files of a folder below, none if it is not there.
func (r *reader) names(folder string) ([]string, error) {
	files, err := os.ReadDir(filepath.Join(r.dir, folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if !f.IsDir() && !strings.HasPrefix(f.Name(), ".") {
			names = append(names, f.Name())
		}
	}
	return names, nil
}

func (r *reader) objects(a *qvf.App) error {
	for _, entryType := range []string{qvf.TypeObject, qvf.TypeDimension, qvf.TypeMeasure, qvf.TypeBookmark} {
		names, err := r.names(folders[entryType])
		if err != nil {
			return err
		}
		for _, name := range names {
			path := folders[entryType] + "/" + name
			base, ok := strings.CutSuffix(name, ".json")
			if !ok {
				return fmt.Errorf("%s: not a JSON file", path)
			}
			id, err := textOf(base)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			var raw json.RawMessage
			if err := r.json(path, &raw); err != nil {
				return err
			}
			a.Objects = append(a.Objects, qvf.Object{EntryType: entryType, ID: id, JSON: raw})
		}
	}
	return nil
}

func (r *reader) media(a *qvf.App) error {
	names, err := r.names("media")
	if err != nil {
		return err
	}
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(r.dir, "media", name))
		if err != nil {
			return err
		}
		stream, err := textOf(name)
		if err != nil {
			return fmt.Errorf("media/%s: %w", name, err)
		}
		a.Media = append(a.Media, qvf.Media{Stream: "/media/" + stream, Content: b})
	}
	return nil
}

func (r *reader) catalog(tables []tableEntry) (*storage.Catalog, error) {
	c := storage.NewCatalog(r.show)
	for _, e := range tables {
		if !filepath.IsLocal(filepath.FromSlash(e.File)) {
			return nil, fmt.Errorf("%s: file %q of table %s lies outside", appFile, e.File, e.Name)
		}
		t, err := r.table(c, filepath.Join(r.dir, filepath.FromSlash(e.File)), e.Name)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", e.Name, err)
		}
		t.Name, t.Loose, t.Distinct, t.Comment = e.Name, e.Loose, e.Distinct, e.Comment
		if slices.ContainsFunc(c.Tables(), func(o *storage.Table) bool { return o.Name == t.Name }) {
			return nil, fmt.Errorf("table %s is there twice", t.Name)
		}
		c.Put(t)
	}
	return c, nil
}
