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
	var names names
	Walk(n, func(n Node) bool {
		if f, ok := n.(*Field); ok {
			names.add(f.Name)
		}
		return true
	})
	return names.list
}

// SetFields returns the names that the set expressions of n refer to.
func SetFields(n Node) []string {
	var names names
	for _, s := range Sets(n) {
		names.addSet(s)
	}
	return names.list
}

// Sets returns the set expressions of calls and scopes in n.
func Sets(n Node) []*SetExpr {
	var sets []*SetExpr
	Walk(n, func(n Node) bool {
		switch n := n.(type) {
		case *Call:
			if n.Set != nil {
				sets = append(sets, n.Set)
			}
		case *Scope:
			sets = append(sets, n.Set)
		}
		return true
	})
	return sets
}

// names is a list without repetitions.
type names struct {
	list []string
	seen map[string]bool
}

func (s *names) add(name string) {
	if name == "" || s.seen[name] {
		return
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[name] = true
	s.list = append(s.list, name)
}

func (s *names) addSet(e *SetExpr) {
	if e == nil {
		return
	}
	s.addSet(e.L)
	s.addSet(e.R)
	for _, m := range e.Mods {
		s.add(m.Field)
		s.addElems(m.Elems)
	}
}

func (s *names) addElems(e *Elems) {
	if e == nil {
		return
	}
	s.addElems(e.L)
	s.addElems(e.R)
	s.add(e.Field)
	s.addSet(e.Set)
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
