package store

import (
	"context"
	"fmt"
	"maps"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// expandDepth bounds condensed forms inside condensed forms: an event's task's
// last result's details.
const expandDepth = 5

// Expand replaces the references in the documents by the condensed forms of
// what they refer to, and theirs. It takes one query for each depth, however
// many entities there are. Documents that are expanded may be sent back to
// Update.
func (r reader) Expand(ctx context.Context, entities ...*Entity) error {
	x := expansion{reader: r, known: map[string]*Entity{}}
	for _, e := range entities {
		x.collect(r.store.cfg.Schema.Type(e.Type), e.Doc)
	}
	for depth := 0; depth < expandDepth && len(x.pending) > 0; depth++ {
		if err := x.fetch(ctx); err != nil {
			return fmt.Errorf("expand references: %w", err)
		}
		x.fill()
	}
	return nil
}

// expansion is one run of Expand.
type expansion struct {
	reader
	known   map[string]*Entity
	pending []map[string]any // references that are not filled yet
}

// collect adds the references of a document to those that are to be filled.
func (x *expansion) collect(t *schema.Type, doc map[string]any) {
	walk(x.store.cfg.Schema, t, doc, place{}, func(_ place, f *schema.Field, holder map[string]any) {
		if f.Kind == schema.Reference {
			x.pending = append(x.pending, objects(f, holder)...)
		}
	})
}

// fetch reads the targets of pending references that are not known.
func (x *expansion) fetch(ctx context.Context) error {
	var ids []string
	seen := map[string]bool{}
	for _, ref := range x.pending {
		id, _ := ref[schema.ID].(string)
		if x.known[id] == nil && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := x.byIDs(ctx, ids)
	maps.Copy(x.known, found)
	return err
}

// fill fills the pending references; those in what they are filled with are
// pending then.
func (x *expansion) fill() {
	refs := x.pending
	x.pending = nil
	for _, ref := range refs {
		id, _ := ref[schema.ID].(string)
		e := x.known[id]
		if e == nil {
			continue
		}
		for name, v := range x.store.Condense(e) {
			ref[name] = clone(v) // each reference is filled by itself
		}
		x.collect(x.store.cfg.Schema.Type(e.Type), ref)
	}
}

// clone copies the objects and lists of a value.
func clone(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for name, value := range x {
			out[name] = clone(value)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, value := range x {
			out[i] = clone(value)
		}
		return out
	}
	return v
}
