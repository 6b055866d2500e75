package filter

import "github.com/cognate-bi/cognate/services/repository/schema"

// A Behind is true if any entity that a reference leads to, or a list of them,
// fits Node. Path is the name of the field.
type Behind struct {
	Path string
	Node Node
}

func (n *Behind) String() string { return n.Path + " behind (" + n.Node.String() + ")" }

func (*Behind) isNode() {}

func (r *resolver) behind(n *Behind, t *schema.Type) (*Predicate, error) {
	st, ok := r.step(n.Path, t)
	if !ok || st.field.Kind != schema.Reference || st.custom != "" {
		return nil, fail(0, "%s has no reference %q", t.SchemaPath, n.Path)
	}
	kid, err := r.node(n.Node, r.schema.Type(st.field.Of))
	if err != nil {
		return nil, err
	}
	return &Predicate{path: []step{st}, behind: kid}, nil
}

// isBehind is what links writes of a Behind, for Matches.
func (p *Predicate) isBehind(doc map[string]any, lookup Lookup) bool {
	for _, v := range values(doc, p.path, lookup) {
		id, _ := v.(string)
		if target := lookup(id); id != "" && target != nil && p.behind.Matches(target, lookup) {
			return true
		}
	}
	return false
}
