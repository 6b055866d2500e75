package expr

// Walk calls f for n and, where f returns true, for the nodes below it, in
// source order. Expressions inside set expressions are text until they are
// evaluated, so they are not visited.
func Walk(n Node, f func(Node) bool) {
	if n == nil || !f(n) {
		return
	}
	switch n := n.(type) {
	case *Unary:
		Walk(n.X, f)
	case *Binary:
		Walk(n.L, f)
		Walk(n.R, f)
	case *Call:
		for _, a := range n.Args {
			Walk(a, f)
		}
	case *Scope:
		Walk(n.X, f)
	}
}

// Fields returns the names that n refers to outside of set expressions, each
// once, in order of appearance. TOTAL <...> fields are not among them.
func Fields(n Node) []string {
	var list []string
	seen := map[string]bool{}
	Walk(n, func(n Node) bool {
		if f, ok := n.(*Field); ok && f.Name != "" && !seen[f.Name] {
			seen[f.Name] = true
			list = append(list, f.Name)
		}
		return true
	})
	return list
}

// Replace returns n with every node that f maps to another one replaced; f is
// asked from the outside in and returns nil to keep a node. Nodes that do not
// change are shared with n.
func Replace(n Node, f func(Node) Node) Node {
	if r := f(n); r != nil {
		return r
	}
	switch n := n.(type) {
	case *Unary:
		c := *n
		c.X = Replace(n.X, f)
		return &c
	case *Binary:
		c := *n
		c.L, c.R = Replace(n.L, f), Replace(n.R, f)
		return &c
	case *Call:
		c := *n
		c.Args = make([]Node, len(n.Args))
		for i, a := range n.Args {
			c.Args[i] = Replace(a, f)
		}
		return &c
	case *Scope:
		c := *n
		c.X = Replace(n.X, f)
		return &c
	}
	return n
}
