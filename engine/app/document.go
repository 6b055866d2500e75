package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/qvf"
)

// A document is everything of an app but its data.
type document struct {
	Script            string
	Props             *tree.Node
	States            []string
	Connections       []Connection
	Items             []*object.Item
	Media             []qvf.Media
	Created, Modified time.Time
	Loaded            time.Time
}

func (a *App) document() document {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return document{
		Script: a.script, Props: a.props, States: a.states, Connections: a.connections, Media: a.media,
		Items: a.Items.Everything(), Created: a.created, Modified: a.modified, Loaded: a.loaded,
	}
}

func (a *App) restore(d document) error {
	a.script, a.props, a.states, a.connections, a.media = d.Script, d.Props, d.States, d.Connections, d.Media
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

// Members of the JSON of a bookmark that are ours.
const selectionsMember = "cognateSelections"

// entryTypes are the types of the streams that items have a stream of.
var entryTypes = map[object.Kind]string{
	object.Generic: qvf.TypeObject, object.Dimension: qvf.TypeDimension, object.Measure: qvf.TypeMeasure, object.Bookmark: qvf.TypeBookmark,
}

// content returns the document as an app file has it. What has no place in the
// documented streams is the state.
func (d *document) content() (*qvf.App, json.RawMessage) {
	props := d.Props
	if !d.Loaded.IsZero() {
		props = props.With("qLastReloadTime", tree.NewString(d.Loaded.UTC().Format("2006-01-02T15:04:05.000Z")))
	}
	app := &qvf.App{Properties: props.Append(nil), Script: d.Script, HasScript: true, Media: d.Media}
	byID := map[string]*object.Item{}
	for _, it := range d.Items {
		byID[it.ID] = it
	}
	items := make([]*tree.Node, len(d.Items))
	for i, it := range d.Items {
		items[i] = stateOf(it)
		switch {
		case it.Kind == object.Variable:
			app.Variables = append(app.Variables, variableOf(it))
		case byID[it.Parent] == nil:
			app.Objects = append(app.Objects, qvf.Object{
				EntryType: entryTypes[it.Kind], ID: it.ID, Type: it.Type, Title: it.Props.Get("qMetaDef").Get("title").Str(),
				JSON: streamOf(it, byID).Append(nil),
			})
		}
	}
	return app, d.state(items).Append(nil)
}

// streamOf returns the content of the stream of a root item.
func streamOf(it *object.Item, byID map[string]*object.Item) *tree.Node {
	switch {
	case it.Kind == object.Bookmark && it.State != nil:
		return it.Props.With(selectionsMember, it.State)
	case it.Kind != object.Generic:
		return it.Props
	}
	return tree.NewObject(
		member("qMetaData", tree.NewObject(member("qType", tree.NewString(it.Type)))),
		member("qRoot", familyOf(it, byID)))
}

// familyOf returns the tree of properties of an item and those below.
func familyOf(it *object.Item, byID map[string]*object.Item) *tree.Node {
	var children []*tree.Node
	for _, id := range it.Children {
		if child := byID[id]; child != nil && child.Parent == it.ID {
			children = append(children, familyOf(child, byID))
		}
	}
	return tree.NewObject(member("qProperty", it.Props), member("qChildren", tree.NewArray(children...)))
}

func variableOf(it *object.Item) qvf.Variable {
	v := qvf.Variable{Name: it.Name(), Script: it.FromScript, User: !it.FromScript, Properties: it.Props.Append(nil)}
	if it.Number != nil {
		v.Value = tree.NewFloat(*it.Number).Append(nil)
	}
	return v
}

// stateOf returns what the streams do not tell of an item.
func stateOf(it *object.Item) *tree.Node {
	state := tree.NewObject(member("id", tree.NewString(it.ID)), member("created", instant(it.Created)), member("modified", instant(it.Modified)))
	if it.Owner != "" {
		state = state.With("owner", tree.NewString(it.Owner))
	}
	return state
}

// stateVersion is the version of the layout of the state.
const stateVersion = 1

func (d *document) state(items []*tree.Node) *tree.Node {
	conns := make([]*tree.Node, len(d.Connections))
	for i, c := range d.Connections {
		conns[i] = tree.NewObject(
			member("id", tree.NewString(c.ID)), member("name", tree.NewString(c.Name)), member("type", tree.NewString(c.Type)),
			member("string", tree.NewString(c.String)), member("user", tree.NewString(c.User)), member("modified", instant(c.Modified)))
	}
	return tree.NewObject(
		member("version", tree.NewInt(stateVersion)),
		member("created", instant(d.Created)), member("modified", instant(d.Modified)), member("loaded", instant(d.Loaded)),
		member("states", tree.NewStrings(d.States...)), member("connections", tree.NewArray(conns...)), member("items", tree.NewArray(items...)))
}

// jsonDepth bounds the nesting of what comes out of a file.
const jsonDepth = 1000

func parseJSON(b []byte) (*tree.Node, error) {
	if b == nil {
		return tree.NewObject(), nil
	}
	return tree.Parse(b, tree.Limits{Depth: jsonDepth})
}

// documentOf makes a document of what an app file holds. state is nil for a
// foreign file. Objects that cannot be taken are left out and reported.
func documentOf(app *qvf.App, state json.RawMessage) (document, []error) {
	r := &restorer{seen: map[string]bool{}}
	s, err := parseJSON(state)
	if err == nil && state != nil && s.Get("version").Int() != stateVersion {
		err = fmt.Errorf("state of version %d, this program reads %d", s.Get("version").Int(), stateVersion)
	}
	r.report(err)
	props, err := parseJSON(app.Properties)
	r.report(err)
	d := document{
		Script: app.Script, Props: props.Without("qLastReloadTime"), States: s.Get("states").Strings(), Media: app.Media,
		Created: readInstant(s.Get("created")), Modified: readInstant(s.Get("modified")), Loaded: readInstant(s.Get("loaded")),
	}
	if state == nil {
		d.Loaded = readInstant(props.Get("qLastReloadTime"))
		d.Created, d.Modified = readInstant(props.Get("createdDate")), readInstant(props.Get("modifiedDate"))
	}
	for _, c := range s.Get("connections").Items() {
		d.Connections = append(d.Connections, Connection{
			ID: c.Get("id").Str(), Name: c.Get("name").Str(), Type: c.Get("type").Str(), String: c.Get("string").Str(),
			User: c.Get("user").Str(), Modified: readInstant(c.Get("modified")),
		})
	}
	for i := range app.Variables {
		r.variable(&app.Variables[i])
	}
	for i := range app.Objects {
		r.object(&app.Objects[i])
	}
	d.Items = r.inOrder(s.Get("items").Items())
	return d, r.problems
}

// A restorer makes items of what an app file holds.
type restorer struct {
	items    []*object.Item
	seen     map[string]bool
	problems []error
}

func (r *restorer) report(err error) {
	if err != nil {
		r.problems = append(r.problems, err)
	}
}

// add takes an item whose properties are JSON; nil if they are not.
func (r *restorer) add(kind object.Kind, properties json.RawMessage, fallback string) *object.Item {
	props, err := parseJSON(properties)
	if err != nil {
		r.report(fmt.Errorf("object %q: %w", fallback, err))
		return nil
	}
	it, err := object.NewItem(kind, props, func() string { return fallback }, time.Time{})
	if err == nil && r.seen[it.ID] {
		err = errors.New("is there twice")
	}
	if err != nil {
		r.report(fmt.Errorf("object %q: %w", fallback, err))
		return nil
	}
	r.seen[it.ID] = true
	r.items = append(r.items, it)
	return it
}

func (r *restorer) variable(v *qvf.Variable) {
	it := r.add(object.Variable, v.Properties, "variable "+v.Name)
	if it == nil {
		return
	}
	it.FromScript = v.Script
	if x, err := parseJSON(v.Value); err == nil && x.Kind() == tree.Number {
		*it = *it.WithNumber(x.Float())
	}
}

func (r *restorer) object(o *qvf.Object) {
	switch o.EntryType {
	case qvf.TypeDimension:
		r.add(object.Dimension, o.JSON, o.ID)
	case qvf.TypeMeasure:
		r.add(object.Measure, o.JSON, o.ID)
	case qvf.TypeBookmark:
		r.bookmark(o)
	default:
		r.family(o, "")
	}
}

// family takes an object and those below it.
func (r *restorer) family(o *qvf.Object, parent string) {
	it := r.add(object.Generic, o.Properties, o.ID)
	if it == nil {
		return
	}
	it.Parent = parent
	for i := range o.Children {
		child := &o.Children[i]
		r.family(child, it.ID)
		if r.seen[child.ID] && !slices.Contains(it.Children, child.ID) {
			it.Children = append(it.Children, child.ID)
		}
	}
}

// bookmark takes a bookmark. Of one in binary form only title and description
// are known: it is listed, and selects nothing.
func (r *restorer) bookmark(o *qvf.Object) {
	properties := o.JSON
	if properties == nil {
		properties = tree.NewObject(
			member("qInfo", tree.NewObject(member("qId", tree.NewString(o.ID)), member("qType", tree.NewString(o.Type)))),
			member("qMetaDef", tree.NewObject(member("title", tree.NewString(o.DisplayTitle())), member("description", tree.NewString(o.Security.Description)))),
		).Append(nil)
	}
	it := r.add(object.Bookmark, properties, o.ID)
	if it == nil {
		return
	}
	if state := it.Props.Get(selectionsMember); state != nil {
		it.Props = it.Props.Without(selectionsMember)
		it.State = state
	}
}

// inOrder returns the items in the order of the state, others behind them, and
// with their times.
func (r *restorer) inOrder(state []*tree.Node) []*object.Item {
	place := map[string]int{}
	for i, s := range state {
		place[s.Get("id").Str()] = i + 1
	}
	for _, it := range r.items {
		if i := place[it.ID]; i > 0 {
			s := state[i-1]
			it.Created, it.Modified, it.Owner = readInstant(s.Get("created")), readInstant(s.Get("modified")), s.Get("owner").Str()
		} else {
			place[it.ID] = len(state) + 1
		}
	}
	slices.SortStableFunc(r.items, func(a, b *object.Item) int { return place[a.ID] - place[b.ID] })
	return r.items
}
