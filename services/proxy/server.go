package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/accept"
	"github.com/cognate-bi/cognate/services/proxy/limit"
	"github.com/cognate-bi/cognate/services/proxy/session"
	"github.com/cognate-bi/cognate/services/upgrade"
)

// sweepEvery is how often sessions whose time is over are looked for.
const sweepEvery = 5 * time.Second

// prefetchMax is how much of a body is read before its request is handled.
const prefetchMax = 64 << 10

// A Server is a running proxy. Its listeners are those given to Serve and
// ServeTLS.
type Server struct {
	opt       Options
	virtual   atomic.Pointer[[]*virtual]
	http      *fasthttp.Server
	upgrader  upgrade.Upgrader
	pool      *pool
	byAddr    *limit.Limiter
	running   atomic.Int64 // requests
	decisions atomic.Int64 // which engine
	draining  atomic.Bool
	sockets   sockets
	buffers   sync.Pool // of frames to services
	passing   sync.Pool // of parts of messages
	stop      chan struct{}
	stopOnce  sync.Once
	swept     sync.WaitGroup
}

// New makes a proxy that does not listen yet.
func New(o Options, list []VirtualProxy) (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s := &Server{opt: o, stop: make(chan struct{}), passing: sync.Pool{New: func() any { return new([pumpBytes]byte) }}}
	if o.Limits.PerSecond > 0 {
		s.byAddr = limit.New(o.Limits.PerSecond, o.Limits.Burst, o.Now)
	}
	s.pool = newPool(&s.opt)
	s.sockets.bySession = map[string]int{}
	s.sockets.open = map[*socket]struct{}{}
	if err := s.SetVirtualProxies(list); err != nil {
		return nil, err
	}
	s.upgrader = upgrade.Upgrader{ReadBytes: frameBytes, WriteBytes: 4 << 10, WritePool: &sync.Pool{}}
	s.http = &fasthttp.Server{
		Handler: s.serve, NoDefaultServerHeader: true, NoDefaultDate: false, CloseOnShutdown: true, KeepHijackedConns: true,
		ReadBufferSize: o.Limits.HeaderBytes, ReadTimeout: o.Limits.Head, IdleTimeout: o.Limits.KeepAlive,
		MaxRequestBodySize: prefetchMax, StreamRequestBody: true, DisablePreParseMultipartForm: true,
		Logger: logAdapter{o.Log}, ErrorHandler: badRequest,
		ReduceMemoryUsage: true, // connections that send nothing have no buffers, and count as idle when the server stops
	}
	s.swept.Go(s.sweep)
	return s, nil
}

// A logAdapter logs what the HTTP server says.
type logAdapter struct{ log *slog.Logger }

// Printf logs one line at DEBUG.
func (a logAdapter) Printf(format string, args ...any) {
	a.log.Debug("http", "msg", fmt.Sprintf(format, args...))
}

func badRequest(ctx *fasthttp.RequestCtx, err error) {
	status, message := fasthttp.StatusBadRequest, "The request could not be read."
	var small *fasthttp.ErrSmallBuffer
	if errors.As(err, &small) {
		status, message = fasthttp.StatusRequestHeaderFieldsTooLarge, "The headers are too large."
	}
	fail(ctx, status, message)
	secure(ctx, nil)
}

// SetVirtualProxies replaces the virtual proxies while the proxy runs. Sessions
// of those that are gone end. After an error the old ones stay.
func (s *Server) SetVirtualProxies(list []VirtualProxy) error {
	all, err := virtuals(list)
	if err != nil {
		return err
	}
	s.virtual.Store(&all)
	prefixes := make([]string, len(all))
	for i, v := range all {
		prefixes[i] = v.Prefix
	}
	s.opt.Sessions.EndOthers(prefixes, session.Closed)
	return nil
}

// Timeout returns the inactivity time-out of a prefix, written in any case;
// false if no virtual proxy has it.
func (s *Server) Timeout(prefix string) (name string, timeout time.Duration, ok bool) {
	for _, v := range *s.virtual.Load() {
		if strings.EqualFold(v.Prefix, prefix) {
			return v.Prefix, v.VirtualProxy.Timeout, true
		}
	}
	return "", 0, false
}

// Serve answers without TLS until Shutdown.
func (s *Server) Serve(l net.Listener) error {
	return s.http.Serve(s.listener(l))
}

// ServeTLS answers over TLS until Shutdown. The configuration may choose its
// certificate per connection, so that it can change.
func (s *Server) ServeTLS(l net.Listener, c *tls.Config) error {
	return s.http.Serve(tls.NewListener(s.listener(l), c))
}

// listener bounds the connections and the time of a write.
func (s *Server) listener(l net.Listener) net.Listener {
	return idleListener{Listener: accept.New(l, s.opt.Limits.Connections, s.opt.Log), write: s.opt.Limits.Stalled}
}

func (s *Server) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			s.opt.Sessions.Sweep()
		}
	}
}

// Shutdown stops listening, tells sockets to come back later, and waits for
// requests and sockets until the context ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	s.stopOnce.Do(func() { close(s.stop) })
	s.swept.Wait()
	s.sockets.drain()
	err := s.http.ShutdownWithContext(ctx)
	if e := s.sockets.wait(ctx); err == nil {
		err = e
	}
	s.pool.close()
	return err
}

// Health is what monitors ask.
type Health struct {
	Draining    bool  `json:"draining"`
	Connections int   `json:"connections"`
	Requests    int64 `json:"requests"`
	Sockets     int   `json:"sockets"`
	Sessions    int   `json:"sessions"`

	EngineSockets int   `json:"engineSockets"`
	EngineUsers   int   `json:"engineUsers"`            // with a socket to an engine
	Decisions     int64 `json:"loadBalancingDecisions"` // engines chosen, ever
}

// Health tells how the proxy is.
func (s *Server) Health() Health {
	engines, users := s.sockets.engines()
	return Health{
		Draining: s.draining.Load(), Connections: int(s.http.GetOpenConnectionsCount()), Requests: s.running.Load(), Sockets: s.sockets.len(), Sessions: s.opt.Sessions.Len(),
		EngineSockets: engines, EngineUsers: users, Decisions: s.decisions.Load(),
	}
}

// serve is where requests come in, and where nothing gets out that would end
// the process.
func (s *Server) serve(ctx *fasthttp.RequestCtx) {
	defer settle(ctx) // whatever was decided
	defer func() {
		if r := recover(); r != nil {
			s.opt.Log.Error("panic in a request", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			ctx.Response.Reset()
			fail(ctx, fasthttp.StatusInternalServerError, "Something went wrong.")
		}
	}()
	p, err := locate(*s.virtual.Load(), string(ctx.URI().PathOriginal()))
	defer func() { secure(ctx, p.virtual) }()
	defer s.running.Add(-1)
	switch n := s.running.Add(1); {
	case n > int64(s.opt.Limits.Requests) || s.draining.Load():
		fail(ctx, fasthttp.StatusServiceUnavailable, "The server is busy.")
	case !s.byAddr.Allow(limit.AddrKey(remote(ctx))):
		fail(ctx, fasthttp.StatusTooManyRequests, "Too many requests.")
	case ctx.Request.Header.Len() > s.opt.Limits.HeaderLines:
		fail(ctx, fasthttp.StatusRequestHeaderFieldsTooLarge, "There are too many headers.")
	case err != nil:
		fail(ctx, fasthttp.StatusBadRequest, "The path could not be read.")
	case twoLengths(&ctx.Request.Header):
		ctx.SetConnectionClose()
		fail(ctx, fasthttp.StatusBadRequest, "The request has two lengths.")
	default:
		s.dispatch(ctx, p)
	}
}

// dispatch decides who answers.
func (s *Server) dispatch(ctx *fasthttp.RequestCtx, p place) {
	upgrade := websocket.FastHTTPIsWebSocketUpgrade(ctx)
	switch {
	case !passes(string(ctx.Method())):
		fail(ctx, fasthttp.StatusMethodNotAllowed, "This is not done here.")
	case p.path == "/" && !upgrade:
		redirect(ctx, withQuery(ctx, p.virtual.base+s.opt.Home))
	case owned(p.virtual.Methods, request(ctx, p, "", nil)):
		if s.establish(ctx, p) != nil { // a login's end point that leads nowhere else
			redirect(ctx, p.virtual.base+s.opt.Home)
		}
	case !p.found:
		fail(ctx, fasthttp.StatusNotFound, "There is no such page.")
	case p.route.local:
		s.personal(ctx, p)
	case public(p.path) && !upgrade && (ctx.IsGet() || ctx.IsHead()):
		s.relay(ctx, p, nil)
	case upgrade:
		s.openSocket(ctx, p)
	default:
		s.serviceRequest(ctx, p)
	}
}

// passes reports whether services get requests of a method. TRACE would show
// the headers that say who somebody is.
func passes(method string) bool {
	switch method {
	case fasthttp.MethodGet, fasthttp.MethodHead, fasthttp.MethodPost, fasthttp.MethodPut, fasthttp.MethodPatch, fasthttp.MethodDelete, fasthttp.MethodOptions:
		return true
	}
	return false
}

func (s *Server) serviceRequest(ctx *fasthttp.RequestCtx, p place) {
	token := sessionToken(ctx, p.virtual)
	current, _ := s.opt.Sessions.Find(p.virtual.Prefix, token)
	if s.refusedForged(ctx, p, current) {
		return
	}
	if sess := s.establish(ctx, p); sess != nil {
		kept := responseCookies(ctx)
		s.relay(ctx, p, sess)
		kept(ctx)
	}
}

// responseCookies keeps the cookies that we set: the answer of a service
// replaces the headers they stand in.
func responseCookies(ctx *fasthttp.RequestCtx) func(*fasthttp.RequestCtx) {
	var list []string
	for _, v := range ctx.Response.Header.Cookies() {
		list = append(list, string(v))
	}
	return func(ctx *fasthttp.RequestCtx) {
		for _, v := range list {
			ctx.Response.Header.Add("Set-Cookie", v)
		}
	}
}

func withQuery(ctx *fasthttp.RequestCtx, path string) string {
	if q := string(ctx.URI().QueryString()); q != "" && !strings.ContainsAny(q, "\r\n") {
		return path + "?" + q
	}
	return path
}
