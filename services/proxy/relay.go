package proxy

import (
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// errTooLarge says that a body is larger than is allowed.
var errTooLarge = errors.New("body too large")

// relay passes a request to a service and its answer back. Both bodies stream.
func (s *Server) relay(ctx *fasthttp.RequestCtx, p place, sess *session.Session) {
	if n := ctx.Request.Header.ContentLength(); int64(n) > s.opt.Limits.BodyBytes {
		giveUp(ctx)
		fail(ctx, fasthttp.StatusRequestEntityTooLarge, "The request is too large.")
		return
	}
	var u session.User
	if sess != nil {
		u = sess.User
	}
	list, chose, err := s.endpoints(p, u)
	if err != nil {
		s.opt.Log.Error("no places of a service", "service", p.route.service, "err", err)
	}
	req := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(req)
	body := s.compose(ctx, req, p, identify(ctx, p, sess, ""))
	err = errNowhere
	for _, e := range list {
		if err = s.ask(ctx, req, e); err == nil {
			chose(e)
			s.decided(p)
			s.answered(ctx, p)
			return
		}
		var unreached *dialError
		if !errors.As(err, &unreached) {
			break
		}
	}
	s.notAnswered(ctx, p, body, err)
}

// ask sends a request to a place. Only what was never sent may be sent to
// another one.
func (s *Server) ask(ctx *fasthttp.RequestCtx, req *fasthttp.Request, e Endpoint) error {
	client := s.pool.client(e.Address)
	req.URI().SetScheme("http")
	if client.IsTLS {
		req.URI().SetScheme("https")
	}
	req.URI().SetHost(e.Address)
	return client.Do(req, &ctx.Response)
}

// compose makes the request for a service from the client's.
func (s *Server) compose(ctx *fasthttp.RequestCtx, req *fasthttp.Request, p place, id identity) *limitedBody {
	req.Header.SetMethodBytes(ctx.Method())
	req.Header.SetNoDefaultContentType(true)
	req.UseHostHeader = true
	req.URI().DisablePathNormalizing = true
	req.URI().SetPath(p.forward)
	req.URI().SetQueryStringBytes(ctx.URI().QueryString())
	forwardHeaders(ctx, p, id, req.Header.Add)
	req.Header.SetHostBytes(ctx.Host())
	stream := ctx.RequestBodyStream()
	if stream == nil {
		return nil
	}
	length := ctx.Request.Header.ContentLength()
	if length == 0 {
		return nil
	}
	body := &limitedBody{r: stream, conn: ctx.Conn(), left: s.opt.Limits.BodyBytes, stalled: s.opt.Limits.Stalled}
	req.SetBodyStream(body, max(length, -1))
	return body
}

// A limitedBody reads the body of a client, which may not be too large nor
// stand still.
type limitedBody struct {
	r       io.Reader
	conn    net.Conn
	left    int64
	stalled time.Duration
	err     error // other than the end
}

func (b *limitedBody) Read(dst []byte) (int, error) {
	if err := b.conn.SetReadDeadline(time.Now().Add(b.stalled)); err != nil {
		b.err = err
		return 0, err
	}
	n, err := b.r.Read(dst)
	if b.left -= int64(n); b.left < 0 {
		err = errTooLarge
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// Bounds of what is read of a body that nobody wants.
const (
	unwantedBytes = 4 << 20
	unwantedTime  = time.Second
)

// giveUp closes the connection after the answer, and reads on for a moment.
func giveUp(ctx *fasthttp.RequestCtx) {
	settle(ctx)
	ctx.SetConnectionClose()
}

// settle reads what is left of a body that nobody wants: it would be taken for
// the next request of the connection, which need not be the same client's, as a
// proxy in front of this one may share it. Where too much is left the
// connection ends, but after a moment: closing it with bytes unread would reset
// it, and the client would not see the answer.
func settle(ctx *fasthttp.RequestCtx) {
	stream := ctx.RequestBodyStream()
	if stream == nil || ctx.Hijacked() {
		return
	}
	err := ctx.Conn().SetReadDeadline(time.Now().Add(unwantedTime))
	if err == nil {
		_, err = io.CopyN(io.Discard, stream, unwantedBytes)
	}
	if !errors.Is(err, io.EOF) {
		ctx.SetConnectionClose()
	}
}

// answered cleans the answer of a service.
func (s *Server) answered(ctx *fasthttp.RequestCtx, p place) {
	backHeaders(&ctx.Response.Header, p.virtual)
	ctx.Response.Header.SetNoDefaultContentType(true)
	if p.virtual.base != "" {
		if at := string(ctx.Response.Header.Peek("Location")); strings.HasPrefix(at, "/") && !strings.HasPrefix(at, "//") &&
			at != p.virtual.base && !strings.HasPrefix(at, p.virtual.base+"/") {
			ctx.Response.Header.Set("Location", p.virtual.base+at) // services know no prefixes
		}
	}
}

func (s *Server) notAnswered(ctx *fasthttp.RequestCtx, p place, body *limitedBody, err error) {
	ctx.Response.Reset()
	switch {
	case body != nil && errors.Is(body.err, errTooLarge):
		giveUp(ctx)
		fail(ctx, fasthttp.StatusRequestEntityTooLarge, "The request is too large.")
		return
	case body != nil && body.err != nil:
		ctx.SetConnectionClose()
		fail(ctx, fasthttp.StatusBadRequest, "The request did not arrive.")
		return
	}
	if body != nil { // part of it may be unread
		giveUp(ctx)
	}
	s.opt.Log.Warn("service did not answer", "service", p.route.service, "path", p.path, "err", err)
	var unreached *dialError
	if errors.Is(err, errNowhere) || errors.As(err, &unreached) {
		fail(ctx, fasthttp.StatusServiceUnavailable, "The service is not available at the moment.")
		return
	}
	fail(ctx, fasthttp.StatusBadGateway, "The service did not answer.")
}
