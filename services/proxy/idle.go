package proxy

import (
	"net"
	"sync/atomic"
	"time"
)

// An idleConn ends when one read or write takes too long, however long all of
// them take: a stream of hours is fine, one that stands still is not. A zero
// time leaves deadlines to others, and so does a deadline that somebody has set.
type idleConn struct {
	net.Conn
	read, write           time.Duration
	readUntil, writeUntil atomic.Bool // somebody has set a deadline
}

func (c *idleConn) SetDeadline(t time.Time) error {
	c.readUntil.Store(!t.IsZero())
	c.writeUntil.Store(!t.IsZero())
	return c.Conn.SetDeadline(t)
}

func (c *idleConn) SetReadDeadline(t time.Time) error {
	c.readUntil.Store(!t.IsZero())
	return c.Conn.SetReadDeadline(t)
}

func (c *idleConn) SetWriteDeadline(t time.Time) error {
	c.writeUntil.Store(!t.IsZero())
	return c.Conn.SetWriteDeadline(t)
}

func (c *idleConn) Read(b []byte) (int, error) {
	if c.read > 0 && !c.readUntil.Load() {
		if err := c.Conn.SetReadDeadline(time.Now().Add(c.read)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(b)
}

func (c *idleConn) Write(b []byte) (int, error) {
	if c.write > 0 && !c.writeUntil.Load() {
		if err := c.Conn.SetWriteDeadline(time.Now().Add(c.write)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(b)
}

// An idleListener watches the writes of the connections that it accepts; reads
// have the deadlines of the server, which knows what it waits for.
type idleListener struct {
	net.Listener
	write time.Duration
}

func (l idleListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &idleConn{Conn: c, write: l.write}, nil
}
