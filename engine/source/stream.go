package source

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Decompression stops with an error where the output is more than
// expansionMax times the input read so far plus expansionFree: more is not
// data but an attack.
const (
	expansionMax  = 2000
	expansionFree = 64 << 20
	zstdMemoryMax = 256 << 20
)

// A stream is the content of a file, decompressed if it is gzip or zstd by its
// first bytes (whatever its name says).
type stream struct {
	io.Reader
	file     *os.File
	consumed atomic.Int64 // bytes of the file read so far
	reported int64
	size     int64 // of the file
	closers  []func()
}

func openStream(path string) (*stream, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &stream{file: f}
	if info, err := f.Stat(); err == nil {
		s.size = info.Size()
	}
	if err := s.decompress(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *stream) decompress() error {
	raw := bufio.NewReaderSize(readerFunc(func(p []byte) (int, error) {
		n, err := s.file.Read(p)
		s.consumed.Add(int64(n))
		return n, err
	}), 1<<18)
	head, err := raw.Peek(4)
	if err != nil && err != io.EOF {
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(raw)
		if err != nil {
			return fmt.Errorf("gzip: %w", err)
		}
		s.Reader = s.bounded("gzip", z)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(raw, zstd.WithDecoderMaxMemory(zstdMemoryMax), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return fmt.Errorf("zstd: %w", err)
		}
		s.closers = append(s.closers, z.Close)
		s.Reader = s.bounded("zstd", z)
	default:
		s.Reader = raw
	}
	return nil
}

// bounded limits the output of a decompressor.
func (s *stream) bounded(kind string, z io.Reader) io.Reader {
	var out int64
	return readerFunc(func(p []byte) (int, error) {
		n, err := z.Read(p)
		if out += int64(n); out > s.consumed.Load()*expansionMax+expansionFree {
			return 0, fmt.Errorf("%s: %d bytes out of %d: %w", kind, out, s.consumed.Load(), ErrFormat)
		}
		if err != nil && err != io.EOF {
			err = fmt.Errorf("%s: %w", kind, err)
		}
		return n, err
	})
}

// taken returns the bytes of the file consumed since the last call.
func (s *stream) taken() int64 {
	now := s.consumed.Load()
	n := now - s.reported
	s.reported = now
	return n
}

// Close frees the decompressor and closes the file.
func (s *stream) Close() error {
	for _, c := range s.closers {
		c()
	}
	return s.file.Close()
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
