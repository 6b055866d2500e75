package qvf

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
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

// choose measures a sample of a stream and says how to store it; compact is
// for files that are carried about, where only the size counts.
func choose(sample []byte, bytes int64, compact bool) encoding {
	if len(sample) == 0 {
		return plain
	}
	ratio := func(n int) float64 { return float64(n) / float64(len(sample)) }
	rs, rz := ratio(len(s2.Encode(nil, sample))), ratio(len(zstdEncode(sample)))
	switch small := bytes < mappedMin; {
	case small || compact:
		if rz < 0.9 {
			return encodedZS
		}
	case rz+costZstd < min(rs+costS2, costPlain):
		return encodedZS
	case rs+costS2 < costPlain:
		return encodedS2
	}
	return plain
}

func zstdEncode(b []byte) []byte {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic("qvf: BUG: zstd options: " + err.Error())
	}
	return enc.EncodeAll(b, nil)
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

// encode writes what write writes in the encoding.
func (e encoding) encode(w io.Writer, bytes int64, write func(io.Writer) error) error {
	out := &countingWriter{w: w}
	var enc io.WriteCloser
	switch e {
	case encodedZS:
		z, err := zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			return err
		}
		enc = z
	case encodedS2:
		enc = s2.NewWriter(out)
	default:
		return write(w)
	}
	if err := errors.Join(write(enc), enc.Close()); err != nil {
		return err
	}
	return e.pad(out, bytes)
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

// decode returns the n bytes that were encoded; b itself if it is plain.
func (e encoding) decode(b []byte, n int64) ([]byte, error) {
	if !provable(int64(len(b)), n) {
		return nil, fmt.Errorf("%d bytes are said to hold %d", len(b), n)
	}
	var dec io.Reader
	switch e {
	case plain:
		if int64(len(b)) != n {
			return nil, fmt.Errorf("%d bytes, want %d", len(b), n)
		}
		return b, nil
	case encodedZS:
		z, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderMaxWindow(64<<20), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		dec = z
	case encodedS2:
		dec = s2.NewReader(bytes.NewReader(b))
	default:
		return nil, fmt.Errorf("unknown encoding %.20q", e)
	}
	out := make([]byte, n)
	if k, err := io.ReadFull(dec, out); err != nil {
		return nil, fmt.Errorf("%s: %d of %d bytes: %w", e, k, n, err)
	}
	if k, err := dec.Read(make([]byte, 1)); k > 0 || !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: goes on behind %d bytes: %w", e, n, err)
	}
	return out, nil
}
