package qvf

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/cognate-bi/cognate/qvf/container"
)

// streamAppState is the stream of ours that holds what no documented stream
// has a place for; whoever saves knows its content.
const (
	streamAppState = "/cognate/app"
	typeAppState   = "CognateApp"
)

// A document is the streams of a file that are not data, as they are written.
type document []docStream

type docStream struct {
	path    string
	attrs   container.Attributes
	content []byte // wrapped, if it is
	seal    bool   // in an encrypted app
}

// documentOf returns the documented streams of an app, and state where it is
// not nil.
func documentOf(app *App, state json.RawMessage) (document, error) {
	var d document
	d.plain(streamHeader, typeHeader, app.Header.encode())
	d.wrapped(streamProperties, typeProperties, app.Properties)
	script, err := json.Marshal(map[string]any{"qScript": app.Script, "qBreakpointList": []string{}})
	if err != nil {
		return nil, err
	}
	d.wrapped(streamScript, typeScript, script)
	if err := d.variables(app.Variables); err != nil {
		return nil, err
	}
	for i := range app.Objects {
		if err := d.object(&app.Objects[i]); err != nil {
			return nil, err
		}
	}
	for _, m := range app.Media {
		d = append(d, docStream{path: m.Stream, attrs: container.Foreign(typeMedia, "binary"), content: container.Wrap("binary", appendMedia(nil, m.Content))})
	}
	if app.DataModel != nil {
		d.wrapped(streamMeta, typeMeta, app.DataModel)
	}
	if state != nil {
		d.wrapped(streamAppState, typeAppState, state)
	}
	return d, nil
}

// What the header of our files says; foreign readers look at the version.
const (
	headerFormat  = 12000
	headerType    = 1729
	headerVersion = 1.43
	headerBuild   = "50699"
)

// encode returns the header as it was read, or a fresh one.
func (h *Header) encode() []byte {
	if h.JSON != nil {
		return h.JSON
	}
	return fmt.Appendf(nil, `{"FileFormat":%d,"File32":1,"FileType":%d,"UseCompression":true,"ScrambleA":0,"ScrambleB":0,`+
		`"ProhibitBinaryLoad":%v,"QVFFileVersion":%v,"buildno":%q}`, headerFormat, headerType, h.NoBinary, headerVersion, headerBuild)
}

func (d *document) plain(path, streamType string, content []byte) {
	*d = append(*d, docStream{path: path, attrs: container.Foreign(streamType, ""), content: append(content, 0)})
}

func (d *document) wrapped(path, streamType string, payload json.RawMessage) {
	if payload == nil {
		payload = json.RawMessage("{}")
	}
	content := container.Wrap("gzjson", append(payload[:len(payload):len(payload)], 0))
	*d = append(*d, docStream{path: path, attrs: container.Foreign(streamType, "gzjson"), content: content})
}

// variables writes both lists.
func (d *document) variables(vars []Variable) error {
	lists := map[bool]*variableList{
		false: {ID: strings.TrimPrefix(streamVariables, "/"), Entries: []variableEntry{}},
		true:  {ID: strings.TrimPrefix(streamUserVars, "/"), Entries: []variableEntry{}},
	}
	for _, v := range vars {
		l := lists[v.User]
		l.Entries = append(l.Entries, variableEntry{Value: v.Value, Script: v.Script, Properties: v.Properties})
	}
	for user, path := range map[bool]string{false: streamVariables, true: streamUserVars} {
		b, err := json.Marshal(lists[user])
		if err != nil {
			return fmt.Errorf("variables: %w", err)
		}
		d.wrapped(path, typeVariables, b)
	}
	return nil
}

// object writes the stream of a root object. Bookmarks in binary form, which
// nobody can read whole, cannot be written.
func (d *document) object(o *Object) error {
	if o.JSON == nil {
		return fmt.Errorf("object %q: only a part of it could be read", o.ID)
	}
	d.wrapped(objectPath(o), o.EntryType, o.JSON)
	s := &(*d)[len(*d)-1]
	s.seal = o.EntryType == TypeBookmark
	security, err := json.Marshal(map[string]any{"title": o.Title, "_objecttype": o.Type, "id": o.ID, "_resourcetype": "app.object"})
	if err != nil {
		return err
	}
	if !s.seal {
		s.attrs[container.AttrSecurityMeta] = base64.StdEncoding.EncodeToString(append(security, 0))
	}
	return nil
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
	if strings.HasPrefix(name, "qvapp_") || name == "user_variablelist" || name == "cognate" || name == "data" || name == "media" || len(name) > nameMax {
		name = fmt.Sprintf("object_%016x", xxhash.Sum64String(o.ID))
	}
	return "/" + name
}
