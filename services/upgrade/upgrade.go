// Package upgrade makes WebSockets of requests to fasthttp that hold little
// while nothing passes.
//
// The server would keep its buffers for as long as a socket lives: 16 KB that
// the request was read with, and the request itself. Here what the buffer had
// read ahead goes to the socket, and the server gets the rest back.
package upgrade

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"
)

// An Upgrader opens sockets with buffers of these sizes. Whatever is larger than
// a buffer passes it by.
type Upgrader struct {
	ReadBytes, WriteBytes int
	WritePool             websocket.BufferPool // of write buffers
}

// Upgrade answers a request that asks for a socket and calls serve with it, on
// a goroutine of its own, once the answer is sent. The server must be set to
// KeepHijackedConns, and serve has to close the socket. Nobody asks where the
// request comes from: the caller has. After an error the request is answered.
func (u *Upgrader) Upgrade(ctx *fasthttp.RequestCtx, serve func(*websocket.Conn)) error {
	checks := websocket.FastHTTPUpgrader{CheckOrigin: func(*fasthttp.RequestCtx) bool { return true }}
	if err := checks.Upgrade(ctx, nil); err != nil { // also writes the answer
		return err
	}
	ctx.Hijack(func(c net.Conn) {
		ws, err := u.socket(c)
		if err != nil {
			_ = c.Close() // it has ended in this moment
			return
		}
		go serve(ws) // the server takes back the request when this returns
	})
	return nil
}

// handshake is any that is right: the client's has been answered.
var handshake = http.Request{Method: http.MethodGet, Header: http.Header{
	"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
}}

// socket makes one of a connection. The library has no way to make one without
// an answer to a handshake, so that is thrown away.
func (u *Upgrader) socket(hijacked net.Conn) (*websocket.Conn, error) {
	c, err := unbuffered(hijacked)
	if err != nil {
		return nil, err
	}
	up := websocket.Upgrader{
		ReadBufferSize: u.ReadBytes, WriteBufferSize: u.WriteBytes, WriteBufferPool: u.WritePool,
		CheckOrigin: func(*http.Request) bool { return true },
	}
	return up.Upgrade(answered{c}, &handshake, nil)
}

// A conn is a hijacked connection without the buffer of the server.
type conn struct {
	net.Conn
	ahead    []byte // what the buffer had read of the client
	answered bool   // the second answer to the handshake is thrown away
}

// unbuffered returns the connection below a hijacked one.
func unbuffered(hijacked net.Conn) (*conn, error) {
	outer, ok := hijacked.(interface{ UnsafeConn() net.Conn })
	if !ok {
		return &conn{Conn: hijacked}, nil
	}
	c := &conn{Conn: outer.UnsafeConn()}
	// With a deadline that is over the connection itself gives nothing, and the
	// buffer what it has.
	if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return nil, err
	}
	var timeout net.Error
	ahead, err := io.ReadAll(hijacked)
	if err != nil && (!errors.As(err, &timeout) || !timeout.Timeout()) {
		return nil, err
	}
	if len(ahead) > 0 {
		c.ahead = append(make([]byte, 0, len(ahead)), ahead...)
	}
	return c, c.SetReadDeadline(time.Time{})
}

func (c *conn) Read(p []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
			c.ahead = nil
		}
		return n, nil
	}
	return c.Conn.Read(p)
}

func (c *conn) Write(p []byte) (int, error) {
	if !c.answered {
		c.answered = true
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// answered hands a connection to the library as net/http would.
type answered struct{ *conn }

var _ http.Hijacker = answered{}

func (a answered) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	none := bufio.NewReadWriter(bufio.NewReaderSize(a.conn, 16), bufio.NewWriterSize(io.Discard, 16))
	return a.conn, none, nil
}

func (answered) Header() http.Header         { return http.Header{} }
func (answered) WriteHeader(int)             {}
func (a answered) Write([]byte) (int, error) { return 0, http.ErrHijacked }
