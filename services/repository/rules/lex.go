package rules

import (
	"strings"
	"unicode"
)

type tokenKind int

const (
	endToken tokenKind = iota
	nameToken
	propertyToken // @name
	stringToken
	numberToken
	signToken
)

type token struct {
	kind tokenKind
	text string
	pos  int // of its first character, counted from 1
}

// Texts are pasted from documents, so quotes come in many shapes.
const (
	doubleQuotes = "\"“”„‟″"
	singleQuotes = "'‘’‚‛′"
)

// signs are tried in this order: longer ones first.
var signs = [...]string{"!==", "==", "!=", "<=", ">=", "||", "&&", "=", "!", "<", ">", "(", ")", "{", "}", ",", "."}

// lex cuts a condition into tokens; the last one is endToken.
func lex(s string) ([]token, error) {
	src := []rune(s)
	var tokens []token
	for at := 0; at < len(src); {
		if unicode.IsSpace(src[at]) {
			at++
			continue
		}
		t, n, err := lexOne(src[at:])
		if err != nil {
			return nil, &SyntaxError{Pos: at + 1, Msg: err.Msg}
		}
		t.pos = at + 1
		tokens = append(tokens, t)
		at += n
	}
	return append(tokens, token{kind: endToken, pos: len(src) + 1}), nil
}

func lexOne(src []rune) (token, int, *SyntaxError) {
	r := src[0]
	switch {
	case strings.ContainsRune(doubleQuotes+singleQuotes, r):
		return lexString(src)
	case r == '@':
		n := 1 + span(src[1:], isNamePart)
		if n == 1 {
			return token{}, 0, &SyntaxError{Msg: "a custom property has no name"}
		}
		return token{kind: propertyToken, text: string(src[:n])}, n, nil
	case unicode.IsLetter(r) || r == '_':
		n := span(src, isNamePart)
		return token{kind: nameToken, text: string(src[:n])}, n, nil
	case isDigit(r) || r == '-' && len(src) > 1 && isDigit(src[1]):
		n := 1 + span(src[1:], isDigit)
		if n+1 < len(src) && src[n] == '.' && isDigit(src[n+1]) {
			n += 1 + span(src[n+1:], isDigit)
		}
		return token{kind: numberToken, text: string(src[:n])}, n, nil
	}
	for _, sign := range signs {
		if strings.HasPrefix(string(src[:min(len(src), 3)]), sign) {
			return token{kind: signToken, text: sign}, len(sign), nil
		}
	}
	return token{}, 0, &SyntaxError{Msg: "unexpected character " + string(r)}
}

// lexString reads to the closing quote: after a straight one the same, after a
// typographic one any of its kind. There are no escapes: directories of users
// are written with backslashes.
func lexString(src []rune) (token, int, *SyntaxError) {
	closing := string(src[0])
	switch {
	case src[0] == '"' || src[0] == '\'':
	case strings.ContainsRune(doubleQuotes, src[0]):
		closing = doubleQuotes
	default:
		closing = singleQuotes
	}
	n := span(src[1:], func(r rune) bool { return !strings.ContainsRune(closing, r) })
	if n == len(src)-1 {
		return token{}, 0, &SyntaxError{Msg: "the string is not closed"}
	}
	return token{kind: stringToken, text: string(src[1 : n+1])}, n + 2, nil
}

func span(src []rune, ok func(rune) bool) int {
	n := 0
	for n < len(src) && ok(src[n]) {
		n++
	}
	return n
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func isNamePart(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-'
}
