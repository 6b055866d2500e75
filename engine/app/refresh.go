package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cognate-bi/cognate/engine/object"
)

// Refresh takes over what others have made of the file of an app that is open
// here: another engine that reloads it, or whoever has replaced the file. Its
// sessions see the new data and objects as after a reload. Changes of objects
// that are not saved here stay, and only the data are taken over. Without news
// it does nothing; it may be called for any app.
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
	var gone []*object.Item
	if _, unsaved := a.Modified(); !unsaved {
		gone = a.takeDocument(fresh)
	}
	a.data.Store(fresh.Data())
	a.saved, a.file = fresh.saved, now
	a.mu.Lock()
	a.loaded = fresh.loaded
	a.mu.Unlock()
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

// takeDocument makes the app's document that of fresh, and returns the items
// that are not in there.
func (a *App) takeDocument(fresh *App) []*object.Item {
	d := fresh.document()
	a.mu.Lock()
	a.script, a.props, a.states, a.connections, a.media, a.modified = d.Script, d.Props, d.States, d.Connections, d.Media, d.Modified
	a.mu.Unlock()
	return a.Items.Replace(d.Items)
}
