package tree

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits bound what a parse may build. The zero value stands for the
// defaults: 200 levels and 4 million values, about 400 MB.
type Limits struct {
	Depth  int
	Values int
}

const (
	defaultDepth  = 200
	defaultValues = 4 << 20
)

// ErrTooDeep and ErrTooMany say which limit a text is beyond.
var (
	ErrTooDeep = errors.New("nested too deep")
	ErrTooMany = errors.New("too many values")
)

// Parse reads one JSON value, with nothing but blanks around it. Errors carry
// the byte offset. The nodes keep no part of b.
func Parse(b []byte, lim Limits) (*Node, error) {
	if lim.Depth == 0 {
		lim.Depth = defaultDepth
	}
	if lim.Values == 0 {
		lim.Values = defaultValues
	}
	p := parser{buf: b, lim: lim}
	n, err := p.value(0)
	if err == nil {
		p.blanks()
		if p.at < len(b) {
			err = fmt.Errorf("unexpected %q after the value", b[p.at])
		}
	}
	if err != nil {
		return nil, fmt.Errorf("json: byte %d: %w", p.at, err)
	}
	return n, nil
}

// ParseString is Parse of a text with the default limits.
func ParseString(s string) (*Node, error) { return Parse([]byte(s), Limits{}) }

// MustParse is for literals in the program.
func MustParse(s string) *Node {
	n, err := ParseString(s)
	if err != nil {
		panic("tree: BUG: " + err.Error())
	}
	return n
}

// A parser reads JSON by recursive descent.
type parser struct {
	buf    []byte
	at     int
	values int
	lim    Limits
}

func (p *parser) blanks() {
	for p.at < len(p.buf) {
		switch p.buf[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// peek returns the next byte after blanks, 0 at the end.
func (p *parser) peek() byte {
	p.blanks()
	if p.at == len(p.buf) {
		return 0
	}
	return p.buf[p.at]
}

func (p *parser) value(depth int) (*Node, error) {
	if depth > p.lim.Depth {
		return nil, fmt.Errorf("%w: more than %d levels", ErrTooDeep, p.lim.Depth)
	}
	if p.values++; p.values > p.lim.Values {
		return nil, fmt.Errorf("%w: more than %d", ErrTooMany, p.lim.Values)
	}
	switch c := p.peek(); c {
	case 0:
		return nil, errors.New("unexpected end")
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		s, err := p.text()
		if err != nil {
			return nil, err
		}
		return NewString(s), nil
	case 't':
		return trueNode, p.word("true")
	case 'f':
		return falseNode, p.word("false")
	case 'n':
		return nullNode, p.word("null")
	default:
		return p.number()
	}
}

func (p *parser) word(w string) error {
	if len(p.buf)-p.at < len(w) || string(p.buf[p.at:p.at+len(w)]) != w {
		return fmt.Errorf("want %s", w)
	}
	p.at += len(w)
	return nil
}

func (p *parser) object(depth int) (*Node, error) {
	p.at++
	n := &Node{kind: Object}
	if p.peek() == '}' {
		p.at++
		return emptyObj, nil
	}
	for {
		if p.peek() != '"' {
			return nil, errors.New("want a member name")
		}
		key, err := p.text()
		if err != nil {
			return nil, err
		}
		if p.peek() != ':' {
			return nil, errors.New("want ':'")
		}
		p.at++
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.keys, n.items = append(n.keys, key), append(n.items, v)
		switch p.peek() {
		case ',':
			p.at++
		case '}':
			p.at++
			return n, nil
		default:
			return nil, errors.New("want ',' or '}'")
		}
	}
}

func (p *parser) array(depth int) (*Node, error) {
	p.at++
	n := &Node{kind: Array}
	if p.peek() == ']' {
		p.at++
		return emptyArray, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, v)
		switch p.peek() {
		case ',':
			p.at++
		case ']':
			p.at++
			return n, nil
		default:
			return nil, errors.New("want ',' or ']'")
		}
	}
}

// number reads -?int frac? exp? and keeps it as written.
func (p *parser) number() (*Node, error) {
	start := p.at
	if p.is('-') {
		p.at++
	}
	switch {
	case p.is('0'):
		p.at++
	case p.digits() == 0:
		return nil, fmt.Errorf("unexpected %q", p.buf[start])
	}
	if p.is('.') {
		p.at++
		if p.digits() == 0 {
			return nil, errors.New("want digits after the point")
		}
	}
	if p.is('e') || p.is('E') {
		p.at++
		if p.is('+') || p.is('-') {
			p.at++
		}
		if p.digits() == 0 {
			return nil, errors.New("want digits of the exponent")
		}
	}
	return &Node{kind: Number, text: string(p.buf[start:p.at])}, nil
}

func (p *parser) is(c byte) bool { return p.at < len(p.buf) && p.buf[p.at] == c }

func (p *parser) digits() (n int) {
	for p.at < len(p.buf) && p.buf[p.at] >= '0' && p.buf[p.at] <= '9' {
		p.at++
		n++
	}
	return n
}

// text reads a string. Most have no escapes and are copied at once.
func (p *parser) text() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.buf) {
		switch c := p.buf[p.at]; {
		case c == '"':
			s := string(p.buf[start:p.at])
			p.at++
			return validText(s), nil
		case c == '\\':
			return p.escapedText(append([]byte(nil), p.buf[start:p.at]...))
		case c < ' ':
			return "", fmt.Errorf("control character %#02x in a string", c)
		default:
			p.at++
		}
	}
	return "", errors.New("unterminated string")
}

func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s)) // replaces broken bytes by U+FFFD
}

func (p *parser) escapedText(out []byte) (string, error) {
	for p.at < len(p.buf) {
		c := p.buf[p.at]
		p.at++
		switch {
		case c == '"':
			return validText(string(out)), nil
		case c < ' ':
			return "", fmt.Errorf("control character %#02x in a string", c)
		case c != '\\':
			out = append(out, c)
		default:
			var err error
			if out, err = p.escape(out); err != nil {
				return "", err
			}
		}
	}
	return "", errors.New("unterminated string")
}

// escape appends what stands for the bytes behind a backslash.
func (p *parser) escape(out []byte) ([]byte, error) {
	if p.at == len(p.buf) {
		return nil, errors.New("unterminated escape")
	}
	c := p.buf[p.at]
	p.at++
	switch c {
	case '"', '\\', '/':
		return append(out, c), nil
	case 'b':
		return append(out, '\b'), nil
	case 'f':
		return append(out, '\f'), nil
	case 'n':
		return append(out, '\n'), nil
	case 'r':
		return append(out, '\r'), nil
	case 't':
		return append(out, '\t'), nil
	case 'u':
		r, err := p.hex()
		if err != nil {
			return nil, err
		}
		if utf16.IsSurrogate(r) && p.at+1 < len(p.buf) && p.buf[p.at] == '\\' && p.buf[p.at+1] == 'u' {
			back := p.at
			p.at += 2
			low, err := p.hex()
			if err != nil {
				return nil, err
			}
			if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
				return utf8.AppendRune(out, full), nil
			}
			p.at = back
		}
		return utf8.AppendRune(out, r), nil // a lone surrogate becomes U+FFFD
	}
	return nil, fmt.Errorf("unknown escape \\%c", c)
}

func (p *parser) hex() (rune, error) {
	if len(p.buf)-p.at < 4 {
		return 0, errors.New("want four hexadecimal digits")
	}
	x, err := strconv.ParseUint(string(p.buf[p.at:p.at+4]), 16, 16)
	if err != nil {
		return 0, errors.New("want four hexadecimal digits")
	}
	p.at += 4
	return rune(x), nil
}
