package qvf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/qvf/container"
)

// Streams at the root of a file.
const (
	streamHeader     = "/qvapp_header"
	streamProperties = "/qvapp_approperties"
	streamScript     = "/qvapp_appscript"
	streamVariables  = "/qvapp_variablelist"
	streamUserVars   = "/user_variablelist"
	streamMeta       = "/qvapp_meta"
	streamDerived    = "/qvapp_derivedfieldlist"
	streamDerivedDef = "/qvapp_deriveddefinitionlist"
	streamData       = "/qvapp_data"
)

// Types of streams, as their attributes have them.
const (
	typeHeader     = "qvapp_header"
	typeProperties = "NxAppProperties"
	typeScript     = "AppScriptObject"
	typeVariables  = "GenericVariableEntryList"
	typeMeta       = "DataModelMetadata"
	typeDerived    = "GenericDerivedFieldEntryList"
	typeDerivedDef = "GenericDerivedDefinitionEntryList"
	typeMedia      = "NxQvfBundledItem"
	typeData       = "qvapp_cheader"
	typeField      = "qvapp_cfield"
	typeTable      = "qvapp_ctable"
)

// fileTypeQlikView is the FileType of a QlikView document.
const fileTypeQlikView = 4800

// payloadMax bounds what one wrapped stream may inflate to, in bytes.
const payloadMax = 256 << 20

// An App is what a file holds beside the data.
type App struct {
	Header     Header
	Properties json.RawMessage // what GetAppProperties returns; nil: none
	Script     string          // as it stands in the file: CR LF, sections begin "///$tab Name"
	HasScript  bool
	Objects    []Object // by stream
	Variables  []Variable
	Media      []Media // by stream
	Thumbnail  string  // stream of the app's thumbnail, "" = none
	// DataModel is what the data model API shows: sizes, tags, sources.
	DataModel json.RawMessage
	// DerivedFields and DerivedDefinitions are lists of entries.
	DerivedFields, DerivedDefinitions json.RawMessage
	Problems                          []Problem
}

// ErrQlikView says that a stream is an object of a QlikView document, whose
// layout nobody knows. The data of such documents can be read.
var ErrQlikView = errors.New("object of a QlikView document: not readable")

// A Header is the stream qvapp_header.
type Header struct {
	FileFormat int             `json:"FileFormat"`
	FileType   int             `json:"FileType"`
	Version    float64         `json:"QVFFileVersion"`
	Build      string          `json:"buildno"`
	NoBinary   bool            `json:"ProhibitBinaryLoad"`
	JSON       json.RawMessage `json:"-"` // all of it, as stored
}

// QlikView reports whether the file is a QlikView document, whose objects
// nobody can read.
func (h Header) QlikView() bool { return h.FileType == fileTypeQlikView }

// A reader collects an app and the problems on the way.
type reader struct {
	c      *container.Container
	app    *App
	read   func(path string) ([]byte, error)
	unseal func(container.Entry, []byte) ([]byte, error) // of our own files
}

// ReadApp reads everything of a file but the data. What cannot be read is in
// the app's problems.
//
// Memory is what the streams hold: at most 256 MB for each.
func ReadApp(c *container.Container) (*App, error) {
	return newReader(c).readApp()
}

// newReader returns a reader of foreign files, for which nothing is sealed.
func newReader(c *container.Container) *reader {
	sealed := func(container.Entry, []byte) ([]byte, error) { return nil, errors.New("encrypted") }
	return &reader{c: c, app: &App{}, read: c.Read, unseal: sealed}
}

func (r *reader) readApp() (*App, error) {
	c := r.c
	if IsOldQVD(c) { // one table and nothing else
		return r.app, nil
	}
	if err := r.header(); err != nil {
		return nil, err
	}
	r.app.Properties = r.optionalJSON(streamProperties)
	r.app.DataModel = r.optionalJSON(streamMeta)
	r.app.DerivedFields = r.optionalJSON(streamDerived)
	r.app.DerivedDefinitions = r.optionalJSON(streamDerivedDef)
	r.script()
	r.variables()
	for _, e := range c.Entries() {
		r.entry(e)
	}
	slices.SortFunc(r.app.Objects, func(a, b Object) int { return strings.Compare(a.Stream, b.Stream) })
	slices.SortFunc(r.app.Media, func(a, b Media) int { return strings.Compare(a.Stream, b.Stream) })
	r.app.Thumbnail = r.thumbnail()
	return r.app, nil
}

func (r *reader) header() error {
	raw, err := r.read(streamHeader)
	if err != nil {
		return err
	}
	raw = trimJSON(raw)
	if err := json.Unmarshal(raw, &r.app.Header); err != nil {
		return r.errorf(streamHeader, "%w", err)
	}
	r.app.Header.JSON = raw
	return nil
}

// entry reads a stream that is known by its type, and notes what cannot be.
func (r *reader) entry(e container.Entry) {
	t := e.Attributes.Text(container.AttrType)
	switch {
	case e.Err != nil:
		r.problem(e.Path, e.Err)
	case e.Dir:
	case isObject(t):
		r.object(e, t)
	case t == typeMedia:
		r.media(e.Path)
	case isQlikView(t):
		r.problem(e.Path, r.errorf(e.Path, "%s: %w", t, ErrQlikView))
	}
}

// isQlikView recognises the objects of QlikView documents.
func isQlikView(streamType string) bool {
	if streamType == "Bookmark" {
		return true
	}
	return strings.HasSuffix(streamType, "Properties") && streamType != typeProperties &&
		streamType != "AllProperties" && !strings.HasPrefix(streamType, "Generic")
}

func (r *reader) script() {
	raw := r.optionalJSON(streamScript)
	if raw == nil {
		return
	}
	var s struct{ QScript *string }
	if err := json.Unmarshal(raw, &s); err != nil {
		r.problem(streamScript, r.errorf(streamScript, "%w", err))
		return
	}
	if r.app.HasScript = s.QScript != nil; r.app.HasScript {
		r.app.Script = *s.QScript
	}
}

// thumbnail returns the stream that the app properties name as thumbnail.
func (r *reader) thumbnail() string {
	var p struct {
		QThumbnail struct{ QURL string }
	}
	if r.app.Properties == nil || json.Unmarshal(r.app.Properties, &p) != nil {
		return ""
	}
	if _, ok := r.c.Entry(p.QThumbnail.QURL); !ok {
		return "" // content of the server, not of the file
	}
	return p.QThumbnail.QURL
}

// payload returns a stream's content out of its wrapping, if it has one.
func (r *reader) payload(path string) ([]byte, error) {
	raw, err := r.read(path)
	if err != nil {
		return nil, err
	}
	if e, _ := r.c.Entry(path); e.Attributes[attrSealed] == true {
		if raw, err = r.unseal(e, raw); err != nil {
			return nil, r.errorf(path, "%w", err)
		}
	}
	if !container.IsWrapped(raw) && !looksLikeJSON(raw) {
		return nil, r.errorf(path, "encrypted or unknown")
	}
	if !container.IsWrapped(raw) {
		return raw, nil
	}
	b, err := container.Unwrap(raw, payloadMax)
	if err != nil {
		return nil, r.errorf(path, "%w", err)
	}
	return b, nil
}

// optionalJSON returns the JSON of a stream, nil if there is no such stream or,
// which is a problem, no JSON in it.
func (r *reader) optionalJSON(path string) json.RawMessage {
	b, err := r.payload(path)
	if errors.Is(err, container.ErrNotFound) {
		return nil
	}
	if err == nil {
		if b = trimJSON(b); !json.Valid(b) {
			err = r.errorf(path, "not JSON")
		}
	}
	if err != nil {
		r.problem(path, err)
		return nil
	}
	return b
}

func (r *reader) problem(path string, err error) {
	r.app.Problems = append(r.app.Problems, Problem{Stream: path, Err: err})
}

func (r *reader) errorf(path, format string, args ...any) error {
	return &FormatError{File: r.c.Name(), Stream: path, Err: fmt.Errorf(format, args...)}
}

func looksLikeJSON(b []byte) bool { return len(b) > 0 && (b[0] == '{' || b[0] == '[') }

// trimJSON cuts the NUL that ends JSON.
func trimJSON(b []byte) []byte { return bytes.TrimRight(b, "\x00") }
