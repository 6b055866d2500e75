package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/go-ldap/ldap/v3"
)

// A client is a connection to a server, logged in.
type client struct {
	*ldap.Conn
	config *config
	wire   *bounded
}

// unreadMax is how many bytes may come before an entry of them is taken: an
// entry, a group with all its members, cannot have more.
const unreadMax = 32 << 20

// errTooLong says that a server sends without an end.
var errTooLong = fmt.Errorf("the server has sent %d MB without an entry that is whole", unreadMax>>20)

// A bounded is a connection that gives no more bytes than that until somebody
// resets it.
type bounded struct {
	net.Conn
	unread atomic.Int64
}

// Read implements net.Conn.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	if b.unread.Add(int64(n)) > unreadMax {
		return 0, errTooLong
	}
	return n, err
}

func (b *bounded) reset() { b.unread.Store(0) }

// dial connects and logs in. The connection is closed when ctx ends, and by
// done.
func dial(ctx context.Context, c *config) (cl *client, done func(), err error) {
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to %s: %w", c.address, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() }) // what waits for it ends with an error
	done = func() {
		stop()
		_ = raw.Close()
	}
	defer func() {
		if err != nil {
			done()
		}
	}()
	secure := &tls.Config{ServerName: c.host, RootCAs: c.roots, MinVersion: tls.VersionTLS12}
	wire := &bounded{Conn: raw}
	if c.tls {
		over := tls.Client(raw, secure)
		if err := over.HandshakeContext(ctx); err != nil {
			return nil, nil, fmt.Errorf("TLS with %s: %w", c.address, err)
		}
		wire.Conn = over
	}
	conn := ldap.NewConn(wire, c.tls)
	conn.SetTimeout(c.timeout)
	conn.Start()
	done = func() {
		stop()
		_ = conn.Close()
	}
	if c.startTLS {
		if err := conn.StartTLS(secure); err != nil {
			return nil, nil, fmt.Errorf("TLS with %s: %w", c.address, err)
		}
	}
	if c.user == "" {
		return &client{conn, c, wire}, done, nil
	}
	if err := conn.Bind(c.user, c.password); err != nil {
		return nil, nil, fmt.Errorf("log-in as %q at %s: %w", c.user, c.address, plain(err))
	}
	return &client{conn, c, wire}, done, nil
}

// plain is an error of the library in words for people, without the numbers of
// the protocol.
func plain(err error) error {
	var e *ldap.Error
	if !errors.As(err, &e) {
		return err
	}
	name := ldap.LDAPResultCodeMap[e.ResultCode]
	if name == "" {
		return e.Err
	}
	return fmt.Errorf("%s (%w)", name, e.Err)
}
