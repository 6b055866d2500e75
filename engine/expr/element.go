package expr

import (
	"strconv"
	"strings"
)

// elemExpr reads element terms joined by set operators.
func (p *parser) elemExpr() (*Elems, error) {
	a := algebra[*Elems]{p, p.elemOperand, func(at int, op string, l, r *Elems) *Elems {
		return &Elems{At: at, Op: op, L: l, R: r}
	}}
	return a.sum()
}

// elemOperand reads a list, a field, P() or E().
func (p *parser) elemOperand() (*Elems, error) {
	at := p.tok.at
	switch {
	case p.tok.is("{"):
		return p.elemList()
	case (p.tok.word("p") || p.tok.word("e")) && p.peek().is("("):
		return p.setFunc()
	}
	state, field, err := p.qualifiedField()
	if err != nil {
		return nil, err
	}
	return &Elems{At: at, Op: "field", State: state, Field: field}, p.count()
}

// setFunc reads P({set} field) or E(...).
func (p *parser) setFunc() (*Elems, error) {
	e := &Elems{At: p.tok.at, Op: strings.ToLower(p.tok.text)}
	for range 2 { // the name and the bracket
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	var err error
	if p.tok.is("{") {
		if e.Set, err = p.setBraces(); err != nil {
			return nil, err
		}
	}
	if !p.tok.is(")") {
		if e.State, e.Field, err = p.qualifiedField(); err != nil {
			return nil, err
		}
	}
	if err := p.count(); err != nil {
		return nil, err
	}
	return e, p.expect(")")
}

// elemList reads { element, ... }. Elements are cut from the source itself:
// a bare word may hold anything but a comma and a closing brace.
func (p *parser) elemList() (*Elems, error) {
	e := &Elems{At: p.tok.at}
	at := p.tok.end
	for {
		var err error
		if at, err = p.lex.skip(at); err != nil {
			return nil, err
		}
		if at >= len(p.lex.src) {
			return nil, &Error{At: e.At, Msg: "missing closing } of the elements"}
		}
		switch p.lex.src[at] {
		case '}':
			p.last = at + 1
			return e, p.retoken()
		case ',':
			at++
			continue
		}
		el, end, err := p.element(at)
		if err != nil {
			return nil, err
		}
		if err := p.count(); err != nil {
			return nil, err
		}
		e.List = append(e.List, el)
		at = end
	}
}

// element reads the element at at and returns the offset behind it.
func (p *parser) element(at int) (Element, int, error) {
	switch c := p.lex.src[at]; c {
	case '\'', '"', '[':
		kind, closing := Search, c
		switch c {
		case '\'':
			kind = Exact
		case '[':
			closing = ']'
		}
		t, err := p.lex.quoted(at, closing, tokString)
		if err != nil {
			return Element{}, 0, err
		}
		end, err := p.lex.skip(t.end)
		if err != nil {
			return Element{}, 0, err
		}
		if end < len(p.lex.src) && p.lex.src[end] != ',' && p.lex.src[end] != '}' {
			return Element{}, 0, &Error{At: end, Msg: "want , or } after the element"}
		}
		return Element{At: at, Kind: kind, Text: t.text}, end, nil
	}
	end := strings.IndexAny(p.lex.src[at:], ",}")
	if end < 0 {
		return Element{}, 0, &Error{At: at, Msg: "missing closing } of the elements"}
	}
	end += at
	return bareElement(at, strings.TrimSpace(p.lex.src[at:end])), end, nil
}

// bareElement classifies an unquoted element. One with wildcards can only be
// meant as a search.
func bareElement(at int, text string) Element {
	if x, err := strconv.ParseFloat(text, 64); err == nil && strings.Trim(text, "+-.0123456789eE") == "" {
		return Element{At: at, Kind: Number, Text: text, Num: x}
	}
	if strings.ContainsAny(text, "*?") {
		return Element{At: at, Kind: Search, Text: text}
	}
	return Element{At: at, Kind: Word, Text: text}
}
