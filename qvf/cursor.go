package qvf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A cursor reads little-endian values from untrusted bytes. Its first error
// stays: later reads return zero values, so that a record is checked once, at
// its end.
type cursor struct {
	file, stream, block string
	buf                 []byte
	off                 int
	err                 error // nil or a *FormatError
}

func (c *cursor) fail(field, format string, args ...any) {
	if c.err == nil {
		c.err = &FormatError{
			File: c.file, Stream: c.stream, Block: c.block, Offset: int64(c.off),
			Err: fmt.Errorf("%s: %w", field, fmt.Errorf(format, args...)),
		}
	}
}

func (c *cursor) left() int { return len(c.buf) - c.off }

// take returns the next n bytes, or nil after an error.
func (c *cursor) take(n int, field string) []byte {
	if c.err == nil && (n < 0 || n > c.left()) {
		c.fail(field, "need %d bytes, have %d", n, c.left())
	}
	if c.err != nil {
		return nil
	}
	b := c.buf[c.off : c.off+n : c.off+n]
	c.off += n
	return b
}

// count checks a declared number of elements, each at least minSize bytes,
// against the bytes that are left: no allocation is larger than its evidence.
func (c *cursor) count(declared, minSize int, field string) int {
	if room := c.left() / minSize; c.err == nil && (declared < 0 || declared > room) {
		c.fail(field, "%d declared, room for %d", declared, room)
	}
	if c.err != nil {
		return 0
	}
	return declared
}

func (c *cursor) u8(field string) uint8 {
	if b := c.take(1, field); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u32(field string) uint32 {
	if b := c.take(4, field); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) i32(field string) int32 { return int32(c.u32(field)) }

func (c *cursor) f64(field string) float64 {
	if b := c.take(8, field); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// str reads the strings of headers: u8 length; 255: u16 follows; 65535: u32
// follows.
func (c *cursor) str(field string) string {
	n := int(c.u8(field))
	if n == math.MaxUint8 {
		if b := c.take(2, field); b != nil {
			n = int(binary.LittleEndian.Uint16(b))
		}
		if n == math.MaxUint16 {
			n = int(c.u32(field))
		}
	}
	return string(c.take(n, field))
}

// text reads the strings of symbols: u8 length; 255: u32 follows.
func (c *cursor) text(field string) string { return string(c.textBytes(field)) }

func (c *cursor) textBytes(field string) []byte {
	n := int(c.u8(field))
	if n == math.MaxUint8 {
		n = int(c.u32(field))
	}
	return c.take(n, field)
}

// packed reads a length as binary objects have it. The leading ones of the
// first byte are the number of bytes that follow, its other bits the lowest:
//
//	0xxxxxxx            7 bits
//	10xxxxxx + 1 byte  14 bits
//	110xxxxx + 2 bytes 21 bits, and so on
func (c *cursor) packed(field string) int {
	first := c.u8(field)
	more := 0
	for first<<more&0x80 != 0 {
		more++
	}
	if more > 4 {
		c.fail(field, "length of %d bytes", more+1)
		return 0
	}
	n := int(first) & (0x7F >> more)
	for i, b := range c.take(more, field) {
		n |= int(b) << (7 - more + 8*i)
	}
	return n
}

// appendStr, appendText and appendPacked write what str, text and packed read.
func appendStr(dst []byte, s string) []byte {
	switch n := len(s); {
	case n < math.MaxUint8:
		dst = append(dst, byte(n))
	case n < math.MaxUint16:
		dst = binary.LittleEndian.AppendUint16(append(dst, math.MaxUint8), uint16(n))
	default:
		dst = binary.LittleEndian.AppendUint16(append(dst, math.MaxUint8), math.MaxUint16)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	}
	return append(dst, s...)
}

func appendText(dst []byte, s string) []byte {
	if n := len(s); n < math.MaxUint8 {
		dst = append(dst, byte(n))
	} else {
		dst = binary.LittleEndian.AppendUint32(append(dst, math.MaxUint8), uint32(n))
	}
	return append(dst, s...)
}

func appendPacked(dst []byte, n int) []byte {
	more := 0
	for n >= 1<<(7*(more+1)) {
		more++
	}
	low := 7 - more
	dst = append(dst, ^(byte(0xFF)>>more)|byte(n&(1<<low-1)))
	for i := range more {
		dst = append(dst, byte(n>>(low+8*i)))
	}
	return dst
}
