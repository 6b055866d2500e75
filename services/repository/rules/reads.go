package rules

import (
	"maps"
	"slices"
	"strings"
)

// Roles returns the roles that enabled rules compare user.roles with, sorted:
// the known roles of a site.
func (s *RuleSet) Roles() []string {
	found := map[string]bool{}
	s.eachPart(func(_ *rule, e expr) {
		c, ok := e.(*compareExpr)
		if !ok || c.op != opEqual && c.op != opSame {
			return
		}
		for _, pair := range [][2]operand{{c.left, c.right}, {c.right, c.left}} {
			if strings.EqualFold(pair[0].path.String(), "user.roles") {
				for _, l := range pair[1].literals {
					found[l.text] = true
				}
			}
		}
	})
	return slices.Sorted(maps.Keys(found))
}

// Reads returns the paths that enabled rules read of resources of a type, in
// lower case without their root, sorted: what to fetch together with them.
// Calls count with what they are asked of.
func (s *RuleSet) Reads(typeName string) []string {
	found := map[string]bool{}
	s.eachPart(func(r *rule, e expr) {
		if c := r.filter.cover(typeName); c.empty() {
			return
		}
		for _, p := range pathsOf(e) {
			if p.root == rootResource && len(p.steps) > 0 {
				found[strings.ToLower(strings.Join(p.steps, "."))] = true
			}
		}
	})
	return slices.Sorted(maps.Keys(found))
}

func pathsOf(e expr) []path {
	switch e := e.(type) {
	case *compareExpr:
		return []path{e.left.path, e.right.path}
	case *callExpr:
		if e.function == fnIsOwned {
			return []path{{e.path.root, append(slices.Clone(e.path.steps), "owner")}}
		}
		return []path{e.path}
	}
	return nil
}

// eachPart calls f with all comparisons and calls of enabled rules.
func (s *RuleSet) eachPart(f func(*rule, expr)) {
	var visit func(*rule, node)
	visit = func(r *rule, n node) {
		switch n := n.(type) {
		case *keptNode:
			visit(r, n.node)
		case *notNode:
			visit(r, n.kid)
		case *listNode:
			for _, kid := range n.kids {
				visit(r, kid)
			}
		default:
			f(r, n.source())
		}
	}
	for _, r := range s.rules {
		if r.err == nil && !r.Disabled {
			visit(r, r.condition)
		}
	}
}
