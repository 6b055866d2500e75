package expr

import (
	"strconv"
	"strings"
)

// setBraces reads { set expression }; the lookahead is the brace. Empty braces
// mean the context.
func (p *parser) setBraces() (*SetExpr, error) {
	outer := p.lex.set
	p.lex.set = true
	if err := p.advance(); err != nil {
		return nil, err
	}
	set := &SetExpr{At: p.tok.at}
	if !p.tok.is("}") {
		var err error
		if set, err = p.setExpr(); err != nil {
			return nil, err
		}
	}
	if !p.tok.is("}") {
		return nil, p.unexpected("an operator or } of the set expression")
	}
	p.lex.set = outer
	return set, p.advance()
}

// setExpr reads set terms joined by + and -.
func (p *parser) setExpr() (*SetExpr, error) {
	return p.setChain("+-", func() (*SetExpr, error) { return p.setChain("*/", p.setFactor) })
}

// setChain reads operands joined by any operator of ops, left to right.
func (p *parser) setChain(ops string, operand func() (*SetExpr, error)) (*SetExpr, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for p.tok.kind == tokOp && strings.Contains(ops, p.tok.text) {
		op := p.tok.text
		if err := p.advance(); err != nil {
			return nil, err
		}
		right, err := operand()
		if err != nil {
			return nil, err
		}
		if err := p.count(); err != nil {
			return nil, err
		}
		left = &SetExpr{At: left.At, Op: op, L: left, R: right}
	}
	return left, nil
}

// setFactor reads a set with an optional complement.
func (p *parser) setFactor() (*SetExpr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	at := p.tok.at
	switch {
	case p.tok.is("-"):
		if err := p.advance(); err != nil {
			return nil, err
		}
		x, err := p.setFactor()
		if err != nil {
			return nil, err
		}
		return &SetExpr{At: at, Op: "~", L: x}, nil
	case p.tok.is("("):
		if err := p.advance(); err != nil {
			return nil, err
		}
		x, err := p.setExpr()
		if err != nil {
			return nil, err
		}
		return x, p.expect(")")
	}
	return p.setPrimary()
}

// setPrimary reads entity, modifier, or both.
func (p *parser) setPrimary() (*SetExpr, error) {
	s := &SetExpr{At: p.tok.at}
	if !p.tok.is("<") {
		entity, err := p.entity()
		if err != nil {
			return nil, err
		}
		s.Entity = entity
	}
	if p.tok.is("<") {
		mods, err := p.modifier()
		if err != nil {
			return nil, err
		}
		s.Mods, s.HasMod = mods, true
	}
	return s, p.count()
}

// entity reads what a set starts from.
func (p *parser) entity() (Entity, error) {
	t := p.tok
	switch t.kind {
	case tokNumber:
		switch t.text {
		case "1":
			return Entity{Kind: All}, p.advance()
		case "0":
			return Entity{Kind: Nothing}, p.advance()
		}
	case tokIdent:
		if e, ok := step(t.text); ok {
			return e, p.advance()
		}
		return Entity{Kind: Named, Name: t.text}, p.advance()
	case tokQuoted, tokString:
		return Entity{Kind: Named, Name: t.text}, p.advance()
	}
	return Entity{}, p.unexpected("a set identifier or modifier")
}

// step reads $, $n and $_n.
func step(s string) (Entity, bool) {
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		return Entity{}, false
	}
	if rest == "" {
		return Entity{Kind: Current}, true
	}
	kind := Back
	if ahead, ok := strings.CutPrefix(rest, "_"); ok {
		kind, rest = Forward, ahead
	}
	n, err := strconv.ParseUint(rest, 10, 31)
	switch {
	case err != nil:
		return Entity{}, false
	case n == 0:
		return Entity{Kind: Current}, true
	}
	return Entity{Kind: kind, Step: int(n)}, true
}

// modifier reads < selection, ... >.
func (p *parser) modifier() ([]SetMod, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	var mods []SetMod
	for !p.tok.is(">") {
		m, err := p.selection()
		if err != nil {
			return nil, err
		}
		mods = append(mods, m)
		if p.tok.is(",") {
			if err := p.advance(); err != nil {
				return nil, err
			}
		} else if !p.tok.is(">") {
			return nil, p.unexpected(", or > of the modifier")
		}
	}
	return mods, p.advance()
}

// selection reads field, field= or field op elements.
func (p *parser) selection() (SetMod, error) {
	m := SetMod{At: p.tok.at}
	var err error
	if m.State, m.Field, err = p.qualifiedField(); err != nil {
		return m, err
	}
	if m.Op, err = p.assignment(); err != nil || m.Op == "" {
		return m, err
	}
	if p.tok.is(",") || p.tok.is(">") {
		return m, p.count()
	}
	m.Elems, err = p.elemExpr()
	return m, err
}

// qualifiedField reads [state ::] field.
func (p *parser) qualifiedField() (state, field string, err error) {
	if field, err = p.name(); err != nil || !p.tok.is(":") {
		return "", field, err
	}
	for range 2 {
		if err := p.expect(":"); err != nil {
			return "", "", err
		}
	}
	state = field
	field, err = p.name()
	return state, field, err
}

// name reads a name in any quotes.
func (p *parser) name() (string, error) {
	switch t := p.tok; t.kind {
	case tokIdent, tokQuoted, tokString:
		return t.text, p.advance()
	}
	return "", p.unexpected("a field name")
}

// assignment reads = += -= *= /=, "" if there is none.
func (p *parser) assignment() (string, error) {
	if p.tok.is("=") {
		return "=", p.advance()
	}
	if p.tok.kind != tokOp || !strings.Contains("+-*/", p.tok.text) {
		return "", nil
	}
	op := p.tok.text
	if err := p.advance(); err != nil {
		return "", err
	}
	return op + "=", p.expect("=")
}
