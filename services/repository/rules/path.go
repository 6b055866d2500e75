package rules

// start returns where a path begins; nil if there is none.
func (n *pathNode) start(a *Access, resource Entity) Entity {
	switch n.root {
	case rootUser:
		return a.request.User
	case rootNode:
		return a.request.Node
	}
	return resource
}

// walk follows steps as relations. What is reached becomes a dependency.
func (a *Access) walk(from Entity, steps []string) []Entity {
	if from == nil {
		return nil
	}
	at := []Entity{from}
	for _, step := range steps {
		var next []Entity
		for _, e := range at {
			next = append(next, a.related(e, step)...)
		}
		for _, e := range next {
			a.depend(dependency{key: keyOf(Security, e)})
		}
		at = next
	}
	return at
}

// related follows one step. Who is behind a back reference becomes a dependency,
// even at the end of a path, as does whoever may come to be.
func (a *Access) related(from Entity, name string) []Entity {
	behind, err := from.Related(name)
	a.fail(err)
	if from.Back(name) {
		a.depend(dependency{key: backKey(from.ID(), name)})
		for _, e := range behind {
			a.depend(dependency{key: keyOf(Security, e)})
		}
	}
	return behind
}

// entities returns what the whole path leads to.
func (n *pathNode) entities(a *Access, resource Entity) []Entity {
	if n.environment {
		return nil
	}
	return a.walk(n.start(a, resource), n.steps)
}

// values returns what a comparison sees: the values of the attribute at the
// end, or references to the entities there.
func (n *pathNode) values(a *Access, resource Entity) []Value {
	if n.environment {
		return a.request.Environment[n.steps[0]]
	}
	start := n.start(a, resource)
	if start == nil {
		return nil
	}
	if len(n.steps) == 0 {
		return []Value{reference(start)}
	}
	last := len(n.steps) - 1
	if last == 0 { // most paths: no slice of entities
		return a.attribute(start, n.steps[0], n.root == rootUser)
	}
	var values []Value
	for _, e := range a.walk(start, n.steps[:last]) {
		values = append(values, a.attribute(e, n.steps[last], false)...)
	}
	return values
}

func (a *Access) attribute(e Entity, name string, ofUser bool) []Value {
	switch name {
	case "resourcetype":
		return Texts(e.Type())
	case "id":
		if e.ID() == "" {
			return nil
		}
		return Texts(e.ID())
	}
	values, err := e.Attr(name)
	a.fail(err)
	if ofUser && !reserved(name) && len(a.request.Session[name]) > 0 {
		return append(values[:len(values):len(values)], a.request.Session[name]...)
	}
	if len(values) > 0 {
		return values
	}
	for _, r := range a.related(e, name) {
		values = append(values, reference(r))
	}
	return values
}
