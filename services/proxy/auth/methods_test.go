package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

func TestHeader(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	static, err := NewHeader(HeaderOptions{Header: "X-User", Directory: "DOM", Trusted: trusted})
	if err != nil {
		t.Fatal(err)
	}
	dynamic, err := NewHeader(HeaderOptions{Header: "X-User", Pattern: `$ud\\$id`, Trusted: trusted})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		method *Header
		remote string
		values []string
		want   string
		why    string
	}{
		{static, "192.0.2.7", []string{"ann"}, `DOM\ann`, "static"},
		{static, "::ffff:192.0.2.7", []string{"ann"}, `DOM\ann`, "IPv4 in IPv6"},
		{static, "198.51.100.1", []string{"ann"}, "", "address that is not trusted"},
		{static, "192.0.2.7", nil, "", "no header"},
		{static, "192.0.2.7", []string{""}, "", "empty"},
		{static, "192.0.2.7", []string{"ann", "admin"}, "", "two headers"},
		{static, "192.0.2.7", []string{"a;UserId=b"}, "", "injection"},
		{dynamic, "192.0.2.7", []string{`SALES\ann`}, `SALES\ann`, "dynamic"},
		{dynamic, "192.0.2.7", []string{`ann`}, "", "no directory"},
		{dynamic, "192.0.2.7", []string{`INTERNAL\sa_api`}, "", "service account"},
	} {
		b := newBrowser()
		b.remote = tt.remote
		for _, v := range tt.values {
			b.header.Add("X-User", v)
		}
		a, refusals := b.ask(Chain{tt.method}, "GET", "/hub", nil)
		if who(a) != tt.want || tt.want == "" && (len(refusals) != 1 || a.Status != http.StatusUnauthorized) {
			t.Errorf("%s: %q, %+v, %v", tt.why, who(a), a, refusals)
		}
	}
	for _, p := range []string{"", "$ud", "$id$id", "$ud$ud$id"} {
		if _, err := NewHeader(HeaderOptions{Header: "X", Pattern: p}); err == nil {
			t.Errorf("pattern %q was taken", p)
		}
	}
}

func publicPEM(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestJWT(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, c := publicPEM(t, &key.PublicKey), newClock()
	m, err := NewJWT(JWTOptions{Key: public, Audience: "us", Now: c.now, Profile: Profile{
		UserID: "user", Directory: "[JWT]", Attributes: []Mapping{{From: "groups", To: "group"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	good := func(change jwt.MapClaims) jwt.MapClaims {
		all := jwt.MapClaims{"user": "ann", "aud": "us", "exp": c.now().Add(time.Minute).Unix(), "groups": []string{"a", "b"}}
		for k, v := range change {
			all[k] = v
		}
		return all
	}
	sign := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
		s, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	crit := jwt.NewWithClaims(jwt.SigningMethodRS256, good(nil))
	crit.Header["crit"] = []string{"x"}
	critical, _ := crit.SignedString(key)
	valid := sign(jwt.SigningMethodRS256, key, good(nil))
	parts := strings.Split(valid, ".")
	forged := base64.RawURLEncoding.EncodeToString([]byte(`{"user":"admin","aud":"us"}`))
	for _, tt := range []struct{ why, token, want string }{
		{"RS256", valid, `JWT\ann`},
		{"RS384", sign(jwt.SigningMethodRS384, key, good(nil)), `JWT\ann`},
		{"RS512", sign(jwt.SigningMethodRS512, key, good(nil)), `JWT\ann`},
		{"another key", sign(jwt.SigningMethodRS256, other, good(nil)), ""},
		{"PS256", sign(jwt.SigningMethodPS256, key, good(nil)), ""},
		{"ES256", sign(jwt.SigningMethodES256, ec, good(nil)), ""},
		{"HS256 with the public key as its secret", sign(jwt.SigningMethodHS256, []byte(public), good(nil)), ""},
		{"none", sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good(nil)), ""},
		{"signature left out", parts[0] + "." + parts[1] + ".", ""},
		{"claims exchanged", parts[0] + "." + forged + "." + parts[2], ""},
		{"expired", sign(jwt.SigningMethodRS256, key, good(jwt.MapClaims{"exp": c.now().Add(-time.Second).Unix()})), ""},
		{"not yet", sign(jwt.SigningMethodRS256, key, good(jwt.MapClaims{"nbf": c.now().Add(time.Minute).Unix()})), ""},
		{"wrong audience", sign(jwt.SigningMethodRS256, key, good(jwt.MapClaims{"aud": "them"})), ""},
		{"no audience", sign(jwt.SigningMethodRS256, key, good(jwt.MapClaims{"aud": nil})), ""},
		{"no user", sign(jwt.SigningMethodRS256, key, good(jwt.MapClaims{"user": nil})), ""},
		{"two users", sign(jwt.SigningMethodRS256, key, good(jwt.MapClaims{"user": []string{"a", "b"}})), ""},
		{"critical extension", critical, ""},
		{"five parts", valid + ".a.b", ""},
		{"nothing", "", ""},
	} {
		b := newBrowser()
		b.header.Set("Authorization", "Bearer "+tt.token)
		a, refusals := b.ask(Chain{m}, "POST", "/hub", nil)
		if who(a) != tt.want || tt.want == "" && (len(refusals) != 1 || a.Status != http.StatusUnauthorized) {
			t.Errorf("%s: %q, %+v, %v", tt.why, who(a), a, refusals)
		}
		if tt.want != "" && len(a.User.Attributes) != 2 {
			t.Errorf("%s: attributes %v", tt.why, a.User.Attributes)
		}
	}
	if _, err := NewJWT(JWTOptions{Key: publicPEM(t, &ec.PublicKey), Profile: Profile{UserID: "a", Directory: "b"}}); err == nil {
		t.Error("an elliptic key was taken")
	}
}

func TestAnonymous(t *testing.T) {
	for _, tt := range []struct {
		mode AnonymousMode
		uri  string
		want bool
	}{
		{NoAnonymous, "/hub", false},
		{AllowAnonymous, "/hub", true},
		{AllowAnonymous, "/hub?forceAuthentication=yes", false},
		{AlwaysAnonymous, "/hub?forceAuthentication=yes", true},
	} {
		a, _ := newBrowser().ask(Chain{&Anonymous{Mode: tt.mode, Rand: rand.Reader}}, "GET", tt.uri, nil)
		if got := a.User != nil && a.User.Anonymous() && strings.HasPrefix(a.User.ID, "anonymous"); got != tt.want {
			t.Errorf("mode %d, %s: %+v", tt.mode, tt.uri, a)
		}
	}
}

func TestTicket(t *testing.T) {
	c := newClock()
	tickets := NewTickets(rand.Reader, c.now)
	chain, err := NewChain(Settings{Module: TicketModuleOptions{URI: "https://login.example/start?x=1", RestURI: "https://sense.example:4243/qps/"}}, Tools{Tickets: tickets})
	if err != nil {
		t.Fatal(err)
	}
	b, ann := newBrowser(), session.User{Directory: "DOM", ID: "ann"}
	a, _ := b.ask(chain, "GET", "/sense/app/1?sheet=a%2Fb", nil)
	u, err := url.Parse(a.Redirect)
	if err != nil || u.Host != "login.example" || u.Query().Get("x") != "1" || u.Query().Get("proxyRestUri") != "https://sense.example:4243/qps/" {
		t.Fatalf("sent to %q", a.Redirect)
	}
	ticket, target, err := tickets.Issue("", ann, u.Query().Get("targetId"))
	if err != nil || target != "https://sense.example/sense/app/1?sheet=a%2Fb" {
		t.Fatalf("target %q, %v", target, err)
	}
	use := "/sense/app/1?sheet=a%2Fb&qlikTicket=" + ticket
	if a, _ := b.ask(chain, "GET", use, nil); who(a) != `DOM\ann` || a.Return != "/sense/app/1?sheet=a%2Fb" {
		t.Errorf("first use: %+v", a)
	}
	a, refusals := b.ask(chain, "GET", use, nil)
	if a.User != nil || a.Redirect == "" || len(refusals) != 1 || strings.Contains(a.Redirect, ticket) {
		t.Errorf("second use: %+v, %v", a, refusals)
	}
	known := b.request("GET", use, nil)
	known.Current = &ann
	if a, refusals := chain.Authenticate(t.Context(), known); a.User != &ann || a.Return != "/sense/app/1?sheet=a%2Fb" || len(refusals) != 1 {
		t.Errorf("second use, logged in: %+v, %v", a, refusals)
	}
	late, _, _ := tickets.Issue("", ann, "")
	c.add(TicketTTL)
	if a, refusals := b.ask(chain, "GET", "/?qlikTicket="+late, nil); a.User != nil || len(refusals) != 1 {
		t.Errorf("late use: %+v", a)
	}
	elsewhere, _, _ := tickets.Issue("sales", ann, "")
	if a, refusals := b.ask(chain, "GET", "/?qlikTicket="+elsewhere, nil); a.User != nil || len(refusals) != 1 {
		t.Errorf("ticket of another virtual proxy: %+v", a)
	}
	if a, _ := b.ask(chain, "POST", "/qrs/app", nil); a.Status != http.StatusUnauthorized || a.LoginURI == "" {
		t.Errorf("POST first: %+v", a)
	}
	if _, _, err := tickets.Issue("", session.User{Directory: "INTERNAL", ID: "sa_api"}, ""); err == nil {
		t.Error("a ticket for a service account")
	}
}

func TestNewChain(t *testing.T) {
	tools := Tools{Tickets: NewTickets(rand.Reader, time.Now), Client: http.DefaultClient, Rand: rand.Reader, Now: time.Now}
	for _, tt := range []struct {
		why  string
		s    Settings
		want string // names of the methods; "" = an error
	}{
		{"module", Settings{Module: TicketModuleOptions{URI: "https://login.example"}}, "ticket, anonymous, authentication module"},
		{"form", Settings{Form: FormOptions{Directory: "LOCAL", Users: localUsers{}}}, "ticket, anonymous, form"},
		{"header", Settings{Kind: ByHeaderStatic, Header: HeaderOptions{Header: "X", Directory: "D"}, SessionModule: "https://m.example"}, "ticket, session module, anonymous, header"},
		{"header without directory", Settings{Kind: ByHeaderStatic, Header: HeaderOptions{Header: "X"}}, ""},
		{"pattern and directory", Settings{Kind: ByHeaderDynamic, Header: HeaderOptions{Header: "X", Directory: "D", Pattern: "$ud/$id"}}, ""},
		{"OIDC", Settings{Kind: ByOIDC, OIDC: OIDCOptions{Discovery: "https://idp.example", ClientID: "c"}}, "ticket, anonymous, OIDC"},
		{"JWT without key", Settings{Kind: ByJWT}, ""},
		{"SAML without metadata", Settings{Kind: BySAML}, ""},
		{"nothing", Settings{}, ""},
		{"unknown", Settings{Kind: 9}, ""},
	} {
		chain, err := NewChain(tt.s, tools)
		var names []string
		for _, m := range chain {
			names = append(names, m.Name())
		}
		if got := strings.Join(names, ", "); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v", tt.why, got, err)
		}
	}
}

// localUsers has one user.
type localUsers map[string]string

func (l localUsers) Password(_ context.Context, directory, id string) (session.User, string, error) {
	hash, ok := l[directory+`\`+strings.ToLower(id)]
	if !ok {
		return session.User{}, "", ErrNoUser
	}
	return session.User{Directory: directory, ID: id}, hash, nil
}

func newForm(t *testing.T, c *clock) Chain {
	t.Helper()
	hash, err := HashPassword("correct horse", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewForm(FormOptions{Directory: "LOCAL", Users: localUsers{`LOCAL\ann`: hash}, Rand: rand.Reader, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return Chain{f}
}

// open goes to the form and returns its address and CSRF token.
func open(t *testing.T, b *browser, chain Chain, uri string) (action, csrf string) {
	t.Helper()
	a, _ := b.ask(chain, "GET", uri, nil)
	if a.Redirect == "" {
		t.Fatalf("not sent to the form: %+v", a)
	}
	page, _ := b.ask(chain, "GET", a.Redirect, nil)
	m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindSubmatch(page.Body)
	if page.Status != 200 || m == nil {
		t.Fatalf("page: %+v", page)
	}
	return a.Redirect, string(m[1])
}

func TestForm(t *testing.T) {
	c := newClock()
	chain, b := newForm(t, c), newBrowser()
	action, csrf := open(t, b, chain, "/hub?a=1")
	fill := func(user, password, csrf string) url.Values {
		return url.Values{"username": {user}, "password": {password}, "csrf": {csrf}}
	}
	for _, tt := range []struct {
		why            string
		user, pw, csrf string
		status         int
	}{
		{"wrong password", "ann", "x", csrf, 401},
		{"no such user", "bob", "correct horse", csrf, 401},
		{"another directory", `DOM\ann`, "correct horse", csrf, 401},
		{"no token", "ann", "correct horse", "", 403},
		{"wrong token", "ann", "correct horse", strings.Repeat("A", 43), 403},
	} {
		a, refusals := b.ask(chain, "POST", action, fill(tt.user, tt.pw, tt.csrf))
		if a.User != nil || a.Status != tt.status || len(refusals) != 1 || strings.Contains(string(a.Body), "horse") {
			t.Errorf("%s: %d, %v", tt.why, a.Status, refusals)
		}
	}
	eve := newBrowser()
	if a, _ := eve.ask(chain, "POST", action, fill("ann", "correct horse", csrf)); a.User != nil {
		t.Error("a form counts in another browser")
	}
	a, _ := b.ask(chain, "POST", action, fill(" Ann ", "correct horse", csrf))
	if who(a) != `LOCAL\Ann` || a.Return != "/hub?a=1" {
		t.Fatalf("login: %+v", a)
	}
	if a, _ := b.ask(chain, "POST", action, fill("ann", "correct horse", csrf)); a.User != nil {
		t.Error("a form counts twice")
	}
}

func TestFormIsNoPlaceToGuess(t *testing.T) {
	c := newClock()
	chain, b := newForm(t, c), newBrowser()
	action, csrf := open(t, b, chain, "/hub")
	form := url.Values{"username": {"ann"}, "password": {"x"}, "csrf": {csrf}}
	statuses := map[int]int{}
	for range 8 {
		a, _ := b.ask(chain, "POST", action, form)
		statuses[a.Status]++
	}
	if statuses[401] != 5 || statuses[429] != 3 {
		t.Errorf("statuses %v", statuses)
	}
	b.remote = "198.51.100.9" // the name counts, wherever it is tried
	form.Set("password", "correct horse")
	if a, _ := b.ask(chain, "POST", action, form); a.Status != 429 {
		t.Errorf("from elsewhere: %d", a.Status)
	}
	c.add(20 * time.Second)
	if a, _ := b.ask(chain, "POST", action, form); a.User == nil {
		t.Errorf("after a while: %+v", a)
	}
	c.add(flowTTL)
	if a, _ := b.ask(chain, "POST", action, form); a.Status != 403 {
		t.Errorf("after the login's time: %d", a.Status)
	}
}

// What is tried as a name is remembered for the bounds of guessing, so it is
// no more than a name.
func TestFormKeepsNoLongNames(t *testing.T) {
	c := newClock()
	chain, b := newForm(t, c), newBrowser()
	f := chain[0].(*Form)
	action, csrf := open(t, b, chain, "/hub")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 200 {
		c.add(2 * time.Second) // as fast as an address may try
		name := fmt.Sprint(i) + strings.Repeat("x", 400<<10)
		if a, _ := b.ask(chain, "POST", action, url.Values{"username": {name}, "password": {"x"}, "csrf": {csrf}}); a.Status != 401 {
			t.Fatalf("attempt %d: %d", i, a.Status)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 16<<20 {
		t.Errorf("%d MB are kept", kept>>20)
	}
	runtime.KeepAlive(f)
}

func TestPasswordHashes(t *testing.T) {
	hash, err := HashPassword("secret", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h, err := parseHash(hash)
	if err != nil || !h.matches("secret") || h.matches("Secret") || h.String() != hash {
		t.Fatalf("%s: %v", hash, err)
	}
	for _, bad := range []string{
		"", "secret", strings.Replace(hash, "argon2id", "argon2i", 1), strings.Replace(hash, "m=19456", "m=99999999", 1),
		strings.Replace(hash, "t=2", "t=0", 1), strings.Replace(hash, "p=1", "p=200", 1), hash[:len(hash)-40],
	} {
		if _, err := parseHash(bad); err == nil {
			t.Errorf("took %q", bad)
		}
	}
}

func TestModule(t *testing.T) {
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch r.URL.Path {
		case "/base/session/0123456789abcdef":
			_, _ = w.Write([]byte(`{"UserDirectory":"MOD","userId":"ann","Attributes":[{"group":"a"}],"SessionId":"0123456789abcdef"}`))
		case "/base/session/broken":
			w.WriteHeader(http.StatusInternalServerError)
		case "/base/session/mixed-up":
			_, _ = w.Write([]byte(`{"UserDirectory":"MOD","userId":"bob","SessionId":"another"}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer s.Close()
	m, err := NewModule(s.URL+"/base/", s.Client())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		token, want string
		status      int
	}{
		{"0123456789abcdef", `MOD\ann`, 0},
		{"unknown", "", 401},
		{"broken", "", 503},
		{"mixed-up", "", 503},
		{"../admin", "", 401},
		{"..", "", 401},
		{"", "", 401},
	} {
		r := newBrowser().request("GET", "/hub", nil)
		r.Session = tt.token
		a, _ := Chain{m}.Authenticate(t.Context(), r)
		if who(a) != tt.want || a.Status != tt.status || a.User != nil && a.Token != tt.token {
			t.Errorf("%q: %+v", tt.token, a)
		}
	}
	if asked != 4 {
		t.Errorf("asked %d times", asked)
	}
}
