package script

import (
	"strings"

	"github.com/cognate-bi/cognate/engine/expr"
)

// keyword is the control word a statement starts with, upper case and without
// inner blanks (ENDIF); "" for all other statements.
type keyword = string

// A statement is a piece of script text that is run at one time: up to a
// semicolon, or the line of a control statement.
type statement struct {
	source *text
	at     int // byte of source where text starts
	text   string
	key    keyword
}

// splitter cuts a script into statements.
type splitter struct {
	t   *text
	pos int
}

// next returns the next statement that is not empty, nil at the end.
func (p *splitter) next() (*statement, error) {
	for {
		sc := scanner{src: p.t.src, pos: p.pos}
		sc.skip()
		p.pos = sc.pos
		if p.pos >= len(p.t.src) {
			return nil, nil
		}
		if p.t.src[p.pos] == ';' {
			p.pos++
			continue
		}
		s := &statement{source: p.t, at: p.pos}
		end, err := p.cut(s)
		if err != nil {
			return nil, err
		}
		s.text = p.t.src[p.pos:end]
		p.pos = end
		if p.pos < len(p.t.src) && p.t.src[p.pos] == ';' {
			p.pos++
		}
		if s.key != "REM" {
			return s, nil
		}
	}
}

// cut finds the kind and the end of the statement at p.pos.
func (p *splitter) cut(s *statement) (int, error) {
	if in, ok := includeOf(p.t.src[p.pos:]); ok {
		return p.pos + in.size, nil
	}
	sc := scanner{src: p.t.src, pos: p.pos}
	s.key = controlWord(&sc)
	switch s.key {
	case "REM":
		return p.plainEnd(), nil
	case "":
	case "ELSE", "DEFAULT":
		return sc.pos, nil
	case "IF", "ELSEIF":
		return p.then(s, sc.pos)
	default:
		return p.lineEnd(s, sc.pos)
	}
	switch {
	case sc.is("set"):
		return p.end(s, looseQuotes)
	case sc.is("trace"):
		return p.end(s, textQuotes)
	}
	return p.end(s, allQuotes)
}

// controlWord moves past the control word ahead and returns it; "" if the
// statement is of another kind. A word with a colon behind it is a label, one
// with an equals sign a variable.
func controlWord(sc *scanner) keyword {
	save := sc.pos
	key := readControlWord(sc)
	behind := sc.pos
	c := sc.ahead()
	sc.pos = behind
	if key != "" && (c == ':' || c == '=') {
		key = ""
	}
	if key == "" {
		sc.pos = save
	}
	return key
}

// readControlWord is controlWord without the look behind the word.
func readControlWord(sc *scanner) keyword {
	if key := sc.acceptAny("IF", "ELSEIF", "ELSE", "ENDIF", "FOR", "NEXT", "DO", "LOOP", "SWITCH", "CASE",
		"DEFAULT", "ENDSWITCH", "SUB", "ENDSUB", "CALL", "REM"); key != "" {
		return key
	}
	if sc.accept("END") {
		if key := sc.acceptAny("IF", "SWITCH", "SUB"); key != "" {
			return "END" + key
		}
		return ""
	}
	if sc.accept("EXIT") && sc.is("SCRIPT", "FOR", "DO", "SUB") {
		return "EXIT"
	}
	return ""
}

// How quotes count while the end of a statement is looked for.
type quoteRule uint8

const (
	allQuotes   quoteRule = iota
	looseQuotes           // a quote that is not closed in its line is an ordinary character, unless the value starts with it
	textQuotes            // as all if the text starts with a quote, else none
)

// end returns the offset of the semicolon that ends the statement.
func (p *splitter) end(s *statement, rule quoteRule) (int, error) {
	src := p.t.src
	for i := p.pos; i < len(src); {
		c := src[i]
		switch {
		case c == ';':
			return i, nil
		case commentLen(src, i) > 0:
			i += commentLen(src, i)
		case closers[c] != 0 && p.counts(rule, i):
			end := quotedEnd(src, i)
			if end < 0 {
				if rule != allQuotes {
					i++
					continue
				}
				return 0, errorIn(s, syntaxf(i-p.pos, "missing closing %c", closers[c]))
			}
			i = end
		default:
			i++
		}
	}
	return len(src), nil
}

// counts reports whether the quote at i groups text.
func (p *splitter) counts(rule quoteRule, i int) bool {
	if rule == allQuotes {
		return true
	}
	src := p.t.src
	if rule == textQuotes {
		sc := scanner{src: src, pos: p.pos}
		sc.accept("TRACE")
		return closers[sc.ahead()] != 0 && src[sc.pos] != '['
	}
	first := strings.HasSuffix(strings.TrimSpace(src[p.pos:i]), "=")
	if src[i] == '[' {
		return false // SET v = [a] keeps its brackets; they hold no semicolons
	}
	line, _, _ := strings.Cut(src[i:], "\n")
	return first || quotedEnd(line, 0) > 0
}

// plainEnd returns the offset of the next semicolon.
func (p *splitter) plainEnd() int {
	if n := strings.IndexByte(p.t.src[p.pos:], ';'); n >= 0 {
		return p.pos + n
	}
	return len(p.t.src)
}

// lineEnd returns where a control statement ends: at a semicolon or the end
// of the line. A line goes on while brackets are open or it ends in a comma.
func (p *splitter) lineEnd(s *statement, from int) (int, error) {
	src := p.t.src
	depth := 0
	last := byte(0)
	for i := from; i < len(src); {
		c := src[i]
		switch {
		case c == ';':
			return i, nil
		case c == '\n' && depth <= 0 && last != ',':
			return i, nil
		case commentLen(src, i) > 0:
			i += commentLen(src, i)
			continue
		case closers[c] != 0:
			end := quotedEnd(src, i)
			if end < 0 {
				return 0, errorIn(s, syntaxf(i-p.pos, "missing closing %c", closers[c]))
			}
			i, last = end, c
			continue
		case c == '(':
			depth++
		case c == ')':
			depth--
		}
		if expr.BlankLen(src[i:]) == 0 {
			last = c
		}
		i++
	}
	return len(src), nil
}

// then returns the offset behind the THEN of an IF clause.
func (p *splitter) then(s *statement, from int) (int, error) {
	src := p.t.src
	for i := from; i < len(src); {
		c := src[i]
		sc := scanner{src: src, pos: i}
		switch {
		case c == ';':
			return 0, errorIn(s, syntaxf(i-p.pos, "IF without THEN"))
		case commentLen(src, i) > 0:
			i += commentLen(src, i)
		case closers[c] != 0:
			end := quotedEnd(src, i)
			if end < 0 {
				return 0, errorIn(s, syntaxf(i-p.pos, "missing closing %c", closers[c]))
			}
			i = end
		case expr.BlankLen(src[i:]) > 0:
			i += expr.BlankLen(src[i:])
		case expr.IsNameByte(c):
			if w := sc.word(); strings.EqualFold(w, "then") {
				return i + len(w), nil
			}
			i += max(1, len(sc.word()))
		default:
			i++
		}
	}
	return 0, errorIn(s, syntaxf(0, "IF without THEN"))
}

// withoutComments cuts the comments out of a statement. Quotes protect what
// looks like one; with loose, only quotes that close in their line do, and
// brackets are no quotes.
func withoutComments(s string, loose bool) string {
	if !strings.Contains(s, "//") && !strings.Contains(s, "/*") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		n := commentLen(s, i)
		if n > 0 {
			i += n
			continue
		}
		n = 1
		if closers[s[i]] != 0 && (!loose || s[i] != '[') {
			within := s[i:]
			if loose {
				within, _, _ = strings.Cut(within, "\n")
			}
			n = max(1, quotedEnd(within, 0))
		}
		out.WriteString(s[i : i+n])
		i += n
	}
	return out.String()
}
