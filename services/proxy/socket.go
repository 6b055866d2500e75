package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// Timings of sockets.
const (
	// firstFrameDelay keeps the first notice apart from the answer to the
	// upgrade: some clients lose frames that arrive together with it.
	firstFrameDelay = 50 * time.Millisecond
	pingEvery       = 30 * time.Second
	pongTimeout     = 75 * time.Second
	lastWords       = time.Second // how long a client may take to read why its socket closes
)

// A socket is a client's and the one to the service behind it.
type socket struct {
	server  *Server
	place   place
	sess    *session.Session
	url     string      // at the service, without its address
	address netip.Addr  // of the client
	header  http.Header // of the request to the service

	client *websocket.Conn
	write  sync.Mutex // held for a whole message to the client

	connected atomic.Bool // with the service

	life context.Context //nolint:containedctx // until the end; its cause is why
	stop context.CancelCauseFunc
}

// Why a socket ends.
type (
	// leaving: the proxy shuts down.
	leaving struct{}
	// told: the client gets a notice.
	told struct{ notice }
	// passed: one side closed with a code, which goes on to the other.
	passed struct {
		code int
		text string
	}
)

func (leaving) Error() string  { return "the proxy shuts down" }
func (t told) Error() string   { return t.method }
func (p passed) Error() string { return "closed" }

// openSocket answers a request to upgrade.
func (s *Server) openSocket(ctx *fasthttp.RequestCtx, p place) {
	if !p.route.sockets {
		fail(ctx, fasthttp.StatusBadRequest, "There are no sockets here.")
		return
	}
	if !s.originAllowed(ctx, p.virtual) {
		s.opt.Audit.Warn("socket of another site refused", "origin", string(ctx.Request.Header.Peek("Origin")), "address", remote(ctx))
		fail(ctx, fasthttp.StatusForbidden, "The request comes from another site.")
		return
	}
	sess := s.establish(ctx, p)
	if sess == nil {
		if status := ctx.Response.StatusCode(); status < 400 {
			fail(ctx, fasthttp.StatusUnauthorized, "You are not logged in.")
		}
		return
	}
	if !s.sockets.reserve(sess.ID, s.opt.Limits) {
		fail(ctx, fasthttp.StatusServiceUnavailable, "There are too many sockets.")
		return
	}
	x := s.newSocket(ctx, p, sess)
	if err := s.upgrader.Upgrade(ctx, x.serve); err != nil {
		s.sockets.release(sess.ID)
		s.opt.Log.Debug("upgrade", "err", err)
	}
}

// newSocket takes from the request what is needed after it.
func (s *Server) newSocket(ctx *fasthttp.RequestCtx, p place, sess *session.Session) *socket {
	x := &socket{server: s, place: p, sess: sess, header: http.Header{}, address: remote(ctx), url: p.forward}
	x.life, x.stop = context.WithCancelCause(context.Background())
	if q := string(ctx.URI().QueryString()); q != "" {
		x.url += "?" + q
	}
	forwardHeaders(ctx, p, identify(ctx, p, sess, ""), func(name, value string) {
		switch name {
		case "Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol", "Sec-WebSocket-Key",
			"Sec-WebSocket-Version", "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Origin":
			return // of the client's own connection; the origin was checked here
		}
		x.header.Add(name, value)
	})
	return x
}

// serve runs a socket from its upgrade to its end.
func (x *socket) serve(client *websocket.Conn) {
	s := x.server
	defer s.sockets.release(x.sess.ID)
	defer func() { _ = client.Close() }() // whatever happened, it ends here
	defer func() {
		if r := recover(); r != nil { // nothing gets out that would end the process
			s.opt.Log.Error("panic in a socket", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			x.end(told{died(x.place.route.service)})
		}
	}()
	x.client = client
	if !s.sockets.add(x) {
		x.end(leaving{})
	}
	defer s.sockets.remove(x)
	x.audit("connection Opened for session", "command", "Open connection")
	defer func() {
		x.end(passed{code: codeOver})
		x.audit("connection Closed for session", "command", "Close connection", "reason", x.cause().Error())
	}()
	defer x.sess.AfterEnd(x.logOut)()
	if err := x.connect(); err != nil {
		x.end(err)
		x.close(nil)
	}
}

// logOut ends the socket with its session.
func (x *socket) logOut() {
	x.end(told{ended(x.sess.Reason(), loginURI(x.place.virtual.base+x.server.opt.Home))})
}

// end ends the socket; the first cause counts.
func (x *socket) end(cause error) { x.stop(cause) }

// cause is why the socket has ended.
func (x *socket) cause() error { return context.Cause(x.life) }

// connect greets the client, finds a service and passes messages until the
// end. An error means that it did not come to that.
func (x *socket) connect() error {
	select {
	case <-time.After(firstFrameDelay):
	case <-x.life.Done():
		return x.cause()
	}
	if err := x.tell(x.greeting()); err != nil {
		return err
	}
	if err := x.licence(); err != nil {
		return err
	}
	service, err := x.dial()
	if err != nil {
		return err
	}
	defer func() { _ = service.Close() }() // it is over
	x.header = nil                         // an idle socket holds little
	x.pass(service)
	return nil
}

func (x *socket) greeting() notice {
	u := x.sess.User
	return notice{method: "OnAuthenticationInformation", params: map[string]any{
		"mustAuthenticate": false, "userId": u.ID, "userDirectory": u.Directory,
		"logoutUri": x.server.logoutURI(x.place.virtual), "serverNodeId": x.server.opt.Node,
	}}
}

// licence asks for one where an app is opened.
func (x *socket) licence() error {
	if x.server.opt.Licences == nil || x.place.route.service != Engine {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), upstreamsTimeout)
	defer cancel()
	access, err := x.server.opt.Licences.Acquire(ctx, x.sess)
	if err != nil {
		return told{denied(err)}
	}
	x.header.Set(headerSecurity, x.header.Get(headerSecurity)+"; LicenseContext="+access)
	return nil
}

// dial connects to the first place that answers.
func (x *socket) dial() (*websocket.Conn, error) {
	s := x.server
	list, chose, err := s.endpoints(x.place, x.sess.User)
	if err != nil {
		s.opt.Log.Error("no places of a service", "service", x.place.route.service, "err", err)
	}
	for _, e := range list {
		scheme, dialer := s.dialer(e.Address)
		if _, err := url.Parse(scheme + e.Address + x.url); err != nil {
			return nil, told{unavailable(x.place.route.service)}
		}
		conn, _, err := dialer.DialContext(x.life, scheme+e.Address+x.url, x.header)
		if err == nil {
			chose(e)
			x.chosen()
			return conn, nil
		}
		s.opt.Log.Warn("service takes no socket", "service", x.place.route.service, "node", e.Node, "err", err)
	}
	return nil, told{unavailable(x.place.route.service)}
}

// dialer says how to open a socket to a service.
func (s *Server) dialer(address string) (scheme string, _ *websocket.Dialer) {
	d := &websocket.Dialer{
		HandshakeTimeout: dialTimeout, ReadBufferSize: frameBytes, WriteBufferSize: pumpBytes, WriteBufferPool: &s.buffers,
		NetDialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext,
	}
	if near := s.near(address); near != nil {
		d.NetDialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return near(ctx) }
		return "ws://", d
	}
	if s.opt.TLS == nil {
		return "ws://", d
	}
	d.TLSClientConfig = s.opt.TLS
	return "wss://", d
}

func (s *Server) near(address string) func(context.Context) (net.Conn, error) {
	if s.opt.Near == nil {
		return nil
	}
	return s.opt.Near(address)
}

// chosen notes that a service has taken the socket.
func (x *socket) chosen() {
	x.connected.Store(true)
	x.server.decided(x.place)
}

// decided counts that an engine was chosen.
func (s *Server) decided(p place) {
	if p.route.service == Engine {
		s.decisions.Add(1)
	}
}

// audit notes what becomes of the socket. Nothing is kept for it meanwhile: most
// of the time a socket waits.
func (x *socket) audit(message string, more ...any) {
	u := &x.sess.User
	x.server.opt.Audit.Info(message, append([]any{
		"user", u.Directory + `\` + u.ID, "session", x.sess.ID, "context", x.place.path, "prefix", x.place.virtual.Prefix, "appid", x.place.app, "address", x.address,
	}, more...)...)
}

// tell sends the client a notice.
func (x *socket) tell(n notice) error {
	x.write.Lock()
	defer x.write.Unlock()
	_ = x.client.SetWriteDeadline(time.Now().Add(x.server.opt.Limits.SocketWrite)) // an error shows when it is written
	return x.client.WriteMessage(websocket.TextMessage, n.frame())
}

// close tells both sides why it is over. It does not wait for a client that
// does not read.
func (x *socket) close(service *websocket.Conn) {
	deadline := time.Now().Add(lastWords)
	abort := time.AfterFunc(lastWords, func() {
		_ = x.client.NetConn().SetDeadline(time.Now())
		if service != nil { // a message that stopped on its way keeps the client's side, too
			_ = service.NetConn().SetDeadline(time.Now())
		}
	})
	defer abort.Stop()
	cause, code, text := x.cause(), codeOver, ""
	var t told
	var p passed
	switch {
	case errors.As(cause, &t):
		code = t.code
		x.write.Lock()
		_ = x.client.SetWriteDeadline(deadline)                     // an error shows when it is written
		_ = x.client.WriteMessage(websocket.TextMessage, t.frame()) // who does not read it does not learn it
		x.write.Unlock()
	case errors.As(cause, &p):
		code, text = p.code, p.text
	case errors.Is(cause, leaving{}):
		code, text = codeLeaving, "the proxy shuts down"
	}
	frame := websocket.FormatCloseMessage(code, text)
	_ = x.client.WriteControl(websocket.CloseMessage, frame, deadline) // it may have gone
	if service != nil {
		_ = service.WriteControl(websocket.CloseMessage, frame, deadline) // the same
	}
}
