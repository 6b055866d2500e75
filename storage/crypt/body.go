package crypt

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
)

// parallelMin is the number of chunks from which a read asks other
// processors: below, starting goroutines costs as much as they save.
const parallelMin = 4

// A Body gives random access to a sealed body, as plaintext. It decrypts the
// chunks that a read touches and gives out nothing of a chunk before its tag
// holds. Any number of goroutines may read.
//
// Memory: the few chunks that its cache keeps and one per concurrent read,
// each of at most the chunk's length or the body's, if that is shorter.
type Body struct {
	e       *Envelope
	r       io.ReaderAt
	off     int64 // of the sealed body in r
	cache   chunkCache
	scratch sync.Pool // of *[]byte with room for a sealed chunk
}

var _ io.ReaderAt = (*Body)(nil)

// Body opens the sealed body that lies in r at off. size is the number of
// bytes that r really has there (never what a header says); it must be
// exactly SealedLen: both less and more are errors.
func (e *Envelope) Body(r io.ReaderAt, off, size int64) (*Body, error) {
	if e.done != nil {
		return nil, errSealing
	}
	if off < 0 || size < 0 || off > math.MaxInt64-size {
		return nil, fmt.Errorf("open body: %d bytes at byte %d", size, off)
	}
	if want := e.SealedLen(); size != want {
		return nil, fmt.Errorf("%w: %d bytes at byte %d, want %d for a body of %d bytes in %d chunks",
			ErrBroken, size, off, want, e.Len(), e.Chunks())
	}
	b := &Body{e: e, r: r, off: off}
	room := min(e.core.chunk, e.core.len) + tagLen
	b.scratch.New = func() any {
		buf := make([]byte, room)
		return &buf
	}
	return b, nil
}

// Len returns the number of plaintext bytes.
func (b *Body) Len() int64 { return b.e.Len() }

// Envelope returns what opened the body.
func (b *Body) Envelope() *Envelope { return b.e }

// All appends the whole plaintext to dst, decrypting on all processors. It
// returns nil on an error. Every chunk has been verified when it succeeds.
func (b *Body) All(dst []byte) ([]byte, error) {
	n := len(dst)
	dst = slices.Grow(dst, int(b.Len()))[:n+int(b.Len())]
	if _, err := b.ReadAt(dst[n:], 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return dst, nil
}

// ReadAt fills p with the plaintext from byte off, and returns 0 on any error
// but io.EOF. Reads of many chunks use all processors and allocate nothing
// per chunk.
func (b *Body) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read body: byte %d", off)
	}
	lo := uint64(off)
	if b.e.core.len == 0 {
		// Nothing to give, but an end that nobody verified is no end.
		if err := b.readPart(nil, 0, 0); err != nil {
			return 0, err
		}
	}
	if lo >= b.e.core.len {
		return 0, io.EOF
	}
	var end error
	if left := b.e.core.len - lo; uint64(len(p)) > left {
		p, end = p[:left], io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if err := b.readRange(p, lo); err != nil {
		return 0, err
	}
	return len(p), end
}

// readRange fills p from byte lo on; the range is within the body and not empty.
func (b *Body) readRange(p []byte, lo uint64) error {
	chunk := b.e.core.chunk
	first := lo / chunk
	n := (lo+uint64(len(p))-1)/chunk - first + 1
	workers := b.e.workers
	if n < parallelMin {
		workers = 1
	}
	return parallel(workers, n, func(k uint64) error {
		i := first + k
		from := max(lo, i*chunk)
		to := min(lo+uint64(len(p)), (i+1)*chunk)
		return b.readPart(p[from-lo:to-lo:to-lo], i, from-i*chunk)
	})
}

// readPart fills p with the bytes of chunk i from lo on.
func (b *Body) readPart(p []byte, i, lo uint64) error {
	whole := len(p) == b.e.core.plainLen(i)
	if !whole && b.cache.read(p, i, lo) {
		return nil
	}
	buf, ok := b.scratch.Get().(*[]byte)
	if !ok {
		panic("crypt: BUG: no buffer in the pool")
	}
	sealed := (*buf)[:b.e.core.plainLen(i)+tagLen]
	off := b.off + b.e.core.sealedOff(i)
	if err := readFull(b.r, sealed, off, i); err != nil {
		b.scratch.Put(buf)
		return err
	}
	if whole {
		_, err := b.e.OpenChunk(p[:0], sealed, i, off)
		b.scratch.Put(buf)
		return err
	}
	plain, err := b.e.OpenChunk(sealed[:0], sealed, i, off)
	if err == nil {
		copy(p, plain[lo:])
		buf = b.cache.put(i, plain, buf)
	}
	if buf != nil {
		b.scratch.Put(buf)
	}
	return err
}

// readFull reads chunk i, which lies at off.
func readFull(r io.ReaderAt, p []byte, off int64, i uint64) error {
	n, err := r.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return fmt.Errorf("%w: chunk %d: byte %d: ends after %d of %d bytes", ErrBroken, i, off, n, len(p))
	default:
		return fmt.Errorf("read chunk %d at byte %d: %w", i, off, err)
	}
}
