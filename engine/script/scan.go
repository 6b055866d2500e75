package script

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/engine/expr"
)

// A scanner reads the words of a statement. Expressions inside are read by
// package expr from the same text, so all offsets are of one kind.
type scanner struct {
	src string
	pos int
}

// skip moves past blanks and comments.
func (s *scanner) skip() {
	for s.pos < len(s.src) {
		if n := blankOrComment(s.src, s.pos); n > 0 {
			s.pos += n
			continue
		}
		return
	}
}

// blankOrComment returns the length of the blank or comment at pos, or 0.
func blankOrComment(src string, pos int) int {
	if n := expr.BlankLen(src[pos:]); n > 0 {
		return n
	}
	return commentLen(src, pos)
}

// commentLen returns the length of the comment at pos, without the line's
// end. The slashes of lib:// and the like start none.
func commentLen(src string, pos int) int {
	rest := src[pos:]
	switch {
	case strings.HasPrefix(rest, "/*"):
		if n := strings.Index(rest[2:], "*/"); n >= 0 {
			return n + 4
		}
	case strings.HasPrefix(rest, "//") && !isURL(src[:pos]):
		if n := strings.IndexAny(rest, "\r\n"); n >= 0 {
			return n
		}
		return len(rest)
	}
	return 0
}

// isURL reports whether before ends in a scheme such as "lib:".
func isURL(before string) bool {
	before, ok := strings.CutSuffix(before, ":")
	if !ok {
		return false
	}
	if len(before) > 8 {
		before = before[len(before)-8:]
	}
	before = strings.ToLower(before)
	for _, scheme := range []string{"lib", "http", "https", "ftp", "file"} {
		if strings.HasSuffix(before, scheme) {
			return true
		}
	}
	return false
}

func (s *scanner) end() bool {
	s.skip()
	return s.pos >= len(s.src)
}

// word returns the unquoted word ahead, "" if there is none.
func (s *scanner) word() string {
	s.skip()
	return s.src[s.pos:expr.NameEnd(s.src, s.pos)]
}

// is reports whether the word ahead is one of the given ones, in any case.
func (s *scanner) is(words ...string) bool {
	w := s.word()
	for _, want := range words {
		if strings.EqualFold(w, want) {
			return true
		}
	}
	return false
}

// accept moves past the words if exactly they are ahead, in any case.
func (s *scanner) accept(words ...string) bool {
	save := s.pos
	for _, want := range words {
		w := s.word()
		if !strings.EqualFold(w, want) {
			s.pos = save
			return false
		}
		s.pos += len(w)
	}
	return true
}

// acceptAny moves past one of the words and returns it in upper case.
func (s *scanner) acceptAny(words ...string) string {
	for _, w := range words {
		if s.accept(w) {
			return strings.ToUpper(w)
		}
	}
	return ""
}

// mark moves past the punctuation c if it is ahead.
func (s *scanner) mark(c byte) bool {
	s.skip()
	if s.pos < len(s.src) && s.src[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// ahead returns the byte ahead, 0 at the end.
func (s *scanner) ahead() byte {
	s.skip()
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

func (s *scanner) expect(c byte) error {
	if !s.mark(c) {
		return s.want(fmt.Sprintf("%q", c))
	}
	return nil
}

func (s *scanner) expectWord(w string) error {
	if !s.accept(w) {
		return s.want(w)
	}
	return nil
}

// want returns the error that something else than want is ahead.
func (s *scanner) want(want string) error {
	if s.end() {
		return syntaxf(s.pos, "unexpected end of the statement, want %s", want)
	}
	got := s.word()
	if got == "" {
		_, n := utf8.DecodeRuneInString(s.src[s.pos:])
		got = s.src[s.pos : s.pos+n]
	}
	return syntaxf(s.pos, "unexpected %q, want %s", got, want)
}

// finish returns an error if something is left.
func (s *scanner) finish() error {
	if !s.end() {
		return s.want("the end of the statement")
	}
	return nil
}

// closers maps opening quotes to closing ones.
var closers = map[byte]byte{'\'': '\'', '"': '"', '`': '`', '[': ']'}

// quotedEnd returns the offset behind the quoted text at pos, -1 if it is not
// closed.
func quotedEnd(src string, pos int) int { return expr.QuotedEnd(src, pos, closers[src[pos]]) }

// unquote returns the content of quoted text.
func unquote(quoted string) string { return expr.Unquote(quoted, closers[quoted[0]]) }

// quoted reads text in any quotes; ok is false if no quote is ahead.
func (s *scanner) quoted() (content string, ok bool, err error) {
	c := s.ahead()
	if closers[c] == 0 {
		return "", false, nil
	}
	end := quotedEnd(s.src, s.pos)
	if end < 0 {
		return "", false, syntaxf(s.pos, "missing closing %c", closers[c])
	}
	content = unquote(s.src[s.pos:end])
	s.pos = end
	return content, true, nil
}

// name reads a name in any quotes or none.
func (s *scanner) name(what string) (string, error) {
	if content, ok, err := s.quoted(); ok || err != nil {
		return content, err
	}
	w := s.word()
	if w == "" {
		return "", s.want(what)
	}
	s.pos += len(w)
	return w, nil
}

// pattern reads a name that may hold the wildcards * and ?.
func (s *scanner) pattern(what string) (string, error) {
	if content, ok, err := s.quoted(); ok || err != nil {
		return content, err
	}
	s.skip()
	end := s.pos
	for end < len(s.src) && (expr.IsNameByte(s.src[end]) || s.src[end] == '*' || s.src[end] == '?') {
		end++
	}
	if end == s.pos {
		return "", s.want(what)
	}
	w := s.src[s.pos:end]
	s.pos = end
	return w, nil
}

// list reads items divided by commas.
func list[T any](s *scanner, item func() (T, error)) ([]T, error) {
	var out []T
	for {
		x, err := item()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
		if !s.mark(',') {
			return out, nil
		}
	}
}

func (s *scanner) names(what string) ([]string, error) {
	return list(s, func() (string, error) { return s.name(what) })
}

func (s *scanner) patterns(what string) ([]string, error) {
	return list(s, func() (string, error) { return s.pattern(what) })
}

// expr reads an expression.
func (s *scanner) expr() (expr.Node, error) {
	n, end, err := expr.ParsePrefix(s.src, s.pos, expr.Options{Script: true})
	if err != nil {
		return nil, err
	}
	s.pos = end
	return n, nil
}

// rest returns what is left, trimmed.
func (s *scanner) rest() string {
	s.skip()
	rest := strings.TrimSpace(s.src[s.pos:])
	s.pos = len(s.src)
	return rest
}
