// Package enginehost serves the engine over HTTP: QIX sockets, a health check
// and, for a single node, the page.
//
// A socket belongs to a session of the engine (package session). The first
// frame is OnConnected; it is sent a moment after the answer to the upgrade,
// because some clients throw away what arrives together with it. Answers wait
// in a queue of bounded size per socket: a client that does not read is cut
// off and does not hold up its session.
package enginehost

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/google/uuid"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/qix"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/services/accept"
	"github.com/cognate-bi/cognate/services/memconn"
	"github.com/cognate-bi/cognate/services/upgrade"
)

// Options are the settings of a host.
type Options struct {
	Addr string      // host:port to listen on; port 0 = any free one
	TLS  *tls.Config // nil = none; with client certificates, who has none is kept out
	// AllowRemote lets Addr be reachable from other machines. There is no
	// authentication yet: whoever reaches the port may do everything.
	AllowRemote bool
	Origins     []string     // pages of these origins may open sockets too, as https://host:port
	Page        http.Handler // served for everything that is no socket; nil = none
	Metrics     http.Handler // answers /metrics; nil = nobody
	// Gate returns what the user whom a proxy names may do with apps; nil:
	// everybody may do everything.
	Gate        func(directory, id string, attributes map[string][]string) session.Gate
	Limits      qix.Limits
	SessionTTL  time.Duration // life of a session after its last socket
	WriteMax    int           // bytes of answers that may wait per socket; 0 = 256 MB
	WriteAllMax int           // and for all of them together; 0 = 1 GB
	GraceMax    time.Duration // how long shutting down waits; 0 = 5 s
	Log         *slog.Logger
	Version     string // of the product
	// Trace gets rows that are many: the ends of sessions, and every few minutes
	// what the engine does. Audit gets who did what with apps. nil = nobody.
	Trace, Audit *slog.Logger
	// PerformanceEvery is how often the trace tells what the engine does; 0 = 5
	// minutes. Slow says from when on requests have rows of their own.
	PerformanceEvery time.Duration
	Slow             Slow
}

// Validate fills in defaults and says what is wrong.
func (o *Options) Validate() error {
	host, _, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return fmt.Errorf("listen address %q: %w", o.Addr, err)
	}
	if !o.AllowRemote && !isLoopback(host) {
		return fmt.Errorf("listen address %q is reachable from other machines and there is no authentication: use 127.0.0.1, or say --allow-remote", o.Addr)
	}
	if o.WriteMax == 0 {
		o.WriteMax = 256 << 20
	}
	if o.WriteAllMax == 0 {
		o.WriteAllMax = 1 << 30
	}
	if o.GraceMax == 0 {
		o.GraceMax = 5 * time.Second
	}
	if o.Limits.FrameBytes == 0 {
		o.Limits.FrameBytes = 100 << 20
	}
	if o.PerformanceEvery == 0 {
		o.PerformanceEvery = 5 * time.Minute
	}
	for _, log := range []**slog.Logger{&o.Log, &o.Trace, &o.Audit} {
		if *log == nil {
			*log = slog.New(slog.DiscardHandler)
		}
	}
	return o.Slow.validate()
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// A Host is a running engine service.
type Host struct {
	every    chan time.Duration // changes of Options.PerformanceEvery; holds one
	opt      Options
	lib      *app.Library
	sessions *session.Registry
	server   *fasthttp.Server
	upgrader upgrade.Upgrader
	listener net.Listener
	near     *memconn.Listener
	started  time.Time
	slow     *slog.Logger // of requests by what they took
	process  string       // id of this process in logs
	load     load
	tight    atomic.Bool // apps take more memory than is allowed

	unsent  atomic.Int64 // bytes of answers that wait
	mu      sync.Mutex
	sockets map[*socket]struct{}
	closing bool
	wg      sync.WaitGroup // sockets
}

// New listens on the address. Serve answers.
func New(o Options, lib *app.Library) (*Host, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	l = accept.New(l, 0, o.Log)
	if o.TLS != nil {
		l = tls.NewListener(l, o.TLS)
	}
	h := &Host{
		opt: o, lib: lib, sessions: session.NewRegistry(lib, o.Log), listener: l, sockets: map[*socket]struct{}{}, started: time.Now(), process: uuid.NewString(),
		slow: o.Trace.With(facilityKey, "QixPerformance"), near: memconn.Listen(), every: make(chan time.Duration, 1),
		// large frames go around the buffers, and an idle socket keeps none to write with
		upgrader: upgrade.Upgrader{ReadBytes: 512, WriteBytes: 4 << 10, WritePool: &sync.Pool{}},
	}
	h.load.note(h.started, processorTime())
	h.sessions.Ended, h.sessions.Anonymous = h.sessionEnded, isAnonymous
	h.server = &fasthttp.Server{
		Handler: h.handle, Name: "cognate", ReadBufferSize: 16 << 10, MaxRequestBodySize: 1 << 20,
		ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute, NoDefaultServerHeader: true, CloseOnShutdown: true,
		ReduceMemoryUsage: true, // connections that send nothing have no buffers, and count as idle when the server stops
		KeepHijackedConns: true, // else closing a socket does nothing while it is being read
		Logger:            logAdapter{o.Log},
	}
	return h, nil
}

// A logAdapter logs what the HTTP server says.
type logAdapter struct{ log *slog.Logger }

// Printf logs one line at DEBUG.
func (a logAdapter) Printf(format string, args ...any) {
	a.log.Debug("http", "msg", fmt.Sprintf(format, args...))
}

// originAllowed lets pages of other sites not use a user's engine: a page has
// to come from this server, from the same machine, or from a host that the
// options name. Clients that are no browsers send no origin.
func (h *Host) originAllowed(ctx *fasthttp.RequestCtx) bool {
	origin := string(ctx.Request.Header.Peek("Origin"))
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, string(ctx.Host())) || isLoopback(u.Hostname()) ||
		slices.ContainsFunc(h.opt.Origins, func(o string) bool { return strings.EqualFold(o, origin) })
}

// Addr returns the address that is listened on.
func (h *Host) Addr() net.Addr { return h.listener.Addr() }

// Dial connects to the host from within this process, without network and TLS:
// whoever can call it is trusted as a client certificate would be.
func (h *Host) Dial(ctx context.Context) (net.Conn, error) { return h.near.Dial(ctx) }

// Serve answers until Shutdown.
func (h *Host) Serve() error {
	done := make(chan struct{})
	defer close(done)
	go h.watchMemory(done)
	go h.tellPerformance(done)
	var both errgroup.Group
	both.Go(func() error { return h.server.Serve(h.near) })
	both.Go(func() error {
		defer func() { _ = h.near.Close() }() // neither without the other
		return h.server.Serve(h.listener)
	})
	return both.Wait()
}

// memoryEvery is how often it is looked whether apps take too much memory.
const memoryEvery = readingEvery

// watchMemory gives up memory when apps take more than they may.
func (h *Host) watchMemory(done <-chan struct{}) {
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		h.load.note(time.Now(), processorTime())
		enough := h.lib.Relieve()
		if !enough && !h.tight.Load() {
			h.opt.Log.Warn("apps in use take more memory than is allowed", "bytes", h.lib.MemoryBytes(), "allowed", h.lib.Limits().MemoryMax)
		}
		h.tight.Store(!enough)
	}
}

// Shutdown stops listening, tells all clients, ends their requests and waits
// for them, at most for Options.GraceMax.
func (h *Host) Shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.opt.GraceMax)
	defer cancel()
	h.mu.Lock()
	h.closing = true
	for s := range h.sockets {
		s.close(closeTerminating, "engine terminating")
	}
	h.mu.Unlock()
	gone := make(chan struct{})
	go func() {
		h.wg.Wait()
		h.sessions.Close()
		close(gone)
	}()
	err := h.server.ShutdownWithContext(ctx)
	select {
	case <-gone:
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("sockets still open: %w", ctx.Err()))
	}
	return err
}

func (h *Host) handle(ctx *fasthttp.RequestCtx) {
	switch {
	case websocket.FastHTTPIsWebSocketUpgrade(ctx):
		h.upgrade(ctx)
	case isHealthCheck(string(ctx.Path())):
		h.health(ctx)
	case h.opt.Metrics != nil && string(ctx.Path()) == "/metrics":
		ServePage(ctx, h.opt.Metrics)
	case h.opt.Page != nil:
		ServePage(ctx, h.opt.Page)
	default:
		ctx.Error("not found", fasthttp.StatusNotFound)
	}
}

// upgrade opens a socket: the session is attached first, so that one that is
// refused is so with a status.
func (h *Host) upgrade(ctx *fasthttp.RequestCtx) {
	raw, _, _ := strings.Cut(string(ctx.RequestURI()), "?")
	r := parseRoute(raw)
	if !r.ok {
		ctx.Error("no such path for a socket", fasthttp.StatusNotFound)
		return
	}
	if r.ttl < 0 {
		r.ttl = h.opt.SessionTTL
	}
	if !h.originAllowed(ctx) {
		ctx.Error("pages of other sites may not open sockets", fasthttp.StatusForbidden)
		return
	}
	who := identify(ctx)
	key := sessionKey(ctx, r, who.attributes)
	err := h.upgrader.Upgrade(ctx, func(ws *websocket.Conn) { h.socket(ws, r, key, who) })
	if err != nil {
		h.opt.Log.Debug("upgrade refused", "path", raw, "err", err)
	}
}

// sessionKey names the session of a socket. Sockets share one when a client
// names it; otherwise each has its own, as the one of an app in memory. Who has
// logged in again as a member of other groups does not come back to what he was
// shown before.
func sessionKey(ctx *fasthttp.RequestCtx, r route, attributes map[string][]string) string {
	header := string(ctx.Request.Header.Peek("X-Qlik-Session"))
	switch {
	case header != "" || r.identity != "":
		return fmt.Sprintf("named\x00%s\x00%s\x00%s\x00%q", header, r.identity, r.app, attributes)
	case strings.HasPrefix(r.app, sessionAppPrefix):
		return "app\x00" + r.app
	}
	return "own\x00" + uuid.NewString()
}
