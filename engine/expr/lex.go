package expr

import (
	"strings"
	"unicode/utf8"
)

// tokenKind classifies a token.
type tokenKind uint8

const (
	tokEOF    tokenKind = iota
	tokIdent            // unquoted name or word operator
	tokQuoted           // [x], "x" or `x`: a name
	tokString           // 'x'
	tokNumber
	tokOp // punctuation; text holds it
)

// A token is a lexical unit: bytes at to end (exclusive) of the source.
type token struct {
	kind    tokenKind
	at, end int
	text    string // name, unescaped string content, or the operator
}

// is reports whether t is the punctuation or operator op.
func (t token) is(op string) bool { return t.kind == tokOp && t.text == op }

// word reports whether t is the unquoted word w, whatever its case.
func (t token) word(w string) bool { return t.kind == tokIdent && strings.EqualFold(t.text, w) }

// A lexer cuts src into tokens on demand. In set mode every punctuation is one
// byte, because <A=> and <> mean other things there than in expressions.
type lexer struct {
	src string
	set bool
}

// next returns the token that starts at or after byte at.
func (l *lexer) next(at int) (token, error) {
	at, err := l.skip(at)
	if err != nil {
		return token{}, err
	}
	if at >= len(l.src) {
		return token{kind: tokEOF, at: len(l.src), end: len(l.src)}, nil
	}
	switch c := l.src[at]; {
	case c == '\'':
		return l.quoted(at, '\'', tokString)
	case c == '"' || c == '`':
		return l.quoted(at, c, tokQuoted)
	case c == '[':
		return l.quoted(at, ']', tokQuoted)
	case isDigit(c) || c == '.' && at+1 < len(l.src) && isDigit(l.src[at+1]):
		return l.number(at), nil
	case IsNameByte(c):
		end := NameEnd(l.src, at)
		return token{kind: tokIdent, at: at, end: end, text: l.src[at:end]}, nil
	default:
		return l.op(at)
	}
}

// skip returns the offset of the first byte at or after at that is neither
// blank nor in a comment.
func (l *lexer) skip(at int) (int, error) {
	for at < len(l.src) {
		rest := l.src[at:]
		switch {
		case BlankLen(rest) > 0:
			at += BlankLen(rest)
		case strings.HasPrefix(rest, "//"):
			n := strings.IndexAny(rest, "\r\n")
			if n < 0 {
				return len(l.src), nil
			}
			at += n
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return 0, &Error{At: at, Msg: "comment is not closed"}
			}
			at += n + 4
		default:
			return at, nil
		}
	}
	return at, nil
}

// BlankLen returns the length of the blank that s starts with, or 0. A byte
// order mark and a no-break space count as blanks.
func BlankLen(s string) int {
	switch {
	case s == "":
		return 0
	case s[0] <= ' ':
		return 1
	case strings.HasPrefix(s, "\u00a0"):
		return 2
	case strings.HasPrefix(s, "\ufeff"):
		return 3
	}
	return 0
}

// QuotedEnd returns the offset behind the text that is quoted from at on, -1 if
// it is not closed. A doubled closing byte stands for itself.
func QuotedEnd(src string, at int, closing byte) int {
	for i := at + 1; i < len(src); i++ {
		if src[i] != closing {
			continue
		}
		if i+1 < len(src) && src[i+1] == closing {
			i++
			continue
		}
		return i + 1
	}
	return -1
}

// Unquote returns what text in quotes, the last of which is closing, says.
func Unquote(quoted string, closing byte) string {
	text, one := quoted[1:len(quoted)-1], string(rune(closing))
	return strings.ReplaceAll(text, one+one, one)
}

// quoted reads the quoted text at at up to the closing byte.
func (l *lexer) quoted(at int, closing byte, kind tokenKind) (token, error) {
	end := QuotedEnd(l.src, at, closing)
	if end < 0 {
		return token{}, &Error{At: at, Msg: "missing closing " + string(rune(closing))}
	}
	return token{kind: kind, at: at, end: end, text: Unquote(l.src[at:end], closing)}, nil
}

// number reads a number literal. Digits that run on into letters are a name
// (a field called 2nd), as nothing else can be meant.
func (l *lexer) number(at int) token {
	end := numberEnd(l.src, at)
	if n := NameEnd(l.src, end); n > end && l.src[end] != '.' {
		return token{kind: tokIdent, at: at, end: n, text: l.src[at:n]}
	}
	return token{kind: tokNumber, at: at, end: end, text: l.src[at:end]}
}

// numberEnd returns the end of the digits, fraction and exponent at at.
func numberEnd(src string, at int) int {
	i := at
	for i < len(src) && isDigit(src[i]) {
		i++
	}
	if i < len(src) && src[i] == '.' {
		for i++; i < len(src) && isDigit(src[i]); i++ {
			continue
		}
	}
	if i < len(src) && (src[i] == 'e' || src[i] == 'E') {
		j := i + 1
		if j < len(src) && (src[j] == '+' || src[j] == '-') {
			j++
		}
		if j < len(src) && isDigit(src[j]) {
			for j < len(src) && isDigit(src[j]) {
				j++
			}
			i = j
		}
	}
	return i
}

// op reads punctuation.
func (l *lexer) op(at int) (token, error) {
	if !l.set && at+2 <= len(l.src) {
		switch two := l.src[at : at+2]; two {
		case "<>", "<=", ">=", "<<", ">>":
			return token{kind: tokOp, at: at, end: at + 2, text: two}, nil
		}
	}
	if strings.IndexByte("+-*/&=<>(),{}:;", l.src[at]) < 0 {
		r, _ := utf8.DecodeRuneInString(l.src[at:])
		return token{}, &Error{At: at, Msg: "unexpected character " + quote(string(r))}
	}
	return token{kind: tokOp, at: at, end: at + 1, text: l.src[at : at+1]}, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// IsNameByte reports whether c may stand in an unquoted name: letters, digits,
// _ . # $ @ % and everything outside ASCII.
func IsNameByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', isDigit(c), c >= utf8.RuneSelf:
		return true
	}
	return strings.IndexByte("_.#$@%", c) >= 0
}

// NameEnd returns the end of the unquoted name at at; at if there is none.
func NameEnd(src string, at int) int {
	for at < len(src) && IsNameByte(src[at]) && BlankLen(src[at:]) == 0 {
		at++
	}
	return at
}
