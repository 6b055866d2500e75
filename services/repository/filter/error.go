package filter

import "fmt"

// An Error says where a filter or an order is wrong.
type Error struct {
	Pos    int // byte offset in the text
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("filter: at %d: %s", e.Pos, e.Reason) }

func fail(pos int, format string, args ...any) error {
	return &Error{Pos: pos, Reason: fmt.Sprintf(format, args...)}
}
