package qps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/proxy"
	"github.com/cognate-bi/cognate/services/proxy/auth"
	"github.com/cognate-bi/cognate/services/proxy/session"
)

// A wireUser is how users come; keys in any case.
type wireUser struct {
	UserDirectory string
	UserID        string `json:"UserId"`
	Attributes    []map[string]string
	TargetID      string `json:"TargetId"`
	SessionID     string `json:"SessionId"`
}

// A wireSession is how sessions go out.
type wireSession struct {
	UserDirectory string
	UserID        string `json:"UserId"`
	Attributes    []map[string]string
	SessionID     string `json:"SessionId"`
}

func wire(x *session.Session) wireSession {
	return wireSession{x.User.Directory, x.User.ID, attributes(x.User.Attributes), x.ID}
}

func wires(list []*session.Session) []wireSession {
	out := []wireSession{}
	for _, x := range list {
		out = append(out, wire(x))
	}
	return out
}

func attributes(list []session.Attribute) []map[string]string {
	out := []map[string]string{}
	for _, a := range list {
		out = append(out, map[string]string{a.Name: a.Value})
	}
	return out
}

// readUser reads and checks a user.
func readUser(ctx *fasthttp.RequestCtx) (wireUser, session.User, error) {
	var in wireUser
	if err := json.Unmarshal(ctx.PostBody(), &in); err != nil {
		return in, session.User{}, statusf(fasthttp.StatusBadRequest, "body: %v", err)
	}
	u := session.User{Directory: strings.TrimSpace(in.UserDirectory), ID: strings.TrimSpace(in.UserID), Attributes: auth.Attributes(in.Attributes)}
	if strings.ContainsRune(u.ID, '\\') {
		return in, u, statusf(fasthttp.StatusBadRequest, `UserId has a \`)
	}
	if err := auth.Admissible(u); err != nil {
		return in, u, statusf(fasthttp.StatusBadRequest, "%v", err)
	}
	return in, u, nil
}

func (s *Server) issueTicket(c call) error {
	in, u, err := readUser(c.ctx)
	if err != nil {
		return err
	}
	ticket, target, err := s.opt.Tickets.Issue(c.prefix, u, in.TargetID)
	if err != nil {
		return fmt.Errorf("ticket: %w", err)
	}
	s.opt.Audit.Info("ticket issued", "user", u.Directory+`\`+u.ID, "prefix", c.prefix, "certificate", peer(c.ctx))
	return writeJSON(c.ctx, fasthttp.StatusCreated, struct {
		UserDirectory string
		UserID        string `json:"UserId"`
		Attributes    []map[string]string
		Ticket        string
		TargetURI     *string `json:"TargetUri"`
	}{u.Directory, u.ID, attributes(u.Attributes), ticket, optional(target)})
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// peer names who asks.
func peer(ctx *fasthttp.RequestCtx) string {
	return ctx.TLSConnectionState().PeerCertificates[0].Subject.CommonName
}

func (s *Server) listSessions(c call) error {
	return writeJSON(c.ctx, fasthttp.StatusOK, wires(s.opt.Sessions.List(c.prefix)))
}

// addSession takes a session that a session module owns: SessionId is the
// cookie that the module gives the browser.
func (s *Server) addSession(c call) error {
	in, u, err := readUser(c.ctx)
	if err != nil {
		return err
	}
	_, timeout, ok := s.opt.Virtual.Timeout(c.prefix)
	if !ok {
		return statusf(fasthttp.StatusNotFound, "there is no such virtual proxy")
	}
	if u, err = s.logIn(u); err != nil {
		return err
	}
	token, sess, err := s.adopt(c.prefix, in.SessionID, u, timeout)
	if err != nil {
		return err
	}
	s.opt.Audit.Info("Start session for user", "command", "Start session", "user", u.Directory+`\`+u.ID, "session", sess.ID, "prefix", c.prefix, "certificate", peer(c.ctx))
	return writeJSON(c.ctx, fasthttp.StatusCreated, struct {
		wireSession
		NewUser  bool
		UserName string
	}{wireSession{u.Directory, u.ID, attributes(u.Attributes), token}, false, u.Name})
}

// loginTimeout bounds what the repository is asked about a user.
const loginTimeout = 30 * time.Second

// logIn returns a user as the repository knows him. A module vouches for who
// somebody is, not for whether he may come in.
func (s *Server) logIn(u session.User) (session.User, error) {
	if s.opt.Users == nil || u.Anonymous() {
		return u, nil
	}
	// Not the request's own context: that one is reused after the answer.
	within, cancel := context.WithTimeout(context.Background(), loginTimeout)
	defer cancel()
	known, err := s.opt.Users.Login(within, u)
	switch {
	case errors.Is(err, proxy.ErrInactive):
		s.opt.Audit.Warn("login refused", "user", u.Directory+`\`+u.ID, "reason", err.Error(), "command", "Log in")
		return u, statusf(fasthttp.StatusForbidden, "this user is not active")
	case err != nil:
		return u, fmt.Errorf("user %s\\%s: %w", u.Directory, u.ID, err)
	}
	return known, auth.Admissible(known)
}

func (s *Server) getSession(c call) error {
	x, ok := s.opt.Sessions.Get(c.prefix, c.rest[0])
	if !ok {
		return statusf(fasthttp.StatusNotFound, "there is no such session")
	}
	return writeJSON(c.ctx, fasthttp.StatusOK, wire(x))
}

func (s *Server) endSession(c call) error {
	x, ok := s.opt.Sessions.Get(c.prefix, c.rest[0])
	if !ok || !s.opt.Sessions.End(x, session.Closed) {
		return statusf(fasthttp.StatusNotFound, "there is no such session")
	}
	return writeJSON(c.ctx, fasthttp.StatusOK, struct {
		Session            wireSession
		LastSessionForUser bool
	}{wire(x), len(s.opt.Sessions.OfUser(c.prefix, x.User.Directory, x.User.ID)) == 0})
}

func (s *Server) sessionsOfUser(c call) error {
	return writeJSON(c.ctx, fasthttp.StatusOK, wires(s.opt.Sessions.OfUser(c.prefix, c.rest[0], c.rest[1])))
}

func (s *Server) endUser(c call) error {
	return writeJSON(c.ctx, fasthttp.StatusOK, wires(s.opt.Sessions.EndUser(c.prefix, c.rest[0], c.rest[1], session.Closed)))
}

func (s *Server) health(ctx *fasthttp.RequestCtx) error {
	if s.opt.Health == nil {
		return writeJSON(ctx, fasthttp.StatusOK, struct{}{})
	}
	return writeJSON(ctx, fasthttp.StatusOK, s.opt.Health())
}

// reported notes what a module says went wrong.
func (s *Server) reported(ctx *fasthttp.RequestCtx) error {
	var in struct {
		UserDirectory, Message string
		UserID                 string `json:"UserId"`
	}
	if err := json.Unmarshal(ctx.PostBody(), &in); err != nil {
		return statusf(fasthttp.StatusBadRequest, "body: %v", err)
	}
	s.opt.Audit.Warn("authentication module reports an error", "user", in.UserDirectory+`\`+in.UserID, "message", in.Message, "certificate", peer(ctx))
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

func (s *Server) notified(ctx *fasthttp.RequestCtx) error {
	if s.opt.Notified != nil {
		s.opt.Notified()
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

func writeJSON(ctx *fasthttp.RequestCtx, code int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	ctx.SetStatusCode(code)
	ctx.SetContentType("application/json; charset=utf-8")
	ctx.SetBody(b)
	return nil
}

// adopt starts a session with the id of the client, or a fresh one.
func (s *Server) adopt(prefix, id string, u session.User, timeout time.Duration) (token string, sess *session.Session, err error) {
	if token = id; token == "" {
		token, sess, err = s.opt.Sessions.Start(prefix, u, timeout)
	} else {
		sess, err = s.opt.Sessions.Adopt(prefix, token, u, timeout)
	}
	if err != nil {
		return "", nil, storeError(err)
	}
	return token, sess, nil
}

// storeError says which errors of the store clients are told.
func storeError(err error) error {
	switch {
	case errors.Is(err, session.ErrTaken):
		return statusf(fasthttp.StatusConflict, "there is such a session")
	case errors.Is(err, session.ErrFull):
		return statusf(fasthttp.StatusServiceUnavailable, "there are too many sessions")
	}
	return statusf(fasthttp.StatusBadRequest, "%v", err)
}
