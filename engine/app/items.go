package app

import (
	"fmt"

	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// Create makes and stores an item. parent is "" but for children.
func (a *App) Create(kind object.Kind, props *tree.Node, parent string, state *tree.Node) (*object.Item, error) {
	return a.CreateFor("", kind, props, parent, state)
}

// CreateFor is Create for an owner, DIRECTORY\id.
func (a *App) CreateFor(owner string, kind object.Kind, props *tree.Node, parent string, state *tree.Node) (*object.Item, error) {
	it, err := object.NewItem(kind, props, NewID, a.now())
	if err != nil {
		return nil, err
	}
	it.Parent, it.State, it.Owner = parent, state, owner
	if kind == object.Variable && a.Items.Variable(it.Name()) != nil {
		return nil, fmt.Errorf("%w: %s", ErrVariable, it.Name())
	}
	if err := a.Items.Add(it); err != nil {
		return nil, err
	}
	a.touch()
	a.publish(Event{Kind: ItemAdded, Item: it})
	return it, nil
}

// SetItem replaces the properties of an item.
func (a *App) SetItem(id string, props *tree.Node) (*object.Item, error) {
	return a.ChangeItem(id, func(it *object.Item) (*object.Item, error) { return it.WithProps(props, a.now()) })
}

// ChangeItem replaces an item by what change makes of it.
func (a *App) ChangeItem(id string, change func(*object.Item) (*object.Item, error)) (*object.Item, error) {
	it, err := a.Items.Update(id, change)
	if err != nil {
		return nil, err
	}
	a.touch()
	a.publish(Event{Kind: ItemChanged, Item: it})
	return it, nil
}

// Destroy removes an item with its descendants and reports whether it was
// there.
func (a *App) Destroy(kind object.Kind, id string) bool {
	it := a.Items.OfKind(kind, id)
	if it == nil {
		return false
	}
	gone := a.Items.Remove(id)
	a.touch()
	a.publish(Event{Kind: ItemRemoved, Item: it, Gone: gone})
	return len(gone) > 0
}

// Announce tells sessions that an item has changed to the site, as when it was
// published: its file stays as it is.
func (a *App) Announce(id string) {
	if it := a.Items.Get(id); it != nil {
		a.publish(Event{Kind: ItemChanged, Item: it})
	}
}

// Announce is [App.Announce] for an app of the library, if it is open here.
func (l *Library) Announce(id, item string) {
	l.mu.Lock()
	s := l.open[id]
	l.mu.Unlock()
	if s == nil {
		return
	}
	<-s.ready
	if s.err == nil {
		s.app.Announce(item)
	}
}

// Clone copies an item and its descendants under new ids and returns the
// copy, which is the owner's.
func (a *App) Clone(owner string, kind object.Kind, id string) (*object.Item, error) {
	it := a.Items.OfKind(kind, id)
	if it == nil {
		return nil, fmt.Errorf("%w: %s", object.ErrNotFound, id)
	}
	return a.cloneUnder(owner, it, it.Parent)
}

func (a *App) cloneUnder(owner string, it *object.Item, parent string) (*object.Item, error) {
	info := it.Info().With("qId", tree.NewString(NewID()))
	out, err := a.CreateFor(owner, it.Kind, it.Props.With("qInfo", info), parent, it.State)
	if err != nil {
		return nil, err
	}
	for _, c := range it.Children {
		if child := a.Items.Get(c); child != nil {
			if _, err := a.cloneUnder(owner, child, out.ID); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// Reorder sorts the children of an item.
func (a *App) Reorder(id string, ids []string) error {
	if err := a.Items.Reorder(id, ids); err != nil {
		return err
	}
	a.touch()
	a.publish(Event{Kind: ItemChanged, Item: a.Items.Get(id)})
	return nil
}
