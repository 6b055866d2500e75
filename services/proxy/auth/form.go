package auth

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/services/proxy/limit"
	"github.com/cognate-bi/cognate/services/proxy/session"
)

// formPath is the end point of the form.
const formPath = "/form"

// hashesAtOnce bounds the memory that logins take together.
const hashesAtOnce = 4

// ErrNoUser says that a user store has no such user.
var ErrNoUser = errors.New("no such user")

// LocalUsers is a store of users with passwords.
type LocalUsers interface {
	// Password returns a user and the hash of its password in the form of
	// HashPassword. The error is ErrNoUser if there is none.
	Password(ctx context.Context, directory, id string) (u session.User, hash string, _ error)
}

// FormOptions are the settings of authentication by a form.
type FormOptions struct {
	Prefix    string
	Directory string // of names without one
	Title     string // of the page; "" = "Log in"
	Page      string // template of the page instead of ours: .Title .Message .Action .CSRF .User
	Users     LocalUsers
	Rand      io.Reader
	Now       func() time.Time
}

// Form asks for a name and a password.
//
// Guessing is slow: a few attempts per name and per address, then one every
// few seconds. A form counts only in the browser that it was sent to.
type Form struct {
	opt    FormOptions
	page   *template.Template
	secret []byte // of CSRF tokens
	flows  *flows[struct{}]
	byUser *limit.Limiter
	byAddr *limit.Limiter
	turn   chan struct{}
}

var _ Method = (*Form)(nil)

//go:embed form.html
var formPage string

// NewForm says which setting is wrong.
func NewForm(o FormOptions) (*Form, error) {
	if o.Users == nil || o.Directory == "" {
		return nil, errors.New("form authentication: users and their directory are needed")
	}
	if o.Title == "" {
		o.Title = "Log in"
	}
	if o.Page == "" {
		o.Page = formPage
	}
	page, err := template.New("form").Parse(o.Page)
	if err != nil {
		return nil, fmt.Errorf("form authentication: page: %w", err)
	}
	secret := make([]byte, sha256.Size)
	if _, err := io.ReadFull(o.Rand, secret); err != nil {
		return nil, fmt.Errorf("form authentication: %w", err)
	}
	return &Form{
		opt: o, page: page, secret: secret, flows: newFlows[struct{}](cookieName("Form", o.Prefix), o.Rand, o.Now),
		byUser: limit.New(0.1, 5, o.Now), byAddr: limit.New(0.5, 20, o.Now), turn: make(chan struct{}, hashesAtOnce),
	}, nil
}

// cookieName is the name of a login's own cookie at a prefix.
func cookieName(kind, prefix string) string {
	name := "X-Qlik-" + kind
	if prefix != "" {
		name += "-" + strings.ReplaceAll(prefix, "/", ".")
	}
	return name
}

// Name implements Method.
func (*Form) Name() string { return "form" }

// Owns implements Method.
func (*Form) Owns(path string) bool { return path == formPath || path == formPath+"/" }

// Credentials implements Method.
func (*Form) Credentials(*Request) bool { return false }

// Authenticate implements Method.
func (f *Form) Authenticate(ctx context.Context, r *Request) Answer {
	switch {
	case !f.Owns(r.Path):
		return f.send(r)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return f.show(r, http.StatusOK, "", "")
	case r.Method == http.MethodPost:
		return f.check(ctx, r)
	}
	return Answer{Status: http.StatusMethodNotAllowed}
}

// send sends a person to the form.
func (f *Form) send(r *Request) Answer {
	id, cookie, err := f.flows.begin(r, struct{}{})
	if err != nil {
		return unavailable(err.Error())
	}
	return challenge(r, r.Base+formPath+"/?targetId="+url.QueryEscape(id), cookie)
}

// show answers with the page. Whoever comes without a cookie gets a login that
// leads to the start page.
func (f *Form) show(r *Request, status int, user, message string) Answer {
	binding, id, a := r.Cookie(f.flows.cookie), r.Query.Get("targetId"), Answer{Status: status, Type: "text/html; charset=utf-8"}
	if _, ok := f.flows.pending.Peek(id); !ok || len(binding) != bindingLen {
		start := *r
		start.URI = r.Base + "/"
		newID, cookie, err := f.flows.begin(&start, struct{}{})
		if err != nil {
			return unavailable(err.Error())
		}
		binding, id, a.Cookies = cookie.Value, newID, []Cookie{cookie}
	}
	var b bytes.Buffer
	err := f.page.Execute(&b, map[string]string{
		"Title": f.opt.Title, "Message": message, "User": user, "CSRF": f.csrf(binding, id),
		"Action": r.Base + formPath + "/?targetId=" + url.QueryEscape(id),
	})
	if err != nil {
		return unavailable("form page: " + err.Error())
	}
	a.Body = b.Bytes()
	return a
}

// csrf is the token of a form: who cannot read the cookie cannot make one.
func (f *Form) csrf(binding, id string) string {
	mac := hmac.New(sha256.New, f.secret)
	_, _ = io.WriteString(mac, binding+"\x00"+id) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// check answers a posted form.
func (f *Form) check(ctx context.Context, r *Request) Answer {
	id, name := r.Query.Get("targetId"), strings.TrimSpace(r.Form.Get("username"))
	want := f.csrf(r.Cookie(f.flows.cookie), id)
	if subtle.ConstantTimeCompare([]byte(want), []byte(r.Form.Get("csrf"))) != 1 {
		return f.again(r, http.StatusForbidden, name, "The page was too old. Please try again.", "form with a wrong CSRF token")
	}
	if _, ok := f.flows.pending.Peek(id); !ok {
		return f.again(r, http.StatusForbidden, name, "The page was too old. Please try again.", "form of a login that is over")
	}
	directory, user := f.split(name)
	key := strings.ToLower(directory + `\` + user)
	if len(key) > 2*nameMaxLen { // nobody's, and attempts are counted by it for long
		return f.again(r, http.StatusUnauthorized, "", "User name or password is wrong.", fmt.Sprintf("a user name of %d bytes", len(name)))
	}
	if !f.byAddr.Allow(limit.AddrKey(r.Remote)) || !f.byUser.Allow(key) {
		return f.again(r, http.StatusTooManyRequests, name, "Too many attempts. Please wait a minute.", fmt.Sprintf("too many attempts for %.60q from %s", key, r.Remote))
	}
	u, err := f.verify(ctx, directory, user, r.Form.Get("password"))
	if err != nil {
		return f.again(r, http.StatusUnauthorized, name, "User name or password is wrong.", fmt.Sprintf("user %.60q: %v", key, err))
	}
	target, _, err := f.flows.finish(r, id)
	if err != nil {
		return f.again(r, http.StatusForbidden, name, "The page was too old. Please try again.", err.Error())
	}
	return Answer{User: u, Return: target, Cookies: []Cookie{{Name: f.flows.cookie}}}
}

func (f *Form) again(r *Request, status int, user, message, reason string) Answer {
	a := f.show(r, status, user, message)
	a.Refused = reason
	return a
}

// split reads DIRECTORY\name; a name alone is one of the default directory.
func (f *Form) split(name string) (directory, id string) {
	if d, n, ok := strings.Cut(name, `\`); ok {
		return d, n
	}
	return f.opt.Directory, name
}

// verify compares a password, in the same time whether or not the user exists.
func (f *Form) verify(ctx context.Context, directory, id, password string) (*session.User, error) {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	u, stored, err := f.opt.Users.Password(ctx, directory, id)
	if err != nil {
		nobody().matches(password)
		return nil, err
	}
	hash, err := parseHash(stored)
	if err != nil {
		return nil, err
	}
	if !hash.matches(password) {
		return nil, errors.New("wrong password")
	}
	return &u, nil
}
