package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind is what a token is.
type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenOpen
	tokenClose
	tokenComma
	tokenWord // characters other than blanks, quotes, parentheses and commas
	tokenText
)

type token struct {
	kind tokenKind
	pos  int
	text string // of a text, without its quotes
}

// lexer cuts a filter into tokens.
type lexer struct {
	src string
	pos int
}

func (l *lexer) next() (token, error) {
	for l.pos < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		if !unicode.IsSpace(r) {
			break
		}
		l.pos += n
	}
	t := token{pos: l.pos}
	if l.pos == len(l.src) {
		return t, nil
	}
	switch c := l.src[l.pos]; c {
	case '(':
		t.kind = tokenOpen
	case ')':
		t.kind = tokenClose
	case ',':
		t.kind = tokenComma
	case '\'', '"':
		return l.quoted(c)
	default:
		t.kind, t.text = tokenWord, l.word()
		return t, nil
	}
	l.pos++
	return t, nil
}

func (l *lexer) word() string {
	rest := l.src[l.pos:]
	end := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`()'",`, r) })
	if end < 0 {
		end = len(rest)
	}
	l.pos += end
	return rest[:end]
}

// quoted reads a text. Of n quotes in a row each two are one quote of the
// text, and an odd one ends it. After a backslash the same holds, so that a
// text may end in one (a Windows path), unless an odd quote is followed by what
// cannot follow a text: then the backslash was meant for that quote.
func (l *lexer) quoted(quote byte) (token, error) {
	start := l.pos
	l.pos++
	var b strings.Builder
	for {
		i := strings.IndexByte(l.src[l.pos:], quote)
		if i < 0 {
			return token{}, fail(start, "a text does not end")
		}
		b.WriteString(l.src[l.pos : l.pos+i])
		l.pos += i
		n := 0
		for l.pos < len(l.src) && l.src[l.pos] == quote {
			n++
			l.pos++
		}
		b.WriteString(strings.Repeat(string(quote), n/2))
		if n%2 == 0 {
			continue
		}
		if s := b.String(); n == 1 && strings.HasSuffix(s, `\`) && !l.mayFollowText() {
			b.Reset()
			b.WriteString(s[:len(s)-1])
			b.WriteByte(quote)
			continue
		}
		return token{kind: tokenText, pos: start, text: b.String()}, nil
	}
}

// mayFollowText reports whether what comes next may follow a text.
func (l *lexer) mayFollowText() bool {
	r, _ := utf8.DecodeRuneInString(l.src[l.pos:])
	return l.pos == len(l.src) || unicode.IsSpace(r) || r == ')'
}
