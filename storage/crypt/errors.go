package crypt

import (
	"errors"
	"fmt"
)

var (
	// ErrNoKey says that the key store has the key of no recipient. The
	// message names the recipients' thumbprints.
	ErrNoKey = errors.New("no key for this object")

	// ErrKey says that a key was found but does not open the object, or that
	// the clear part or the parameters were altered. Which of them is not
	// told: the difference would help only an attacker.
	ErrKey = errors.New("wrong key or altered header")

	// ErrBroken says that the sealed body is not what was sealed: errors of
	// the kind [*ChunkError] say where, others that its length is wrong.
	ErrBroken = errors.New("sealed body is broken")

	// ErrFormat is the kind of every [*FormatError].
	ErrFormat = errors.New("malformed envelope")

	// ErrOtherObject says that a blob or an entry is valid, but of another
	// object than the one asked for.
	ErrOtherObject = errors.New("another object than the one asked for")

	// ErrCertificate says that a certificate cannot be sealed for.
	ErrCertificate = errors.New("certificate cannot be used for sealing")
)

// A FormatError says which part of the parameters is malformed.
type FormatError struct {
	Field  string // "core", "core.len", "rcp[3]", "head" ...
	Offset int64  // byte in the text of that field
	Reason string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%v: %s: byte %d: %s", ErrFormat, e.Field, e.Offset, e.Reason)
}

// Unwrap makes errors.Is(err, ErrFormat) hold.
func (e *FormatError) Unwrap() error { return ErrFormat }

func malformed(field string, offset int, format string, args ...any) error {
	return &FormatError{Field: field, Offset: int64(offset), Reason: fmt.Sprintf(format, args...)}
}

// A ChunkError says which chunk of a sealed body is not what was sealed.
type ChunkError struct {
	Chunk  uint64 // counted from 0
	Offset int64  // where the chunk begins in what was opened (a file, a blob)
	Len    int64  // bytes of the chunk with its tag
}

func (e *ChunkError) Error() string {
	return fmt.Sprintf("%v: chunk %d: byte %d: the %d bytes do not match their tag", ErrBroken, e.Chunk, e.Offset, e.Len)
}

// Unwrap makes errors.Is(err, ErrBroken) hold.
func (e *ChunkError) Unwrap() error { return ErrBroken }
