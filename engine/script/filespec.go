package script

import (
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/engine/source"
)

// A fileSpec is a format specification as written.
type fileSpec struct {
	source.Spec
}

// fileSpec reads "(" item {"," item} ")", or nothing.
func (s *scanner) fileSpec() (fileSpec, error) {
	var f fileSpec
	if !s.mark('(') {
		return f, nil
	}
	for !s.mark(')') {
		if err := f.item(s); err != nil {
			return f, err
		}
		if !s.mark(',') && s.ahead() != ')' {
			return f, s.want(", or ) of the format specification")
		}
	}
	return f, nil
}

// specWords are the items of one or two words without a value.
var specWords = []struct {
	words []string
	set   func(f *fileSpec)
}{
	{[]string{"EMBEDDED", "LABELS"}, func(f *fileSpec) { f.Labels = source.LabelsEmbedded }},
	{[]string{"EXPLICIT", "LABELS"}, func(f *fileSpec) { f.Labels = source.LabelsExplicit }},
	{[]string{"NO", "LABELS"}, func(f *fileSpec) { f.Labels = source.LabelsNone }},
	{[]string{"NO", "QUOTES"}, func(f *fileSpec) { f.Quotes = source.QuotesNone }},
	{[]string{"MSQ"}, func(f *fileSpec) { f.Quotes = source.QuotesMSQ }},
	{[]string{"NO", "EOF"}, func(f *fileSpec) { f.NoEOF = true }},
	{[]string{"ANSI"}, func(f *fileSpec) { f.Charset = "ansi" }},
	{[]string{"OEM"}, func(f *fileSpec) { f.Charset = "oem" }},
	{[]string{"MAC"}, func(f *fileSpec) { f.Charset = "mac" }},
	{[]string{"SYMBOL"}, func(f *fileSpec) { f.Charset = "ansi" }},
	{[]string{"UTF8"}, func(f *fileSpec) { f.Charset = "utf8" }},
	{[]string{"UNICODE"}, func(f *fileSpec) { f.Charset = "unicode" }},
}

// specValues are the items with IS value.
var specValues = map[string]func(f *fileSpec, sc *scanner) error{
	"DELIMITER": func(f *fileSpec, sc *scanner) (err error) {
		f.Delimiter, err = sc.delimiter()
		return err
	},
	"TABLE":    func(f *fileSpec, sc *scanner) (err error) { f.Table, err = sc.name("a table"); return err },
	"COMMENT":  func(f *fileSpec, sc *scanner) (err error) { f.Comment, err = sc.name("a text"); return err },
	"CODEPAGE": func(f *fileSpec, sc *scanner) (err error) { f.Charset, err = sc.name("a code page"); return err },
	"TAB":      func(f *fileSpec, sc *scanner) (err error) { f.TabWidth, _, err = sc.size(); return err },
	"HEADER": func(f *fileSpec, sc *scanner) error {
		n, lines, err := sc.size()
		if lines {
			f.HeaderLines = n
		} else {
			f.HeaderBytes = n
		}
		return err
	},
	"RECORD": func(f *fileSpec, sc *scanner) error {
		n, lines, err := sc.size()
		if !lines {
			f.RecordLen = n
		} else if n > 1 {
			return syntaxf(sc.pos, "records of %d lines are not supported", n)
		}
		return err
	},
}

// size reads n, n LINES or LINE.
func (s *scanner) size() (n int, lines bool, err error) {
	if s.accept("LINE") {
		return 1, true, nil
	}
	w := s.word()
	if n, err = strconv.Atoi(w); err != nil {
		return 0, false, s.want("a number")
	}
	s.pos += len(w)
	return n, s.accept("LINES") || s.accept("LINE"), nil
}

// delimiter reads a delimiter: quoted, a word, or a backslash and a letter.
func (s *scanner) delimiter() (string, error) {
	if s.mark('\\') {
		w := s.word()
		s.pos += len(w)
		return `\` + w, nil
	}
	return s.name("a delimiter")
}

// item reads one item.
func (f *fileSpec) item(sc *scanner) error {
	for _, w := range specWords {
		if sc.accept(w.words...) {
			w.set(f)
			return nil
		}
	}
	start := sc.pos
	word := sc.word()
	if set := specValues[strings.ToUpper(word)]; set != nil {
		sc.pos += len(word)
		if sc.accept("IS") {
			return set(f, sc)
		}
		sc.pos = start
	}
	if word == "" || f.Format != "" {
		return sc.want("an item of the format specification")
	}
	if strings.EqualFold(word, "FILTERS") || strings.EqualFold(word, "URL") || strings.EqualFold(word, "USERAGENT") {
		return syntaxf(sc.pos, "%s in a format specification is not supported", word)
	}
	sc.pos += len(word)
	f.Format = strings.ToLower(word)
	if strings.EqualFold(word, "utf") && sc.mark('-') { // utf-8
		sc.pos += len(sc.word())
		f.Format, f.Charset = "", "utf8"
	}
	return nil
}
