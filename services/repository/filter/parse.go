package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a filter: what clients send is far below them, and what the
// databases and the stack bear far above.
const (
	maxLen   = 8 << 10 // bytes
	maxDepth = 64      // parentheses
	maxTerms = 256     // comparisons
	maxPath  = 8       // names of a path
)

// Parse reads a filter. A blank one is nil. Every error is an *Error.
func Parse(text string) (Node, error) {
	p, err := newParser(text)
	if err != nil || p.tok.kind == tokenEnd {
		return nil, err
	}
	n, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokenEnd {
		return nil, fail(p.tok.pos, "want and, or, or the end")
	}
	return n, nil
}

type parser struct {
	lex   lexer
	tok   token // the next one
	terms int
}

func newParser(text string) (*parser, error) {
	switch {
	case len(text) > maxLen:
		return nil, fail(maxLen, "%d bytes, at most %d are allowed", len(text), maxLen)
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return nil, fail(0, "has characters that are none")
	}
	p := &parser{lex: lexer{src: text}}
	return p, p.advance()
}

func (p *parser) advance() (err error) {
	p.tok, err = p.lex.next()
	return err
}

// isWord reports whether the next token is this word, in any case.
func (p *parser) isWord(word string) bool {
	return p.tok.kind == tokenWord && strings.EqualFold(p.tok.text, word)
}

func (p *parser) or(depth int) (Node, error) {
	var nodes []Node
	for {
		n, err := p.and(depth)
		if err != nil {
			return nil, err
		}
		if inner, ok := n.(*Or); ok {
			nodes = append(nodes, inner.Nodes...)
		} else {
			nodes = append(nodes, n)
		}
		if !p.isWord("or") {
			return Any(nodes...), nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) and(depth int) (Node, error) {
	var nodes []Node
	for {
		n, err := p.unit(depth)
		if err != nil {
			return nil, err
		}
		if inner, ok := n.(*And); ok {
			nodes = append(nodes, inner.Nodes...)
		} else {
			nodes = append(nodes, n)
		}
		if !p.isWord("and") {
			return All(nodes...), nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) unit(depth int) (Node, error) {
	if p.tok.kind != tokenOpen {
		return p.comparison()
	}
	if depth == maxDepth {
		return nil, fail(p.tok.pos, "more than %d parentheses inside each other", maxDepth)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokenClose {
		return nil, fail(p.tok.pos, "want )")
	}
	return n, p.advance()
}

func (p *parser) comparison() (Node, error) {
	if p.terms++; p.terms > maxTerms {
		return nil, fail(p.tok.pos, "more than %d comparisons", maxTerms)
	}
	c := &Comparison{Pos: p.tok.pos}
	var err error
	if c.Path, err = p.path(); err != nil {
		return nil, err
	}
	if p.tok.kind != tokenWord {
		return nil, fail(p.tok.pos, "want a comparison: eq, ne, gt, ge, lt, le, sw, ew or so")
	}
	var ok bool
	if c.Op, ok = parseOp(p.tok.text); !ok {
		return nil, fail(p.tok.pos, "%q is no comparison", p.tok.text)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind != tokenWord && p.tok.kind != tokenText {
		return nil, fail(p.tok.pos, "want a value")
	}
	c.Value = Value{Text: p.tok.text, Quoted: p.tok.kind == tokenText}
	return c, p.advance()
}

func (p *parser) path() ([]string, error) {
	if p.tok.kind != tokenWord {
		return nil, fail(p.tok.pos, "want the name of a property")
	}
	names := strings.Split(p.tok.text, ".")
	if len(names) > maxPath {
		return nil, fail(p.tok.pos, "a path of %d names, at most %d are allowed", len(names), maxPath)
	}
	for _, name := range names {
		plain := strings.TrimPrefix(name, "@")
		if plain == "" || strings.ContainsFunc(plain, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			return nil, fail(p.tok.pos, "%q is no name of a property", p.tok.text)
		}
	}
	return names, p.advance()
}
