package container

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/zlib"
)

// Formats of wrapped streams.
const (
	FormatJSON   = "gzjson"
	FormatBinary = "binary"
)

const (
	wrapMark     = `{"format":`
	inflateRatio = 1032 // zlib cannot do better: 258 bytes in 2 bits
)

// IsWrapped reports whether a stream's content is wrapped:
//
//	u32 n, {"format":"…"} 00      n bytes
//	u32 inflated size
//	u32 zlib size
//	zlib stream
//	possibly a few stale bytes
func IsWrapped(raw []byte) bool {
	return len(raw) >= 4+len(wrapMark) && string(raw[4:4+len(wrapMark)]) == wrapMark
}

// Unwrap returns the payload of a wrapped stream. Its size must be exactly
// what is declared, and at most limit. Memory is taken as bytes come out.
//
// Errors give offsets within raw; the caller knows the stream.
func Unwrap(raw []byte, limit int64) ([]byte, error) {
	if !IsWrapped(raw) {
		return nil, fmt.Errorf("byte 4: no %s: not wrapped, encrypted or unknown", wrapMark)
	}
	head := int64(binary.LittleEndian.Uint32(raw))
	if head > int64(len(raw))-12 {
		return nil, fmt.Errorf("byte 0: header of %d bytes, have %d", head, len(raw)-4)
	}
	at := 4 + head
	inflated, packed := int64(binary.LittleEndian.Uint32(raw[at:])), int64(binary.LittleEndian.Uint32(raw[at+4:]))
	if room := int64(len(raw)) - at - 8; packed > room {
		return nil, fmt.Errorf("byte %d: zlib stream of %d bytes, have %d", at+4, packed, room)
	}
	if inflated > limit {
		return nil, fmt.Errorf("byte %d: payload of %d bytes, limit is %d", at, inflated, limit)
	}
	payload, err := Inflate(nil, raw[at+8:at+8+packed], inflated)
	if err != nil {
		return nil, fmt.Errorf("byte %d: %w", at+8, err)
	}
	return payload, nil
}

// Inflate appends what a zlib stream holds to dst; it must be exactly size
// bytes. Memory grows with what comes out, not with what is declared.
func Inflate(dst, packed []byte, size int64) ([]byte, error) {
	if size > inflateRatio*int64(len(packed)) {
		return nil, fmt.Errorf("%d bytes declared, %d of zlib cannot hold them", size, len(packed))
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("zlib: %w", err)
	}
	const firstPerByte = 8
	buf := bytes.NewBuffer(dst)
	buf.Grow(int(min(size, firstPerByte*int64(len(packed)))))
	n, err := io.Copy(buf, io.LimitReader(z, size+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("zlib after %d bytes: %w", n, err)
	case n != size:
		return nil, fmt.Errorf("zlib holds %d bytes or more, %d declared", n, size)
	}
	return buf.Bytes(), z.Close()
}

// A Deflater makes zlib streams one after the other and keeps the memory that
// this takes, about 1 MB. The zero value is ready; it is for one goroutine.
type Deflater struct{ z *zlib.Writer }

// Append appends the zlib stream of a payload to dst.
func (d *Deflater) Append(dst, payload []byte) []byte {
	buf := bytes.NewBuffer(dst)
	if d.z == nil {
		d.z = zlib.NewWriter(buf)
	} else {
		d.z.Reset(buf)
	}
	_, _ = d.z.Write(payload) // a bytes.Buffer does not fail
	_ = d.z.Close()
	return buf.Bytes()
}

// Wrap returns a payload as a wrapped stream. JSON gets the NUL that readers
// expect at its end from the caller.
func Wrap(format string, payload []byte) []byte {
	var d Deflater
	return d.Wrap(format, payload)
}

// Wrap is the function of that name.
func (d *Deflater) Wrap(format string, payload []byte) []byte {
	mark := fmt.Sprintf("%s%q}\x00", wrapMark, format)
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(mark)))
	out = append(out, mark...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(payload)))
	at := len(out)
	out = d.Append(append(out, 0, 0, 0, 0), payload)
	binary.LittleEndian.PutUint32(out[at:], uint32(len(out)-at-4))
	return out
}
