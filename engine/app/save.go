package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"weak"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/storage"
)

// Save writes the app to its file. Data that the file has already are not
// written again.
func (a *App) Save() error {
	if a.Session {
		return fmt.Errorf("%w: %s", ErrSessionApp, a.ID)
	}
	if err := a.write(true); err != nil {
		return fmt.Errorf("save app %s: %w", a.ID, err)
	}
	a.publish(Event{Kind: AppChanged})
	return nil
}

// SaveDocument writes everything but the data.
func (a *App) SaveDocument() error {
	if a.Session {
		return fmt.Errorf("%w: %s", ErrSessionApp, a.ID)
	}
	if err := a.write(false); err != nil {
		return fmt.Errorf("save objects of %s: %w", a.ID, err)
	}
	return nil
}

// write brings the app to its file: in place if the file has data that may
// stay, else as a whole.
func (a *App) write(data bool) error {
	a.saving.Lock()
	defer a.saving.Unlock()
	path, err := a.lib.file(a.ID)
	if err != nil {
		return err
	}
	if a.file != nil { // another engine may have saved the app since
		if err := a.takeNews(); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	a.mu.RLock()
	changes := a.changes // what changes meanwhile may not be in what is written
	a.mu.RUnlock()
	if err := a.writeTo(path, data); err != nil {
		return err
	}
	if a.saved == weak.Make(a.Data()) {
		a.mu.Lock()
		a.kept = changes
		a.mu.Unlock()
	}
	a.file, err = os.Stat(path)
	return err
}

func (a *App) writeTo(path string, data bool) (err error) {
	d, doc := a.Data(), a.document()
	content := contentOf(d, &doc)
	defer func() {
		if err == nil {
			a.base = doc
		}
	}()
	if a.saved != (weak.Pointer[Data]{}) && (a.saved == weak.Make(d) || !data) {
		err := qvf.SaveDocument(path, content.App, content.State, a.lib.saveOptions(), a.lib.keys())
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, qvf.ErrOtherSealing) {
			return err
		}
	}
	if err := qvf.Save(path, content, a.lib.saveOptions()); err != nil {
		return err
	}
	a.saved = weak.Make(d)
	return nil
}

// Content returns what the app's file is to hold.
func (a *App) Content() qvf.Content {
	doc := a.document()
	return contentOf(a.Data(), &doc)
}

func contentOf(d *Data, doc *document) qvf.Content {
	c := qvf.Content{Data: d.Model.Catalog, Access: d.access}
	c.App, c.State = doc.content()
	return c
}

// load reads an app from disk.
func (l *Library) load(id string) (*App, error) {
	path, err := l.file(id)
	if err != nil {
		return nil, err
	}
	file, err := os.Stat(path) // before it is read: what is written meanwhile is news
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	a, err := l.OpenFile(id, path)
	if err != nil {
		return nil, err
	}
	a.file, a.base = file, a.document()
	return a, nil
}

// OpenFile reads an app of ours or a foreign one from a file anywhere. It is
// not among the open apps of the library.
func (l *Library) OpenFile(id, path string) (*App, error) {
	f, err := qvf.OpenFile(path, qvf.OpenOptions{Keys: l.keys()})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	if err != nil {
		return nil, fmt.Errorf("open app %s: %w", id, err)
	}
	a := l.newApp(id, "", false)
	if err := a.read(f); err != nil {
		return nil, fmt.Errorf("open app %s: %w", id, err)
	}
	return a, nil
}

// Import makes an app of the library of a file, ours or foreign, under a new
// id, which it returns with what could not be read of a foreign one. The title
// is the file's own, made different from those of other apps.
func (l *Library) Import(path string) (id string, problems []error, err error) {
	entries, err := l.List()
	if err != nil {
		return "", nil, err
	}
	a, err := l.OpenFile(NewID(), path)
	if err != nil {
		return "", nil, err
	}
	base := a.Title()
	if base == "" {
		base = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	title := base
	for n := 1; slices.ContainsFunc(entries, func(e Entry) bool { return e.Title == title }); n++ {
		title = fmt.Sprintf("%s(%d)", base, n)
	}
	a.SetProperties(a.Properties().With("qTitle", tree.NewString(title)))
	a.saved = weak.Pointer[Data]{} // the file is not the library's
	if err := a.write(true); err != nil {
		return "", nil, fmt.Errorf("import %s: %w", path, err)
	}
	return a.ID, a.problems, nil
}

// read takes over what a file holds. What cannot be read of a foreign one is
// logged, and in [App.Problems].
func (a *App) read(f *qvf.File) error {
	content, err := f.App()
	if err != nil {
		return err
	}
	state, err := f.State()
	if err != nil {
		return err
	}
	doc, problems := documentOf(content, state)
	for _, p := range content.Problems {
		problems = append(problems, p)
	}
	if f.Own() && len(problems) > 0 { // we wrote it: nothing may be missing
		return errors.Join(problems...)
	}
	if err := a.restore(doc); err != nil {
		return err
	}
	if f.Own() {
		return a.readOwn(f)
	}
	return a.readForeign(f, problems)
}

// readOwn links the data of a file of ours.
func (a *App) readOwn(f *qvf.File) error {
	loc := a.locale()
	data, err := f.Data(loc.Text)
	if err != nil || data == nil {
		return err
	}
	rules, err := f.Access(loc.Text)
	if err != nil {
		return err
	}
	if rules != nil {
		if err := rules.Seal(); err != nil {
			return err
		}
	}
	d, err := a.lib.link(data, rules, loc)
	if err != nil {
		return err
	}
	a.data.Store(d)
	a.saved = weak.Make(d)
	return nil
}

// readForeign links the data part of a file of the original product.
func (a *App) readForeign(f *qvf.File, problems []error) error {
	loc := a.locale()
	c := storage.NewCatalog(loc.Text)
	c.Workers = a.lib.opt.Workers
	unread, err := qvf.ReadData(context.Background(), f.Container, c)
	if err != nil {
		return err
	}
	for _, p := range unread {
		problems = append(problems, p)
	}
	var rules *storage.Catalog
	if a.guarded() {
		if rules, err = shut(loc.Text); err != nil {
			return err
		}
		problems = append(problems, errShut)
	}
	if len(problems) > 0 {
		a.lib.opt.Log.Warn("parts of the app cannot be read", "app", a.ID, "parts", len(problems), "first", problems[0])
	}
	a.problems = problems
	d, err := a.lib.link(c, rules, loc)
	if err != nil {
		return err
	}
	a.data.Store(d)
	return nil
}

// Problems tells what of a foreign file could not be read; nil for apps of
// ours.
func (a *App) Problems() []error { return a.problems }

// link makes data of a catalog and the access section that belongs to it.
func (l *Library) link(c, rules *storage.Catalog, loc *number.Locale) (*Data, error) {
	m, err := model.Build(c, l.versions.Add(1))
	if err != nil {
		return nil, fmt.Errorf("link tables: %w", err)
	}
	d, err := newData(m, loc, l.turns, &l.results)
	if err != nil {
		return nil, err
	}
	d.access = rules
	d.Rules, err = access.Read(rules)
	return d, err
}

// locale returns the settings that the script's variables hold.
func (a *App) locale() *number.Locale {
	l := number.Default()
	for _, it := range a.Items.All(object.Variable) {
		l, _ = l.With(it.Name(), it.Props.Get("qDefinition").Str())
	}
	return l
}
