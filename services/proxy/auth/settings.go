package auth

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// A Kind is how people log in at a virtual proxy.
type Kind int

// The kinds, with the numbers of the repository.
const (
	ByTicket        Kind = iota // an authentication module, or else the form
	ByHeaderStatic              // one directory for all
	ByHeaderDynamic             // the directory is in the header
	BySAML
	ByJWT
	ByOIDC
)

// Settings are those of a virtual proxy. Of the options of methods, only those
// of its kind count; prefix, clock, randomness and HTTP client are filled in.
type Settings struct {
	Prefix        string
	Kind          Kind
	Anonymous     AnonymousMode
	SessionModule string // address; "" = none
	Module        TicketModuleOptions
	Form          FormOptions
	Header        HeaderOptions
	JWT           JWTOptions
	SAML          SAMLOptions
	OIDC          OIDCOptions
}

// Tools are what methods need besides their settings.
type Tools struct {
	Tickets *Tickets
	Client  *http.Client // to identity providers and modules; it needs a time-out
	Rand    io.Reader
	Now     func() time.Time
}

// NewChain makes the methods of a virtual proxy. Tickets count whatever the
// kind is; who is let in without a name is not sent to a login.
func NewChain(s Settings, t Tools) (Chain, error) {
	chain := Chain{NewTicket(s.Prefix, t.Tickets)}
	if s.SessionModule != "" {
		m, err := NewModule(s.SessionModule, t.Client)
		if err != nil {
			return nil, err
		}
		chain = append(chain, m)
	}
	login, err := newLogin(s, t)
	if err != nil {
		return nil, err
	}
	if s.Kind == ByJWT { // a token says who somebody is; without one they may be nobody
		return append(chain, login, &Anonymous{Mode: s.Anonymous, Rand: t.Rand}), nil
	}
	return append(chain, &Anonymous{Mode: s.Anonymous, Rand: t.Rand}, login), nil
}

func newLogin(s Settings, t Tools) (Method, error) {
	switch s.Kind {
	case ByTicket:
		if s.Module.URI != "" {
			s.Module.Prefix = s.Prefix
			return method(NewTicketModule(s.Module, t.Tickets))
		}
		s.Form.Prefix, s.Form.Rand, s.Form.Now = s.Prefix, t.Rand, t.Now
		return method(NewForm(s.Form))
	case ByHeaderStatic, ByHeaderDynamic:
		if static := s.Kind == ByHeaderStatic; static != (s.Header.Directory != "") {
			return nil, fmt.Errorf("header authentication: directory %q does not go with its kind", s.Header.Directory)
		}
		return method(NewHeader(s.Header))
	case BySAML:
		s.SAML.Prefix, s.SAML.Rand, s.SAML.Now = s.Prefix, t.Rand, t.Now
		return method(NewSAML(s.SAML))
	case ByJWT:
		s.JWT.Now = t.Now
		return method(NewJWT(s.JWT))
	case ByOIDC:
		s.OIDC.Prefix, s.OIDC.Rand, s.OIDC.Now, s.OIDC.Client = s.Prefix, t.Rand, t.Now, t.Client
		return method(NewOIDC(s.OIDC))
	}
	return nil, fmt.Errorf("authentication method %d is not known", s.Kind)
}

// method keeps a nil pointer from becoming a Method.
func method[M Method](m M, err error) (Method, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}
