// Package accept takes in connections for as long as a server is to run: also
// when the system has no room for more, and never more than are allowed.
//
// A server of fasthttp ends with the first error of its listener, and the site
// with its server; too many open files are no reason for that.
package accept

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A Listener accepts from another one. Connections that are too many are closed
// at once, before anything is spent on them.
type Listener struct {
	net.Listener
	max  int64
	log  *slog.Logger
	open atomic.Int64

	said   time.Time // when the log was told the last time; of Accept alone
	closed chan struct{}
	once   sync.Once
}

// New returns a listener for at most max connections at a time, 0 = any number.
func New(l net.Listener, maxConns int, log *slog.Logger) *Listener {
	return &Listener{Listener: l, max: int64(maxConns), log: log, closed: make(chan struct{})}
}

// Bounds of waiting for the system to have room again.
const (
	waitMin = 5 * time.Millisecond
	waitMax = 500 * time.Millisecond
	sayGap  = time.Minute
)

// Accept implements [net.Listener]. It is for one goroutine at a time.
func (l *Listener) Accept() (net.Conn, error) {
	wait := waitMin
	for {
		c, err := l.Listener.Accept()
		switch {
		case err != nil && !crowded(err):
			return nil, err
		case err != nil:
			l.say("no more connections can be accepted for the time being", "err", err, "open", l.open.Load())
			select {
			case <-time.After(wait):
			case <-l.closed: // the next call says so
			}
			wait = min(2*wait, waitMax)
		case l.max > 0 && l.open.Load() >= l.max:
			l.say("a connection was refused, there are as many as are allowed", "allowed", l.max)
			_ = c.Close() // nothing was said on it
		default:
			l.open.Add(1)
			return &conn{Conn: c, listener: l}, nil
		}
	}
}

// crowded reports whether an error passes: there are too many open files, or
// too little memory, at the moment.
func crowded(err error) bool {
	for _, passing := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

// say tells the log, but not for every connection.
func (l *Listener) say(what string, args ...any) {
	if now := time.Now(); now.Sub(l.said) >= sayGap {
		l.said = now
		l.log.Warn(what, args...)
	}
}

// Close implements [net.Listener].
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// Open returns the number of connections.
func (l *Listener) Open() int { return int(l.open.Load()) }

// A conn is counted until it is closed.
type conn struct {
	net.Conn
	listener *Listener
	once     sync.Once
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	c.once.Do(func() { c.listener.open.Add(-1) })
	return c.Conn.Close()
}
