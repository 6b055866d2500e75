package filter

import (
	"strings"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// A Predicate is a filter whose names are resolved against an entity type. It
// does not change, and a nil one is true for everything.
type Predicate struct {
	and, or []*Predicate
	not     *Predicate
	always  *bool // or else a comparison:

	path  []step
	op    Op
	value literal
	among []string // instead of op and value, if it is not nil
	// behind is instead of them what an entity at the end of path fits.
	behind *Predicate
}

// A step leads from a document to what one of its fields holds.
type step struct {
	field *schema.Field
	base  bool     // a base field of an entity
	types []string // of a reference: the types that it may refer to
	// custom is the folded name of a custom property: of the items of
	// customProperties, which field is, only those with that definition count.
	custom string
}

// Resolve resolves the names of a filter against type t of schema s: unknown
// properties, values that do not fit and operators that a property does not
// have are errors, each an *Error.
func Resolve(n Node, s *schema.Schema, t *schema.Type) (*Predicate, error) {
	r := resolver{schema: s, base: schema.BaseFields()}
	return r.node(n, t)
}

type resolver struct {
	schema *schema.Schema
	base   []schema.Field
}

func (r *resolver) node(n Node, t *schema.Type) (*Predicate, error) {
	switch n := n.(type) {
	case *And:
		kids, err := r.nodes(n.Nodes, t)
		if err != nil {
			return nil, err
		}
		return &Predicate{and: kids}, nil
	case *Or:
		kids, err := r.nodes(n.Nodes, t)
		if err != nil {
			return nil, err
		}
		return &Predicate{or: kids}, nil
	case *Not:
		kid, err := r.node(n.Node, t)
		return &Predicate{not: kid}, err
	case Constant:
		b := bool(n)
		return &Predicate{always: &b}, nil
	case *Among:
		return r.among(n, t)
	case *Behind:
		return r.behind(n, t)
	case *Comparison:
		return r.comparison(n, t)
	}
	return nil, nil
}

func (r *resolver) nodes(nodes []Node, t *schema.Type) ([]*Predicate, error) {
	out := make([]*Predicate, len(nodes))
	for i, n := range nodes {
		var err error
		if out[i], err = r.node(n, t); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *resolver) comparison(n *Comparison, t *schema.Type) (*Predicate, error) {
	path, err := r.path(n.Path, t, n.Pos)
	if err != nil {
		return nil, err
	}
	p := &Predicate{path: path, op: n.Op}
	if p.value, err = literalFor(n, path[len(path)-1].field); err != nil {
		return nil, err
	}
	return p, nil
}

// path resolves names from type t on.
func (r *resolver) path(names []string, t *schema.Type, pos int) ([]step, error) {
	var path []step
	for i, name := range names {
		if t == nil {
			return nil, fail(pos, "%q has no properties", strings.Join(names[:i], "."))
		}
		st, ok := r.step(name, t)
		if !ok {
			return nil, fail(pos, "%s has no property %q", t.SchemaPath, name)
		}
		path = append(path, st)
		t = r.schema.Type(st.field.Of)
		if st.custom != "" {
			path = append(path, step{field: t.Field("value")})
			t = nil
		}
	}
	return path, nil
}

func (r *resolver) step(name string, t *schema.Type) (step, bool) {
	if custom, ok := strings.CutPrefix(name, "@"); ok {
		f := r.schema.FieldOf(t, "customProperties")
		return step{field: f, custom: Fold(custom)}, f != nil
	}
	for i := range r.base {
		f := &r.base[i]
		if strings.EqualFold(f.Name, name) && (!t.Embedded || f.Name == schema.ID) {
			return step{field: f, base: !t.Embedded}, true
		}
	}
	f := r.schema.FieldOf(t, name)
	if f == nil {
		return step{}, false
	}
	st := step{field: f}
	if f.Kind == schema.Reference {
		st.types = r.schema.Concrete(r.schema.Type(f.Of))
	}
	return st, true
}
