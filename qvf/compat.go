package qvf

import (
	"fmt"
	"io"
	"slices"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
)

// CompatOptions say how a file in the documented layout is written.
type CompatOptions struct {
	Time float64 // of all entries, days since 1899-12-30; see container.Serial
}

// WriteCompat writes an app and its data in the documented layout into an
// empty file, so that readers of foreign files read it. Whether the original
// product would is not known: some streams that it writes are not understood.
//
// The catalog is sealed or at least not changed meanwhile; nil means no data.
// Memory is that of the largest field or column, and of the document.
func WriteCompat(w io.WriterAt, app *App, catalog *storage.Catalog, o CompatOptions) error {
	d, err := documentOf(app)
	if err == nil {
		err = d.model(app, catalog)
	}
	if err != nil {
		return fmt.Errorf("qvf: %w", err)
	}
	c := &compatWriter{w: container.Create(w), time: o.Time}
	for i := range d.streams {
		s := &d.streams[i]
		if err := c.w.AddBytes(s.path, c.meta(s.attrs), s.content); err != nil {
			return err
		}
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

// dataModelOf returns what can be said about the data without an engine.
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
