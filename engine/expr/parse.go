package expr

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/storage/dual"
)

// Limits of untrusted source text.
const (
	defaultMaxDepth = 500
	maxNodes        = 200_000
)

// Options say what the parser accepts. The zero value is the chart form.
type Options struct {
	Script   bool // load script: no leading =, no set expressions
	MaxDepth int  // nesting; 0 = 500
}

// Parse reads src as one expression. Errors are *[Error] with the offset in
// src; the tree is nil then.
func Parse(src string, o Options) (Node, error) {
	p, err := newParser(src, 0, o)
	if err != nil {
		return nil, err
	}
	if !o.Script && p.tok.is("=") {
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	n, err := p.scoped()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEOF {
		return nil, p.unexpected("an operator or the end")
	}
	return n, nil
}

// ParsePrefix reads the longest expression that starts at or after byte at of
// src and returns the offset behind its last token. What follows is left to
// the caller, as with the fields of a LOAD statement.
func ParsePrefix(src string, at int, o Options) (Node, int, error) {
	p, err := newParser(src, at, o)
	if err != nil {
		return nil, 0, err
	}
	n, err := p.scoped()
	if err != nil {
		return nil, 0, err
	}
	return n, p.last, nil
}

// A parser reads expressions by recursive descent with one token of lookahead.
type parser struct {
	lex   lexer
	opt   Options
	tok   token // lookahead
	last  int   // end of the token before tok
	depth int
	nodes int
}

func newParser(src string, at int, o Options) (*parser, error) {
	if o.MaxDepth <= 0 {
		o.MaxDepth = defaultMaxDepth
	}
	p := &parser{lex: lexer{src: src}, opt: o, last: at}
	tok, err := p.lex.next(at)
	p.tok = tok
	return p, err
}

// advance moves to the next token.
func (p *parser) advance() error {
	p.last = p.tok.end
	tok, err := p.lex.next(p.tok.end)
	p.tok = tok
	return err
}

// expect moves past the punctuation op.
func (p *parser) expect(op string) error {
	if !p.tok.is(op) {
		return p.unexpected(quote(op))
	}
	return p.advance()
}

// peek returns the token after the lookahead.
func (p *parser) peek() token {
	tok, err := p.lex.next(p.tok.end)
	if err != nil {
		return token{kind: tokEOF}
	}
	return tok
}

// enter counts a level of nesting; leave ends it.
func (p *parser) enter() error {
	if p.depth++; p.depth > p.opt.MaxDepth {
		return p.fail("nested deeper than %d levels", p.opt.MaxDepth)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// count bounds the size of the tree, which chains like a+a+a make deep
// without nesting.
func (p *parser) count() error {
	if p.nodes++; p.nodes > maxNodes {
		return p.fail("longer than %d parts", maxNodes)
	}
	return nil
}

func (p *parser) fail(format string, args ...any) error {
	return &Error{At: p.tok.at, Msg: fmt.Sprintf(format, args...)}
}

func (p *parser) unexpected(want string) error {
	if p.tok.kind == tokEOF {
		return p.fail("unexpected end, want %s", want)
	}
	return p.fail("unexpected %s, want %s", quote(p.lex.src[p.tok.at:p.tok.end]), want)
}

// quote shows input in a message, shortened.
func quote(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	return strconv.Quote(s)
}

// scoped reads an expression with an optional outer set expression.
func (p *parser) scoped() (Node, error) {
	if !p.tok.is("{") || p.opt.Script {
		return p.expr(precOr)
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	at := p.tok.at
	set, err := p.setBraces()
	if err != nil {
		return nil, err
	}
	x, err := p.scoped()
	if err != nil {
		return nil, err
	}
	return &Scope{At: at, Set: set, X: x}, nil
}

// expr reads a chain of operators that bind at least as strong as low.
func (p *parser) expr(low int) (Node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	for {
		op := binaryOp(p.tok)
		prec := binaryPrec[op]
		if op == "" || prec < low {
			return left, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		right, err := p.expr(prec + 1)
		if err != nil {
			return nil, err
		}
		if err := p.count(); err != nil {
			return nil, err
		}
		left = &Binary{At: left.Pos(), Op: op, L: left, R: right}
	}
}

// unary reads prefix operators and what they apply to.
func (p *parser) unary() (Node, error) {
	low := precUnary
	switch {
	case p.tok.is("+"), p.tok.is("-"), p.tok.word("bitnot"):
	case p.tok.word("not"):
		low = precNot
	default:
		return p.primary()
	}
	at, op := p.tok.at, strings.ToLower(p.tok.text)
	if err := p.advance(); err != nil {
		return nil, err
	}
	x, err := p.expr(low)
	if err != nil {
		return nil, err
	}
	return &Unary{At: at, Op: op, X: x}, p.count()
}

// primary reads an operand.
func (p *parser) primary() (Node, error) {
	if err := p.count(); err != nil {
		return nil, err
	}
	t := p.tok
	switch {
	case t.is("("):
		return p.brackets()
	case t.kind == tokString:
		return &Literal{At: t.at, Value: dual.String(t.text), Text: p.lex.src[t.at:t.end]}, p.advance()
	case t.kind == tokNumber:
		return p.numberLiteral()
	case t.kind == tokQuoted:
		return &Field{At: t.at, Name: t.text, Quoted: true}, p.advance()
	case t.kind == tokIdent && !reserved(t.text):
		if p.peek().is("(") {
			return p.call()
		}
		return &Field{At: t.at, Name: t.text}, p.advance()
	}
	return nil, p.unexpected("an expression")
}

// brackets reads ( expression ).
func (p *parser) brackets() (Node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.scoped()
	if err != nil {
		return nil, err
	}
	return n, p.expect(")")
}

func (p *parser) numberLiteral() (Node, error) {
	t := p.tok
	x, err := strconv.ParseFloat(t.text, 64)
	if err != nil {
		return nil, p.fail("number %s is out of range", quote(t.text))
	}
	return &Literal{At: t.at, Value: dual.Number(x), Text: t.text}, p.advance()
}

// IsName reports whether s can stand as a name without quotes.
func IsName(s string) bool {
	return s != "" && !isDigit(s[0]) && s[0] != '.' && NameEnd(s, 0) == len(s) && !reserved(s)
}

// QuoteName returns name in square brackets.
func QuoteName(name string) string {
	return "[" + strings.ReplaceAll(name, "]", "]]") + "]"
}
