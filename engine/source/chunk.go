package source

import (
	"bytes"
	"fmt"
	"io"
)

const (
	// chunkBytes is the size of the pieces that are parsed in parallel: the
	// places of their cells stay in the second-level cache.
	chunkBytes = 1 << 20
	// recordMax bounds one record, and so what a quote that is never closed
	// makes a reader keep.
	recordMax = 64 << 20
)

// A chunker cuts text at ends of records.
type chunker struct {
	r     io.Reader
	d     *dialect
	noEOF bool // character 26 does not end the text
	rest  []byte
	line  int // of the first byte of rest
	done  bool
	size  int           // chunkBytes, less in tests
	spare <-chan []byte // memory that can be used again; may be nil
}

// first returns the next chunk that has a record, or io.EOF. The labels are in
// it, so chunks of empty lines and comments before it do not count.
func (c *chunker) first() ([]byte, error) {
	for {
		chunk, err := c.next()
		if err != nil {
			return nil, err
		}
		if _, ok := c.d.skip(stringOf(chunk), 0); ok {
			return chunk, nil
		}
	}
}

// next returns the next complete records, or io.EOF. The bytes are the
// caller's.
func (c *chunker) next() ([]byte, error) {
	size := c.size
	for {
		if err := c.fill(size); err != nil {
			return nil, err
		}
		if len(c.rest) == 0 {
			return nil, io.EOF
		}
		end, unclosed := c.d.boundary(c.rest)
		switch {
		case c.done && unclosed >= 0:
			return nil, c.errorAt(unclosed, "quote is not closed")
		case c.done:
			end = len(c.rest)
		case end == 0 && len(c.rest) >= recordMax:
			return nil, c.errorAt(max(unclosed, 0), fmt.Sprintf("record of more than %d bytes", recordMax))
		case end == 0:
			size = 2 * len(c.rest)
			continue
		}
		chunk := c.rest[:end] // with all its capacity, as its memory is used again
		c.line += bytes.Count(chunk, []byte{c.d.newline})
		c.rest = append([]byte(nil), c.rest[end:]...)
		return repair(chunk), nil
	}
}

// fill reads until rest has size bytes or the text ends.
func (c *chunker) fill(size int) error {
	if c.done || len(c.rest) >= size {
		return nil
	}
	have := len(c.rest)
	buf := c.memory(size)
	copy(buf, c.rest)
	n, err := io.ReadFull(c.r, buf[have:])
	buf = buf[:have+n]
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		c.done, err = true, nil
	}
	if i := bytes.IndexByte(buf[have:], 26); i >= 0 && !c.noEOF {
		buf, c.done = buf[:have+i], true
	}
	c.rest = buf
	return err
}

// memory returns so many bytes, whatever they hold.
func (c *chunker) memory(size int) []byte {
	select {
	case b := <-c.spare:
		if cap(b) >= size {
			return b[:size]
		}
	default:
	}
	return make([]byte, size)
}

func (c *chunker) errorAt(at int, reason string) error {
	before := c.rest[:at]
	return &TextError{
		Line:   c.line + bytes.Count(before, []byte{c.d.newline}),
		Column: at - bytes.LastIndexByte(before, c.d.newline),
		Reason: reason,
	}
}
