package crypt

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// batchBytes is about what one goroutine seals, and writes, at a time.
const batchBytes = 512 << 10

// ErrLength says that a body had another length than its envelope was made for.
var ErrLength = errors.New("body has another length than announced")

// Writer returns a writer that seals the body in order to w, on several
// processors. Exactly Len bytes must be written; the object is whole only if
// Close returns nil, and Close must be called. Close does not close w.
//
// Memory: Workers + 1 batches of 512 KiB or of one chunk, if that is larger.
func (e *Envelope) Writer(w io.Writer) io.WriteCloser {
	chunk := min(e.core.chunk, e.core.len) + tagLen
	sw := &sealWriter{e: e, slot: int(chunk), slots: min(max(1, batchBytes/chunk), e.Chunks())}
	sw.out.w = w
	sw.out.turn = closedChan()
	sw.free = make(chan []byte, e.workers+1)
	for range cap(sw.free) {
		sw.free <- nil // allocated when first used
	}
	return sw
}

// A sealWriter collects a batch of chunks, each with room for its tag, and
// hands it to a goroutine that seals it in place and writes it in its turn.
type sealWriter struct {
	e     *Envelope
	slot  int    // bytes of a chunk with its tag
	slots uint64 // chunks of a batch
	got   uint64 // plaintext bytes so far
	first uint64 // first chunk of the batch

	batch  []byte // nil before the first byte of a batch
	free   chan []byte
	out    ordered
	closed bool
}

func (sw *sealWriter) Write(p []byte) (int, error) {
	if sw.closed {
		return 0, errors.New("crypt: write after Close")
	}
	if left := sw.e.core.len - sw.got; uint64(len(p)) > left {
		return 0, sw.out.fail(fmt.Errorf("%w: more than %d bytes", ErrLength, sw.e.core.len))
	}
	n := len(p)
	for len(p) > 0 {
		if err := sw.out.failed(); err != nil {
			return n - len(p), err
		}
		p = p[sw.take(p):]
	}
	return n, nil
}

// take copies what fits into the current chunk and passes on a full batch.
func (sw *sealWriter) take(p []byte) int {
	if sw.batch == nil {
		sw.nextBatch()
	}
	chunk := sw.e.core.chunk
	at, in := sw.got/chunk-sw.first, sw.got%chunk
	lo := at*uint64(sw.slot) + in
	n := copy(sw.batch[lo:lo+min(chunk-in, sw.e.core.len-sw.got)], p)
	sw.got += uint64(n)
	if sw.got == (sw.first+sw.slots)*chunk {
		sw.flush()
	}
	return n
}

// nextBatch waits for a buffer, and so for the goroutines that are behind.
func (sw *sealWriter) nextBatch() {
	if sw.batch = <-sw.free; sw.batch == nil {
		sw.batch = make([]byte, sw.slots*uint64(sw.slot))
	}
}

// flush starts the sealing of the chunks that the batch holds.
func (sw *sealWriter) flush() {
	first, batch := sw.first, sw.batch
	n := min(sw.slots, sw.e.Chunks()-first)
	sw.first, sw.batch = first+n, nil
	mine, done := sw.out.next()
	go func() {
		sealed, err := sw.seal(batch, first, n)
		<-mine
		sw.out.write(sealed, err)
		close(done)
		sw.free <- batch
	}()
}

// seal seals n chunks in place; only the last of a body is shorter than its slot.
func (sw *sealWriter) seal(batch []byte, first, n uint64) ([]byte, error) {
	end := 0
	for k := range n {
		plain := batch[end : end+sw.e.core.plainLen(first+k)]
		sealed, err := sw.e.SealChunk(plain[:0], plain, first+k)
		if err != nil {
			return nil, err
		}
		end += len(sealed)
	}
	return batch[:end], nil
}

// Close seals the rest, and waits until everything is written.
func (sw *sealWriter) Close() error {
	if sw.closed {
		return sw.out.failed()
	}
	sw.closed = true
	short := sw.got < sw.e.core.len
	if short {
		_ = sw.out.fail(fmt.Errorf("%w: %d of %d bytes", ErrLength, sw.got, sw.e.core.len)) // told below
	}
	if !short && sw.first < sw.e.Chunks() {
		if sw.batch == nil {
			sw.nextBatch() // the one chunk of an empty body
		}
		sw.flush()
	}
	mine, done := sw.out.next()
	<-mine
	close(done)
	return sw.out.failed()
}

// ordered lets goroutines write one after the other, in the order in which
// next was called. The first error stays and stops the writing.
type ordered struct {
	w    io.Writer
	turn chan struct{} // closed when the last of the queue has written

	mu  sync.Mutex
	err error
}

// next queues: the caller may write when mine is closed, and closes done.
func (o *ordered) next() (mine <-chan struct{}, done chan<- struct{}) {
	was := o.turn
	o.turn = make(chan struct{})
	return was, o.turn
}

func (o *ordered) write(p []byte, err error) {
	if err == nil && o.failed() == nil {
		_, err = o.w.Write(p)
	}
	if err != nil {
		_ = o.fail(err) // the writer's next call tells it
	}
}

func (o *ordered) fail(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	return o.err
}

func (o *ordered) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

func closedChan() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
