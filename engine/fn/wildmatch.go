package fn

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// WildMatch reports whether pattern matches all of text, without case: * is
// any characters, also none, ? is one character.
//
// It keeps one place to go back to, the last star, because an earlier star
// never needs to give back what it took. That is at most len(pattern) steps
// per character of text, and no recursion.
func WildMatch(pattern, text string) bool {
	star, resume := -1, 0 // behind the last star; where its rest began to match
	p, t := 0, 0
	for t < len(text) {
		tr, tn := utf8.DecodeRuneInString(text[t:])
		if p < len(pattern) {
			pr, pn := utf8.DecodeRuneInString(pattern[p:])
			if pr == '*' {
				star, resume = p+pn, t
				p += pn
				continue
			}
			if pr == '?' || equalFold(pr, tr) {
				p, t = p+pn, t+tn
				continue
			}
		}
		if star < 0 {
			return false
		}
		_, skip := utf8.DecodeRuneInString(text[resume:])
		resume += skip
		p, t = star, resume
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func equalFold(a, b rune) bool {
	if a == b {
		return true
	}
	if a < utf8.RuneSelf && b < utf8.RuneSelf {
		return a|0x20 == b|0x20 && a|0x20 >= 'a' && a|0x20 <= 'z'
	}
	return unicode.ToLower(unicode.ToUpper(a)) == unicode.ToLower(unicode.ToUpper(b))
}
