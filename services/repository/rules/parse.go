package rules

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	conditionMax = 2048 // characters
	depthMax     = 64   // brackets and negations within each other
)

// A SyntaxError says where a condition cannot be read. Pos counts characters
// from 1.
type SyntaxError struct {
	Pos int
	Msg string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("rules: condition: character %d: %s", e.Pos, e.Msg)
}

const (
	fnIsAnonymous  = "IsAnonymous"
	fnHasPrivilege = "HasPrivilege"
	fnEmpty        = "Empty"
	fnIsOwned      = "IsOwned"
)

// Parse reads a condition. A blank one is false. Its errors are *SyntaxError.
func Parse(s string) (*Condition, error) {
	if n := utf8.RuneCountInString(s); n > conditionMax {
		return nil, &SyntaxError{Pos: conditionMax + 1, Msg: fmt.Sprintf("%d characters, at most %d are allowed", n, conditionMax)}
	}
	tokens, err := lex(s)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 1 {
		return &Condition{root: &boolExpr{}}, nil
	}
	p := &parser{tokens: tokens}
	root := p.or()
	if t := p.next(); t.kind != endToken {
		p.fail(t, "unexpected %q", t.text)
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Condition{root: root}, nil
}

// A parser descends by the grammar. Its first error stays, and from then on
// it sees only the end of the text.
type parser struct {
	tokens []token // the last is endToken
	depth  int
	err    error
}

func (p *parser) peek() token {
	if p.err != nil {
		return p.tokens[len(p.tokens)-1]
	}
	return p.tokens[0]
}

func (p *parser) next() token {
	t := p.peek()
	if p.err == nil && len(p.tokens) > 1 {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *parser) fail(at token, format string, args ...any) {
	if p.err == nil {
		p.err = &SyntaxError{Pos: at.pos, Msg: fmt.Sprintf(format, args...)}
	}
}

// take consumes the next token if it is one of the signs or words.
func (p *parser) take(words ...string) bool {
	t := p.peek()
	for _, w := range words {
		if (t.kind == signToken || t.kind == nameToken) && strings.EqualFold(t.text, w) {
			p.next()
			return true
		}
	}
	return false
}

func (p *parser) want(sign string) {
	if t := p.peek(); !p.take(sign) {
		p.fail(t, "%q expected", sign)
	}
}

func (p *parser) or() expr {
	var kids []expr
	for {
		kid := p.and()
		if inner, ok := kid.(*orExpr); ok {
			kids = append(kids, inner.kids...)
		} else {
			kids = append(kids, kid)
		}
		if !p.take("or", "||") {
			break
		}
	}
	if len(kids) == 1 {
		return kids[0]
	}
	return &orExpr{kids}
}

func (p *parser) and() expr {
	var kids []expr
	for {
		kid := p.not()
		if inner, ok := kid.(*andExpr); ok {
			kids = append(kids, inner.kids...)
		} else {
			kids = append(kids, kid)
		}
		if !p.take("and", "&&") {
			break
		}
	}
	if len(kids) == 1 {
		return kids[0]
	}
	return &andExpr{kids}
}

func (p *parser) not() expr {
	t := p.peek()
	p.depth++
	defer func() { p.depth-- }()
	switch {
	case p.depth > depthMax:
		p.fail(t, "more than %d brackets and negations within each other", depthMax)
		return &boolExpr{}
	case p.take("!"):
		return &notExpr{p.not()}
	case p.take("("):
		e := p.or()
		p.want(")")
		return e
	case p.take("true"):
		return &boolExpr{true}
	case p.take("false"):
		return &boolExpr{}
	}
	return p.comparison()
}

// comparison reads a comparison or a call: both begin with a path.
func (p *parser) comparison() expr {
	at := p.peek()
	left, call := p.operand()
	if call != nil {
		return call
	}
	t := p.next()
	op := operator(strings.ToLower(t.text))
	switch op {
	case opEqual, opNotEqual, opSame, opNotSame, opLike, opMatches, opLess, opGreater, opAtMost, opAtLeast:
		if t.kind == signToken || t.kind == nameToken {
			break
		}
		fallthrough
	default:
		p.fail(t, "a comparison expected")
	}
	rightAt := p.peek()
	right, call := p.operand()
	if call != nil {
		p.fail(rightAt, "a function cannot be compared")
	}
	if left.path.root == "" && right.path.root == "" {
		p.fail(at, "neither side is an attribute")
	}
	if op == opLike || op == opMatches {
		p.checkPattern(rightAt, op, right)
	}
	return &compareExpr{left: left, op: op, right: right}
}

// checkPattern wants literal patterns: an attribute with an asterisk must not
// widen a rule.
func (p *parser) checkPattern(at token, op operator, o operand) {
	if o.path.root != "" {
		p.fail(at, "%s needs a string", op)
	}
	for _, l := range o.literals {
		if op == opMatches {
			if _, err := wholeRegexp(l.text); err != nil {
				p.fail(at, "%v", err)
			}
		}
	}
}

// wholeRegexp compiles a pattern of "matches": over the whole text, without
// case. RE2 takes linear time.
func wholeRegexp(s string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(s); err != nil { // alone, so that brackets pair up
		return nil, fmt.Errorf("regular expression: %w", err)
	}
	return regexp.Compile(`(?is)\A(?:` + s + `)\z`)
}

func (p *parser) operand() (operand, *callExpr) {
	t := p.next()
	switch {
	case t.kind == stringToken || t.kind == numberToken:
		return operand{literals: []literal{{t.text, t.kind == numberToken}}}, nil
	case t.kind == signToken && t.text == "{":
		return p.set(), nil
	case t.kind == nameToken:
		for _, root := range []string{rootUser, rootResource, rootNode} {
			if strings.EqualFold(t.text, root) {
				return p.path(t, root)
			}
		}
	}
	p.fail(t, "user, resource, node, a string or a number expected")
	return operand{}, nil
}

func (p *parser) set() operand {
	o := operand{set: true}
	for {
		t := p.next()
		if t.kind != stringToken && t.kind != numberToken {
			p.fail(t, "a string expected")
			return o
		}
		o.literals = append(o.literals, literal{t.text, t.kind == numberToken})
		if !p.take(",") {
			break
		}
	}
	p.want("}")
	return o
}

func (p *parser) path(at token, root string) (operand, *callExpr) {
	o := operand{path: path{root: root}}
	closed := false // by a custom property
	for p.take(".") {
		t := p.next()
		if t.kind != nameToken && t.kind != propertyToken {
			p.fail(t, "an attribute expected")
			return o, nil
		}
		if t.kind == nameToken && p.peek().text == "(" && p.peek().kind == signToken {
			return o, p.call(t, o.path)
		}
		if closed {
			p.fail(t, "a custom property has no attributes")
		}
		closed = t.kind == propertyToken
		o.path.steps = append(o.path.steps, t.text)
	}
	if root == rootNode && len(o.path.steps) == 0 {
		p.fail(at, "node needs an attribute")
	}
	return o, nil
}

func (p *parser) call(name token, on path) *callExpr {
	call := &callExpr{path: on}
	for _, known := range []string{fnIsAnonymous, fnHasPrivilege, fnEmpty, fnIsOwned} {
		if strings.EqualFold(name.text, known) {
			call.function = known
		}
	}
	if call.function == "" {
		p.fail(name, "no function %q", name.text)
	}
	p.want("(")
	if call.function == fnHasPrivilege {
		t := p.next()
		action, err := ParseAction(t.text)
		if t.kind != stringToken || err != nil || !action.single() {
			p.fail(t, "the name of an action expected")
		}
		call.action = action
	}
	p.want(")")
	return call
}
