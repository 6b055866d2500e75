package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cognate-bi/cognate/services/proxy/auth/authtest"
)

func newOIDC(t *testing.T, p *authtest.OIDC, c *clock) Chain {
	t.Helper()
	m, err := NewOIDC(OIDCOptions{
		Discovery: p.URL + "/.well-known/openid-configuration", ClientID: authtest.Client, ClientSecret: "secret",
		HostURI: "https://sense.example", Realm: "OIDC", Client: p.Client(), Rand: rand.Reader, Now: c.now,
		Profile: Profile{Attributes: []Mapping{{From: "groups", To: "group"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return Chain{m}
}

// visit goes to the provider and returns where that sends the browser.
func visit(t *testing.T, b *browser, chain Chain, uri string) (back string) {
	t.Helper()
	a, refusals := b.ask(chain, "GET", uri, nil)
	if a.Redirect == "" {
		t.Fatalf("not sent to the provider: %+v, %v", a, refusals)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(a.Redirect)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close() // empty
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || u.Host != "sense.example" {
		t.Fatalf("sent back to %q, %v", resp.Header.Get("Location"), err)
	}
	return u.RequestURI()
}

func TestOIDC(t *testing.T) {
	p, c := authtest.NewOIDC(t), newClock()
	p.SetClaims(map[string]any{"sub": "ann", "groups": []string{"a", "b"}})
	chain, b := newOIDC(t, p, c), newBrowser()
	back := visit(t, b, chain, "/hub?x=1")
	a, refusals := b.ask(chain, "GET", back, nil)
	if who(a) != `OIDC\ann` || a.Return != "/hub?x=1" || len(a.User.Attributes) != 2 {
		t.Fatalf("login: %+v, %v", a, refusals)
	}
	if a, refusals := b.ask(chain, "GET", back, nil); a.User != nil || len(refusals) != 1 {
		t.Error("an answer counts twice")
	}
	if a, _ := b.ask(chain, "POST", "/hub", nil); a.Status != 401 || a.LoginURI == "" {
		t.Errorf("POST first: %+v", a)
	}
}

func TestOIDCRefuses(t *testing.T) {
	p, c := authtest.NewOIDC(t), newClock()
	chain := newOIDC(t, p, c)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&p.Key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	for _, tt := range []struct {
		why    string
		claims map[string]any
		sign   func(jwt.MapClaims) (string, error)
		change func(string) string
	}{
		{why: "audience", claims: map[string]any{"sub": "ann", "aud": "them"}},
		{why: "issuer", claims: map[string]any{"sub": "ann", "iss": "https://evil.example"}},
		{why: "expired", claims: map[string]any{"sub": "ann", "exp": time.Now().Add(-time.Minute).Unix()}},
		{why: "nonce", claims: map[string]any{"sub": "ann", "nonce": "x"}},
		{why: "injection", claims: map[string]any{"sub": "a; UserId=admin"}},
		{why: "another key", sign: func(c jwt.MapClaims) (string, error) {
			return jwt.NewWithClaims(jwt.SigningMethodRS256, c).SignedString(other)
		}},
		{why: "none", sign: func(c jwt.MapClaims) (string, error) {
			return jwt.NewWithClaims(jwt.SigningMethodNone, c).SignedString(jwt.UnsafeAllowNoneSignatureType)
		}},
		{why: "HS256 with the public key", sign: func(c jwt.MapClaims) (string, error) {
			return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(public)
		}},
		{why: "state", change: func(string) string { return "/oidcauthn?state=x&code=y" }},
		{why: "no state", change: func(string) string { return "/oidcauthn?code=y" }},
		{why: "code", change: func(s string) string { return s + "x" }},
		{why: "error", change: func(s string) string { return s + "&error=access_denied" }},
	} {
		t.Run(tt.why, func(t *testing.T) {
			p.SetClaims(map[string]any{"sub": "ann"})
			if tt.claims != nil {
				p.SetClaims(tt.claims)
			}
			p.SetSign(tt.sign)
			b := newBrowser()
			back := visit(t, b, chain, "/hub")
			if tt.change != nil {
				back = tt.change(back)
			}
			if a, refusals := b.ask(chain, "GET", back, nil); a.User != nil || len(refusals) != 1 {
				t.Errorf("%+v, %v", a, refusals)
			}
		})
	}
	p.SetSign(nil)
	t.Run("another browser", func(t *testing.T) {
		back := visit(t, newBrowser(), chain, "/hub")
		if a, refusals := newBrowser().ask(chain, "GET", back, nil); a.User != nil || len(refusals) != 1 {
			t.Errorf("%+v", a)
		}
	})
}

// A provider that is away is looked for now and then, not by every login.
func TestOIDCWithoutProvider(t *testing.T) {
	p, c := authtest.NewOIDC(t), newClock()
	handler, asked, away := p.Config.Handler, 0, true
	p.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; away {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		handler.ServeHTTP(w, r)
	})
	chain := newOIDC(t, p, c)
	for range 3 {
		if a, refusals := newBrowser().ask(chain, "GET", "/hub", nil); a.Status != 503 || len(refusals) != 1 {
			t.Errorf("%+v", a)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	away = false
	c.add(oidcPause)
	if a, refusals := newBrowser().ask(chain, "GET", "/hub", nil); a.Redirect == "" {
		t.Errorf("%+v, %v", a, refusals)
	}
}
