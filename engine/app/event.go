package app

import "github.com/cognate-bi/cognate/engine/object"

// EventKind says what has changed in an app.
type EventKind uint8

// The kinds of events.
const (
	AppChanged    EventKind = iota // properties of the app, its script, its saving
	Reloaded                       // data and everything that depends on it
	ItemAdded                      // Item
	ItemChanged                    // Item
	ItemRemoved                    // Item, and Gone with all its descendants
	StatesChanged                  // the list of alternate states
)

// An Event is a change of an app that sessions have to know of.
type Event struct {
	Kind EventKind
	Item *object.Item // as it is now, or was
	Gone []string     // ids of removed items
}

// Subscribe calls f for every event from now on, in the goroutine that makes
// the change, until cancel is called. f must not wait for anything.
func (a *App) Subscribe(f func(Event)) (cancel func()) {
	a.subsMu.Lock()
	defer a.subsMu.Unlock()
	id := a.nextID
	a.nextID++
	a.subs[id] = f
	return func() {
		a.subsMu.Lock()
		defer a.subsMu.Unlock()
		delete(a.subs, id)
	}
}

func (a *App) publish(e Event) {
	a.subsMu.Lock()
	fs := make([]func(Event), 0, len(a.subs))
	for _, f := range a.subs {
		fs = append(fs, f)
	}
	a.subsMu.Unlock()
	for _, f := range fs {
		f(e)
	}
}
