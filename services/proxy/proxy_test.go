package proxy

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"github.com/cognate-bi/cognate/services/proxy/auth"
	"github.com/cognate-bi/cognate/services/proxy/balance"
	"github.com/cognate-bi/cognate/services/proxy/session"
)

// A clock is set by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// A site is a proxy with a service behind it that tells what it got.
type site struct {
	*Server
	url      string // of the proxy
	clock    *clock
	sessions *session.Store
	service  *httptest.Server
	engines  []balance.Engine
	places   []Endpoint
}

// Endpoints implements Upstreams.
func (s *site) Endpoints(context.Context, Service) ([]Endpoint, error) { return s.places, nil }

// Engines implements Engines.
func (s *site) Engines(context.Context, session.User, string) ([]balance.Engine, error) {
	return s.engines, nil
}

// got is what the service tells.
type got struct {
	Method, Path, Query, Body string
	Header                    http.Header
}

func tellRequest(w http.ResponseWriter, r *http.Request) {
	if websocket.IsWebSocketUpgrade(r) {
		echo(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	if len(body) > 100 {
		body = fmt.Appendf(nil, "%d bytes", len(body))
	}
	w.Header().Set("Connection", "X-Hop")
	w.Header().Set("X-Hop", "1")
	w.Header().Set("Server", "secret/1.0")
	w.Header().Add("Set-Cookie", "X-Qlik-Session=evil")
	w.Header().Add("Set-Cookie", "other=1")
	_ = json.NewEncoder(w).Encode(got{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body), r.Header})
}

// echo sends messages back; "die" cuts the connection, "close" closes it.
func echo(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	c, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.WriteMessage(websocket.TextMessage, []byte("hello "+r.Header.Get("X-Qlik-User")+" "+r.URL.EscapedPath()))
	for {
		kind, b, err := c.ReadMessage()
		switch {
		case err != nil || string(b) == "die":
			return
		case string(b) == "close":
			_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4003, "engine terminating"), time.Now().Add(time.Second))
		default:
			_ = c.WriteMessage(kind, b)
		}
	}
}

// headerChain logs in who X-User says, from this machine.
func headerChain(t testing.TB) auth.Chain {
	t.Helper()
	h, err := auth.NewHeader(auth.HeaderOptions{Header: "X-User", Directory: "DOM", Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	return auth.Chain{h}
}

func newSite(t testing.TB, change func(*Options, *[]VirtualProxy)) *site {
	t.Helper()
	s := &site{clock: &clock{t: time.Now()}, service: httptest.NewServer(http.HandlerFunc(tellRequest))}
	t.Cleanup(s.service.Close)
	var err error
	if s.sessions, err = session.New(session.Options{Now: s.clock.now, Rand: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	address := s.service.Listener.Addr().String()
	s.places = []Endpoint{{Node: "n", Address: address}}
	s.engines = []balance.Engine{{Node: "n", Address: address, Allowed: true, Healthy: true}}
	o := Options{HostNames: []string{"127.0.0.1"}, Node: "node1", Sessions: s.sessions, Upstreams: s, Engines: s, Now: s.clock.now, MissingOrigin: true}
	list := []VirtualProxy{{Methods: headerChain(t)}, {Prefix: "sales/eu", Methods: headerChain(t), ResponseHeaders: "X-One: 1\nX-Two: a:b", Origins: []string{"friend.example"}}}
	if change != nil {
		change(&o, &list)
	}
	if s.Server, err = New(o, list); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s
}

// A visitor is a client with cookies that does not follow redirects.
type visitor struct {
	*http.Client
	t      *testing.T
	site   *site
	header http.Header
}

func (s *site) visitor(t *testing.T, header ...string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{Client: &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, t: t, site: s, header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		v.header.Add(header[i], header[i+1])
	}
	t.Cleanup(v.CloseIdleConnections)
	return v
}

type answer struct {
	status int
	header http.Header
	body   string
	got    got
}

// do sends a request to a path, or to an address.
func (v *visitor) do(method, at, body string, header ...string) answer {
	v.t.Helper()
	if strings.HasPrefix(at, "/") {
		at = v.site.url + at
	}
	req, err := http.NewRequest(method, at, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	for k, values := range v.header {
		req.Header[k] = values
	}
	for i := 0; i < len(header); i += 2 {
		req.Header[header[i]] = append(req.Header[header[i]], header[i+1])
	}
	resp, err := v.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(b)}
	_ = json.Unmarshal(b, &a.got) // other answers have none
	return a
}

func (v *visitor) get(at string, header ...string) answer { return v.do("GET", at, "", header...) }

// form posts a form.
func (v *visitor) form(at string, values url.Values) answer {
	return v.do("POST", at, values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// raw sends bytes and returns the first line of the answer.
func (s *site) raw(t *testing.T, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, _ := c.Read(b)
	line, _, _ := strings.Cut(string(b[:n]), "\r\n")
	return line
}
