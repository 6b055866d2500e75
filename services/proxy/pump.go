package proxy

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/fasthttp/websocket"
)

// pumpBytes is how much of a message is on its way between two sockets.
const pumpBytes = 32 << 10

// pass passes messages both ways until the end, and closes both sides.
//
// A message goes on while it arrives, and no other one is read before it is
// through: a side that does not read holds up the other, and nothing piles up here.
func (x *socket) pass(service *websocket.Conn) {
	limits := x.server.opt.Limits
	up := pump{
		from: x.client, to: service, max: limits.ClientMessage,
		seen: func() { x.sess.Touch(x.server.opt.Now()) },
		died: passed{code: codeOver}, unread: told{died(x.place.route.service)},
	}
	down := pump{
		from: service, to: x.client, max: limits.ServerMessage, lock: &x.write,
		seen: func() {},
		died: told{died(x.place.route.service)}, unread: passed{code: codeLater, text: "client does not read"},
	}
	var both sync.WaitGroup
	heard := make(chan struct{}) // the client has said its last
	both.Go(func() {
		defer close(heard)
		err := up.run()
		x.end(err)
		if errors.Is(err, tooBig()) {
			x.discard()
		}
	})
	both.Go(func() { x.end(down.run()) })
	both.Go(func() { x.ping(service) })
	<-x.over
	x.close(service)
	linger := time.NewTimer(lastWords)
	defer linger.Stop()
	select { // closing with bytes unread would reset the connection, and the client would not learn why
	case <-heard:
	case <-linger.C:
	}
	_ = x.client.Close() // ends the pumps
	_ = service.Close()
	both.Wait()
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

// ping keeps both connections from being cut for silence.
func (x *socket) ping(service *websocket.Conn) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-x.over:
			return
		case <-tick.C:
			deadline := time.Now().Add(writeTimeout)
			_ = x.client.WriteControl(websocket.PingMessage, nil, deadline) // who has gone does not answer, and that ends it
			_ = service.WriteControl(websocket.PingMessage, nil, deadline)
		}
	}
}

// A pump passes messages one way.
type pump struct {
	from, to *websocket.Conn
	max      int64
	lock     *sync.Mutex // held while a message is written; nil = nobody else writes
	seen     func()      // called for every message
	died     error       // why it is over when from ends without a word
	unread   error       // why it is over when to does not take a message
}

// run returns why it is over.
func (p *pump) run() error {
	p.from.SetReadLimit(p.max)
	p.from.SetPongHandler(func(string) error { return p.from.SetReadDeadline(time.Now().Add(pongTimeout)) })
	buf := make([]byte, pumpBytes)
	for {
		// Not before: while a message could not be written, nothing was read,
		// and the other side is not to blame.
		_ = p.from.SetReadDeadline(time.Now().Add(pongTimeout)) // an error shows when it is read
		kind, r, err := p.from.NextReader()
		if err != nil {
			return p.ended(err)
		}
		p.seen()
		if err := p.message(kind, r, buf); err != nil {
			return err
		}
	}
}

// message passes one.
func (p *pump) message(kind int, r io.Reader, buf []byte) error {
	if p.lock != nil {
		p.lock.Lock()
		defer p.lock.Unlock()
	}
	w, err := p.to.NextWriter(kind)
	if err != nil {
		return p.unread
	}
	for {
		_ = p.from.SetReadDeadline(time.Now().Add(pongTimeout)) // an error shows when it is read
		n, err := r.Read(buf)
		_ = p.to.SetWriteDeadline(time.Now().Add(writeTimeout)) // the same
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
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
