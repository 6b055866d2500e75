// Package memconn connects two parts of one process as TCP would, without open
// files, encryption or, while nothing is on its way, buffers.
//
// Each direction holds at most bufferBytes that were written and not yet read;
// a writer waits while it is full. A connection behaves as one of package net
// in what concerns deadlines, closing, and use by several goroutines.
package memconn

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// bufferBytes is how much may be on its way in one direction.
const bufferBytes = 64 << 10

// buffers are lent to directions that have something on its way.
var buffers = sync.Pool{New: func() any { return new([bufferBytes]byte) }}

// Pipe returns the two ends of a connection.
func Pipe() (net.Conn, net.Conn) {
	there, back := newWay(), newWay()
	return &conn{in: back, out: there}, &conn{in: there, out: back}
}

// A conn is one end.
type conn struct{ in, out *way }

func (c *conn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *conn) Write(p []byte) (int, error) { return c.out.write(p) }

// Close ends both directions. What was written before can still be read at the
// other end.
func (c *conn) Close() error {
	c.in.close(&c.in.deaf)
	c.out.close(&c.out.mute)
	return nil
}

func (*conn) LocalAddr() net.Addr  { return addr{} }
func (*conn) RemoteAddr() net.Addr { return addr{} }

func (c *conn) SetDeadline(t time.Time) error {
	c.in.until(&c.in.reader, t)
	c.out.until(&c.out.writer, t)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.until(&c.in.reader, t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.until(&c.out.writer, t)
	return nil
}

// An addr is that of either end. It reads as an address of this machine, as
// that is where the other end is.
type addr struct{}

func (addr) Network() string { return "memory" }
func (addr) String() string  { return "127.0.0.1:0" }

// A way is one direction: a ring of bytes between a writer and a reader.
type way struct {
	mu             sync.Mutex
	changed        *sync.Cond
	ring           *[bufferBytes]byte // nil while nothing is on its way
	at, n          int                // the first byte, and how many
	mute, deaf     bool               // the writer, or the reader, has closed
	reader, writer wait
}

// A wait is until when one side waits.
type wait struct {
	deadline time.Time
	timer    *time.Timer // wakes it; nil if it never waited with a deadline
}

func newWay() *way {
	w := &way{}
	w.changed = sync.NewCond(&w.mu)
	return w
}

func (w *way) read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case w.deaf:
			return 0, net.ErrClosed
		case w.reader.over():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case w.n > 0:
			return w.take(p), nil
		case w.mute:
			return 0, io.EOF
		}
		w.await(&w.reader)
	}
}

// take reads what there is.
func (w *way) take(p []byte) (n int) {
	for n < len(p) && w.n > 0 {
		k := copy(p[n:], w.ring[w.at:min(w.at+w.n, bufferBytes)])
		n, w.at, w.n = n+k, (w.at+k)%bufferBytes, w.n-k
	}
	if w.n == 0 {
		w.free()
	}
	w.changed.Broadcast()
	return n
}

func (w *way) free() {
	if w.ring != nil {
		buffers.Put(w.ring)
		w.ring, w.at, w.n = nil, 0, 0
	}
}

func (w *way) write(p []byte) (n int, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case w.mute:
			return n, net.ErrClosed
		case w.deaf:
			return n, io.ErrClosedPipe
		case w.writer.over():
			return n, os.ErrDeadlineExceeded
		}
		n += w.put(p[n:])
		if n == len(p) {
			return n, nil
		}
		w.await(&w.writer)
	}
}

// put writes as much as there is room for.
func (w *way) put(p []byte) (n int) {
	if len(p) == 0 || w.n == bufferBytes {
		return 0
	}
	if w.ring == nil {
		w.ring = buffers.Get().(*[bufferBytes]byte) //nolint:forcetypeassert // the pool has nothing else
	}
	for n < len(p) && w.n < bufferBytes {
		end := (w.at + w.n) % bufferBytes
		k := copy(w.ring[end:min(bufferBytes, end+bufferBytes-w.n)], p[n:])
		n, w.n = n+k, w.n+k
	}
	w.changed.Broadcast()
	return n
}

// await waits for a change, at most until the deadline. The caller holds mu.
func (w *way) await(side *wait) {
	if !side.deadline.IsZero() {
		if side.timer == nil {
			side.timer = time.AfterFunc(time.Until(side.deadline), w.wake)
		} else {
			side.timer.Reset(time.Until(side.deadline))
		}
	}
	w.changed.Wait()
	if side.timer != nil {
		side.timer.Stop()
	}
}

func (w *way) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed.Broadcast()
}

func (s *wait) over() bool { return !s.deadline.IsZero() && !time.Now().Before(s.deadline) }

// until sets the deadline of a side, also of one that waits already.
func (w *way) until(side *wait, t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	side.deadline = t
	w.changed.Broadcast()
}

// close marks a side as closed. What nobody will read is given up.
func (w *way) close(side *bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*side = true
	if w.deaf {
		w.free()
	}
	w.changed.Broadcast()
}

// A Listener accepts the connections that are dialled here.
type Listener struct {
	coming chan net.Conn
	once   sync.Once
	closed chan struct{}
}

var _ net.Listener = (*Listener)(nil)

// Listen returns a listener.
func Listen() *Listener { return &Listener{coming: make(chan net.Conn), closed: make(chan struct{})} }

// Dial connects to whoever accepts. The error is net.ErrClosed after Close, or
// that of the context.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	here, there := Pipe()
	select {
	case l.coming <- there:
		return here, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.coming:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener]. Connections stay.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements [net.Listener].
func (*Listener) Addr() net.Addr { return addr{} }
