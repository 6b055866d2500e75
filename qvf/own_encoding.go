package qvf

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/cognate-bi/cognate/qvf/container"
)

// An encoding is how a stream lies in the file.
type encoding string

const (
	plain     encoding = ""
	encodedZS encoding = "zstd"
	encodedS2 encoding = "s2"
)

// Cost of a byte in units of reading it from a disk of 1 GB/s, decoding at
// 1.5 GB/s for zstd and 3 GB/s for S2. A large stream as it is costs less than
// that, as it is used in place and only where somebody looks.
const (
	costZstd  = 0.67
	costS2    = 0.33
	costPlain = 0.75

	mappedMin    = 256 << 10 // streams from here on are used in place if they are plain
	samplePiece  = 64 << 10
	samplePieces = 16
)

// An encoder encodes streams one after the other and keeps the memory that
// this takes, some MB. The zero value is ready; it is for one goroutine.
type encoder struct {
	z *zstd.Encoder
	s *s2.Writer
}

// choose measures a sample of a stream and says how to store it; compact is
// for files that are carried about, where only the size counts.
func (c *encoder) choose(sample []byte, bytes int64, compact bool) (encoding, error) {
	if len(sample) == 0 {
		return plain, nil
	}
	z, err := c.zstd()
	if err != nil {
		return plain, err
	}
	ratio := func(n int) float64 { return float64(n) / float64(len(sample)) }
	rz := ratio(len(z.EncodeAll(sample, nil)))
	if small := bytes < mappedMin; small || compact {
		if rz < 0.9 {
			return encodedZS, nil
		}
		return plain, nil
	}
	switch rs := ratio(len(s2.Encode(nil, sample))); {
	case rz+costZstd < min(rs+costS2, costPlain):
		return encodedZS, nil
	case rs+costS2 < costPlain:
		return encodedS2, nil
	}
	return plain, nil
}

func (c *encoder) zstd() (*zstd.Encoder, error) {
	var err error
	if c.z == nil {
		c.z, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	}
	return c.z, err
}

// A sampler keeps pieces of what is written to it, spread evenly over a stream
// of the given length.
type sampler struct {
	bytes  int64
	at     int64
	sample []byte
}

func (s *sampler) Write(p []byte) (int, error) {
	every := max(samplePiece, s.bytes/samplePieces)
	for off := int64(0); off < int64(len(p)); {
		in := (s.at + off) % every // place in the current stride
		if in < samplePiece {
			n := min(samplePiece-in, int64(len(p))-off)
			s.sample = append(s.sample, p[off:off+n]...)
			off += n
		} else {
			off += every - in
		}
	}
	s.at += int64(len(p))
	return len(p), nil
}

// encode writes what write writes in an encoding.
func (c *encoder) encode(e encoding, w io.Writer, bytes int64, write func(io.Writer) error) error {
	out := &countingWriter{w: w}
	enc, err := c.writer(e, out)
	if err != nil {
		return err
	}
	if enc == nil {
		return write(w)
	}
	if err := errors.Join(write(enc), enc.Close()); err != nil {
		return err
	}
	return e.pad(out, bytes)
}

// writer returns what encodes into out, nil where nothing does.
func (c *encoder) writer(e encoding, out io.Writer) (io.WriteCloser, error) {
	switch e {
	case encodedZS:
		z, err := c.zstd()
		if err != nil {
			return nil, err
		}
		z.Reset(out)
		return z, nil
	case encodedS2:
		if c.s == nil {
			c.s = s2.NewWriter(nil)
		}
		c.s.Reset(out)
		return c.s, nil
	}
	return nil, nil //nolint:nilnil // a plain stream needs no encoder
}

// pad makes an encoded stream long enough to be evidence for what it holds.
// Both formats have frames to be skipped for that.
func (e encoding) pad(out *countingWriter, bytes int64) error {
	const head = 8
	for !provable(out.n, bytes) {
		n := min((bytes-packFree)/packMax-out.n+1, 4<<20)
		frame := make([]byte, head+n)
		if e == encodedZS {
			copy(frame, []byte{0x50, 0x2A, 0x4D, 0x18, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
		} else {
			frame = append([]byte{0xFE, byte(n), byte(n >> 8), byte(n >> 16)}, make([]byte, n)...)
		}
		if _, err := out.Write(frame); err != nil {
			return err
		}
	}
	return nil
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// encodingOf returns the encoding that a stream's attributes name.
func encodingOf(a container.Attributes) (encoding, error) {
	v, ok := a[attrEncoding]
	if !ok {
		return plain, nil
	}
	switch e := encoding(a.Text(attrEncoding)); e {
	case encodedZS, encodedS2:
		return e, nil
	}
	return plain, fmt.Errorf("%s is %.40q, unknown here", attrEncoding, fmt.Sprint(v))
}

// decode returns the n bytes that were encoded; b itself if it is plain.
func (e encoding) decode(b []byte, n int64) ([]byte, error) {
	if !provable(int64(len(b)), n) {
		return nil, fmt.Errorf("%d bytes are said to hold %d", len(b), n)
	}
	var err error
	switch e {
	case plain:
	case encodedZS:
		b, err = decodeZstd(make([]byte, 0, n), b)
	case encodedS2:
		b, err = decodeS2(make([]byte, 0, n), b)
	default:
		panic("qvf: BUG: encoding " + string(e))
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %d bytes: %w", e, n, err)
	}
	if int64(len(b)) != n {
		return nil, fmt.Errorf("%d bytes, want %d", len(b), n)
	}
	return b, nil
}

// decodeZstd fills out, which it decodes into without a window of its own.
func decodeZstd(out, b []byte) ([]byte, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return z.DecodeAll(b, out)
}

// decodeS2 fills out.
func decodeS2(out, b []byte) ([]byte, error) {
	r := s2.NewReader(bytes.NewReader(b), s2.ReaderMaxBlockSize(s2BlockMax))
	k, err := io.ReadFull(r, out[:cap(out)])
	if err != nil {
		return nil, fmt.Errorf("%w after %d bytes", err, k)
	}
	if n, err := r.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("goes on behind its end: %w", err)
	}
	return out[:k], nil
}

// s2BlockMax is the largest block of ours, in bytes.
const s2BlockMax = 1 << 20
