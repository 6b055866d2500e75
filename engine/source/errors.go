package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
)

// ErrFormat marks content that does not fit its format.
var ErrFormat = errors.New("bad format")

// A TextError is a place in a text that cannot be read.
type TextError struct {
	Line   int // from 1, of the file
	Column int // byte, from 1; 0 = the line
	Reason string
}

func (e *TextError) Error() string {
	if e.Column == 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// Is makes a TextError an [ErrFormat].
func (e *TextError) Is(target error) bool { return target == ErrFormat }

// named adds the file's name, which is all of its path that a user of the
// script needs to see. The end of the data stays io.EOF.
func named(path string, err error) error {
	if err == io.EOF || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return fmt.Errorf("%s: %w", filepath.Base(path), err)
}

// recovered turns a panic of a format library into an error. The libraries
// check less of a hostile file than they should; a panic there must not end
// the server.
func recovered(err *error) {
	switch p := recover().(type) {
	case nil:
	case string:
		*err = fmt.Errorf("%w: %s", ErrFormat, p)
	default:
		*err = fmt.Errorf("%w: %v", ErrFormat, p)
	}
}
