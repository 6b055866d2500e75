package qvd

import (
	"errors"
	"fmt"
)

var (
	// ErrNotQVD marks a file that is something else altogether.
	ErrNotQVD = errors.New("not a QVD file")
	// ErrEncrypted marks a file whose body cannot be read as it is encrypted.
	ErrEncrypted = errors.New("encrypted")
)

// A FormatError says what is wrong with a file, and where.
type FormatError struct {
	File   string // name as given to Open
	Offset int64  // byte of the file (of the decrypted file where the body is encrypted)
	What   string // the part: an element of the header, a symbol, a record
	Err    error
}

// Error returns a text like `qvd: sales.qvd: byte 4711: symbol 4 of Region:
// need 8 bytes, have 1`.
func (e *FormatError) Error() string {
	return fmt.Sprintf("qvd: %s: byte %d: %s: %v", e.File, e.Offset, e.What, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

// quoteMax bounds what an error repeats of its input.
const quoteMax = 64

// quote returns s in quotes, cut where it is long.
func quote[T ~string | ~[]byte](s T) string {
	if len(s) > quoteMax {
		return fmt.Sprintf("%q…", string(s[:quoteMax]))
	}
	return fmt.Sprintf("%q", string(s))
}
