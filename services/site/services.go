package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/enginehost"
	"github.com/cognate-bi/cognate/services/proxy"
	"github.com/cognate-bi/cognate/services/proxy/session"
	"github.com/cognate-bi/cognate/services/repository"
)

// Bounds of requests between services.
const (
	headerTime   = 30 * time.Second
	transferTime = 12 * time.Hour
)

// internal returns a server between services.
func internal(log *slog.Logger, handle fasthttp.RequestHandler) *fasthttp.Server {
	return &fasthttp.Server{
		Handler: func(ctx *fasthttp.RequestCtx) { survive(log, handle, ctx); settle(ctx) }, Name: "cognate", StreamRequestBody: true, NoDefaultServerHeader: true, ReadBufferSize: 32 << 10,
		MaxRequestBodySize: 1 << 40, DisablePreParseMultipartForm: true, IdleTimeout: time.Minute, Logger: debugLog{log},
		// Handshakes and headers have little time, as anybody may begin one; transfers much.
		ReadTimeout: headerTime, HeaderReceived: func(*fasthttp.RequestHeader) fasthttp.RequestConfig {
			return fasthttp.RequestConfig{ReadTimeout: transferTime}
		},
		ReduceMemoryUsage: true, // connections that send nothing have no buffers, and count as idle when the server stops
	}
}

// survive answers a request, and lets nothing out that would end the process,
// which is that of all users.
func survive(log *slog.Logger, handle fasthttp.RequestHandler, ctx *fasthttp.RequestCtx) {
	defer func() {
		if r := recover(); r != nil {
			log.Error("panic in a request", "path", string(ctx.Path()), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			ctx.Response.Reset()
			ctx.Error("internal error", fasthttp.StatusInternalServerError)
		}
	}()
	handle(ctx)
}

// drainTime is how long what is left of a body that nobody has read is read and
// thrown away. The proxy sends a body before it reads the answer, which it
// would not get from a connection that is closed meanwhile.
const drainTime = 10 * time.Second

// settle sees to it that nothing of a request's body is taken for the next
// request: the connection belongs to a service, so that one could come in
// anybody's name. What is left of a long body ends the connection.
func settle(ctx *fasthttp.RequestCtx) {
	stream := ctx.RequestBodyStream()
	if stream == nil {
		return
	}
	err := ctx.Conn().SetReadDeadline(time.Now().Add(drainTime))
	if err == nil {
		_, err = io.Copy(io.Discard, stream)
	}
	if err != nil {
		ctx.SetConnectionClose()
	}
}

// debugLog logs what servers say.
type debugLog struct{ log *slog.Logger }

// Printf logs one line at DEBUG.
func (d debugLog) Printf(format string, args ...any) {
	d.log.Debug("http", "msg", fmt.Sprintf(format, args...))
}

// users is what the proxy asks the repository about people.
type users struct{ repo *repository.Repository }

// Login implements [proxy.Users].
func (u users) Login(ctx context.Context, who session.User) (session.User, error) {
	c := repository.Caller{Directory: who.Directory, ID: who.ID}
	id, name, err := u.repo.LogIn(ctx, &c, who.Name)
	if errors.Is(err, repository.ErrInactive) || errors.Is(err, repository.ErrForbidden) {
		return who, fmt.Errorf("%w: %w", proxy.ErrInactive, err)
	}
	who.Name, who.Entity = cmp.Or(name, who.ID), id
	return who, err
}

// upstreams says where the services of the node are.
type upstreams struct{ s *Site }

// Endpoints implements [proxy.Upstreams].
func (u upstreams) Endpoints(_ context.Context, service proxy.Service) ([]proxy.Endpoint, error) {
	at := map[proxy.Service]net.Listener{proxy.Repository: u.s.apiAt, proxy.Hub: u.s.pagesAt, proxy.Broker: u.s.pagesAt}[service]
	if at == nil {
		return nil, nil
	}
	return []proxy.Endpoint{{Node: u.s.node, Address: at.Addr().String()}}, nil
}

// appOf returns the id of the app that an address of the kind that mails and
// other pages link to opens, /sense/app/<id>/sheet/…, or "".
func appOf(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) < 3 || !strings.EqualFold(parts[0], "sense") || !strings.EqualFold(parts[1], "app") {
		return ""
	}
	return parts[2]
}

// lead sends a client to a page of ours. The address has no host, so that the
// proxy puts the prefix of the virtual proxy in front.
func lead(ctx *fasthttp.RequestCtx, path, query string) {
	if query != "" {
		path += "?" + query
	}
	ctx.Response.Header.Set("Location", path)
	ctx.SetStatusCode(fasthttp.StatusFound)
}

// servePage serves the pages of hub and apps, each under its own path, and the
// modules that clients load from their host.
func servePage(ctx *fasthttp.RequestCtx, page http.Handler) {
	path := string(ctx.Path())
	if strings.HasPrefix(path, "/qlik-embed/") {
		enginehost.ServePage(ctx, page)
		return
	}
	if app := appOf(path); app != "" {
		lead(ctx, "/sense/", "app="+url.QueryEscape(app))
		return
	}
	for prefix, first := range map[string]string{"/hub": "/hub.html", "/sense": "/"} {
		rest, ok := strings.CutPrefix(path, prefix)
		if !ok {
			continue
		}
		if rest == "" { // relative addresses need the slash
			lead(ctx, prefix+"/", string(ctx.URI().QueryString()))
			return
		}
		if rest == "/" {
			rest = first
		}
		ctx.Request.SetRequestURI(rest)
		enginehost.ServePage(ctx, page)
		return
	}
	ctx.Error("not found", fasthttp.StatusNotFound)
}
