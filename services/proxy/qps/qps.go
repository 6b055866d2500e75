// Package qps is the REST interface of the proxy: tickets, sessions and users,
// for authentication modules and services.
//
//	POST   /qps/{prefix}/ticket
//	GET    /qps/{prefix}/session            POST the same
//	GET    /qps/{prefix}/session/{id}       DELETE the same
//	GET    /qps/{prefix}/user/{dir}/{id}    DELETE the same
//	GET    /qps/alive, /qps/health          POST /qps/error, /qps/notified
//
// The default virtual proxy has no prefix, or an empty segment. Whoever holds a
// client certificate of the site may do everything here.
package qps

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/accept"
	"github.com/cognate-bi/cognate/services/proxy"
	"github.com/cognate-bi/cognate/services/proxy/auth"
	"github.com/cognate-bi/cognate/services/proxy/session"
)

// bodyMax bounds the body of a request.
const bodyMax = 256 << 10

// VirtualProxies says what prefixes there are.
type VirtualProxies interface {
	// Timeout returns the prefix as it is written and its inactivity time-out.
	Timeout(prefix string) (name string, timeout time.Duration, ok bool)
}

// Options are the settings of the interface.
type Options struct {
	Virtual  VirtualProxies
	Sessions *session.Store
	Tickets  *auth.Tickets
	Users    proxy.Users  // asked about everybody whose session comes; nil = nobody
	Health   func() any   // what GET /qps/health tells; nil = nothing
	Notified func()       // called at POST /qps/notified: settings changed; nil = nothing
	Log      *slog.Logger // nil = none
	Audit    *slog.Logger // nil = none
}

// Validate fills in defaults and says which field is wrong.
func (o *Options) Validate() error {
	if o.Virtual == nil || o.Sessions == nil || o.Tickets == nil {
		return errors.New("QPS options: Virtual, Sessions and Tickets are needed")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Audit == nil {
		o.Audit = slog.New(slog.DiscardHandler)
	}
	return nil
}

// A Server answers the interface.
type Server struct {
	opt  Options
	http *fasthttp.Server
}

// New makes a server that does not listen yet.
func New(o Options) (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s := &Server{opt: o}
	s.http = &fasthttp.Server{
		Handler: s.serve, NoDefaultServerHeader: true, CloseOnShutdown: true, ReadBufferSize: 16 << 10, MaxRequestBodySize: bodyMax,
		ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 10 * time.Second, Logger: logAdapter{o.Log},
		ReduceMemoryUsage: true, // connections that send nothing have no buffers, and count as idle when the server stops
	}
	return s, nil
}

// A logAdapter logs what the HTTP server says.
type logAdapter struct{ log *slog.Logger }

// Printf logs one line at DEBUG.
func (a logAdapter) Printf(format string, args ...any) {
	a.log.Debug("http", "msg", fmt.Sprintf(format, args...))
}

// connsMax is how many programs may be connected at a time.
const connsMax = 2000

// Serve answers until Shutdown. The configuration has to ask for a certificate
// and to verify it: one that does not is an error.
func (s *Server) Serve(l net.Listener, c *tls.Config) error {
	if c.ClientAuth != tls.RequireAndVerifyClientCert || c.ClientCAs == nil {
		return errors.New("QPS: the listener does not verify client certificates")
	}
	return s.http.Serve(tls.NewListener(accept.New(l, connsMax, s.opt.Log), c))
}

// Shutdown stops listening and waits for requests.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.ShutdownWithContext(ctx) }

// A status is an error that clients are told.
type status struct {
	code int
	text string
}

func (s status) Error() string { return s.text }

func statusf(code int, format string, args ...any) error {
	return status{code, fmt.Sprintf(format, args...)}
}

// serve is where an error becomes an answer and a line of the log.
func (s *Server) serve(ctx *fasthttp.RequestCtx) {
	defer func() {
		if r := recover(); r != nil {
			s.opt.Log.Error("panic in a request", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			ctx.Error("internal error", fasthttp.StatusInternalServerError)
		}
	}()
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.Response.Header.Set("X-Content-Type-Options", "nosniff")
	err := s.answer(ctx)
	var known status
	switch {
	case err == nil:
	case errors.As(err, &known):
		ctx.Error(known.text, known.code)
	default:
		s.opt.Log.Error("request not answered", "path", string(ctx.Path()), "err", err)
		ctx.Error("internal error", fasthttp.StatusInternalServerError)
	}
}
