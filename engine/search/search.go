// Package search reads search strings and matches values with them.
//
// The string alone decides the kind (data-model.md, section 6): "=" an
// expression, comparison signs a numeric range, * ? ^ a wildcard pattern,
// brackets with | or & a compound; anything else is the normal search.
package search

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// Mode says where the string was written.
type Mode uint8

// Modes of search.
const (
	// Interactive: a normal string matches at the beginning of words.
	Interactive Mode = iota
	// SetElement: a normal string has to match the whole text.
	SetElement
)

// A Search is a parsed search string.
type Search struct {
	// Expr is the expression of an expression search, to be evaluated for
	// each value of the field by whoever knows the data; "" for other kinds.
	Expr string

	match matcher
}

// depthMax bounds nested compounds, sizeMax the length of a search string.
const (
	depthMax = 20
	sizeMax  = 64 << 10
)

// Parse reads a search string.
func Parse(s string, mode Mode, loc *number.Locale) (*Search, error) {
	if len(s) > sizeMax {
		return nil, fmt.Errorf("search string is longer than %d bytes", sizeMax)
	}
	trimmed := strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(trimmed, "="); ok {
		return &Search{Expr: rest}, nil
	}
	m, err := parse(s, mode, loc, 0)
	if err != nil {
		return nil, err
	}
	return &Search{match: m}, nil
}

// Match reports whether a value matches; text is its display text. An
// expression search matches nothing here.
func (s *Search) Match(text string, v dual.Value) bool {
	return s.match != nil && !v.IsNull() && s.match(&subject{text: text, value: v})
}

type matcher func(x *subject) bool

// A subject is the value that is looked at by all parts of a search.
type subject struct {
	text    string // as displayed
	value   dual.Value
	lowered string
	isLower bool
}

// lower returns the text in lower case, which is made once for all parts.
func (x *subject) lower() string {
	if !x.isLower {
		x.lowered, x.isLower = strings.ToLower(x.text), true
	}
	return x.lowered
}

// is reports whether the value has the number n; NaN is none.
func (x *subject) is(n float64) bool { return x.value.HasNum() && x.value.Num == n }

func parse(s string, mode Mode, loc *number.Locale, depth int) (matcher, error) {
	t := strings.TrimSpace(s)
	switch {
	case depth > depthMax:
		return nil, fmt.Errorf("search string is nested more than %d deep", depthMax)
	case strings.HasPrefix(t, "<") || strings.HasPrefix(t, ">"):
		if m := numeric(t, loc); m != nil {
			return m, nil
		}
	case strings.HasPrefix(t, "~"):
		return nil, fmt.Errorf("fuzzy search %q is switched off", t)
	case strings.HasPrefix(t, "(") && strings.HasSuffix(t, ")"):
		if m, err := compound(t[1:len(t)-1], mode, loc, depth); m != nil || err != nil {
			return m, err
		}
	}
	switch {
	case strings.ContainsAny(s, "*?"):
		return func(x *subject) bool { return fn.WildMatch(s, x.text) }, nil
	case strings.Contains(s, "^"):
		return wordStart(s), nil
	case mode == SetElement:
		return whole(s, loc), nil
	default:
		return words(t, loc), nil
	}
}

// compound reads a | b and a & b; nil if the inside is neither.
func compound(inside string, mode Mode, loc *number.Locale, depth int) (matcher, error) {
	for _, sep := range []byte{'|', '&'} {
		parts := splitTop(inside, sep)
		if len(parts) < 2 {
			continue
		}
		ms := make([]matcher, len(parts))
		for i, p := range parts {
			var err error
			if ms[i], err = parse(p, mode, loc, depth+1); err != nil {
				return nil, err
			}
		}
		return func(x *subject) bool {
			for _, m := range ms {
				if m(x) == (sep == '|') {
					return sep == '|'
				}
			}
			return sep == '&'
		}, nil
	}
	return nil, nil
}

func splitTop(s string, sep byte) (parts []string) {
	depth, from := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == sep && depth == 0:
			parts = append(parts, strings.TrimSpace(s[from:i]))
			from = i + 1
		}
	}
	return append(parts, strings.TrimSpace(s[from:]))
}

// numeric reads >10, <=20, >=10<20; nil if the bounds are no numbers.
func numeric(s string, loc *number.Locale) matcher {
	type bound struct {
		op string
		x  float64
	}
	var bounds []bound
	for s != "" {
		op := s[:1]
		if op != "<" && op != ">" {
			return nil
		}
		s = s[1:]
		if strings.HasPrefix(s, "=") {
			op, s = op+"=", s[1:]
		}
		end := strings.IndexAny(s, "<>")
		if end < 0 {
			end = len(s)
		}
		x := loc.Num(loc.Interpret(strings.TrimSpace(s[:end])))
		if x != x {
			return nil
		}
		bounds = append(bounds, bound{op, x})
		s = s[end:]
	}
	return func(subject *subject) bool {
		x := subject.value.Float()
		for _, b := range bounds {
			ok := false
			switch b.op {
			case "<":
				ok = x < b.x
			case "<=":
				ok = x <= b.x
			case ">":
				ok = x > b.x
			case ">=":
				ok = x >= b.x
			}
			if !ok {
				return false
			}
		}
		return true
	}
}

// whole matches the whole text without case, or the number it reads as.
func whole(s string, loc *number.Locale) matcher {
	n := loc.Num(loc.Interpret(strings.TrimSpace(s)))
	return func(x *subject) bool { return strings.EqualFold(x.text, s) || x.is(n) }
}

// words matches if each term begins a word of the text, or the text is the
// number that s reads as.
func words(s string, loc *number.Locale) matcher {
	terms := strings.Fields(strings.ToLower(s))
	n := loc.Num(loc.Interpret(s))
	return func(x *subject) bool {
		if x.is(n) {
			return true
		}
		for _, t := range terms {
			if !beginsWord(x.lower(), t) {
				return false
			}
		}
		return len(terms) > 0
	}
}

func beginsWord(text, term string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], term)
		if i < 0 {
			return false
		}
		at += i
		if before, _ := utf8.DecodeLastRuneInString(text[:at]); at == 0 || !unicode.IsLetter(before) && !unicode.IsDigit(before) {
			return true
		}
		_, n := utf8.DecodeRuneInString(text[at:])
		at += n
	}
}

// wordStart matches a pattern whose ^ stands for the start of a word.
func wordStart(s string) matcher {
	parts := strings.Split(strings.ToLower(s), "^")
	return func(x *subject) bool {
		rest, ok := strings.CutPrefix(x.lower(), parts[0])
		if !ok {
			return false
		}
		for _, p := range parts[1:] {
			if p == "" || !beginsWord(rest, p) {
				return false
			}
		}
		return true
	}
}
