package proxy

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/cognate-bi/cognate/services/proxy/auth"
	"github.com/cognate-bi/cognate/services/proxy/auth/authtest"
	"github.com/cognate-bi/cognate/services/proxy/session"
)

// onlyAnn is a store with one user.
type onlyAnn struct{ hash string }

func (o onlyAnn) Password(_ context.Context, directory, id string) (session.User, string, error) {
	if directory != "LOCAL" || id != "ann" {
		return session.User{}, "", auth.ErrNoUser
	}
	return session.User{Directory: directory, ID: id, Name: "Ann"}, o.hash, nil
}

func formChain(t *testing.T, s *clock) auth.Chain {
	t.Helper()
	hash, err := auth.HashPassword("correct horse", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f, err := auth.NewForm(auth.FormOptions{Directory: "LOCAL", Users: onlyAnn{hash}, Rand: rand.Reader, Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	return auth.Chain{&auth.Anonymous{Mode: auth.AllowAnonymous, Rand: rand.Reader}, f}
}

// withChain makes a site whose default virtual proxy logs in that way.
func withChain(t *testing.T, chain func(*clock) auth.Chain) *site {
	t.Helper()
	return newSite(t, func(o *Options, list *[]VirtualProxy) {
		c := &clock{t: time.Now()}
		o.Now = c.now
		*list = []VirtualProxy{{Methods: chain(c)}}
	})
}

// login fills in the form.
func (v *visitor) login(password string) answer {
	v.t.Helper()
	to := v.get("/hub/?forceAuthentication=yes&x=1")
	page := v.get(to.header.Get("Location"))
	m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page.body)
	if m == nil {
		v.t.Fatalf("no form: %+v, %+v", to, page)
	}
	return v.form(to.header.Get("Location"), url.Values{"csrf": {m[1]}, "username": {"ann"}, "password": {password}})
}

func TestFormLogin(t *testing.T) {
	s := withChain(t, func(c *clock) auth.Chain { return formChain(t, c) })
	v := s.visitor(t)
	if a := v.get("/hub/"); !strings.HasPrefix(a.got.Header.Get("X-Qlik-User"), "UserDirectory=NONE; UserId=anonymous") {
		t.Fatalf("anonymous: %+v", a)
	}
	if a := v.get("/qps/user"); !strings.Contains(a.body, `"loginUri":"/hub/?forceAuthentication=yes"`) || !strings.Contains(a.body, `"userDirectory":"NONE"`) {
		t.Errorf("user of nobody: %s", a.body)
	}
	if a := v.login("wrong"); a.status != 401 || s.sessions.Len() != 1 {
		t.Errorf("wrong password: %d", a.status)
	}
	a := v.login("correct horse")
	if a.status != 303 || a.header.Get("Location") != "/hub/?forceAuthentication=yes&x=1" {
		t.Fatalf("login: %+v", a)
	}
	if a = v.get(a.header.Get("Location")); a.status != 200 || a.got.Header.Get("X-Qlik-User") != "UserDirectory=LOCAL; UserId=ann" {
		t.Fatalf("after it: %+v", a)
	}
	if s.sessions.Len() != 1 {
		t.Errorf("%d sessions: the anonymous one is over", s.sessions.Len())
	}
	if a := v.get("/qps/user"); !strings.Contains(a.body, `"userName":"Ann"`) || !strings.Contains(a.body, `"logoutUri"`) {
		t.Errorf("user: %s", a.body)
	}
	u, _ := url.Parse(s.url)
	stolen := v.Jar.Cookies(u)
	thief := s.visitor(t)
	thief.Jar.SetCookies(u, stolen)
	if a := thief.get("/hub/"); a.got.Header.Get("X-Qlik-User") != "UserDirectory=LOCAL; UserId=ann" {
		t.Fatal("the cookie is what counts")
	}
	// A page of a neighbouring host can set a second cookie of this name.
	if a := s.visitor(t, "Cookie", stolen[0].String()+"; X-Qlik-Session=planted").get("/hub/"); strings.Contains(a.got.Header.Get("X-Qlik-User"), "UserId=ann") {
		t.Errorf("two session cookies: %+v", a)
	}
	if a := v.do("DELETE", "/qps/user", "", "Origin", "https://evil.example"); a.status != 403 {
		t.Errorf("another site logs out: %d", a.status)
	}
	if a := v.do("DELETE", "/qps/user", ""); a.status != 200 || len(s.sessions.OfUser("", "LOCAL", "ann")) != 0 {
		t.Errorf("logout: %+v", a)
	}
	if a := thief.get("/hub/"); strings.Contains(a.got.Header.Get("X-Qlik-User"), "ann;") || !strings.Contains(a.got.Header.Get("X-Qlik-User"), "NONE") {
		t.Errorf("stolen cookie after logout: %+v", a)
	}
}

func TestRequestsOfOtherSites(t *testing.T) {
	s := newSite(t, nil)
	v := s.visitor(t, "X-User", "ann")
	token := v.get("/qps/csrftoken")
	if token.status != 204 || len(token.header.Get("Qlik-Csrf-Token")) < 20 {
		t.Fatalf("%+v", token)
	}
	csrf := token.header.Get("Qlik-Csrf-Token")
	for _, tt := range []struct {
		method string
		header []string
		want   int
	}{
		{"POST", nil, 200}, // no browser
		{"POST", []string{"Origin", s.url}, 200},
		{"POST", []string{"Origin", "https://evil.example"}, 403},
		{"PUT", []string{"Origin", "null"}, 403},
		{"DELETE", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"PATCH", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://other.example"}, 403},
		{"POST", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example", "Qlik-Csrf-Token", csrf}, 200},
		{"POST", []string{"Qlik-Csrf-Token", csrf + "x"}, 403},
		{"GET", []string{"Sec-Fetch-Site", "cross-site"}, 200},
	} {
		if a := v.do(tt.method, "/qrs/app", "", tt.header...); a.status != tt.want {
			t.Errorf("%s %v: %d", tt.method, tt.header, a.status)
		}
	}
}

func TestHeaderLogin(t *testing.T) {
	s := newSite(t, nil)
	v := s.visitor(t, "X-User", "ann")
	v.get("/hub/")
	v.get("/hub/")
	if s.sessions.Len() != 1 {
		t.Errorf("%d sessions of one browser", s.sessions.Len())
	}
	if a := v.get("/qps/user"); !strings.Contains(a.body, `"userId":"ann"`) {
		t.Errorf("user: %s", a.body)
	}
	v.header.Set("X-User", "bob")
	if a := v.get("/hub/"); a.got.Header.Get("X-Qlik-User") != "UserDirectory=DOM; UserId=bob" || s.sessions.Len() != 1 {
		t.Errorf("the user in the header changed: %+v", a)
	}
	v.header.Del("X-User")
	if a := v.get("/hub/"); a.status != 401 {
		t.Errorf("the cookie without the header: %d", a.status)
	}
	if a := s.visitor(t, "X-User", "a; UserId=b").get("/hub/"); a.status != 401 {
		t.Errorf("injection: %d", a.status)
	}
	far := newSite(t, func(_ *Options, list *[]VirtualProxy) {
		h, err := auth.NewHeader(auth.HeaderOptions{Header: "X-User", Directory: "DOM", Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
		if err != nil {
			t.Fatal(err)
		}
		*list = []VirtualProxy{{Methods: auth.Chain{h}}}
	})
	if a := far.visitor(t, "X-User", "ann", "X-Forwarded-For", "10.0.0.1").get("/hub/"); a.status != 401 {
		t.Errorf("from an address that is not trusted: %d", a.status)
	}
}

func TestTicketLogin(t *testing.T) {
	var tickets *auth.Tickets
	s := withChain(t, func(c *clock) auth.Chain {
		tickets = auth.NewTickets(rand.Reader, c.now)
		chain, err := auth.NewChain(auth.Settings{Module: auth.TicketModuleOptions{URI: "https://login.example/", RestURI: "https://x:4243/qps/"}}, auth.Tools{Tickets: tickets})
		if err != nil {
			t.Fatal(err)
		}
		return chain
	})
	v := s.visitor(t)
	to := v.get("/sense/app/1?x=1")
	u, _ := url.Parse(to.header.Get("Location"))
	id, target, err := tickets.Issue("", session.User{Directory: "DOM", ID: "ann"}, u.Query().Get("targetId"))
	if to.status != 302 || err != nil || target != s.url+"/sense/app/1?x=1" {
		t.Fatalf("%+v, %q, %v", to, target, err)
	}
	a := v.get(target + "&qlikTicket=" + id)
	if a.status != 302 || a.header.Get("Location") != "/sense/app/1?x=1" {
		t.Fatalf("%+v", a)
	}
	if a = v.get(a.header.Get("Location")); a.got.Header.Get("X-Qlik-User") != "UserDirectory=DOM; UserId=ann" {
		t.Errorf("%+v", a)
	}
	if a = v.get("/hub/?qlikTicket=" + id); a.status != 302 || a.header.Get("Location") != "/hub/" || s.sessions.Len() != 1 {
		t.Errorf("second use by who is logged in: %+v", a)
	}
	if a := s.visitor(t).get("/hub/?qlikTicket=" + id); a.status != 302 || !strings.HasPrefix(a.header.Get("Location"), "https://login.example/") {
		t.Errorf("second use: %+v", a)
	}
	// Whoever sends a name of his own, and the person to the module then, would get
	// the ticket.
	for _, host := range []string{"evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "evil.example#@127.0.0.1", "localhost:1"} {
		c := s.dial(t)
		_, _ = fmt.Fprintf(c, "GET /hub/ HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
		if text, err := io.ReadAll(c); err != nil || strings.Contains(string(text), "login.example") {
			t.Errorf("host %s: %s, %v", host, text, err)
		}
	}
	if a := s.visitor(t).do("POST", "/qrs/app", "{}"); a.status != 401 || !strings.Contains(a.body, "loginUri") {
		t.Errorf("POST first: %+v", a)
	}
}

func TestJWTLogin(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalPKIXPublicKey(&key.PublicKey)
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	s := withChain(t, func(c *clock) auth.Chain {
		m, err := auth.NewJWT(auth.JWTOptions{Key: string(public), Audience: "us", Now: c.now, Profile: auth.Profile{
			UserID: "sub", Directory: "dir", Attributes: []auth.Mapping{{From: "groups", To: "group"}, {From: "Context"}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return auth.Chain{m}
	})
	claims := jwt.MapClaims{"sub": "ann", "dir": "JWT", "aud": "us", "groups": []string{"a;Context=ManagementAccess", "b"}, "Context": "ManagementAccess"}
	good, _ := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
	for range 3 { // a program without cookies
		a := s.visitor(t, "Authorization", "Bearer "+good).do("POST", "/qrs/app", "{}")
		security := a.got.Header.Get("X-Qlik-Security")
		if a.status != 200 || !strings.HasSuffix(security, "; group=a%3BContext=ManagementAccess; group=b") || strings.Count(security, "; Context=") != 1 || a.got.Header.Get("Authorization") != "" {
			t.Fatalf("%+v", a)
		}
	}
	if s.sessions.Len() != 1 {
		t.Errorf("%d sessions of one token", s.sessions.Len())
	}
	v := s.visitor(t, "Authorization", "Bearer "+good)
	v.get("/hub/")
	v.header.Del("Authorization")
	if a := v.get("/hub/"); a.status != 200 {
		t.Errorf("the cookie alone: %d", a.status)
	}
	hmac, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(public)
	none, _ := jwt.NewWithClaims(jwt.SigningMethodNone, claims).SignedString(jwt.UnsafeAllowNoneSignatureType)
	wrong, _ := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"sub": "ann", "dir": "JWT", "aud": "them"}).SignedString(key)
	old, _ := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"sub": "ann", "dir": "JWT", "aud": "us", "exp": 1}).SignedString(key)
	service, _ := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"sub": "sa_api", "dir": "internal", "aud": "us"}).SignedString(key)
	for why, token := range map[string]string{"HS256": hmac, "none": none, "audience": wrong, "expired": old, "service account": service, "unsigned": good[:strings.LastIndex(good, ".")+1]} {
		if a := s.visitor(t, "Authorization", "Bearer "+token).get("/hub/"); a.status != 401 || strings.Contains(a.body, "token") {
			t.Errorf("%s: %+v", why, a)
		}
	}
}

func TestOIDCLogin(t *testing.T) {
	p := authtest.NewOIDC(t)
	s := withChain(t, func(c *clock) auth.Chain {
		m, err := auth.NewOIDC(auth.OIDCOptions{Discovery: p.URL, ClientID: authtest.Client, Realm: "OIDC", Client: p.Client(), Rand: rand.Reader, Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		return auth.Chain{m}
	})
	v := s.visitor(t)
	back := v.get(v.get("/hub/?x=1").header.Get("Location")).header.Get("Location")
	if a := s.visitor(t).get(back); a.status != 401 {
		t.Errorf("the answer in another browser: %d", a.status)
	}
	back = v.get(v.get("/hub/?x=1").header.Get("Location")).header.Get("Location")
	a := v.get(back)
	if a.status != 302 || a.header.Get("Location") != "/hub/?x=1" {
		t.Fatalf("%s: %+v", back, a)
	}
	if a := v.get("/hub/"); a.got.Header.Get("X-Qlik-User") != "UserDirectory=OIDC; UserId=ann" {
		t.Errorf("%+v", a)
	}
	if a := v.get(back); a.status != 401 {
		t.Errorf("the answer again: %d", a.status)
	}
}

func TestSAMLLogin(t *testing.T) {
	p := authtest.NewSAML(t)
	var m *auth.SAML
	s := withChain(t, func(c *clock) auth.Chain {
		var err error
		m, err = auth.NewSAML(auth.SAMLOptions{
			HostURI: "https://sense.example", EntityID: "urn:sense", Metadata: p.Metadata(t), Rand: rand.Reader, Now: c.now,
			Profile: auth.Profile{UserID: "uid", Directory: "[SAML]"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return auth.Chain{m}
	})
	v := s.visitor(t)
	metadata := v.get("/samlauthn/metadata")
	if metadata.status != 200 {
		t.Fatalf("%+v", metadata)
	}
	p.Trust(t, []byte(metadata.body))
	response, relay := p.Response(t, v.get("/hub/?x=1").header.Get("Location"))
	form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(response)}, "RelayState": {relay}}
	forged := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(string(response), ">ann<", ">admin<")))}, "RelayState": {relay}}
	if a := s.visitor(t).form("/samlauthn/", form); a.status != 401 {
		t.Errorf("in another browser: %d", a.status)
	}
	if a := v.form("/samlauthn/", form); a.status != 401 {
		t.Errorf("after somebody else had it: %d", a.status)
	}
	response, relay = p.Response(t, v.get("/hub/?x=1").header.Get("Location"))
	form = url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(response)}, "RelayState": {relay}}
	if a := v.form("/SAMLauthn/", form); a.status != 303 || a.header.Get("Location") != "/hub/?x=1" {
		t.Fatalf("%+v", a)
	}
	if a := v.get("/hub/"); a.got.Header.Get("X-Qlik-User") != "UserDirectory=SAML; UserId=ann" {
		t.Errorf("%+v", a)
	}
	if a := v.form("/samlauthn/", form); a.status != 401 {
		t.Errorf("replayed: %d", a.status)
	}
	if a := v.form("/samlauthn/", forged); a.status != 401 {
		t.Errorf("forged: %d", a.status)
	}
}

func TestSessionModuleLogin(t *testing.T) {
	module := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/session/0123456789abcdef" {
			w.WriteHeader(404)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"UserDirectory": "MOD", "UserId": "ann"})
	}))
	defer module.Close()
	s := withChain(t, func(*clock) auth.Chain {
		m, err := auth.NewModule(module.URL, module.Client())
		if err != nil {
			t.Fatal(err)
		}
		return auth.Chain{m}
	})
	if a := s.visitor(t, "Cookie", "X-Qlik-Session=0123456789abcdef").get("/hub/"); a.got.Header.Get("X-Qlik-User") != "UserDirectory=MOD; UserId=ann" {
		t.Errorf("%+v", a)
	}
	if a := s.visitor(t, "Cookie", "X-Qlik-Session=fedcba9876543210").get("/hub/"); a.status != 401 {
		t.Errorf("unknown: %d", a.status)
	}
}

// users knows who is not active.
type users struct{}

func (users) Login(_ context.Context, u session.User) (session.User, error) {
	if u.ID == "eve" {
		return u, ErrInactive
	}
	u.Name = "Known " + u.ID
	return u, nil
}

func TestInactiveUsers(t *testing.T) {
	s := newSite(t, func(o *Options, _ *[]VirtualProxy) { o.Users = users{} })
	if a := s.visitor(t, "X-User", "eve").get("/hub/"); a.status != 403 || s.sessions.Len() != 0 {
		t.Errorf("%+v", a)
	}
	v := s.visitor(t, "X-User", "ann")
	v.get("/hub/")
	if a := v.get("/qps/user"); !strings.Contains(a.body, `"userName":"Known ann"`) {
		t.Error(a.body)
	}
}

func TestTLS(t *testing.T) {
	s := newSite(t, nil)
	certified := httptest.NewTLSServer(http.NotFoundHandler())
	defer certified.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.ServeTLS(l, &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12})
	}()
	v := s.visitor(t, "X-User", "ann")
	v.Transport = certified.Client().Transport
	a := v.get("https://" + l.Addr().String() + "/hub/")
	set := a.header.Get("Set-Cookie") + strings.Join(a.header.Values("Set-Cookie"), "\n")
	if a.status != 200 || a.header.Get("Strict-Transport-Security") == "" || !strings.Contains(set, "secure") || !strings.HasPrefix(a.got.Header.Get("X-Qlik-Security"), "SecureRequest=true") {
		t.Errorf("%+v", a)
	}
	for origin, want := range map[string]int{"https://127.0.0.1": 200, "http://127.0.0.1": 403} {
		if a := v.do("POST", "https://"+l.Addr().String()+"/qrs/app", "{}", "Origin", origin); a.status != want {
			t.Errorf("from %s: %d", origin, a.status)
		}
	}
	dialer := websocket.Dialer{TLSClientConfig: v.Transport.(*http.Transport).TLSClientConfig}
	ws, _, err := dialer.Dial("wss://"+l.Addr().String()+"/app/1", http.Header{"X-User": {"ann"}, "Origin": {"https://127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	_ = ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	read(t, ws)
	read(t, ws)
	big := strings.Repeat("z", 1<<20)
	if err := ws.WriteMessage(websocket.TextMessage, []byte(big)); err != nil || read(t, ws) != big {
		t.Errorf("socket over TLS: %v", err)
	}
	s.sessions.EndUserEverywhere("DOM", "ann", session.Closed)
	if method, _, code := last(t, ws); method != "OnSessionClosed" || code != 1000 {
		t.Errorf("%s %d", method, code)
	}
	v.Transport.(*http.Transport).CloseIdleConnections()
}

func TestTargetsStayHere(t *testing.T) {
	s := newSite(t, nil)
	v := s.visitor(t)
	for target, want := range map[string]string{
		"https://127.0.0.1/x": "https://127.0.0.1/x?forceAuthentication=yes", "/x?y=1": "/x?y=1&forceAuthentication=yes",
		"https://evil.example/": "/hub/?forceAuthentication=yes", "//evil.example": "/hub/?forceAuthentication=yes", `/\evil.example`: "/hub/?forceAuthentication=yes",
		"javascript:alert(1)": "/hub/?forceAuthentication=yes",
	} {
		var got map[string]string
		if err := json.Unmarshal([]byte(v.get("/qps/user?targetUri="+url.QueryEscape(target)).body), &got); err != nil || got["loginUri"] != want {
			t.Errorf("%s: %v, %v", target, got, err)
		}
	}
	if line := s.raw(t, "GET //evil.example/%2f.. HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); !strings.Contains(line, "400") {
		t.Error(line)
	}
}

// A virtual proxy that is taken away takes its sessions and sockets along: one
// that comes later under the same prefix may ask for another login.
func TestVirtualProxyGoes(t *testing.T) {
	s := newSite(t, nil)
	v := s.visitor(t, "X-User", "ann")
	for _, at := range []string{"/hub/", "/sales/eu/hub/"} {
		if a := v.get(at); a.status != 200 {
			t.Fatalf("%s: %+v", at, a)
		}
	}
	eu := s.sessions.List("sales/eu")
	if len(eu) != 1 {
		t.Fatalf("%d sessions", len(eu))
	}
	if err := s.SetVirtualProxies([]VirtualProxy{{Methods: headerChain(t)}}); err != nil {
		t.Fatal(err)
	}
	if left := s.sessions.List("sales/eu"); len(left) != 0 || eu[0].Reason() != session.Closed || len(s.sessions.List("")) != 1 {
		t.Errorf("left: %v, and %d of the default virtual proxy", left, len(s.sessions.List("")))
	}
}
