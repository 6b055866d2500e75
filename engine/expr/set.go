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

// setExpr reads sets joined by set operators.
func (p *parser) setExpr() (*SetExpr, error) {
	a := algebra[*SetExpr]{p, p.setOperand, func(at int, op string, l, r *SetExpr) *SetExpr {
		return &SetExpr{At: at, Op: op, L: l, R: r}
	}}
	return a.sum()
}

// setOperand reads entity, modifier, or both.
func (p *parser) setOperand() (*SetExpr, error) {
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
