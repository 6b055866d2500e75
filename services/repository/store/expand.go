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
	x := expansion{reader: r, known: map[string]*condensed{}}
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
	known   map[string]*condensed
	pending []map[string]any // references that are not filled yet
}

// condensed is the condensed form of an entity that is referred to.
type condensed struct {
	t    *schema.Type
	form map[string]any
	flat bool // it has neither objects nor lists
}

func (s *Store) condensed(e *Entity) *condensed {
	c := &condensed{t: s.cfg.Schema.Type(e.Type), form: s.Condense(e), flat: true}
	for _, v := range c.form {
		switch v.(type) {
		case map[string]any, []any:
			c.flat = false
		}
	}
	return c
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
	for id, e := range found {
		x.known[id] = x.store.condensed(e)
	}
	return err
}

// fill fills the pending references; those in what they are filled with are
// pending then.
func (x *expansion) fill() {
	refs := x.pending
	x.pending = nil
	for _, ref := range refs {
		id, _ := ref[schema.ID].(string)
		c := x.known[id]
		if c == nil {
			continue
		}
		if c.flat {
			maps.Copy(ref, c.form)
			continue
		}
		for name, v := range c.form {
			ref[name] = clone(v) // each reference is filled by itself
		}
		x.collect(c.t, ref)
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
