package site

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/cognate-bi/cognate/services/hub"
	"github.com/cognate-bi/cognate/services/proxy"
	"github.com/cognate-bi/cognate/services/proxy/auth"
	"github.com/cognate-bi/cognate/services/proxy/balance"
	"github.com/cognate-bi/cognate/services/proxy/qps"
	"github.com/cognate-bi/cognate/services/proxy/session"
)

func (s *Site) openPages(context.Context) (err error) {
	s.pages = internal(s.log.proxy.Logger, s.servePages(hub.New(hub.Options{Version: s.opt.Version, Log: s.log.proxy.Logger})))
	s.pagesAt, err = net.Listen("tcp", "127.0.0.1:0")
	return err
}

func (s *Site) openListeners(context.Context) (err error) {
	if s.restAt, err = net.Listen("tcp", s.opt.Rest); err != nil {
		return err
	}
	s.proxyAt, err = net.Listen("tcp", s.opt.Listen)
	return err
}

func (s *Site) openProxy(ctx context.Context) error {
	steady := steadyClock()
	sessions, err := session.New(session.Options{Now: steady, Rand: rand.Reader}, proxy.AuditSessions(s.auditLog()))
	if err != nil {
		return err
	}
	s.sessions = sessions
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	set, err := s.settingsOf(ctx, "ProxyService")
	if err != nil {
		return err
	}
	s.frontEnd = s.certs.FrontEnd()
	s.fleet = newFleet(s.store, s.repo, s.certs.ClientTLS(), s.log.proxy.Logger)
	rest := "https://" + net.JoinHostPort(reachable(s.restAt.Addr(), host), strconv.Itoa(port(s.restAt)))
	s.door = &door{
		store: s.store, node: s.node, users: s.accounts, tickets: auth.NewTickets(rand.Reader, steady), client: &http.Client{Timeout: clientTimeout},
		trusted: s.opt.TrustedHeaders, rest: rest, log: s.log.proxy.Logger, saml: s.certs.SAML,
	}
	list, err := s.door.list(ctx)
	if err != nil {
		return err
	}
	if errors.Is(proxy.Check(list), proxy.ErrNoDefault) { // the site starts all the same: how else would somebody mend it
		s.log.proxy.Logger.Error("no default virtual proxy stands: nobody can log in without a prefix")
		list = append(list, proxy.VirtualProxy{Cookie: "X-Qlik-Session-none"})
	}
	s.proxy, err = proxy.New(proxy.Options{
		HostNames: append([]string{host, "localhost", "127.0.0.1", "::1"}, s.opt.Names...), Node: s.node, RestURI: rest, Sessions: sessions, Users: users{s.repo},
		Upstreams: upstreams{s}, Engines: s.fleet, Balancer: balance.New(), TLS: s.certs.ClientTLS(), Near: s.near(host), MissingOrigin: true, Limits: s.limits(set), Log: s.log.proxy.Logger, Audit: s.auditLog(), Now: steady,
	}, list)
	if err != nil {
		return err
	}
	s.rest, err = qps.New(qps.Options{
		Virtual: s.proxy, Sessions: sessions, Tickets: s.door.tickets, Users: users{s.repo}, Health: func() any { return s.proxy.Health() }, Log: s.log.proxy.Logger, Audit: s.auditLog(),
	})
	return err
}

// steadyClock returns a clock that goes on from now, whatever is done to the
// system's: sessions and tickets neither end nor live on when that is set.
func steadyClock() func() time.Time {
	begun := time.Now()
	return func() time.Time { return begun.Add(time.Since(begun)) }
}

// filesSpare are open files that are left to apps, the database, logs and other
// services.
const filesSpare = 1000

// limits bounds connections by the files that this process may have open: who is
// one too many is told so, or refused, and the others go on.
func (s *Site) limits(set settings) (l proxy.Limits) {
	headLimits(set, &l)
	files := openFilesMax()
	if files == 0 {
		return l
	}
	l.Connections = max(files-filesSpare, files/2)
	if s.engine == nil { // a socket has one to an engine, too
		l.Connections /= 2
	}
	l.Sockets = min(proxy.DefaultSockets, l.Connections*9/10) // some are left for requests
	return l
}

// near returns how the proxy reaches services of this process.
func (s *Site) near(host string) func(address string) func(context.Context) (net.Conn, error) {
	if s.engine == nil {
		return nil
	}
	engine := net.JoinHostPort(reachable(s.engine.Addr(), host), strconv.Itoa(port(s.engine)))
	return func(address string) func(context.Context) (net.Conn, error) {
		if address != engine {
			return nil
		}
		return s.engine.Dial
	}
}

// setDoor gives the proxy the virtual proxies as the repository has them.
func (s *Site) setDoor(ctx context.Context) error {
	list, err := s.door.list(ctx)
	if err != nil {
		return err
	}
	if err := s.proxy.SetVirtualProxies(list); err != nil {
		s.log.proxy.Logger.Error("the virtual proxies stay as they were", "err", err)
	}
	return nil
}
