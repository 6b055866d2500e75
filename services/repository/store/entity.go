package store

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	fastjson "github.com/goccy/go-json"
)

// An Entity is one document with its base fields.
type Entity struct {
	Type       string // name of a concrete type: ReloadTask, never Task
	ID         string
	Created    time.Time // milliseconds, UTC
	Modified   time.Time
	ModifiedBy string         // DIRECTORY\user
	Doc        map[string]any // schema.Validate's form, without secrets; numbers are json.Number
}

const entityColumns = "e.id, e.type, e.created, e.modified, e.modified_by, e.doc"

func scanEntity(rows *sql.Rows) (*Entity, error) {
	var (
		e                 Entity
		created, modified int64
		doc               []byte
	)
	if err := rows.Scan(&e.ID, &e.Type, &created, &modified, &e.ModifiedBy, &doc); err != nil {
		return nil, err
	}
	e.Created, e.Modified = time.UnixMilli(created).UTC(), time.UnixMilli(modified).UTC()
	dec := fastjson.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	if err := dec.Decode(&e.Doc); err != nil {
		return nil, fmt.Errorf("document of %s %s: %w", e.Type, e.ID, err)
	}
	return &e, nil
}

// row is what the tables keep of an entity beside its base fields.
type row struct {
	name   sql.NullString
	doc    string
	folded string
}

func (s *Store) row(t *schema.Type, e *Entity) (row, error) {
	var r row
	if f := t.Field("name"); f != nil && f.Kind == schema.Text && !f.List {
		if name, ok := e.Doc[f.Name].(string); ok {
			r.name = sql.NullString{String: filter.Fold(name), Valid: true}
		}
	}
	folded := s.fold(t, e.Doc)
	folded[schema.ModifiedByUserName] = filter.Fold(e.ModifiedBy)
	folded[schema.SchemaPath] = filter.Fold(t.SchemaPath)
	doc, err := json.Marshal(e.Doc)
	if err != nil {
		return row{}, fmt.Errorf("document of %s %s: %w", e.Type, e.ID, err)
	}
	search, err := json.Marshal(folded)
	if err != nil {
		return row{}, fmt.Errorf("document of %s %s: %w", e.Type, e.ID, err)
	}
	r.doc, r.folded = string(doc), string(search)
	return r, nil
}

// fold returns doc with its texts folded.
func (s *Store) fold(t *schema.Type, doc map[string]any) map[string]any {
	out := make(map[string]any, len(doc)+2)
	for name, v := range doc {
		if f := t.Field(name); f != nil {
			v = s.foldValue(f, v)
		}
		out[name] = v
	}
	return out
}

func (s *Store) foldValue(f *schema.Field, v any) any {
	switch x := v.(type) {
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			out[i] = s.foldValue(f, item)
		}
		return out
	case map[string]any:
		if f.Kind == schema.Embedded {
			return s.fold(s.cfg.Schema.Type(f.Of), x)
		}
	case string:
		if f.Kind == schema.Text {
			return filter.Fold(x)
		}
	}
	return v
}
