package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"weak"

	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// Refresh takes over what others have made of the file of an app that is open
// here: another engine that reloads it, or whoever has replaced the file. Its
// sessions see the new data and objects as after a reload. What was changed here
// and is not saved yet stays. Without news it does nothing; it may be called for
// any app.
func (l *Library) Refresh(id string) error {
	l.mu.Lock()
	s := l.open[id]
	l.mu.Unlock()
	if s == nil {
		return nil
	}
	<-s.ready
	switch live := s.err == nil && !s.app.Session; {
	case !live: // it has no file
		return nil
	case l.isIdle(s): // who opens it next compares the files anyway
		l.dropIdle(s)
		return nil
	}
	if err := s.app.refresh(); err != nil && !errors.Is(err, ErrNotFound) { // deleted: sessions keep what they have
		return fmt.Errorf("refresh app %s: %w", id, err)
	}
	return nil
}

func (a *App) refresh() error {
	a.saving.Lock()
	defer a.saving.Unlock()
	return a.takeNews()
}

// takeNews takes over what others have written to the file since it was read or
// written here. The caller holds saving.
func (a *App) takeNews() error {
	path, err := a.lib.file(a.ID)
	if err != nil {
		return err
	}
	now, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	if err != nil || sameFile(a.file, now) {
		return err
	}
	fresh, err := a.lib.load(a.ID)
	if err != nil {
		return err
	}
	gone := a.takeDocument(fresh)
	a.file = now
	switch {
	case a.sameData(fresh): // what was computed of them stays good
		a.saved = weak.Make(a.Data())
	case a.saved == weak.Make(a.Data()):
		a.data.Store(fresh.Data())
		a.saved = fresh.saved
		a.mu.Lock()
		a.loaded = fresh.loaded
		a.mu.Unlock()
	default: // there are newer data here, which nobody has saved yet
		a.saved = fresh.saved
	}
	for _, it := range gone {
		a.publish(Event{Kind: ItemRemoved, Item: it, Gone: []string{it.ID}})
	}
	a.publish(Event{Kind: Reloaded})
	return nil
}

// sameFile reports whether nobody has written to a file since it was looked
// at; false if it never was.
func sameFile(was, now os.FileInfo) bool {
	return was != nil && os.SameFile(was, now) && was.Size() == now.Size() && was.ModTime().Equal(now.ModTime())
}

// takeDocument takes over the document of fresh, but for what was changed here
// since base. It returns the items that are gone.
func (a *App) takeDocument(fresh *App) []*object.Item {
	base, theirs := a.base, fresh.document()
	a.base = theirs
	a.mu.Lock()
	if a.script == base.Script {
		a.script = theirs.Script
	}
	if tree.Equal(a.props, base.Props) {
		a.props = theirs.Props
	}
	if slices.Equal(a.states, base.States) {
		a.states = theirs.States
	}
	if slices.Equal(a.connections, base.Connections) {
		a.connections = theirs.Connections
	}
	a.media = theirs.Media // nobody changes them in an open app
	if a.changes == a.kept {
		a.modified = theirs.Modified
	}
	a.mu.Unlock()
	return a.Items.Merge(base.Items, theirs.Items)
}

// sameData reports whether both have the data of the same reload.
func (a *App) sameData(fresh *App) bool {
	d, f := a.Data(), fresh.Data()
	return !fresh.loaded.IsZero() && a.Loaded().Equal(fresh.loaded) && len(d.Model.Tables) == len(f.Model.Tables) && d.rows() == f.rows()
}
