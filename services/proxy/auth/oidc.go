package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// oidcPause is how long a provider that was not found is not looked for.
const oidcPause = 5 * time.Second

// oidcPath is where the provider sends the browser back to.
const oidcPath = "/oidcauthn"

// OIDCOptions are the settings of authentication by an OpenID provider.
type OIDCOptions struct {
	Prefix       string
	Discovery    string               // address of the configuration; "" = Provider holds it
	Provider     *oidc.ProviderConfig // by hand
	ClientID     string
	ClientSecret string
	HostURI      string // this server for the provider, https://host; "" = as the client named it
	Realm        string // user directory; "" = the part of the user id before \
	Profile      Profile
	Scopes       []string // besides openid
	Client       *http.Client
	Rand         io.Reader
	Now          func() time.Time
}

// OIDC logs in by the authorization code flow with PKCE. State binds the answer
// to the browser, the nonce binds the token to the login.
type OIDC struct {
	opt   OIDCOptions
	flows *flows[oidcFlow]

	mu       sync.Mutex
	provider *oidc.Provider // found at the first login: the provider may start later than we do
	failure  error          // of the last search
	again    time.Time      // when to search again: logins do not queue up for one that is away
}

type oidcFlow struct{ nonce, verifier, redirect string }

var _ Method = (*OIDC)(nil)

// NewOIDC says which setting is wrong. It asks nobody yet.
func NewOIDC(o OIDCOptions) (*OIDC, error) {
	if o.ClientID == "" || o.Client == nil {
		return nil, errors.New("OIDC authentication: a client id and an HTTP client are needed")
	}
	if o.Discovery == "" && o.Provider == nil {
		return nil, errors.New("OIDC authentication: an address of the configuration, or the configuration is needed")
	}
	if o.Profile.UserID == "" {
		o.Profile.UserID = "sub"
	}
	m := &OIDC{opt: o, flows: newFlows[oidcFlow](cookieName("OIDC", o.Prefix), o.Rand, o.Now)}
	if o.Discovery == "" {
		m.provider = o.Provider.NewProvider(oidc.ClientContext(context.Background(), o.Client))
	}
	return m, nil
}

// Name implements Method.
func (*OIDC) Name() string { return "OIDC" }

// Owns implements Method.
func (*OIDC) Owns(path string) bool { return path == oidcPath || path == oidcPath+"/" }

// Credentials implements Method.
func (*OIDC) Credentials(*Request) bool { return false }

// Authenticate implements Method.
func (m *OIDC) Authenticate(ctx context.Context, r *Request) Answer {
	p, err := m.discover()
	if err != nil {
		return unavailable(err.Error())
	}
	if !m.Owns(r.Path) {
		return m.send(r, p)
	}
	if r.Method != http.MethodGet {
		return Answer{Status: http.StatusMethodNotAllowed}
	}
	return m.back(oidc.ClientContext(ctx, m.opt.Client), r, p)
}

// discover finds the provider once. Its keys are fetched with the context
// given here later on, so it is not that of a request.
func (m *OIDC) discover() (*oidc.Provider, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.provider != nil {
		return m.provider, nil
	}
	if m.failure != nil && m.opt.Now().Before(m.again) {
		return nil, m.failure
	}
	issuer := strings.TrimSuffix(strings.TrimSuffix(m.opt.Discovery, "/"), "/.well-known/openid-configuration")
	p, err := oidc.NewProvider(oidc.ClientContext(context.Background(), m.opt.Client), issuer)
	if err != nil {
		m.failure, m.again = fmt.Errorf("OpenID provider %s: %w", issuer, err), m.opt.Now().Add(oidcPause)
		return nil, m.failure
	}
	m.provider, m.failure = p, nil
	return p, nil
}

func (m *OIDC) config(p *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: m.opt.ClientID, ClientSecret: m.opt.ClientSecret, Endpoint: p.Endpoint(), RedirectURL: redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, m.opt.Scopes...),
	}
}

// send sends a person to the provider.
func (m *OIDC) send(r *Request, p *oidc.Provider) Answer {
	if m.opt.HostURI == "" && r.Foreign {
		return refuseHost(r)
	}
	nonce, err := randomID(m.opt.Rand)
	if err != nil {
		return unavailable(err.Error())
	}
	host := m.opt.HostURI
	if host == "" {
		host = r.Origin()
	}
	one, err1 := randomID(m.opt.Rand)
	two, err2 := randomID(m.opt.Rand)
	if err := errors.Join(err1, err2); err != nil {
		return unavailable(err.Error())
	}
	f := oidcFlow{nonce: nonce, verifier: one + two, redirect: strings.TrimSuffix(host, "/") + r.Base + oidcPath}
	id, cookie, err := m.flows.begin(r, f)
	if err != nil {
		return unavailable(err.Error())
	}
	uri := m.config(p, f.redirect).AuthCodeURL(id, oidc.Nonce(nonce), oauth2.S256ChallengeOption(f.verifier))
	return challenge(r, uri, cookie)
}

// back answers the browser that comes from the provider.
func (m *OIDC) back(ctx context.Context, r *Request, p *oidc.Provider) Answer {
	target, f, err := m.flows.finish(r, r.Query.Get("state"))
	if err != nil {
		return refuse(err.Error())
	}
	if reason := r.Query.Get("error"); reason != "" {
		return refuse(fmt.Sprintf("the provider says %.80q", reason))
	}
	token, err := m.config(p, f.redirect).Exchange(ctx, r.Query.Get("code"), oauth2.VerifierOption(f.verifier))
	if err != nil {
		return refuse("code: " + publicError(err))
	}
	all, err := m.verify(ctx, p, token, f.nonce)
	if err != nil {
		return refuse("token: " + err.Error())
	}
	profile := m.profile(all)
	u, err := profile.user(all)
	if err != nil {
		return refuse("token: " + err.Error())
	}
	return Answer{User: u, Return: target, Cookies: []Cookie{{Name: m.flows.cookie}}}
}

// publicError leaves out the body of the answer, which may hold tokens.
func publicError(err error) string {
	var bad *oauth2.RetrieveError
	if errors.As(err, &bad) {
		return fmt.Sprintf("the provider answers %s %.80q", bad.Response.Status, bad.ErrorCode)
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}

// verify checks signature, issuer, audience, times and nonce of the ID token.
func (m *OIDC) verify(ctx context.Context, p *oidc.Provider, token *oauth2.Token, nonce string) (claims, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("the provider sent no ID token")
	}
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: m.opt.ClientID, Now: m.opt.Now}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return nil, errors.New("wrong nonce")
	}
	all := map[string]any{}
	if err := id.Claims(&all); err != nil {
		return nil, err
	}
	return claimsOfJSON(all), nil
}

// profile is the one of the settings, with the directory of the realm or of
// the user id.
func (m *OIDC) profile(c claims) Profile {
	p := m.opt.Profile
	if m.opt.Realm != "" {
		p.Directory = "[" + m.opt.Realm + "]"
		return p
	}
	if p.Directory != "" {
		return p
	}
	if id, err := c.one(p.UserID); err == nil {
		if directory, name, ok := strings.Cut(id, `\`); ok {
			p.Directory, p.UserID = "["+directory+"]", "["+name+"]"
		}
	}
	return p
}
