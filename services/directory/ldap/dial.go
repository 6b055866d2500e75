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
func dial(ctx context.Context, c *config) (_ *client, done func(), _ error) {
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to %s: %w", c.address, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() }) // what waits for it ends with an error
	secure := &tls.Config{ServerName: c.host, RootCAs: c.roots, MinVersion: tls.VersionTLS12}
	wire := &bounded{Conn: raw}
	if c.tls {
		over := tls.Client(raw, secure)
		if err := over.HandshakeContext(ctx); err != nil {
			stop()
			return nil, nil, errors.Join(fmt.Errorf("TLS with %s: %w", c.address, err), raw.Close())
		}
		wire.Conn = over
	}
	cl := &client{ldap.NewConn(wire, c.tls), c, wire}
	cl.SetTimeout(2 * c.timeout) // ctx ends before
	cl.Start()
	closed := func() {
		stop()
		_ = cl.Close()
	}
	if err := cl.logIn(secure); err != nil {
		closed()
		return nil, nil, err
	}
	return cl, closed, nil
}

// logIn begins TLS, if it is to begin now, and says who asks.
func (c *client) logIn(secure *tls.Config) error {
	if c.config.startTLS {
		if err := c.StartTLS(secure); err != nil {
			return fmt.Errorf("TLS with %s: %w", c.config.address, err)
		}
	}
	if c.config.user == "" {
		return nil
	}
	if err := c.Bind(c.config.user, c.config.password); err != nil {
		return fmt.Errorf("log-in as %q at %s: %w", c.config.user, c.config.address, plain(err))
	}
	return nil
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
