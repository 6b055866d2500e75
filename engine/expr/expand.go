package expr

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Limits of dollar expansion, which can grow without end.
const (
	maxExpandDepth = 30
	maxExpansions  = 100_000
	maxExpandedLen = 16 << 20
)

// An Expansion is what a variable or expression expands to.
type Expansion struct {
	Text string
	Num  float64 // NaN if it has no number
}

// An Expander knows the variables of a script or an app.
type Expander interface {
	// Variable returns the content of a variable; ok is false if there is none.
	Variable(name string) (x Expansion, ok bool)
	// Eval evaluates $(=source, format); format may be empty.
	Eval(source, format string) (Expansion, error)
}

// Expand replaces every $(...) in src, inner ones first, also in what
// variables contain. An unknown variable expands to nothing. A "$(" without
// its bracket stays as it is.
func Expand(src string, x Expander) (string, error) {
	if !strings.Contains(src, "$(") {
		return src, nil
	}
	e := expansion{x: x}
	return e.text(src, 0)
}

// An expansion counts what one call of Expand does.
type expansion struct {
	x     Expander
	count int
	size  int // bytes written by all levels
}

// text expands all of src.
func (e *expansion) text(src string, depth int) (string, error) {
	if depth > maxExpandDepth {
		return "", fmt.Errorf("dollar expansion is nested deeper than %d levels", maxExpandDepth)
	}
	var out strings.Builder
	for {
		i := strings.Index(src, "$(")
		if i < 0 {
			break
		}
		end := closing(src, i+1)
		if end < 0 {
			break
		}
		out.WriteString(src[:i])
		part, err := e.body(src[i+2:end], depth)
		if err != nil {
			return "", err
		}
		if e.size += len(part); e.size > maxExpandedLen {
			return "", errors.New("dollar expansion makes more than 16 MiB of text")
		}
		out.WriteString(part)
		src = src[end+1:]
	}
	out.WriteString(src)
	return out.String(), nil
}

// closing returns the offset of the bracket that closes the one at open, -1
// if there is none. Brackets in single quotes do not count, unless the quote
// is never closed: then it is an apostrophe.
func closing(src string, open int) int {
	if at := closingIn(src, open, true); at >= 0 || strings.IndexByte(src[open:], '\'') < 0 {
		return at
	}
	return closingIn(src, open, false)
}

// closingIn does it with single quotes that hide brackets, or without.
func closingIn(src string, open int, quotes bool) int {
	depth := 0
	for i := open; i < len(src); i++ {
		switch src[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		case '\'':
			if n := strings.IndexByte(src[i+1:], '\''); quotes && n >= 0 {
				i += n + 1
			}
		}
	}
	return -1
}

// body expands what stands between $( and ).
func (e *expansion) body(body string, depth int) (string, error) {
	if e.count++; e.count > maxExpansions {
		return "", fmt.Errorf("more than %d dollar expansions", maxExpansions)
	}
	body, err := e.text(body, depth+1)
	if err != nil {
		return "", err
	}
	name := strings.TrimSpace(body)
	if rest, ok := strings.CutPrefix(name, "#"); ok {
		v, err := e.numeric(strings.TrimSpace(rest), depth)
		if err != nil {
			return "", err
		}
		return v, nil
	}
	if source, ok := strings.CutPrefix(name, "="); ok {
		v, err := e.eval(source)
		return v.Text, err
	}
	return e.variable(name, depth)
}

// variable expands name or name(arguments).
func (e *expansion) variable(name string, depth int) (string, error) {
	if v, ok := e.x.Variable(name); ok {
		return e.text(v.Text, depth+1)
	}
	open := strings.IndexByte(name, '(')
	if open < 0 || !strings.HasSuffix(name, ")") {
		return "", nil
	}
	v, ok := e.x.Variable(strings.TrimSpace(name[:open]))
	if !ok {
		return "", nil
	}
	text := parameters(v.Text, splitTop(name[open+1:len(name)-1]))
	if e.size += len(text); e.size > maxExpandedLen {
		return "", errors.New("dollar expansion makes more than 16 MiB of text")
	}
	return e.text(text, depth+1)
}

// numeric expands #name and #=expression to a number literal.
func (e *expansion) numeric(name string, depth int) (string, error) {
	var v Expansion
	var err error
	if source, ok := strings.CutPrefix(name, "="); ok {
		v, err = e.eval(source)
	} else if v, ok = e.x.Variable(name); !ok {
		v.Num = math.NaN()
	} else if text, xerr := e.text(v.Text, depth+1); xerr != nil {
		err = xerr
	} else if text != v.Text { // what it expands to may be a number
		if v.Num, xerr = strconv.ParseFloat(strings.TrimSpace(text), 64); xerr != nil {
			v.Num = math.NaN()
		}
	}
	if err != nil {
		return "", err
	}
	if math.IsNaN(v.Num) || math.IsInf(v.Num, 0) {
		return "0", nil
	}
	return strconv.FormatFloat(v.Num, 'g', -1, 64), nil
}

// eval evaluates expression [, format].
func (e *expansion) eval(source string) (Expansion, error) {
	format := ""
	if parts := splitTop(source); len(parts) == 2 {
		source, format = parts[0], strings.Trim(parts[1], "'")
	}
	v, err := e.x.Eval(source, format)
	if err != nil {
		return Expansion{}, fmt.Errorf("$(=%s): %w", source, err)
	}
	return v, nil
}

// splitTop cuts s at the commas outside of brackets and quotes and trims the
// parts. No text gives no part.
func splitTop(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	var parts []string
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		case '\'', '"', '[':
			end := s[i]
			if end == '[' {
				end = ']'
			}
			if n := strings.IndexByte(s[i+1:], end); n >= 0 {
				i += n + 1
			}
		case ',':
			if depth == 0 {
				parts = append(parts, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
	}
	return append(parts, strings.TrimSpace(s[from:]))
}

// parameters replaces $1, $2 ... in text; those without argument stay.
func parameters(text string, args []string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		end := i + 1
		for end < len(text) && isDigit(text[end]) {
			end++
		}
		if text[i] == '$' && end > i+1 {
			if n, err := strconv.Atoi(text[i+1 : end]); err == nil && n >= 1 && n <= len(args) {
				out.WriteString(args[n-1])
				i = end - 1
				continue
			}
		}
		out.WriteByte(text[i])
	}
	return out.String()
}
