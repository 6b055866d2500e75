package proxy

import (
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// personal answers /qps/user and /qps/csrftoken: what pages ask about their user.
func (s *Server) personal(ctx *fasthttp.RequestCtx, p place) {
	sess, ok := s.opt.Sessions.Find(p.virtual.Prefix, sessionToken(ctx, p.virtual))
	if !ok {
		sess = nil
	}
	method, path := string(ctx.Method()), strings.TrimSuffix(p.path, "/")
	if r := request(ctx, p, "", nil); path == userPath && method == fasthttp.MethodGet && p.virtual.Methods.Must(r) {
		if sess = s.establish(ctx, p); sess == nil {
			if ctx.Response.StatusCode() != fasthttp.StatusUnauthorized {
				return
			}
			ctx.Response.Reset() // nobody is an answer here
		}
	}
	switch {
	case path == userPath && method == fasthttp.MethodGet:
		s.showUser(ctx, p, sess)
	case path == userPath && method == fasthttp.MethodDelete:
		s.logout(ctx, p, sess)
	case path == csrfPath && method == fasthttp.MethodGet:
		if sess = s.establish(ctx, p); sess != nil {
			ctx.SetStatusCode(fasthttp.StatusNoContent)
			ctx.Response.Header.Set(csrfHeader, sess.CSRFToken())
			ctx.Response.Header.Set("Cache-Control", "no-store")
		}
	case path == userPath || path == csrfPath:
		fail(ctx, fasthttp.StatusMethodNotAllowed, "This is not done here.")
	default:
		fail(ctx, fasthttp.StatusNotFound, "There is no such page.")
	}
}

func (s *Server) showUser(ctx *fasthttp.RequestCtx, p place, sess *session.Session) {
	target := string(ctx.QueryArgs().Peek("targetUri"))
	if target == "" || !s.ownTarget(ctx, p.virtual, target) {
		target = p.virtual.base + s.opt.Home
	}
	if sess == nil || sess.User.Anonymous() {
		writeJSON(ctx, fasthttp.StatusOK, map[string]string{
			"session": "inactive", "userDirectory": session.AnonymousDirectory, "loginUri": loginURI(target),
		})
		return
	}
	writeJSON(ctx, fasthttp.StatusOK, map[string]string{
		"session": "active", "userDirectory": sess.User.Directory, "userId": sess.User.ID, "userName": sess.User.Name,
		"logoutUri": s.logoutURI(p.virtual),
	})
}

// ownTarget reports whether an address is a page of ours or of a trusted host:
// otherwise a link to us could lead anywhere.
func (s *Server) ownTarget(ctx *fasthttp.RequestCtx, v *virtual, target string) bool {
	u, err := url.Parse(target)
	if err != nil || strings.ContainsAny(target, "\\\r\n\t") {
		return false
	}
	if u.Host == "" {
		return u.Scheme == "" && strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "//")
	}
	return s.knownOrigin(ctx, v, u.Scheme+"://"+u.Host)
}

// loginURI is a page that makes people log in.
func loginURI(target string) string {
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	return target + separator + "forceAuthentication=yes"
}

func (s *Server) logoutURI(v *virtual) string {
	if v.LogoutURI != "" {
		return v.LogoutURI
	}
	return v.base + s.opt.Home
}

func (s *Server) logout(ctx *fasthttp.RequestCtx, p place, sess *session.Session) {
	if s.refusedForged(ctx, p, sess) {
		return
	}
	if sess != nil {
		s.opt.Sessions.End(sess, session.LoggedOut)
	}
	setSession(ctx, p.virtual, "")
	writeJSON(ctx, fasthttp.StatusOK, map[string]string{
		"session": "inactive", "userDirectory": session.AnonymousDirectory, "loginUri": loginURI(p.virtual.base + s.opt.Home),
	})
}
