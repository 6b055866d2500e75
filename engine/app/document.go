package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/storage/safefile"
)

// documentFile is everything of an app but its data, as JSON.
const documentFile = "app.json"

// documentBytesMax bounds what is read of a document.
const documentBytesMax = 256 << 20

// formatVersion is the version of the document's layout.
const formatVersion = 1

// A document is what app.json holds.
type document struct {
	Script            string
	Props             *tree.Node
	States            []string
	Connections       []Connection
	Items             []*object.Item
	Created, Modified time.Time
	Loaded            time.Time
}

func (a *App) document() document {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return document{
		Script: a.script, Props: a.props, States: a.states, Connections: a.connections,
		Items: a.Items.Everything(), Created: a.created, Modified: a.modified, Loaded: a.loaded,
	}
}

func (a *App) restore(d document) error {
	a.script, a.props, a.states, a.connections = d.Script, d.Props, d.States, d.Connections
	a.created, a.modified, a.loaded = d.Created, d.Modified, d.Loaded
	for _, it := range d.Items {
		if err := a.Items.Add(it); err != nil {
			return err
		}
	}
	return nil
}

func instant(t time.Time) *tree.Node {
	if t.IsZero() {
		return tree.NewString("")
	}
	return tree.NewString(t.UTC().Format(time.RFC3339Nano))
}

func readInstant(n *tree.Node) time.Time {
	t, err := time.Parse(time.RFC3339Nano, n.Str())
	if err != nil {
		return time.Time{} // unknown
	}
	return t
}

func member(key string, v *tree.Node) tree.Member { return tree.Member{Key: key, Value: v} }

func (d *document) tree() *tree.Node {
	conns := make([]*tree.Node, len(d.Connections))
	for i, c := range d.Connections {
		conns[i] = tree.NewObject(
			member("id", tree.NewString(c.ID)), member("name", tree.NewString(c.Name)), member("type", tree.NewString(c.Type)),
			member("string", tree.NewString(c.String)), member("user", tree.NewString(c.User)), member("modified", instant(c.Modified)))
	}
	items := make([]*tree.Node, len(d.Items))
	for i, it := range d.Items {
		items[i] = itemTree(it)
	}
	return tree.NewObject(
		member("version", tree.NewInt(formatVersion)),
		member("created", instant(d.Created)), member("modified", instant(d.Modified)), member("loaded", instant(d.Loaded)),
		member("properties", d.Props), member("script", tree.NewString(d.Script)), member("states", tree.NewStrings(d.States...)),
		member("connections", tree.NewArray(conns...)), member("items", tree.NewArray(items...)))
}

func itemTree(it *object.Item) *tree.Node {
	n := tree.NewObject(
		member("kind", tree.NewInt(int(it.Kind))), member("id", tree.NewString(it.ID)), member("type", tree.NewString(it.Type)),
		member("created", instant(it.Created)), member("modified", instant(it.Modified)), member("properties", it.Props))
	if it.Parent != "" {
		n = n.With("parent", tree.NewString(it.Parent))
	}
	if len(it.Children) > 0 {
		n = n.With("children", tree.NewStrings(it.Children...))
	}
	if it.State != nil {
		n = n.With("state", it.State)
	}
	if it.FromScript {
		n = n.With("fromScript", tree.NewBool(true))
	}
	if it.Number != nil {
		n = n.With("number", tree.NewFloat(*it.Number))
	}
	return n
}

func itemOf(n *tree.Node) (*object.Item, error) {
	kind := n.Get("kind").Int()
	if kind < 0 || kind > int(object.Variable) || n.Get("id").Str() == "" || n.Get("properties").Kind() != tree.Object {
		return nil, errors.New("item without kind, id or properties")
	}
	it := &object.Item{
		ID: n.Get("id").Str(), Type: n.Get("type").Str(), Kind: object.Kind(kind), Props: n.Get("properties"), Parent: n.Get("parent").Str(),
		Children: n.Get("children").Strings(), State: n.Get("state"), FromScript: n.Get("fromScript").Truth(),
		Created: readInstant(n.Get("created")), Modified: readInstant(n.Get("modified")),
	}
	if x := n.Get("number"); x != nil {
		it = it.WithNumber(x.Float())
	}
	return it, nil
}

// readDocument reads app.json.
func readDocument(dir string) (d document, err error) {
	path := filepath.Join(dir, documentFile)
	info, err := os.Stat(path)
	if err != nil {
		return d, fmt.Errorf("%w: %s", ErrNotFound, filepath.Base(dir))
	}
	if info.Size() > documentBytesMax {
		return d, fmt.Errorf("%s: %d bytes, more than %d", path, info.Size(), documentBytesMax)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return d, err
	}
	n, err := tree.Parse(b, tree.Limits{Depth: 1000})
	if err != nil {
		return d, fmt.Errorf("%s: %w", path, err)
	}
	if v := n.Get("version").Int(); v != formatVersion {
		return d, fmt.Errorf("%s: version %d, this program reads %d", path, v, formatVersion)
	}
	d = document{
		Script: n.Get("script").Str(), Props: n.Get("properties"), States: n.Get("states").Strings(),
		Created: readInstant(n.Get("created")), Modified: readInstant(n.Get("modified")), Loaded: readInstant(n.Get("loaded")),
	}
	for _, c := range n.Get("connections").Items() {
		d.Connections = append(d.Connections, Connection{
			ID: c.Get("id").Str(), Name: c.Get("name").Str(), Type: c.Get("type").Str(), String: c.Get("string").Str(),
			User: c.Get("user").Str(), Modified: readInstant(c.Get("modified")),
		})
	}
	for i, in := range n.Get("items").Items() {
		it, err := itemOf(in)
		if err != nil {
			return d, fmt.Errorf("%s: item %d: %w", path, i, err)
		}
		d.Items = append(d.Items, it)
	}
	return d, nil
}

// writeDocument replaces app.json.
func writeDocument(dir string, d document) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return safefile.Write(filepath.Join(dir, documentFile), func(w io.Writer) error {
		_, err := w.Write(append(d.tree().Append(nil), '\n'))
		return err
	})
}
