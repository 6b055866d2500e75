package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/proxy/balance"
	"github.com/cognate-bi/cognate/services/proxy/session"
)

// Timings of connections to services.
const (
	dialTimeout      = 5 * time.Second
	upstreamIdle     = 5 * time.Second // shorter than services keep them: they are not closed under a request
	upstreamConns    = 4096
	upstreamsTimeout = 10 * time.Second
)

// errNowhere says that no place of a service is left to try.
var errNowhere = errors.New("no service available")

// A pool has a client per place.
type pool struct {
	opt *Options

	mu      sync.Mutex
	clients map[string]*fasthttp.HostClient
}

func newPool(o *Options) *pool { return &pool{opt: o, clients: map[string]*fasthttp.HostClient{}} }

// client returns the one of an address, which stands for as long as the proxy:
// addresses come from the repository, and those are few.
func (p *pool) client(address string) *fasthttp.HostClient {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.clients[address]
	if c == nil {
		c = &fasthttp.HostClient{
			Addr: address, IsTLS: p.opt.TLS != nil, TLSConfig: p.opt.TLS, Dial: p.dial, MaxConns: upstreamConns,
			MaxIdleConnDuration: upstreamIdle, StreamResponseBody: true, DisablePathNormalizing: true, NoDefaultUserAgentHeader: true,
			ReadBufferSize: 64 << 10,
			RetryIfErr:     again,
		}
		p.clients[address] = c
	}
	return c
}

// again lets a request that changes nothing be sent a second time when the
// service had just closed the connection.
func again(req *fasthttp.Request, attempts int, err error) (resetTimeout, retry bool) {
	var slow net.Error
	safe := (req.Header.IsGet() || req.Header.IsHead()) && !req.IsBodyStream()
	return false, safe && attempts < 2 && !(errors.As(err, &slow) && slow.Timeout())
}

func (p *pool) dial(address string) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", address, dialTimeout)
	if err != nil {
		return nil, &dialError{err}
	}
	return &idleConn{Conn: c, read: p.opt.Limits.Answer, write: p.opt.Limits.Stalled}, nil
}

// A dialError says that nothing was sent, so that another place can be tried.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.clients {
		c.CloseIdleConnections()
	}
}

// endpoints returns the places that may answer a request, best first. chose
// notes the one that did.
func (s *Server) endpoints(p place, u session.User) (list []Endpoint, chose func(Endpoint), _ error) {
	within, cancel := context.WithTimeout(context.Background(), upstreamsTimeout)
	defer cancel()
	if p.route.service != Engine {
		list, err := s.opt.Upstreams.Endpoints(within, p.route.service)
		if err != nil {
			return nil, nil, fmt.Errorf("places of %s: %w", p.route.service, err)
		}
		return list, func(Endpoint) {}, nil
	}
	engines, err := s.opt.Engines.Engines(within, u, p.app)
	if err != nil {
		return nil, nil, fmt.Errorf("engines for app %q: %w", p.app, err)
	}
	q := balance.Question{User: u.Directory + `\` + u.ID, App: p.app, Nodes: p.virtual.Nodes, Sticky: p.virtual.Sticky}
	for _, e := range s.opt.Balancer.Order(q, engines) {
		list = append(list, Endpoint{Node: e.Node, Address: e.Address})
	}
	return list, func(e Endpoint) { s.opt.Balancer.Chose(q, e.Node) }, nil
}
