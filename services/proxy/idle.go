package proxy

import (
	"net"
	"time"
)

// An idleConn ends when one read or write takes too long, however long all of
// them take: a stream of hours is fine, one that stands still is not. A zero
// time leaves deadlines to others.
type idleConn struct {
	net.Conn
	read, write time.Duration
}

func (c *idleConn) Read(b []byte) (int, error) {
	if c.read > 0 {
		if err := c.SetReadDeadline(time.Now().Add(c.read)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(b)
}

func (c *idleConn) Write(b []byte) (int, error) {
	if c.write > 0 {
		if err := c.SetWriteDeadline(time.Now().Add(c.write)); err != nil {
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
