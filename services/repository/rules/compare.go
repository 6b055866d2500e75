package rules

import (
	"strings"
	"unicode"
)

// A compareNode compares two lists of values: it holds if any pair fits.
// != and !== are the negations of = and ==, so they hold if no pair is equal
// and if an attribute is missing.
type compareNode struct {
	left, right side
	op          operator
	fits        func(left, right Value) bool // unless patterns
	patterns    []func(string) bool
	negated     bool
	from        *compareExpr
}

// A side is a path, or values if that is nil.
type side struct {
	path   *pathNode
	values []Value
}

func (c *compiler) compileSide(o operand) side {
	if o.path.root != "" {
		return side{path: c.compilePath(o.path)}
	}
	var s side
	for _, l := range o.literals {
		s.values = append(s.values, l.value())
	}
	return s
}

func (s side) get(a *Access, resource Entity) []Value {
	if s.path == nil {
		return s.values
	}
	return s.path.values(a, resource)
}

func (s side) facts() facts {
	if s.path == nil {
		return facts{userOnly: true}
	}
	return s.path.facts()
}

func (c *compiler) compileCompare(e *compareExpr) node {
	n := &compareNode{left: c.compileSide(e.left), right: c.compileSide(e.right), op: e.op, from: e}
	n.negated = e.op == opNotEqual || e.op == opNotSame
	for _, l := range e.right.literals {
		switch e.op {
		case opLike:
			n.patterns = append(n.patterns, wildcard(l.text))
		case opMatches:
			n.patterns = append(n.patterns, regularExpression(l.text))
		}
	}
	n.fits = fitOf(e.op)
	return n
}

func fitOf(op operator) func(a, b Value) bool {
	switch op {
	case opEqual, opNotEqual:
		return func(a, b Value) bool { return equal(a, b, false) }
	case opSame, opNotSame:
		return func(a, b Value) bool { return equal(a, b, true) }
	case opLess:
		return func(a, b Value) bool { c, ok := compare(a, b); return ok && c < 0 }
	case opGreater:
		return func(a, b Value) bool { c, ok := compare(a, b); return ok && c > 0 }
	case opAtMost:
		return func(a, b Value) bool { c, ok := compare(a, b); return ok && c <= 0 }
	case opAtLeast:
		return func(a, b Value) bool { c, ok := compare(a, b); return ok && c >= 0 }
	}
	return nil
}

func (n *compareNode) eval(a *Access, resource Entity) verdict {
	left := n.left.get(a, resource)
	if n.patterns != nil {
		return verdictOf(n.anyMatches(left))
	}
	return verdictOf(n.anyFits(left, n.right.get(a, resource)) != n.negated)
}

func (n *compareNode) anyFits(left, right []Value) bool {
	for _, l := range left {
		for _, r := range right {
			if n.fits(l, r) {
				return true
			}
		}
	}
	return false
}

func (n *compareNode) anyMatches(left []Value) bool {
	for _, l := range left {
		for _, matches := range n.patterns {
			if matches(l.text) {
				return true
			}
		}
	}
	return false
}

func (n *compareNode) facts() facts {
	f := n.left.facts().with(n.right.facts())
	f.cost += costPattern * len(n.patterns)
	return f
}

func (n *compareNode) source() expr { return n.from }

func regularExpression(s string) func(string) bool {
	re, err := wholeRegexp(s)
	if err != nil { // Parse has tried it
		return func(string) bool { return false }
	}
	return re.MatchString
}

// wildcard returns a matcher of "like": an asterisk is any run of characters.
func wildcard(pattern string) func(string) bool {
	parts := strings.Split(fold(pattern), "*")
	first, rest := parts[0], parts[1:]
	return func(s string) bool {
		s = fold(s)
		if len(rest) == 0 {
			return s == first
		}
		s, ok := strings.CutPrefix(s, first)
		for _, part := range rest[:len(rest)-1] {
			at := strings.Index(s, part)
			if at < 0 {
				return false
			}
			s = s[at+len(part):]
		}
		return ok && strings.HasSuffix(s, rest[len(rest)-1])
	}
}

// fold maps letters that differ by case to one of them, as strings.EqualFold
// sees them.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, s)
}
