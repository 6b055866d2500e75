package rules

import (
	"errors"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/filter"
)

// A Shape says what a database can search of the resources of a type.
type Shape interface {
	// Column says what an attribute is, by its name in lower case.
	Column(name string) Column
	// Targets returns all entities that a reference may lead to; ok is false
	// if they are too many to look at one by one.
	Targets(name string) (all []Entity, ok bool, err error)
	// Behind returns the type of what a reference leads to, and its shape; nil
	// if that is not one type.
	Behind(name string) (typeName string, shape Shape)
}

// A Column is what a database can do with an attribute.
type Column int

const (
	Unsearchable Column = iota
	TextColumn          // one, or a list
	FlagColumn
	LinkColumn // a reference to one entity
	LinkList   // a list of them
)

const (
	boundMax = 20_000 // entities behind references that are looked at for one bound
	partsMax = 20_000 // parts of conditions that are bounded for one
	hopsMax  = 4      // references that a bound follows, one behind another
)

// Bound returns a filter that all resources of a type fit on which the user may
// do an action: what a list has to look at. It may be wider than the truth, and
// never decides.
//
// A condition is bounded from above, and below a negation from below: what a
// database cannot tell is true there, and false here. Conditions that do not
// read the resource are evaluated; those that read what a reference leads to
// are evaluated on every entity that it may lead to, or if these are too many
// bounded themselves.
func (a *Access) Bound(typeName string, action Action, shape Shape) (filter.Node, error) {
	r := &bounding{a: a, left: boundMax, parts: partsMax, known: map[question]filter.Node{}}
	bound := (&bounder{bounding: r, shape: shape, typeName: typeName}).action(action)
	return bound, r.err
}

// A bounder bounds conditions on the resources of one type.
type bounder struct {
	*bounding
	shape    Shape
	typeName string
	hops     int // references from the type that is listed
}

// A bounding is what all bounders of one bound share.
type bounding struct {
	a     *Access
	left  int // entities that may still be looked at
	parts int // of conditions that may still be bounded
	err   error
	// known are the bounds of what was asked for; nil while they are made, so
	// that none is within itself.
	known map[question]filter.Node
}

// A question is for the resources of a type on which an action is granted.
type question struct {
	typeName string
	action   Action
}

func (b *bounding) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// action bounds the resources on which any rule grants an action. One that
// depends on itself may be any.
func (b *bounder) action(action Action) filter.Node {
	q := question{b.typeName, action}
	if known, asked := b.known[q]; known != nil {
		return known
	} else if asked {
		return filter.Constant(true)
	}
	b.known[q] = nil
	b.known[q] = b.granted(action)
	return b.known[q]
}

func (b *bounder) granted(action Action) filter.Node {
	rules := b.a.set.index[Security].of(b.typeName)
	var granted []filter.Node
	for _, list := range [][]*rule{*rules.free.list.Load(), *rules.asking.list.Load()} {
		for _, r := range list {
			if r.Actions&action == 0 || !r.alive(b.a.request.Context) {
				continue
			}
			bound := b.node(r.condition, true)
			if c := rules.covers[r]; !c.whole {
				bound = both(bound, among("id", c.ids))
			}
			if bound == filter.Constant(true) {
				return bound
			}
			granted = append(granted, bound)
		}
	}
	return either(granted...)
}

// node bounds a condition: from above, or from below.
func (b *bounder) node(n node, above bool) filter.Node {
	if b.parts--; b.parts < 0 {
		return filter.Constant(above)
	}
	switch n := n.(type) {
	case *keptNode:
		return b.constant(n, above)
	case *constantNode:
		return b.constant(n, above)
	case *notNode:
		return not(b.node(n.kid, !above))
	case *listNode:
		return b.list(n, above)
	case *callNode:
		return b.call(n, above)
	case *compareNode:
		return b.compare(n, above)
	}
	return filter.Constant(above)
}

// list bounds a conjunction or disjunction. Cheap parts come first, and may
// spare the others.
func (b *bounder) list(n *listNode, above bool) filter.Node {
	join, end := both, filter.Constant(false)
	if n.stop == yes {
		join, end = either, filter.Constant(true)
	}
	all := []filter.Node{}
	for _, kid := range n.kids {
		bound := b.node(kid, above)
		if bound == end {
			return end
		}
		all = append(all, bound)
	}
	return join(all...)
}

// constant evaluates what does not read the resource. What asks for privileges
// is not told from below: beside other questions it may be open.
func (b *bounder) constant(n node, above bool) filter.Node {
	if n.facts().asks && !above {
		return filter.Constant(false)
	}
	holds, ok := b.eval(n, Section(""))
	return filter.Constant(holds || !ok && above)
}

// eval evaluates a condition on an entity; ok is false if it cannot.
func (b *bounder) eval(n node, e Entity) (holds, ok bool) {
	b.a.stack, b.a.steps, b.a.err = b.a.stack[:0], 0, nil
	v := n.eval(b.a, e)
	err := b.a.err
	b.a.err = nil
	if err != nil && !errors.Is(err, ErrTooComplex) {
		b.fail(err)
	}
	return v == yes, err == nil
}

func (b *bounder) call(n *callNode, above bool) filter.Node {
	unknown := filter.Constant(above)
	if n.path.root != rootResource {
		return b.constant(n, above)
	}
	steps := n.path.steps
	switch n.from.function {
	case fnEmpty:
		switch {
		case len(steps) == 1 && b.shape.Column(steps[0]) == LinkColumn:
			return not(linked(steps[0]))
		case len(steps) == 1 && b.shape.Column(steps[0]) == LinkList:
			return not(behind(steps[0], filter.Constant(true)))
		case len(steps) > 1: // empty unless it is not behind any reference
			full := &notNode{kid: &callNode{path: n.path.behind(), from: n.from}}
			return not(b.behind(steps[0], full, !above))
		}
	case fnHasPrivilege:
		switch {
		case !above:
		case len(steps) == 0:
			return b.action(n.from.action)
		case len(steps) > 0:
			return b.behind(steps[0], &callNode{path: n.path.behind(), from: n.from}, above)
		}
	case fnIsOwned:
		switch {
		case len(steps) == 0 && b.shape.Column("owner") == LinkColumn:
			return linked("owner")
		case len(steps) > 0:
			return b.behind(steps[0], &callNode{path: n.path.behind(), from: n.from}, above)
		}
	}
	return unknown
}

// behind returns the path that is left after its first step.
func (n *pathNode) behind() *pathNode { return &pathNode{root: n.root, steps: n.steps[1:]} }

// behind bounds the resources of which a reference leads to an entity on which
// a condition holds.
func (b *bounder) behind(name string, n node, above bool) filter.Node {
	unknown := filter.Constant(above)
	if c := b.shape.Column(name); c != LinkColumn && c != LinkList {
		return unknown
	}
	all, ok, err := b.shape.Targets(name)
	if err != nil {
		b.fail(err)
		return unknown
	}
	if !ok || len(all) > b.left {
		return b.nested(name, n, above)
	}
	b.left -= len(all)
	var ids []string
	for _, e := range all {
		if holds, ok := b.eval(n, e); holds || !ok && above {
			ids = append(ids, e.ID())
		}
	}
	return among(name, ids)
}

// nested is behind for entities that are too many to look at: a bound of them.
func (b *bounder) nested(name string, n node, above bool) filter.Node {
	typeName, shape := b.shape.Behind(name)
	if shape == nil || b.hops == hopsMax {
		return filter.Constant(above)
	}
	there := &bounder{bounding: b.bounding, shape: shape, typeName: typeName, hops: b.hops + 1}
	return behind(name, there.node(n, above))
}

func (b *bounder) compare(n *compareNode, above bool) filter.Node {
	left, right := n.left, n.right
	switch {
	case !left.readsResource() && !right.readsResource():
		return b.constant(n, above)
	case left.readsResource() && right.readsResource():
		return filter.Constant(above)
	case n.negated:
		positive := *n
		positive.negated = false
		return not(b.compare(&positive, !above))
	}
	of := left
	if right.readsResource() {
		of = right
	}
	if len(of.path.steps) > 1 {
		shorter := *n
		for _, s := range []*side{&shorter.left, &shorter.right} {
			if s.readsResource() {
				s.path = s.path.behind()
			}
		}
		return b.behind(of.path.steps[0], &shorter, above)
	}
	if n.op != opEqual && n.op != opNotEqual && (!above || n.op != opSame && n.op != opNotSame) {
		return filter.Constant(above)
	}
	with := right
	if right.readsResource() {
		with = left
	}
	return b.equals(of.path, with, above)
}

func (s side) readsResource() bool { return s.path != nil && s.path.root == rootResource }

// equals bounds the resources of which an attribute equals any of some values.
func (b *bounder) equals(p *pathNode, with side, above bool) filter.Node {
	b.a.err = nil
	values := with.get(b.a, Section(""))
	if b.a.err != nil {
		b.fail(b.a.err)
		return filter.Constant(above)
	}
	name := "id"
	if len(p.steps) > 0 {
		name = p.steps[0]
	}
	texts, exact := []string{}, true
	for _, v := range values {
		text, ok := filter.Alike(v.text)
		exact = exact && filter.Exact(text)
		// Numbers and dates equal texts that look otherwise.
		if !ok || v.kind == numberValue || v.kind == dateValue {
			return filter.Constant(above)
		}
		texts = append(texts, text)
	}
	if name == "resourcetype" {
		return filter.Constant(equalsAny(texts, b.typeName))
	}
	if name == "id" {
		return among(name, texts)
	}
	switch b.shape.Column(name) {
	case LinkColumn, LinkList:
		return among(name, texts)
	case TextColumn:
		if exact || above {
			return among(name, texts)
		}
	case FlagColumn:
		return either(flag(name, equalsAny(texts, "true"), true), flag(name, equalsAny(texts, "false"), false))
	}
	return filter.Constant(above)
}

func equalsAny(texts []string, s string) bool {
	for _, t := range texts {
		if strings.EqualFold(t, s) {
			return true
		}
	}
	return false
}

func flag(name string, wanted, value bool) filter.Node {
	if !wanted {
		return filter.Constant(false)
	}
	return filter.Equal(name, filter.Constant(value).String())
}

// linked is true for what refers to something.
func linked(name string) filter.Node {
	return &filter.Comparison{Path: []string{name}, Op: filter.Ne, Value: filter.Value{Text: "null"}}
}

func among(name string, texts []string) filter.Node {
	if len(texts) == 0 {
		return filter.Constant(false)
	}
	return &filter.Among{Path: name, Texts: texts}
}

// behind is true for what refers to an entity that fits.
func behind(name string, fits filter.Node) filter.Node {
	if fits == filter.Constant(false) {
		return fits
	}
	if a, ok := fits.(*filter.Among); ok && a.Path == "id" {
		return among(name, a.Texts)
	}
	return &filter.Behind{Path: name, Node: fits}
}

func not(n filter.Node) filter.Node {
	switch n := n.(type) {
	case filter.Constant:
		return !n
	case *filter.Not:
		return n.Node
	}
	return &filter.Not{Node: n}
}

// both is true if all of nodes are. What refers to some entities is linked, too.
func both(nodes ...filter.Node) filter.Node {
	var kept []filter.Node
	for _, n := range nodes {
		if n == filter.Constant(false) {
			return n
		}
		if n != filter.Constant(true) {
			kept = append(kept, n)
		}
	}
	if len(kept) == 0 {
		return filter.Constant(true)
	}
	kept = slices.DeleteFunc(kept, func(n filter.Node) bool {
		c, ok := n.(*filter.Comparison)
		return ok && c.Op == filter.Ne && slices.ContainsFunc(kept, func(other filter.Node) bool {
			switch other := other.(type) {
			case *filter.Among:
				return other.Path == c.Path[0]
			case *filter.Behind:
				return other.Path == c.Path[0]
			}
			return false
		})
	})
	return filter.All(kept...)
}

// either is true if any of nodes is. What is among some texts or others is
// among all of them; what is among them and more than that adds nothing.
func either(nodes ...filter.Node) filter.Node {
	var kept []filter.Node
	byPath := map[string]*filter.Among{}
	for _, n := range mergeBehind(nodes) {
		if n == filter.Constant(true) {
			return n
		}
		a, ok := n.(*filter.Among)
		if !ok {
			if n != filter.Constant(false) {
				kept = append(kept, n)
			}
			continue
		}
		if known := byPath[a.Path]; known != nil {
			known.Texts = append(known.Texts, a.Texts...)
			continue
		}
		a = &filter.Among{Path: a.Path, Texts: slices.Clone(a.Texts)}
		byPath[a.Path] = a
		kept = append(kept, a)
	}
	if len(kept) == 0 {
		return filter.Constant(false)
	}
	kept = slices.DeleteFunc(kept, func(n filter.Node) bool {
		all, ok := n.(*filter.And)
		return ok && slices.ContainsFunc(all.Nodes, func(part filter.Node) bool {
			a, ok := part.(*filter.Among)
			return ok && byPath[a.Path] != nil && isSubset(a.Texts, byPath[a.Path].Texts)
		})
	})
	return filter.Any(kept...)
}

// mergeBehind makes what refers to one thing or to another, by one name, what
// refers to either.
func mergeBehind(nodes []filter.Node) (merged []filter.Node) {
	at := map[string]int{}
	for _, n := range nodes {
		b, ok := n.(*filter.Behind)
		if !ok {
			merged = append(merged, n)
			continue
		}
		if i, known := at[b.Path]; known {
			merged[i] = &filter.Behind{Path: b.Path, Node: either(merged[i].(*filter.Behind).Node, b.Node)}
			continue
		}
		at[b.Path] = len(merged)
		merged = append(merged, b)
	}
	return merged
}

func isSubset(some, of []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(of, s) })
}
