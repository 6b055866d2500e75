package app

import (
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/qvf"
)

// A Rewriting says what becomes of a file that is rewritten.
type Rewriting struct {
	Title    string // "" = the file's own
	KeepData bool
	Without  []string // objects that are left out, with what lies below them
	Disown   bool     // objects lose their owners
	// Keep are topmost objects of the file KeepFrom that come in addition, with
	// what lies below them. An object of the file itself goes before one of the
	// same id.
	KeepFrom string
	Keep     []string
	// Connections come in addition; one of the file that has the name of one of
	// them goes.
	Connections []Connection
}

// Rewrite brings a file that is no app of the library, ours or foreign, into our
// form, in place. It returns the app, with what could not be read of a foreign
// one in [App.Problems], and which objects were kept.
func (l *Library) Rewrite(id, path string, r Rewriting) (a *App, kept []string, err error) {
	if a, err = l.OpenFile(id, path); err != nil {
		return nil, nil, err
	}
	if r.Title != "" {
		a.SetProperties(a.Properties().With("qTitle", tree.NewString(r.Title)))
	}
	for _, gone := range r.Without {
		a.Items.Remove(gone)
	}
	if r.Disown {
		if err := a.disown(); err != nil {
			return nil, nil, err
		}
	}
	if len(r.Keep) > 0 {
		if kept, err = a.keepObjects(r.KeepFrom, r.Keep); err != nil {
			return nil, nil, err
		}
	}
	if err := a.takeConnections(r.Connections); err != nil {
		return nil, nil, err
	}
	content := a.Content()
	if !r.KeepData {
		content.Data = nil
	}
	if err := qvf.Save(path, content, l.saveOptions()); err != nil {
		return nil, nil, fmt.Errorf("rewrite %s: %w", path, err)
	}
	return a, kept, nil
}

func (a *App) takeConnections(list []Connection) error {
	for _, c := range list {
		for _, old := range a.Connections() {
			if strings.EqualFold(old.Name, c.Name) {
				if err := a.DeleteConnection(old.ID); err != nil {
					return err
				}
			}
		}
		if _, err := a.AddConnection(c); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) disown() error {
	for _, it := range a.Items.Everything() {
		if it.Owner == "" {
			continue
		}
		_, err := a.Items.Update(it.ID, func(it *object.Item) (*object.Item, error) {
			out := *it
			out.Owner = ""
			return &out, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// keepObjects takes over objects of another file.
func (a *App) keepObjects(path string, ids []string) (kept []string, err error) {
	from, err := a.lib.OpenFile(a.ID, path)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if it := from.Items.Get(id); it != nil && a.Items.Get(id) == nil {
			if err := a.adopt(from, it); err != nil {
				return nil, err
			}
			kept = append(kept, id)
		}
	}
	return kept, nil
}

// adopt adds an item of another app with what lies below it.
func (a *App) adopt(from *App, it *object.Item) error {
	own := *it
	own.Children = nil // each comes into the list when it is added
	if err := a.Items.Add(&own); err != nil {
		return err
	}
	for _, id := range it.Children {
		if child := from.Items.Get(id); child != nil && a.Items.Get(id) == nil {
			if err := a.adopt(from, child); err != nil {
				return err
			}
		}
	}
	return nil
}
