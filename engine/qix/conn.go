package qix

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
)

// A Conn is one client connection of a session.
type Conn struct {
	s      *session.Session
	emit   func(frame []byte)
	log    *slog.Logger
	limits Limits
	watch  func(*Done) (ended func())
	id     int // among the session's sockets
	unpush func()
	seed   maphash.Seed

	mu     sync.Mutex
	closed bool
	sent   map[slot]uint64 // delta mode: hash of the value that the client has
}

// A slot is what a value of delta mode is patched against.
type slot struct {
	handle      int
	method, out string
}

// requestKey names a request in the session's queue.
type requestKey struct {
	conn    *Conn
	request *request
}

// NewConn connects a client to a session. emit sends one frame; it may be
// called from several goroutines and must not block for long. Frames it is
// given are its own.
func NewConn(s *session.Session, emit func(frame []byte), log *slog.Logger, limits Limits) *Conn {
	c := &Conn{s: s, emit: emit, log: log, limits: limits, seed: maphash.MakeSeed(), sent: map[slot]uint64{}}
	c.id, c.unpush = s.OnPush(c.push)
	return c
}

// Close cancels the connection's requests and ends its pushes.
func (c *Conn) Close() {
	c.unpush()
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.s.Queue.Cancel(func(key any) bool {
		k, ok := key.(requestKey)
		return ok && k.conn == c
	})
}

// Receive takes a frame of the client. It returns at once: the answer is
// emitted when the request has had its turn. The frame may be reused after.
func (c *Conn) Receive(frame []byte) {
	c.s.Usage.Received(len(frame))
	r, e := readRequest(frame, c.limits)
	r.arrived = time.Now()
	if e != nil {
		c.respond(r, nil, e, nil, nil)
		return
	}
	if m := classes[global][r.method]; r.handle == -1 && m.urgent {
		out, e := c.call(context.Background(), r, nil, &m)
		c.s.Usage.Call(time.Now(), time.Since(r.arrived), false)
		c.respond(r, out, e, nil, nil)
		return
	}
	c.overtake(r)
	ok := c.s.Queue.Add(requestKey{c, r}, len(frame), func(ctx context.Context) { c.serve(ctx, r) })
	if !ok {
		c.respond(r, nil, &Error{codeMemoryLimit, r.method, "Too many waiting requests"}, nil, nil)
	}
}

// overtake cancels what a selection makes pointless: the answers of the session
// that are still to show what the former selection leaves.
func (c *Conn) overtake(r *request) {
	ref, err := c.s.Handle(r.handle)
	if err != nil {
		return // unknown as yet, or for good
	}
	m := classes[ref.Class][r.method]
	r.shows = m.shows && c.s.ShowsData(ref)
	r.selects = m.selects
	if !m.selects {
		return
	}
	c.s.Queue.Cancel(func(key any) bool {
		k, ok := key.(requestKey)
		if !ok || !k.request.shows {
			return false
		}
		k.request.overtaken.Store(true)
		return true
	})
}

// serve answers a request; it runs in the session's queue.
func (c *Conn) serve(ctx context.Context, r *request) {
	c.s.Begin()
	begun := time.Now()
	tell := c.watching(r, begun)
	out, e := c.dispatch(ctx, r)
	ended := time.Now()
	c.s.Usage.Call(ended, ended.Sub(begun), r.selects)
	tell(e, ended)
	if c.log.Enabled(ctx, slog.LevelDebug) {
		c.log.Debug("request", "method", r.method, "handle", r.handle, "ms", float64(ended.Sub(begun).Microseconds())/1e3, "failed", e != nil)
	}
	if e != nil && e.Code == codeAborted && r.overtaken.Load() {
		c.s.SetInvalid(r.handle) // who does not ask again by itself is told to
	}
	changed, closed := c.s.End()
	if len(changed)+len(closed) > 0 {
		c.s.PushOthers(c.id, changed, closed)
	}
	c.respond(r, out, e, changed, closed)
}

func (c *Conn) dispatch(ctx context.Context, r *request) ([]member, *Error) {
	if ctx.Err() != nil {
		return nil, &Error{codeAborted, r.method, "Request aborted"}
	}
	class, ref := global, (*session.Ref)(nil)
	if r.handle != -1 {
		var err error
		if ref, err = c.s.Handle(r.handle); err != nil {
			e, _ := errorOf(err)
			return nil, e
		}
		class = ref.Class
	}
	m, ok := classes[class][r.method]
	if !ok {
		return nil, &Error{codeUnknownMethod, r.method, "Method not found"}
	}
	return c.call(ctx, r, ref, &m)
}

// call runs a handler. A panic of it is a bug that ends this request only.
func (c *Conn) call(ctx context.Context, r *request, ref *session.Ref, m *method) (out []member, e *Error) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("request panicked", "method", r.method, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			out, e = nil, &Error{codeInternal, r.method, "Internal error"}
		}
	}()
	args, e := m.bind(r.params)
	if e != nil {
		return nil, e
	}
	k := &call{ctx: ctx, conn: c, s: c.s, ref: ref, method: m, args: args}
	err := m.run(k)
	if damage := c.s.Damage(); m.data && damage != nil {
		err = damage
	}
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil, &Error{codeAborted, r.method, "Request aborted"}
		}
		e, internal := errorOf(err)
		if internal {
			c.log.Warn("request failed", "method", r.method, "err", err)
		}
		return nil, e
	}
	return k.out, nil
}

// respond emits the answer to a request.
func (c *Conn) respond(r *request, out []member, e *Error, changed, closed []int) {
	size := 256
	for _, m := range out {
		size += len(m.json) + 64
	}
	dst := appendHead(make([]byte, 0, size), r.id)
	if e != nil {
		dst = appendError(dst, e)
	} else {
		delta := r.delta && len(out) > 0
		dst = appendResult(dst, out, delta, func(m member) bool { return c.has(slot{r.handle, r.method, m.name}, m.json) })
		if delta {
			dst = append(dst, `,"delta":true`...)
		}
	}
	dst = appendChanges(dst, changed, closed)
	c.forget(closed)
	c.send(append(dst, '}'))
}

// has reports whether the client has the value in the slot, and notes that it
// has it from now on.
func (c *Conn) has(s slot, json []byte) bool {
	h := maphash.Bytes(c.seed, json)
	c.mu.Lock()
	defer c.mu.Unlock()
	old, ok := c.sent[s]
	c.sent[s] = h
	return ok && old == h
}

// forget empties the slots of handles that are gone, as clients do.
func (c *Conn) forget(closed []int) {
	if len(closed) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.sent {
		for _, h := range closed {
			if s.handle == h {
				delete(c.sent, s)
			}
		}
	}
}

// push emits changes that belong to no response.
func (c *Conn) push(changed, closed []int) {
	dst := appendChanges([]byte(`{"jsonrpc":"2.0"`), changed, closed)
	c.forget(closed)
	c.send(append(dst, '}'))
}

func (c *Conn) send(frame []byte) {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if !closed {
		c.s.Usage.Sent(len(frame))
		c.emit(frame)
	}
}

// cancel cancels requests of the session: all of them, or those of this
// connection with an id.
func (c *Conn) cancel(id *tree.Node) {
	c.s.Queue.Cancel(func(key any) bool {
		k, ok := key.(requestKey)
		return ok && (id == nil || k.conn == c && k.request.key() == id.JSON())
	})
}
