package rules

import (
	"slices"
	"strings"
)

// A node is a compiled expr. eval is a function of the request, the resource
// and the data behind them; an error of the data goes to Access.fail.
type node interface {
	eval(a *Access, resource Entity) verdict
	facts() facts
	source() expr
}

// facts are what is known of a node before it is evaluated.
type facts struct {
	cost     int
	asks     bool // for privileges: the verdict depends on the questions around it
	userOnly bool // the same for all resources of an Access
}

func (f facts) with(g facts) facts {
	return facts{f.cost + g.cost, f.asks || g.asks, f.userOnly && g.userOnly}
}

// Costs are relative: one comparison with an attribute at hand is 1.
const (
	costAttribute = 1
	costRelation  = 8 // may be a look-up in the database
	costPattern   = 3
	costPrivilege = 40
)

// A compiler turns conditions into nodes, and collects what they read.
type compiler struct {
	slots       int // of verdicts that are kept per Access
	userNames   map[string]bool
	environment map[string]bool
	steps       map[string]bool // of all paths
}

func (c *compiler) compile(e expr) node {
	n := c.compileBare(e)
	if f := n.facts(); f.userOnly && f.cost > 0 {
		c.slots++
		return &keptNode{node: n, slot: c.slots - 1}
	}
	return n
}

func (c *compiler) compileBare(e expr) node {
	switch e := e.(type) {
	case *boolExpr:
		return &constantNode{value: verdictOf(e.value), from: e}
	case *notExpr:
		return &notNode{kid: c.compileBare(e.kid), from: e}
	case *andExpr:
		return &listNode{kids: c.compileAll(e.kids), stop: no, from: e}
	case *orExpr:
		return &listNode{kids: c.compileAll(e.kids), stop: yes, from: e}
	case *compareExpr:
		return c.compileCompare(e)
	case *callExpr:
		return &callNode{path: c.compilePath(e.path), from: e}
	}
	panic("rules: BUG: an expression of no kind")
}

// compileAll puts cheap conditions first: the order does not change verdicts.
func (c *compiler) compileAll(kids []expr) []node {
	nodes := make([]node, len(kids))
	for i, kid := range kids {
		nodes[i] = c.compile(kid)
	}
	slices.SortStableFunc(nodes, func(a, b node) int { return a.facts().cost - b.facts().cost })
	return nodes
}

type constantNode struct {
	value verdict
	from  *boolExpr
}

func (n *constantNode) eval(*Access, Entity) verdict { return n.value }
func (n *constantNode) facts() facts                 { return facts{userOnly: true} }
func (n *constantNode) source() expr                 { return n.from }

type notNode struct {
	kid  node
	from *notExpr
}

func (n *notNode) eval(a *Access, resource Entity) verdict { return n.kid.eval(a, resource).not() }
func (n *notNode) facts() facts                            { return n.kid.facts() }
func (n *notNode) source() expr                            { return n.from }

// A listNode is a conjunction or a disjunction: the verdict stop ends it.
type listNode struct {
	kids []node
	stop verdict
	from expr
}

func (n *listNode) eval(a *Access, resource Entity) verdict {
	v := n.stop.not()
	for _, kid := range n.kids {
		if n.stop == no {
			v = v.and(kid.eval(a, resource))
		} else {
			v = v.or(kid.eval(a, resource))
		}
		if v == n.stop {
			break
		}
	}
	return v
}

func (n *listNode) facts() facts {
	f := facts{userOnly: true}
	for _, kid := range n.kids {
		f = f.with(kid.facts())
	}
	return f
}

func (n *listNode) source() expr { return n.from }

// A keptNode depends on the user alone; its verdict is kept per Access.
type keptNode struct {
	node
	slot int
}

func (n *keptNode) eval(a *Access, resource Entity) verdict {
	kept := &a.kept[n.slot]
	if kept.known {
		a.dependAll(kept.deps)
		return kept.verdict
	}
	a.stack = append(a.stack, frame{}) // for its dependencies; it asks nothing
	v := n.node.eval(a, resource)
	deps := a.stack[len(a.stack)-1].deps
	a.stack = a.stack[:len(a.stack)-1]
	*kept = keptVerdict{verdict: v, known: a.err == nil, deps: deps}
	a.dependAll(deps)
	return v
}

type keptVerdict struct {
	verdict verdict
	known   bool
	deps    []dependency // of who refers to the user
}

// A pathNode is a path with names in lower case.
type pathNode struct {
	root        string
	environment bool // the one step names an attribute of Request.Environment
	steps       []string
}

func (c *compiler) compilePath(p path) *pathNode {
	n := &pathNode{root: p.root}
	for _, step := range p.steps {
		n.steps = append(n.steps, strings.ToLower(step))
		note(&c.steps, strings.ToLower(step))
	}
	if n.root != rootUser {
		return n
	}
	if len(n.steps) == 2 && n.steps[0] == "environment" {
		n.environment, n.steps = true, n.steps[1:]
		note(&c.environment, n.steps[0])
	} else if len(n.steps) > 0 {
		note(&c.userNames, n.steps[0])
	}
	return n
}

func note(names *map[string]bool, name string) {
	if *names == nil {
		*names = map[string]bool{}
	}
	(*names)[name] = true
}

func (n *pathNode) facts() facts {
	return facts{
		cost:     costAttribute + costRelation*max(0, len(n.steps)-1),
		userOnly: n.root == rootUser && len(n.steps) <= 1,
	}
}
