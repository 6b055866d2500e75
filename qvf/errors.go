package qvf

import "fmt"

// A FormatError says where a stream is not what it should be.
type FormatError struct {
	File   string
	Stream string
	Block  string // part of the stream that was inflated on its own, "" = the stream itself
	Offset int64  // of the block
	Err    error
}

func (e *FormatError) Error() string {
	if e.Block == "" {
		return fmt.Sprintf("qvf: %s: %s: byte %d: %v", e.File, e.Stream, e.Offset, e.Err)
	}
	return fmt.Sprintf("qvf: %s: %s: %s: byte %d: %v", e.File, e.Stream, e.Block, e.Offset, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

// A Problem is a stream that could not be read while the others could.
type Problem struct {
	Stream string
	Err    error
}

func (p Problem) Error() string { return p.Err.Error() }

func (p Problem) Unwrap() error { return p.Err }
