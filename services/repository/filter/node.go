package filter

import "strings"

// A Node is a parsed filter: an *And, an *Or or a *Comparison, or one that only
// programs make: a *Not, an *Among, a *Behind or a Constant. Nil is the
// filter that everything fits.
type Node interface {
	// String writes the filter so that it parses to an equal one.
	String() string
	isNode()
}

// And is true if all of Nodes, at least one, are.
type And struct{ Nodes []Node }

// Or is true if any of Nodes, at least one, is.
type Or struct{ Nodes []Node }

// A Comparison compares what Path leads to with Value.
type Comparison struct {
	Path  []string // @name is a custom property
	Op    Op
	Value Value
	Pos   int // byte offset in the text
}

// A Value is a value as it was written.
type Value struct {
	Text   string
	Quoted bool // a quoted text is never null, and a number only if its field wants one
}

// Op is a comparison.
type Op int

const (
	Eq Op = iota // equal
	Ne           // not equal
	Gt           // greater
	Ge           // greater or equal
	Lt           // less
	Le           // less or equal
	Sw           // starts with
	Ew           // ends with
	So           // contains
)

var opNames = [...]string{"eq", "ne", "gt", "ge", "lt", "le", "sw", "ew", "so"}

func (op Op) String() string { return opNames[op] }

func parseOp(word string) (Op, bool) {
	for i, name := range opNames {
		if strings.EqualFold(word, name) {
			return Op(i), true
		}
	}
	return 0, false
}

func (*And) isNode()        {}
func (*Or) isNode()         {}
func (*Comparison) isNode() {}
func (*Not) isNode()        {}
func (*Among) isNode()      {}
func (Constant) isNode()    {}

func (n *And) String() string {
	parts := make([]string, len(n.Nodes))
	for i, kid := range n.Nodes {
		parts[i] = kid.String()
		if _, isOr := kid.(*Or); isOr {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, " and ")
}

func (n *Or) String() string {
	parts := make([]string, len(n.Nodes))
	for i, kid := range n.Nodes {
		parts[i] = kid.String()
	}
	return strings.Join(parts, " or ")
}

func (n *Comparison) String() string {
	return strings.Join(n.Path, ".") + " " + n.Op.String() + " " + n.Value.String()
}

func (v Value) String() string {
	if v.Quoted {
		return "'" + strings.ReplaceAll(v.Text, "'", "''") + "'"
	}
	return v.Text
}

// Equal returns the filter: what path, dotted, leads to equals text.
func Equal(path, text string) Node {
	return &Comparison{Path: strings.Split(path, "."), Op: Eq, Value: Value{Text: text, Quoted: true}}
}

// All returns the filter that is true if all of nodes are; nil ones are left
// out.
func All(nodes ...Node) Node { return combine(nodes, func(n []Node) Node { return &And{n} }) }

// Any returns the filter that is true if any of nodes is; nil ones are left
// out.
func Any(nodes ...Node) Node { return combine(nodes, func(n []Node) Node { return &Or{n} }) }

func combine(nodes []Node, join func([]Node) Node) Node {
	var kept []Node
	for _, n := range nodes {
		if n != nil {
			kept = append(kept, n)
		}
	}
	switch len(kept) {
	case 0:
		return nil
	case 1:
		return kept[0]
	}
	return join(kept)
}
