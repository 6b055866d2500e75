package proxy

import (
	"net/url"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// csrfHeader brings the token of the session.
const csrfHeader = "qlik-csrf-token"

// unsafe reports whether a method may change something.
func unsafe(method string) bool {
	switch method {
	case fasthttp.MethodGet, fasthttp.MethodHead, fasthttp.MethodOptions, fasthttp.MethodTrace:
		return false
	}
	return true
}

// refusedForged refuses a request that was made by a page of another site.
func (s *Server) refusedForged(ctx *fasthttp.RequestCtx, p place, sess *session.Session) bool {
	if !s.forged(ctx, p.virtual, sess) {
		return false
	}
	s.opt.Audit.Warn("request of another site refused", "path", p.path, "origin", string(ctx.Request.Header.Peek("Origin")), "address", remote(ctx))
	fail(ctx, fasthttp.StatusForbidden, "The request comes from another site.")
	return true
}

// forged reports whether a request was made by a page of another site. Browsers
// say where a request comes from, and pages cannot change that; what says
// nothing is no browser, and nobody else's cookie.
func (s *Server) forged(ctx *fasthttp.RequestCtx, v *virtual, sess *session.Session) bool {
	if !unsafe(string(ctx.Method())) {
		return false
	}
	if token := string(ctx.Request.Header.Peek(csrfHeader)); token != "" && sess != nil {
		return !sess.IsCSRFToken(token)
	}
	origin := string(ctx.Request.Header.Peek("Origin"))
	switch site := string(ctx.Request.Header.Peek("Sec-Fetch-Site")); site {
	case "same-origin", "none":
		return false
	case "":
		return origin != "" && !s.knownOrigin(ctx, v, origin)
	}
	return !s.knownOrigin(ctx, v, origin)
}

// knownOrigin reports whether an origin is this machine or a host that the
// virtual proxy trusts. The request's own Host does not count: who points a
// name of theirs at this machine would be the same origin. Nor does a page
// that came without TLS while we have it: anybody on the way could have made it.
func (s *Server) knownOrigin(ctx *fasthttp.RequestCtx, v *virtual, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || ctx.IsTLS()) {
		return false
	}
	same := func(name string) bool {
		return strings.EqualFold(name, u.Hostname()) || strings.EqualFold(name, u.Host)
	}
	return slices.ContainsFunc(s.opt.HostNames, same) || slices.ContainsFunc(v.Origins, same)
}

// originAllowed decides about sockets.
func (s *Server) originAllowed(ctx *fasthttp.RequestCtx, v *virtual) bool {
	origins := values(&ctx.Request.Header, "Origin")
	if len(origins) == 0 {
		return s.opt.MissingOrigin
	}
	return len(origins) == 1 && s.knownOrigin(ctx, v, origins[0])
}
