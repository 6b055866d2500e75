package qvf

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
)

// CompatOptions say how a file in the documented layout is written.
type CompatOptions struct {
	Time float64 // of all entries, days since 1899-12-30; see container.Serial
}

// headerDefault is the header of an app that did not come from a file.
const headerDefault = `{"FileFormat":12000,"File32":1,"FileType":1,"UseCompression":true,"ScrambleA":0,"ScrambleB":0,` +
	`"ProhibitBinaryLoad":false,"USeBinary":false,"QVFFileVersion":1.43,"buildno":"50699"}`

// WriteCompat writes an app and its data in the documented layout into an
// empty file, so that readers of foreign files read it. Whether the original
// product would is not known: some streams that it writes are not understood.
//
// The catalog is sealed or at least not changed meanwhile; nil means no data.
// Memory is that of the largest field or column.
func WriteCompat(w io.WriterAt, app *App, catalog *storage.Catalog, o CompatOptions) error {
	c := &compatWriter{w: container.Create(w), time: o.Time}
	if err := c.app(app); err != nil {
		return err
	}
	if catalog != nil {
		if err := c.data(catalog); err != nil {
			return err
		}
	}
	return c.w.Close()
}

type compatWriter struct {
	w    *container.Writer
	z    container.Deflater
	time float64
}

// raw adds a stream without wrapping.
func (c *compatWriter) raw(path, streamType string, content []byte) error {
	return c.w.AddBytes(path, c.meta(container.Foreign(streamType, "")), content)
}

func (c *compatWriter) meta(a container.Attributes) container.Meta {
	return container.Meta{Attributes: a, Time: c.time}
}

// json adds a stream of wrapped JSON.
func (c *compatWriter) json(path, streamType string, content []byte) error {
	return c.wrapped(path, container.Foreign(streamType, container.FormatJSON), container.FormatJSON, withNUL(content))
}

func (c *compatWriter) wrapped(path string, a container.Attributes, format string, payload []byte) error {
	if len(payload) > payloadMax {
		return fmt.Errorf("qvf: %s: %d bytes, limit is %d", path, len(payload), payloadMax)
	}
	return c.w.AddBytes(path, c.meta(a), c.z.Wrap(format, payload))
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

func (c *compatWriter) app(app *App) error {
	header := app.Header.JSON
	if header == nil {
		header = json.RawMessage(headerDefault)
	}
	if err := c.raw(streamHeader, typeHeader, withNUL(header)); err != nil {
		return err
	}
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
		if err := c.json(s.path, s.streamType, s.content); err != nil {
			return err
		}
	}
	for _, write := range []func(*App) error{c.script, c.variables, c.objects, c.media} {
		if err := write(app); err != nil {
			return err
		}
	}
	return nil
}

func (c *compatWriter) script(app *App) error {
	if !app.HasScript {
		return nil
	}
	b, err := encodeJSON(map[string]any{"qScript": app.Script, "qBreakpointList": []any{}})
	if err != nil {
		return fmt.Errorf("qvf: script: %w", err)
	}
	return c.json(streamScript, typeScript, b)
}

func (c *compatWriter) variables(app *App) error {
	for _, stream := range []string{streamVariables, streamUserVars} {
		list := variableList{ID: strings.TrimPrefix(stream, "/"), Entries: []variableEntry{}}
		for _, v := range app.Variables {
			if v.User != (stream == streamUserVars) {
				continue
			}
			p, err := v.properties()
			if err != nil {
				return fmt.Errorf("qvf: variable %s: %w", v.Name, err)
			}
			list.Entries = append(list.Entries, variableEntry{Value: v.Value, Script: v.Script, Properties: p})
		}
		b, err := encodeJSON(list)
		if err != nil {
			return fmt.Errorf("qvf: %s: %w", stream, err)
		}
		if err := c.json(stream, typeVariables, b); err != nil {
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

func (c *compatWriter) objects(app *App) error {
	for i := range app.Objects {
		o := &app.Objects[i]
		if err := c.object(o); err != nil {
			return fmt.Errorf("qvf: object %s: %w", o.ID, err)
		}
	}
	return nil
}

func (c *compatWriter) object(o *Object) error {
	path := o.Stream
	if path == "" {
		path = "/" + o.ID
	}
	a, err := o.attributes()
	if err != nil {
		return err
	}
	if o.Bookmark != nil && o.Bookmark.Record != nil {
		a[container.AttrFormat] = container.FormatBinary
		return c.wrapped(path, a, container.FormatBinary, o.Bookmark.Record)
	}
	b, err := o.entryJSON()
	if err != nil {
		return err
	}
	return c.wrapped(path, a, container.FormatJSON, withNUL(b))
}

// attributes returns the attributes of an object's entry.
func (o *Object) attributes() (container.Attributes, error) {
	entryType := o.EntryType
	if entryType == "" {
		entryType = TypeObject
	}
	a := container.Foreign(entryType, container.FormatJSON)
	if o.Security == (Security{}) {
		return a, nil
	}
	b, err := encodeJSON(o.Security)
	a[container.AttrSecurityMeta] = base64.StdEncoding.EncodeToString(withNUL(b))
	return a, err
}

// entryJSON returns the content of an object's stream.
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

func (c *compatWriter) media(app *App) error {
	for _, m := range app.Media {
		a := container.Foreign(typeMedia, container.FormatBinary)
		if err := c.wrapped(m.Stream, a, container.FormatBinary, appendMedia(nil, m.Content)); err != nil {
			return err
		}
	}
	return nil
}

// dataModel returns what can be said about the data without an engine.
func dataModelOf(catalog *storage.Catalog) map[string]any {
	fields, tables := []any{}, []any{}
	for _, f := range catalog.Fields() {
		sources, rows := []string{}, 0
		for _, t := range catalog.Tables() {
			if t.Column(f.Name) != nil {
				sources = append(sources, t.Name)
				rows += t.Rows
			}
		}
		fields = append(fields, map[string]any{
			"qname": f.Name, "qsrc_tables": sources, "qcardinal": f.Symbols.Len(), "qtotal_count": rows,
			"qtags": slices.Concat([]string{}, f.Tags), "qcomment": f.Comment,
		})
	}
	for _, t := range catalog.Tables() {
		tables = append(tables, map[string]any{
			"qname": t.Name, "qno_of_rows": t.Rows, "qno_of_fields": len(t.Columns), "qcomment": t.Comment, "qloose": t.Loose,
		})
	}
	return map[string]any{"qfields": fields, "qtables": tables}
}
