package qvf

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
)

// streamAppState is the stream of ours that holds what no documented stream
// has a place for; whoever saves knows its content.
const (
	streamAppState = "/cognate/app"
	typeAppState   = "CognateApp"
)

// headerDefault is the header of an app that did not come from a file; foreign
// readers look at the version.
const headerDefault = `{"FileFormat":12000,"File32":1,"FileType":1729,"UseCompression":true,"ScrambleA":0,"ScrambleB":0,` +
	`"ProhibitBinaryLoad":false,"QVFFileVersion":1.43,"buildno":"50699"}`

// A document is the streams of a file that are not data, as they are written:
// the same ones in files of ours and in compatible ones.
type document struct {
	streams []docStream
	z       container.Deflater
}

type docStream struct {
	path    string
	attrs   container.Attributes
	content []byte // wrapped, if it is
	// sealed are the attributes in an encrypted app, where the stream is sealed;
	// nil: it never is.
	sealed container.Attributes
}

// documentOf returns the documented streams of an app, without the data model.
func documentOf(app *App) (*document, error) {
	d := &document{}
	header := app.Header.JSON
	if header == nil {
		header = json.RawMessage(headerDefault)
	}
	d.add(streamHeader, container.Foreign(typeHeader, ""), withNUL(header))
	for _, part := range []func(*App) error{d.lists, d.script, d.variables, d.objects, d.media} {
		if err := part(app); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *document) add(path string, a container.Attributes, content []byte) *docStream {
	d.streams = append(d.streams, docStream{path: path, attrs: a, content: content})
	return &d.streams[len(d.streams)-1]
}

// wrapped adds a stream with its content in a wrapping. What is larger than a
// reader takes is an error.
func (d *document) wrapped(path, streamType, format string, payload []byte) (*docStream, error) {
	if len(payload) > payloadMax {
		return nil, fmt.Errorf("%s: %d bytes, limit is %d", path, len(payload), payloadMax)
	}
	return d.add(path, container.Foreign(streamType, format), d.z.Wrap(format, payload)), nil
}

// json adds a stream of wrapped JSON.
func (d *document) json(path, streamType string, content []byte) error {
	_, err := d.wrapped(path, streamType, container.FormatJSON, withNUL(content))
	return err
}

// encoded adds a stream of what v is as JSON.
func (d *document) encoded(path, streamType string, v any) error {
	b, err := encodeJSON(v)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return d.json(path, streamType, b)
}

func withNUL(b []byte) []byte { return append(b[:len(b):len(b)], 0) }

// encodeJSON is json.Marshal without escapes for HTML: scripts are full of < and >.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// lists adds the streams that the app has as they are, if it has them.
func (d *document) lists(app *App) error {
	for _, s := range []struct {
		path, streamType string
		content          json.RawMessage
	}{
		{streamProperties, typeProperties, app.Properties},
		{streamDerived, typeDerived, app.DerivedFields},
		{streamDerivedDef, typeDerivedDef, app.DerivedDefinitions},
	} {
		if s.content == nil {
			continue
		}
		if err := d.json(s.path, s.streamType, s.content); err != nil {
			return err
		}
	}
	return nil
}

func (d *document) script(app *App) error {
	if !app.HasScript {
		return nil
	}
	return d.encoded(streamScript, typeScript, map[string]any{"qScript": app.Script, "qBreakpointList": []any{}})
}

// variables adds both lists.
func (d *document) variables(app *App) error {
	for _, stream := range []string{streamVariables, streamUserVars} {
		list := variableList{ID: strings.TrimPrefix(stream, "/"), Entries: []variableEntry{}}
		for i := range app.Variables {
			v := &app.Variables[i]
			if v.User != (stream == streamUserVars) {
				continue
			}
			p, err := v.properties()
			if err != nil {
				return fmt.Errorf("variable %s: %w", v.Name, err)
			}
			list.Entries = append(list.Entries, variableEntry{Value: v.Value, Script: v.Script, Properties: p})
		}
		if err := d.encoded(stream, typeVariables, list); err != nil {
			return err
		}
	}
	return nil
}

// properties returns what the variable came with, or makes it.
func (v *Variable) properties() (json.RawMessage, error) {
	if v.Properties != nil {
		return v.Properties, nil
	}
	p := map[string]any{"qInfo": map[string]any{"qType": "variable"}, "qName": v.Name}
	if v.HasDefinition {
		p["qDefinition"] = v.Definition
	}
	if v.Comment != "" {
		p["qComment"] = v.Comment
	}
	return encodeJSON(p)
}

func (d *document) objects(app *App) error {
	for i := range app.Objects {
		o := &app.Objects[i]
		if err := d.object(o); err != nil {
			return fmt.Errorf("object %s: %w", o.ID, err)
		}
	}
	return nil
}

// object adds the stream of a root object. A bookmark in binary form, of which
// only parts can be read, goes as it came.
func (d *document) object(o *Object) error {
	entryType := o.EntryType
	if entryType == "" {
		entryType = TypeObject
	}
	format, payload, err := o.entry()
	if err != nil {
		return err
	}
	s, err := d.wrapped(objectPath(o), entryType, format, payload)
	if err != nil {
		return err
	}
	security := o.security()
	if entryType == TypeBookmark {
		s.sealed = maps.Clone(s.attrs)
		if err := security.nameless().addTo(s.sealed); err != nil {
			return err
		}
	}
	return security.addTo(s.attrs)
}

// addTo puts the meta data into the attributes of an entry, if there are any.
func (s Security) addTo(a container.Attributes) error {
	if s == (Security{}) {
		return nil
	}
	b, err := encodeJSON(s)
	a[container.AttrSecurityMeta] = base64.StdEncoding.EncodeToString(withNUL(b))
	return err
}

// nameless returns what may be known of a sealed object.
func (s Security) nameless() Security { return Security{ID: s.ID, ObjectType: s.ObjectType} }

// security returns what the object's entry says of it: what it came with, or,
// of an object that did not come from a file, what public tools look for.
func (o *Object) security() Security {
	if o.Security != (Security{}) || o.Stream != "" {
		return o.Security
	}
	s := Security{ObjectType: o.Type, ID: o.ID, ResourceType: "app.object"}
	if o.HasTitle || o.Title != "" {
		s.Title = &o.Title
	}
	return s
}

// entry returns the content of an object's stream.
func (o *Object) entry() (format string, payload []byte, err error) {
	if o.Bookmark != nil && o.Bookmark.Record != nil {
		return container.FormatBinary, o.Bookmark.Record, nil
	}
	b, err := o.entryJSON()
	if err == nil && b == nil {
		err = errors.New("nothing of it was read")
	}
	return container.FormatJSON, withNUL(b), err
}

func (o *Object) entryJSON() ([]byte, error) {
	switch {
	case o.JSON != nil:
		return o.JSON, nil
	case o.EntryType != TypeObject && o.EntryType != "":
		return o.Properties, nil
	}
	root, err := o.tree(0)
	if err != nil {
		return nil, err
	}
	return encodeJSON(map[string]any{"qMetaData": map[string]any{"qType": o.Type}, "qRoot": root})
}

func (o *Object) tree(depth int) (t objectTree, err error) {
	if depth > childDepthMax {
		return t, errTooDeep
	}
	t = objectTree{QProperty: o.Properties, QChildren: make([]objectTree, len(o.Children))}
	for i := range o.Children {
		if t.QChildren[i], err = o.Children[i].tree(depth + 1); err != nil {
			return t, err
		}
	}
	return t, nil
}

// nameMax is the longest id that is a stream's name as it is, in bytes.
const nameMax = 200

// objectPath returns the stream of an object. Clients choose ids; one that no
// stream can be named by is escaped, the object itself says what it is.
func objectPath(o *Object) string {
	if o.Stream != "" {
		return o.Stream
	}
	name := url.PathEscape(o.ID)
	switch {
	case strings.HasPrefix(name, "qvapp_"), len(name) > nameMax, strings.Trim(name, ".") == "":
		name = fmt.Sprintf("object_%016x", xxhash.Sum64String(o.ID))
	}
	switch name {
	case "user_variablelist", "cognate", "data", "media":
		name = fmt.Sprintf("object_%016x", xxhash.Sum64String(o.ID))
	}
	return "/" + name
}

func (d *document) media(app *App) error {
	for _, m := range app.Media {
		if _, err := d.wrapped(m.Stream, typeMedia, container.FormatBinary, appendMedia(nil, m.Content)); err != nil {
			return err
		}
	}
	return nil
}

// model adds what the data model API shows of the data: of the catalog where
// there is one, else what the app came with.
func (d *document) model(app *App, catalog *storage.Catalog) error {
	switch {
	case catalog != nil:
		return d.encoded(streamMeta, typeMeta, dataModelOf(catalog))
	case app.DataModel != nil:
		return d.json(streamMeta, typeMeta, app.DataModel)
	}
	return nil
}

// state adds what the app's owner keeps; nil is nothing.
func (d *document) state(state json.RawMessage) error {
	if state == nil {
		return nil
	}
	return d.json(streamAppState, typeAppState, state)
}
