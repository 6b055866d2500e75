package proxy

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/proxy/auth"
	"github.com/cognate-bi/cognate/services/proxy/session"
)

// Bounds of logins.
const (
	loginTimeout = 30 * time.Second // of identity providers and the repository
	formMax      = 512 << 10        // of a posted form
)

// establish returns the session that a request belongs to, and starts it if the
// request says who sends it. nil means that the request is answered: by the next
// step of a login, or by a refusal.
func (s *Server) establish(ctx *fasthttp.RequestCtx, p place) *session.Session {
	token := sessionToken(ctx, p.virtual)
	current, ok := s.opt.Sessions.Find(p.virtual.Prefix, token)
	if !ok {
		current = nil
	}
	r := request(ctx, p, token, current)
	r.Foreign = !s.knownOrigin(ctx, p.virtual, r.Origin())
	if current != nil && !p.virtual.Methods.Must(r) {
		return current
	}
	if owned(p.virtual.Methods, r) && ctx.IsPost() {
		form, err := readForm(ctx)
		if err != nil {
			fail(ctx, fasthttp.StatusBadRequest, "The form could not be read.")
			return nil
		}
		r.Form = form
	}
	// Not the request's own context: that one is reused after the answer.
	within, cancel := context.WithTimeout(context.Background(), loginTimeout)
	defer cancel()
	a, refusals := p.virtual.Methods.Authenticate(within, r)
	for _, x := range refusals {
		s.opt.Audit.Warn("login refused", "method", x.Method, "reason", x.Reason, "address", r.Remote, "prefix", p.virtual.Prefix, "command", "Log in", "context", p.path)
	}
	for _, k := range a.Cookies {
		setLogin(ctx, p.virtual, k)
	}
	if a.User == nil {
		answerLogin(ctx, a)
		return nil
	}
	return s.start(within, ctx, p, current, a)
}

func owned(c auth.Chain, r *auth.Request) bool {
	for _, m := range c {
		if m.Owns(r.Path) {
			return true
		}
	}
	return false
}

// request is what methods may know. It keeps no bytes of the server.
func request(ctx *fasthttp.RequestCtx, p place, token string, current *session.Session) *auth.Request {
	query, _ := url.ParseQuery(string(ctx.URI().QueryString())) // what cannot be read is left out
	r := &auth.Request{
		Method: string(ctx.Method()), Path: p.path, URI: target(ctx), Base: p.virtual.base, Query: query,
		Host: string(ctx.Host()), Secure: ctx.IsTLS(), Remote: remote(ctx), Session: token,
		Header: func(name string) []string { return values(&ctx.Request.Header, name) },
		Cookie: func(name string) string { return cookie(ctx, name) },
	}
	if current != nil {
		r.Current = &current.User
	}
	return r
}

// target is the path and query as they came.
func target(ctx *fasthttp.RequestCtx) string {
	uri := string(ctx.URI().PathOriginal())
	if q := ctx.URI().QueryString(); len(q) > 0 {
		uri += "?" + string(q)
	}
	return uri
}

// readForm reads a posted form of bounded size.
func readForm(ctx *fasthttp.RequestCtx) (url.Values, error) {
	kind, _, _ := strings.Cut(string(ctx.Request.Header.ContentType()), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") {
		return nil, errors.New("not a form")
	}
	stream := ctx.RequestBodyStream()
	if stream == nil {
		return url.Values{}, nil
	}
	b, err := io.ReadAll(io.LimitReader(stream, formMax+1))
	if err != nil {
		return nil, err
	}
	if len(b) > formMax {
		ctx.SetConnectionClose()
		return nil, errors.New("form too large")
	}
	return url.ParseQuery(string(b))
}

// answerLogin carries out a step of a login.
func answerLogin(ctx *fasthttp.RequestCtx, a auth.Answer) {
	switch {
	case a.Redirect != "":
		redirect(ctx, a.Redirect)
	case a.Body != nil:
		ctx.SetStatusCode(a.Status)
		ctx.SetContentType(a.Type)
		ctx.Response.Header.Set("Cache-Control", "no-store")
		ctx.Response.Header.Add("Content-Security-Policy", "script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'")
		ctx.SetBody(a.Body)
	case a.LoginURI != "":
		writeJSON(ctx, a.Status, map[string]string{"error": "not logged in", "loginUri": a.LoginURI})
	case a.Status == fasthttp.StatusServiceUnavailable:
		fail(ctx, a.Status, "Logging in does not work at the moment.")
	default:
		fail(ctx, a.Status, "You are not logged in.")
	}
}

// start gives a user a session. One that runs for the same user goes on.
func (s *Server) start(within context.Context, ctx *fasthttp.RequestCtx, p place, current *session.Session, a auth.Answer) *session.Session {
	sess := current
	goesOn := current != nil && (a.User == &current.User || a.Return == "" && current.User.Is(a.User.Directory, a.User.ID))
	if !goesOn {
		var err error
		if sess, err = s.fresh(within, ctx, p, a); err != nil {
			s.noSession(ctx, *a.User, err)
			return nil
		}
		if current != nil && current != sess {
			s.opt.Sessions.End(current, session.Closed)
		}
	}
	if a.Return != "" {
		redirect(ctx, a.Return)
		return nil
	}
	return sess
}

// fresh starts a session, or finds the one that the credentials have already.
func (s *Server) fresh(within context.Context, ctx *fasthttp.RequestCtx, p place, a auth.Answer) (*session.Session, error) {
	v, u := p.virtual, *a.User
	if a.Token != "" {
		if sess, ok := s.opt.Sessions.Find(v.Prefix, a.Token); ok && sess.User.Is(u.Directory, u.ID) {
			setSession(ctx, v, a.Token)
			return sess, nil
		}
	}
	if s.opt.Users != nil && !u.Anonymous() {
		known, err := s.opt.Users.Login(within, u)
		if err != nil {
			return nil, err
		}
		if err := auth.Admissible(known); err != nil {
			return nil, err
		}
		u = known
	}
	token, sess, err := s.newSession(v, u, a.Token)
	if err != nil {
		return nil, err
	}
	setSession(ctx, v, token)
	s.opt.Audit.Info("Start session for user", "user", u.Directory+`\`+u.ID, "session", sess.ID, "address", remote(ctx), "prefix", v.Prefix,
		"command", "Start session", "context", p.path, "useragent", string(ctx.UserAgent()))
	return sess, nil
}

func (s *Server) newSession(v *virtual, u session.User, token string) (string, *session.Session, error) {
	if token == "" {
		return s.opt.Sessions.Start(v.Prefix, u, v.Timeout)
	}
	sess, err := s.opt.Sessions.Adopt(v.Prefix, token, u, v.Timeout)
	if errors.Is(err, session.ErrTaken) { // by a request beside this one
		if found, ok := s.opt.Sessions.Find(v.Prefix, token); ok && found.User.Is(u.Directory, u.ID) {
			return token, found, nil
		}
	}
	return token, sess, err
}

func (s *Server) noSession(ctx *fasthttp.RequestCtx, u session.User, err error) {
	s.opt.Audit.Warn("login refused", "user", u.Directory+`\`+u.ID, "reason", err.Error(), "address", remote(ctx), "command", "Log in")
	switch {
	case errors.Is(err, ErrInactive):
		fail(ctx, fasthttp.StatusForbidden, "This user is not active.")
	default:
		s.opt.Log.Error("a log-in failed", "user", u.Directory+`\`+u.ID, "err", err)
		fail(ctx, fasthttp.StatusServiceUnavailable, "Logging in does not work at the moment.")
	}
}
