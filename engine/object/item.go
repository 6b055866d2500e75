// Package object holds generic objects: what a client stores as properties
// and gets back as an evaluated layout.
//
// An [Item] is one object, master dimension, master measure, bookmark or
// variable with its property tree. A [Store] keeps items in order with their
// children. [Layout] walks a property tree and writes the layout: expressions
// at any depth become values, list and cube definitions become what a [Host]
// says they are now. [DepsOf] tells what a layout depends on, which decides
// what a client is told to fetch again.
package object

import (
	"errors"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/engine/object/tree"
)

// Kind is the class of an item.
type Kind uint8

// The kinds of items, in the order in which an app lists them.
const (
	Generic Kind = iota
	Dimension
	Measure
	Bookmark
	Variable
)

// Errors of stores and objects that callers act on.
var (
	ErrNotFound = errors.New("object not found")
	ErrExists   = errors.New("an object with this id exists already")
	ErrInvalid  = errors.New("invalid properties")
)

// An Item is one stored object. Items are immutable: a change puts a new one
// into the store.
type Item struct {
	ID                string
	Type              string // qInfo.qType
	Kind              Kind
	Props             *tree.Node
	Parent            string     // "" = none
	Children          []string   // ids, in order
	State             *tree.Node // bookmarks: the selections kept
	FromScript        bool       // variables: made by the load script
	Number            *float64   // variables: the number behind the text when it was set together with it
	Owner             string     // DIRECTORY\id of who made it; "" is the app's owner
	Created, Modified time.Time
}

// NewItem makes an item from properties: the id comes from qInfo.qId, or is
// fresh when that is empty, and qInfo becomes the first member.
func NewItem(kind Kind, props *tree.Node, fresh func() string, now time.Time) (*Item, error) {
	if props.Kind() != tree.Object {
		return nil, ErrInvalid
	}
	info := props.Get("qInfo")
	id := info.Get("qId").Str()
	if id == "" {
		id = fresh()
	}
	it := &Item{ID: id, Type: info.Get("qType").Str(), Kind: kind, Created: now, Modified: now}
	it.Props = it.fix(props)
	return it, nil
}

// fix writes id and type, which never change, into properties.
func (it *Item) fix(props *tree.Node) *tree.Node {
	info := tree.NewObject(tree.Member{Key: "qId", Value: tree.NewString(it.ID)}, tree.Member{Key: "qType", Value: tree.NewString(it.Type)})
	return Expand(it.Kind, props.WithFirst("qInfo", info))
}

// WithProps returns the item with other properties. Its id and type stay.
func (it *Item) WithProps(props *tree.Node, now time.Time) (*Item, error) {
	if props.Kind() != tree.Object {
		return nil, ErrInvalid
	}
	out := *it
	out.Props, out.Modified = it.fix(props), now
	if !tree.Equal(out.Props.Get("qDefinition"), it.Props.Get("qDefinition")) {
		out.Number = nil
	}
	return &out, nil
}

// WithNumber returns a variable with a number behind its text.
func (it *Item) WithNumber(x float64) *Item {
	out := *it
	out.Number = &x
	return &out
}

// WithState returns a bookmark with other selections.
func (it *Item) WithState(state *tree.Node) *Item {
	out := *it
	out.State = state
	return &out
}

// Name returns the name of a variable.
func (it *Item) Name() string { return it.Props.Get("qName").Str() }

// Info returns {qId, qType}.
func (it *Item) Info() *tree.Node { return it.Props.Get("qInfo") }

// ObjectType returns what rules and listings know the item as: its type in lower
// case, or that of its kind.
func (it *Item) ObjectType() string {
	switch {
	case it.Kind == Dimension:
		return "dimension"
	case it.Kind == Measure:
		return "measure"
	case it.Type != "":
		return strings.ToLower(it.Type)
	case it.Kind == Bookmark:
		return "bookmark"
	}
	return "genericobject"
}
