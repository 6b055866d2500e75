package repository

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// hiddenMax is how many comparisons of a filter may look at what is not shown:
// each is a list of its own.
const hiddenMax = 16

// A lens makes of a filter one that looks at no more than a caller may read.
//
// Who may read an entity is shown what it refers to condensed. Of that he may
// compare as much; of the rest he has the right only where he may read the
// entity that is referred to. Otherwise counting would tell it, a letter after
// the other.
type lens struct {
	ctx    context.Context
	d      *decider
	hidden int
}

// visible narrows the query of a caller to what he may look at.
func (d *decider) visible(ctx context.Context, t *schema.Type, q *store.Query) (err error) {
	if d.access == nil {
		return nil
	}
	for _, o := range q.OrderBy {
		_, of := d.r.hidden(t, o.Path)
		if of == nil {
			continue
		}
		all, err := d.readsAll(ctx, of)
		if err != nil {
			return err
		}
		if !all {
			return &filter.Error{Pos: o.Pos, Reason: fmt.Sprintf("%q cannot be an order: not all of it is for you to read", strings.Join(o.Path, "."))}
		}
	}
	q.Where, err = (&lens{ctx: ctx, d: d}).node(t, q.Where)
	return err
}

// readsAll reports whether the caller may read all entities of a type.
func (d *decider) readsAll(ctx context.Context, t *schema.Type) (bool, error) {
	_, _, keys, err := d.r.keys(ctx, d.caller, t, Query{})
	if err != nil {
		return false, err
	}
	n, err := d.r.store.Count(ctx, t.Name, store.Query{})
	return len(keys) == n, err
}

func (l *lens) node(t *schema.Type, n filter.Node) (filter.Node, error) {
	switch n := n.(type) {
	case *filter.And:
		kids, err := l.nodes(t, n.Nodes)
		return &filter.And{Nodes: kids}, err
	case *filter.Or:
		kids, err := l.nodes(t, n.Nodes)
		return &filter.Or{Nodes: kids}, err
	case *filter.Comparison:
		return l.comparison(t, n)
	}
	return n, nil
}

func (l *lens) nodes(t *schema.Type, nodes []filter.Node) ([]filter.Node, error) {
	out := make([]filter.Node, len(nodes))
	for i, n := range nodes {
		var err error
		if out[i], err = l.node(t, n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// comparison returns a comparison that looks at nothing hidden, or else the
// entities that are behind the reference in question, fit, and may be read.
func (l *lens) comparison(t *schema.Type, n *filter.Comparison) (filter.Node, error) {
	at, of := l.d.r.hidden(t, n.Path)
	if of == nil {
		return n, nil
	}
	if l.hidden++; l.hidden > hiddenMax {
		return nil, &filter.Error{Pos: n.Pos, Reason: fmt.Sprintf("more than %d comparisons with what lies behind references", hiddenMax)}
	}
	inner, err := l.node(of, &filter.Comparison{Path: n.Path[at+1:], Op: n.Op, Value: n.Value, Pos: n.Pos})
	if err != nil {
		return nil, err
	}
	_, _, keys, err := l.d.r.keys(l.ctx, l.d.caller, of, Query{where: inner})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	null := strings.EqualFold(n.Value.Text, "null") && !n.Value.Quoted
	fitsNull := n.Op == filter.Eq && null || n.Op == filter.Ne && !null
	var out filter.Node = &filter.Among{Path: n.Path[at], Texts: ids}
	for i := at; i >= 0; i-- {
		if i < at {
			out = &filter.Behind{Path: n.Path[i], Node: out}
		}
		if fitsNull {
			out = filter.Any(&filter.Comparison{Path: n.Path[i : i+1], Op: filter.Eq, Value: filter.Value{Text: "null"}, Pos: n.Pos}, out)
		}
	}
	return out, nil
}

// hidden returns the place of the first reference in a path behind which the
// path looks at what condensed forms do not show, and the type that it refers
// to; nil for none. What a path cannot be is for others to say.
func (r *Repository) hidden(t *schema.Type, path []string) (at int, of *schema.Type) {
	condensed := false
	for i, name := range path {
		if condensed && !r.shows(t, name) {
			return at, of
		}
		f := r.schema.FieldOf(t, name)
		if f == nil || r.schema.Type(f.Of) == nil {
			return 0, nil
		}
		t, condensed = r.schema.Type(f.Of), f.Kind == schema.Reference
		if condensed {
			at, of = i, t
		}
	}
	return 0, nil
}

// shows reports whether the condensed form of entities of a type has a field.
func (r *Repository) shows(t *schema.Type, name string) bool {
	if strings.EqualFold(name, schema.ID) {
		return true
	}
	for _, concrete := range r.schema.Concrete(t) {
		c := r.schema.Type(concrete)
		if f := c.Field(name); f != nil && !slices.Contains(c.Condensed, f.Name) {
			return false
		}
	}
	return r.schema.FieldOf(t, name) != nil
}
