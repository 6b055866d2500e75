package script

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/engine/expr"
)

// An Error is a failure of a statement.
type Error struct {
	File      string // include file, "" = the script itself
	Line, Col int    // from 1; of the place, or of the statement where the place is not known
	Statement string // shortened
	Err       error
}

// Error returns place and reason.
func (e *Error) Error() string {
	where := fmt.Sprintf("line %d, column %d", e.Line, e.Col)
	if e.File != "" {
		where = e.File + ", " + where
	}
	return where + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// A text is a piece of script and where it comes from.
type text struct {
	src  string
	file string // include file
	// from is set for text that a dollar expansion made: places in it cannot
	// be told, so that of the statement counts.
	from *statement
}

// A syntaxError is a reason with its place in the statement.
type syntaxError struct {
	at  int // byte in the statement's text
	msg string
}

func (e *syntaxError) Error() string { return e.msg }

func syntaxf(at int, format string, args ...any) error {
	return &syntaxError{at: at, msg: fmt.Sprintf(format, args...)}
}

// errorIn returns err as an error of statement s. Cancelling is no failure of
// a statement and stays as it is, as does an error that has its place.
func errorIn(s *statement, err error) error {
	var placed *Error
	if err == nil || errors.As(err, &placed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	at := 0
	var se *syntaxError
	var ee *expr.Error
	switch {
	case errors.As(err, &se):
		at = se.at
	case errors.As(err, &ee):
		at = ee.At
	}
	e := s.place(at)
	e.Err = err
	e.Statement = shorten(s.text)
	return e
}

// place returns an error without reason at byte at of the statement's text.
func (s *statement) place(at int) *Error {
	if s.source.from != nil {
		return s.source.from.place(0)
	}
	at = min(s.at+at, len(s.source.src))
	before := s.source.src[:at]
	line := strings.LastIndexByte(before, '\n') + 1
	return &Error{
		File: s.source.file,
		Line: strings.Count(before, "\n") + 1,
		Col:  utf8.RuneCountInString(before[line:]) + 1,
	}
}

// shorten returns the first line of a statement for messages.
func shorten(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	const most = 120
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	return strings.TrimSpace(s)
}
