package rules

import "strings"

// A callNode asks a function of what a path leads to.
type callNode struct {
	path *pathNode
	from *callExpr
}

func (n *callNode) eval(a *Access, resource Entity) verdict {
	if n.from.function == fnEmpty {
		return verdictOf(n.isEmpty(a, resource))
	}
	v := no
	for _, e := range n.path.entities(a, resource) {
		switch n.from.function {
		case fnIsAnonymous:
			v = v.or(verdictOf(a.isAnonymous(e)))
		case fnIsOwned:
			owners, err := e.Related("owner")
			a.fail(err)
			v = v.or(verdictOf(len(owners) > 0))
		case fnHasPrivilege:
			v = v.or(a.privilege(e, n.from.action))
		}
		if v == yes {
			break
		}
	}
	return v
}

// isEmpty holds if there is no value but empty texts and no relation.
func (n *callNode) isEmpty(a *Access, resource Entity) bool {
	for _, v := range n.path.values(a, resource) {
		if v.text != "" || v.kind == refValue {
			return false
		}
	}
	return true
}

// isAnonymous: the proxy gives visitors the directory NONE and an id of that
// form.
func (a *Access) isAnonymous(e Entity) bool {
	directory, err := e.Attr("userdirectory")
	a.fail(err)
	id, err := e.Attr("userid")
	a.fail(err)
	return len(directory) > 0 && strings.EqualFold(directory[0].text, "NONE") &&
		len(id) > 0 && strings.HasPrefix(strings.ToLower(id[0].text), "anonymous")
}

func (n *callNode) facts() facts {
	f := n.path.facts()
	f.cost += costRelation * min(1, len(n.path.steps))
	switch n.from.function {
	case fnHasPrivilege:
		f.asks, f.userOnly = true, false
		f.cost += costPrivilege
	case fnIsOwned:
		f.userOnly = false
	case fnIsAnonymous:
		f.userOnly = n.path.root == rootUser && len(n.path.steps) == 0
	}
	return f
}

func (n *callNode) source() expr { return n.from }
