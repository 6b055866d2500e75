package container

import (
	"errors"
	"fmt"
)

// Causes that callers tell apart.
var (
	// ErrNotFound: no stream of that path.
	ErrNotFound = errors.New("no such stream")
	// ErrNotContainer: the bytes are something else altogether.
	ErrNotContainer = errors.New("not a QVF container")
	// ErrChecksum: the content is not what was written.
	ErrChecksum = errors.New("wrong checksum")
)

// A FormatError says where a container is not what it should be.
type FormatError struct {
	File   string
	Stream string // path of the stream, "/" for the root directory, "" for page 0
	Offset int64  // of the file
	Err    error
}

func (e *FormatError) Error() string {
	if e.Stream == "" {
		return fmt.Sprintf("qvf: %s: byte %d: %v", e.File, e.Offset, e.Err)
	}
	return fmt.Sprintf("qvf: %s: %s: byte %d: %v", e.File, e.Stream, e.Offset, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

func (c *Container) errorf(stream string, offset int64, format string, args ...any) error {
	return &FormatError{File: c.name, Stream: stream, Offset: offset, Err: fmt.Errorf(format, args...)}
}
