package rules

import "strings"

// An expr is a node of a parsed condition; it does not change.
type expr interface{ write(b *strings.Builder) }

type (
	orExpr   struct{ kids []expr } // at least two, none of them an orExpr
	andExpr  struct{ kids []expr } // at least two, none of them an andExpr
	notExpr  struct{ kid expr }
	boolExpr struct{ value bool }

	compareExpr struct {
		left, right operand
		op          operator
	}

	callExpr struct {
		path     path
		function string // canonical spelling
		action   Action // of HasPrivilege
	}
)

type operator string

const (
	opEqual    operator = "="
	opNotEqual operator = "!="
	opSame     operator = "=="
	opNotSame  operator = "!=="
	opLike     operator = "like"
	opMatches  operator = "matches"
	opLess     operator = "<"
	opGreater  operator = ">"
	opAtMost   operator = "<="
	opAtLeast  operator = ">="
)

// An operand is a path, or literals: one, or a set in braces.
type operand struct {
	path     path // its root is "" for literals
	literals []literal
	set      bool
}

type literal struct {
	text   string
	number bool
}

func (l literal) value() Value {
	v := Text(l.text)
	if x, ok := v.asNumber(); ok && l.number {
		return Number(x)
	}
	return v
}

const (
	rootUser     = "user"
	rootResource = "resource"
	rootNode     = "node"
)

// A path is a root and names as written, custom properties with their @.
type path struct {
	root  string
	steps []string
}

func (p path) String() string {
	return strings.Join(append([]string{p.root}, p.steps...), ".")
}

// A Condition is a parsed condition. It does not change.
type Condition struct{ root expr }

// String returns the condition in its canonical spelling. Parse reads it
// back to the same, if it is not longer than what Parse allows.
func (c *Condition) String() string { return exprText(c.root) }

func exprText(e expr) string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *orExpr) write(b *strings.Builder) {
	for i, kid := range e.kids {
		if i > 0 {
			b.WriteString(" or ")
		}
		kid.write(b)
	}
}

func (e *andExpr) write(b *strings.Builder) {
	for i, kid := range e.kids {
		if i > 0 {
			b.WriteString(" and ")
		}
		_, isOr := kid.(*orExpr)
		writeBracketed(b, kid, isOr)
	}
}

func (e *notExpr) write(b *strings.Builder) {
	b.WriteByte('!')
	switch e.kid.(type) {
	case *callExpr, *boolExpr, *notExpr:
		e.kid.write(b)
	default: // of a comparison, too: !a = b would mislead
		writeBracketed(b, e.kid, true)
	}
}

func writeBracketed(b *strings.Builder, e expr, brackets bool) {
	if !brackets {
		e.write(b)
		return
	}
	b.WriteByte('(')
	e.write(b)
	b.WriteByte(')')
}

func (e *boolExpr) write(b *strings.Builder) {
	if e.value {
		b.WriteString("true")
	} else {
		b.WriteString("false")
	}
}

func (e *compareExpr) write(b *strings.Builder) {
	b.WriteString(e.left.String() + " " + string(e.op) + " " + e.right.String())
}

func (e *callExpr) write(b *strings.Builder) {
	b.WriteString(e.path.String() + "." + e.function + "(")
	if e.function == fnHasPrivilege {
		b.WriteString(quote(e.action.String()))
	}
	b.WriteByte(')')
}

func (o operand) String() string {
	if o.path.root != "" {
		return o.path.String()
	}
	texts := make([]string, len(o.literals))
	for i, l := range o.literals {
		if texts[i] = l.text; !l.number {
			texts[i] = quote(l.text)
		}
	}
	if o.set {
		return "{" + strings.Join(texts, ", ") + "}"
	}
	return texts[0]
}

// quote puts quotes around a text that the lexer has read: never both kinds
// are inside.
func quote(s string) string {
	if strings.Contains(s, `"`) {
		return "'" + s + "'"
	}
	return `"` + s + `"`
}
