package expr

import "strings"

// call reads a function call; the lookahead is its name.
func (p *parser) call() (Node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	c := &Call{At: p.tok.at, Name: p.tok.text}
	for range 2 { // the name and the bracket
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if err := p.qualifiers(c); err != nil {
		return nil, err
	}
	for !p.tok.is(")") {
		if len(c.Args) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		if err := p.argument(c); err != nil {
			return nil, err
		}
	}
	return c, p.advance()
}

// argument reads one argument of c.
func (p *parser) argument(c *Call) error {
	if p.tok.is("*") {
		if next := p.peek(); next.is(")") || next.is(",") {
			c.Args = append(c.Args, &Star{At: p.tok.at})
			return p.advance()
		}
	}
	if strings.EqualFold(c.Name, "aggr") && len(c.Args) > 0 && p.structured() {
		return p.structuredArgument(c)
	}
	n, err := p.expr(precOr)
	if err != nil {
		return err
	}
	c.Args = append(c.Args, n)
	if c.Sort != nil {
		c.Sort = append(c.Sort, nil)
	}
	return nil
}

// qualifiers reads set expression, DISTINCT and TOTAL in any order.
func (p *parser) qualifiers(c *Call) error {
	for {
		more, err := p.qualifier(c)
		if err != nil || !more {
			return err
		}
	}
}

// qualifier reads one qualifier and reports whether there was one.
func (p *parser) qualifier(c *Call) (bool, error) {
	switch {
	case p.tok.is("{") && !p.opt.Script:
		if c.Set != nil {
			return false, p.fail("second set expression in %s", c.Name)
		}
		set, err := p.setBraces()
		c.Set = set
		return true, err
	case p.tok.word("distinct") && !c.Distinct && p.qualifies(c):
		c.Distinct = true
		return true, p.advance()
	case p.tok.word("nodistinct") && !c.NoDist && p.qualifies(c):
		c.NoDist = true
		return true, p.advance()
	case p.tok.word("total") && !c.Total:
		if p.totalBy(c) {
			return true, nil
		}
		if !p.qualifies(c) {
			return false, nil
		}
		c.Total = true
		return true, p.advance()
	}
	return false, nil
}

// bareTotal names the functions that take TOTAL and nothing else.
var bareTotal = map[string]bool{
	"rowno": true, "columnno": true, "noofrows": true, "noofcolumns": true,
}

// qualifies reports whether the word at the lookahead is a qualifier rather
// than a field that is called so: something that starts an operand follows.
func (p *parser) qualifies(c *Call) bool {
	next := p.peek()
	switch next.kind {
	case tokIdent:
		return binaryOp(next) == ""
	case tokQuoted, tokString, tokNumber:
		return true
	case tokOp:
		switch next.text {
		case "(", "{":
			return true
		case ")":
			return p.tok.word("total") && bareTotal[strings.ToLower(c.Name)]
		case "*":
			return p.tok.word("distinct")
		}
	}
	return false
}

// totalBy reads TOTAL <a, b> if that stands here; otherwise it moves nothing,
// as Total<5 compares a field.
func (p *parser) totalBy(c *Call) bool {
	save := *p
	p.lex.set = true
	fields, ok := p.totalFields()
	p.lex.set = save.lex.set
	if ok {
		ok = p.retoken() == nil && p.startsOperand(c)
	}
	if !ok {
		*p = save
		return false
	}
	c.Total, c.TotalBy = true, fields
	return true
}

// totalFields reads <a, b> behind TOTAL, leaving the > as lookahead's past.
func (p *parser) totalFields() ([]string, bool) {
	if p.advance() != nil || !p.tok.is("<") {
		return nil, false
	}
	var fields []string
	for {
		if p.advance() != nil || p.tok.kind != tokIdent && p.tok.kind != tokQuoted {
			return nil, false
		}
		fields = append(fields, p.tok.text)
		if p.advance() != nil {
			return nil, false
		}
		if p.tok.is(">") {
			p.last = p.tok.end
			return fields, true
		}
		if !p.tok.is(",") {
			return nil, false
		}
	}
}

// retoken reads the lookahead again behind the last token, after a change of
// the lexer's mode.
func (p *parser) retoken() error {
	tok, err := p.lex.next(p.last)
	p.tok = tok
	return err
}

// startsOperand reports whether an argument, or another qualifier, can start
// at the lookahead.
func (p *parser) startsOperand(c *Call) bool {
	switch p.tok.kind {
	case tokIdent:
		return binaryOp(p.tok) == ""
	case tokOp:
		switch p.tok.text {
		case "(", "{", "+", "-":
			return true
		case ")":
			return bareTotal[strings.ToLower(c.Name)]
		}
		return false
	}
	return p.tok.kind != tokEOF
}

// structured reports whether (Field, ( follows: a sorted dimension of Aggr.
func (p *parser) structured() bool {
	at := p.tok.end
	if !p.tok.is("(") {
		return false
	}
	for i := range 3 {
		t, err := p.lex.next(at)
		if err != nil {
			return false
		}
		at = t.end
		switch i {
		case 0:
			if t.kind != tokIdent && t.kind != tokQuoted {
				return false
			}
		case 1:
			if !t.is(",") {
				return false
			}
		case 2:
			return t.is("(")
		}
	}
	return false
}

// structuredArgument reads (Field, (NUMERIC, ASCENDING)).
func (p *parser) structuredArgument(c *Call) error {
	if err := p.advance(); err != nil {
		return err
	}
	field := &Field{At: p.tok.at, Name: p.tok.text, Quoted: p.tok.kind == tokQuoted}
	for range 3 { // field, comma, bracket
		if err := p.advance(); err != nil {
			return err
		}
	}
	order, err := p.aggrSort()
	if err != nil {
		return err
	}
	for c.Sort = append(c.Sort, nil); len(c.Sort) <= len(c.Args); {
		c.Sort = append(c.Sort, nil)
	}
	c.Args = append(c.Args, field)
	c.Sort = c.Sort[:len(c.Args)]
	c.Sort[len(c.Args)-1] = order
	return nil
}

// aggrSort reads NUMERIC, ASCENDING )) with the words in any order and
// shortened at will; A->Z and Z->A are spelt with operators.
func (p *parser) aggrSort() (*AggrSort, error) {
	s := &AggrSort{}
	for !p.tok.is(")") {
		if p.tok.kind != tokIdent || !s.set(strings.ToLower(p.tok.text)) {
			return nil, p.unexpected("a sort type or order")
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		if err := p.arrow(); err != nil {
			return nil, err
		}
		if p.tok.is(",") {
			if err := p.advance(); err != nil {
				return nil, err
			}
		}
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	return s, p.expect(")")
}

// arrow skips the ->Z of A->Z.
func (p *parser) arrow() error {
	if !p.tok.is("-") {
		return nil
	}
	for range 3 {
		if err := p.advance(); err != nil {
			return err
		}
	}
	return nil
}

// set applies one word of a structured parameter; false if it is unknown.
func (s *AggrSort) set(word string) bool {
	for _, by := range []string{"numeric", "text", "frequency", "load_order"} {
		if len(word) >= 3 && strings.HasPrefix(by, word) {
			s.By = by
			return true
		}
	}
	switch {
	case word == "a" || word == "original" || len(word) >= 3 && strings.HasPrefix("ascending", word):
		s.Desc = false
	case word == "z" || len(word) >= 3 && (strings.HasPrefix("descending", word) || strings.HasPrefix("reverse", word)):
		s.Desc = true
	default:
		return false
	}
	return true
}
