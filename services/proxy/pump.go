package proxy

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/fasthttp/websocket"
)

const (
	// pumpBytes is how much of a message is on its way between two sockets.
	pumpBytes = 32 << 10
	// frameBytes is what a socket keeps to read heads of frames with; what they
	// hold goes straight to where it is wanted.
	frameBytes = 512
)

// pass passes messages both ways until the end, and closes both sides.
//
// A message goes on while it arrives, and no other one is read before it is
// through: a side that does not read holds up the other, and nothing piles up here.
func (x *socket) pass(service *websocket.Conn) {
	limits := x.server.opt.Limits
	up := pump{
		from: x.client, to: service, max: limits.ClientMessage, patience: limits.SocketWrite,
		seen: func() { x.sess.Touch(x.server.opt.Now()) },
		died: passed{code: codeOver}, unread: told{died(x.place.route.service)},
	}
	down := pump{
		from: service, to: x.client, max: limits.ServerMessage, patience: limits.SocketWrite, lock: &x.write,
		seen: func() {},
		died: told{died(x.place.route.service)}, unread: passed{code: codeLater, text: "client does not read"},
	}
	up.parts, down.parts = &x.server.passing, &x.server.passing
	var others sync.WaitGroup
	heard := make(chan struct{}) // the client has said its last
	others.Add(1)
	context.AfterFunc(x.life, func() {
		defer others.Done()
		x.hangUp(service, heard)
	})
	others.Go(func() { x.end(down.run()) })
	stopPings := x.ping(service)
	err := up.run()
	x.end(err)
	if errors.Is(err, tooBig()) {
		x.discard()
	}
	close(heard)
	others.Wait()
	stopPings()
}

// hangUp closes both sides, which ends the pumps.
func (x *socket) hangUp(service *websocket.Conn, heard <-chan struct{}) {
	x.close(service)
	linger := time.NewTimer(lastWords)
	defer linger.Stop()
	select { // closing with bytes unread would reset the connection, and the client would not learn why
	case <-heard:
	case <-linger.C:
	}
	_ = x.client.Close()
	_ = service.Close()
}

func tooBig() passed { return passed{code: websocket.CloseMessageTooBig, text: "message too large"} }

// discard reads on for a moment what a client still sends of a message that is
// too large.
func (x *socket) discard() {
	conn := x.client.NetConn()
	if conn.SetReadDeadline(time.Now().Add(lastWords)) == nil {
		_, _ = io.CopyN(io.Discard, conn, x.server.opt.Limits.ClientMessage) // whatever ends it, the socket ends
	}
}

// ping keeps both connections from being cut for silence, until stop.
func (x *socket) ping(service *websocket.Conn) (stop func() bool) {
	var timer *time.Timer
	set := make(chan struct{}) // the timer is known
	timer = time.AfterFunc(pingEvery, func() {
		<-set
		deadline := time.Now().Add(x.server.opt.Limits.SocketWrite)
		_ = x.client.WriteControl(websocket.PingMessage, nil, deadline) // who has gone does not answer, and that ends it
		_ = service.WriteControl(websocket.PingMessage, nil, deadline)
		if x.life.Err() == nil {
			timer.Reset(pingEvery)
		}
	})
	close(set)
	return timer.Stop
}

// A pump passes messages one way.
type pump struct {
	from, to *websocket.Conn
	max      int64
	patience time.Duration // how long to may not take anything
	parts    *sync.Pool    // of *[pumpBytes]byte
	lock     *sync.Mutex   // held while a message is written; nil = nobody else writes
	seen     func()        // called for every message
	died     error         // why it is over when from ends without a word
	unread   error         // why it is over when to does not take a message
}

// run returns why it is over.
func (p *pump) run() error {
	p.from.SetReadLimit(p.max)
	p.from.SetPongHandler(func(string) error { return p.from.SetReadDeadline(time.Now().Add(pongTimeout)) })
	for {
		// Not before: while a message could not be written, nothing was read,
		// and the other side is not to blame.
		_ = p.from.SetReadDeadline(time.Now().Add(pongTimeout)) // an error shows when it is read
		kind, r, err := p.from.NextReader()
		if err != nil {
			return p.ended(err)
		}
		p.seen()
		if err := p.message(kind, r); err != nil {
			return err
		}
	}
}

// message passes one.
func (p *pump) message(kind int, r io.Reader) error {
	if p.lock != nil {
		p.lock.Lock()
		defer p.lock.Unlock()
	}
	part := p.parts.Get().(*[pumpBytes]byte) //nolint:forcetypeassert // the pool has nothing else
	defer p.parts.Put(part)
	w, err := p.to.NextWriter(kind)
	if err != nil {
		return p.unread
	}
	for {
		_ = p.from.SetReadDeadline(time.Now().Add(pongTimeout)) // an error shows when it is read
		n, err := r.Read(part[:])
		_ = p.to.SetWriteDeadline(time.Now().Add(p.patience)) // the same
		if n > 0 {
			if _, err := w.Write(part[:n]); err != nil {
				return p.unread
			}
		}
		if err == io.EOF {
			if w.Close() != nil {
				return p.unread
			}
			return nil
		}
		if err != nil {
			return p.ended(err)
		}
	}
}

// ended says why from ended.
func (p *pump) ended(err error) error {
	if errors.Is(err, websocket.ErrReadLimit) {
		return tooBig()
	}
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code == websocket.CloseAbnormalClosure {
		return p.died
	}
	if closed.Code == websocket.CloseNoStatusReceived { // may not be sent
		return passed{code: codeOver}
	}
	return passed{code: closed.Code, text: closed.Text}
}
