package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// dial opens a socket with the cookies and headers of a visitor.
func (v *visitor) dial(path string, header ...string) (*websocket.Conn, int) {
	v.t.Helper()
	h := v.header.Clone()
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	d := websocket.Dialer{Jar: v.Jar, HandshakeTimeout: 10 * time.Second}
	ws, resp, err := d.Dial("ws"+strings.TrimPrefix(v.site.url, "http")+path, h)
	if err != nil {
		if resp == nil {
			v.t.Fatal(err)
		}
		return nil, resp.StatusCode
	}
	v.t.Cleanup(func() { _ = ws.Close() })
	_ = ws.SetReadDeadline(time.Now().Add(15 * time.Second))
	return ws, resp.StatusCode
}

func read(t *testing.T, ws *websocket.Conn) string {
	t.Helper()
	_, b, err := ws.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// open opens a socket and reads what comes first.
func (v *visitor) open(path string) *websocket.Conn {
	v.t.Helper()
	ws, status := v.dial(path)
	if ws == nil {
		v.t.Fatalf("status %d", status)
	}
	if first := read(v.t, ws); !strings.Contains(first, `"OnAuthenticationInformation"`) {
		v.t.Fatalf("first message %s", first)
	}
	return ws
}

// last reads the notice that ends a socket and the code of its close.
func last(t *testing.T, ws *websocket.Conn) (method string, params map[string]any, code int) {
	t.Helper()
	for {
		_, b, err := ws.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			return method, params, closed.Code
		}
		if err != nil {
			t.Fatalf("after %s: %v", method, err)
		}
		var n struct {
			Method string
			Params map[string]any
		}
		if json.Unmarshal(b, &n) == nil && n.Method != "" {
			method, params = n.Method, n.Params
		}
	}
}

func TestSocket(t *testing.T) {
	s := newSite(t, nil)
	v := s.visitor(t, "X-User", "ann")
	ws, _ := v.dial("/sales/eu/APP/a%2Fb?x=1")
	first := read(t, ws)
	for _, want := range []string{`"jsonrpc":"2.0"`, `"OnAuthenticationInformation"`, `"mustAuthenticate":false`, `"userDirectory":"DOM"`, `"userId":"ann"`, `"logoutUri":"/sales/eu/hub/"`, `"serverNodeId":"node1"`} {
		if !strings.Contains(first, want) {
			t.Errorf("no %s in %s", want, first)
		}
	}
	if second := read(t, ws); second != "hello UserDirectory=DOM; UserId=ann /app/a%2Fb" {
		t.Errorf("the service says %s", second)
	}
	const n = 2000
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range n {
			_ = ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, "%d%s", i, strings.Repeat("x", i*17%5000)))
		}
	})
	for i := range n {
		if got, want := read(t, ws), fmt.Sprintf("%d%s", i, strings.Repeat("x", i*17%5000)); got != want {
			t.Fatalf("message %d: %.30q", i, got)
		}
	}
	writing.Wait()
	big := strings.Repeat("y", 8<<20)
	if err := ws.WriteMessage(websocket.BinaryMessage, []byte(big)); err != nil {
		t.Fatal(err)
	}
	if kind, b, err := ws.ReadMessage(); err != nil || kind != websocket.BinaryMessage || string(b) != big {
		t.Errorf("large message: %d bytes, %v", len(b), err)
	}
	_ = ws.WriteMessage(websocket.TextMessage, []byte("close"))
	if method, _, code := last(t, ws); method != "" || code != 4003 {
		t.Errorf("closed by the service: %s %d", method, code)
	}
}

func TestSocketsNeedALoginAndAKnownOrigin(t *testing.T) {
	s := newSite(t, func(o *Options, _ *[]VirtualProxy) { o.MissingOrigin = false })
	for _, tt := range []struct {
		user, path, origin string
		want               int
	}{
		{"ann", "/app/1", "http://127.0.0.1:1234", 101},
		{"ann", "/app/1", "https://evil.example", 403},
		{"ann", "/app/1", "https://127.0.0.1.evil.example", 403},
		{"ann", "/app/1", "null", 403},
		{"ann", "/app/1", "", 403},
		{"", "/app/1", "http://127.0.0.1", 401},
		{"ann", "/sales/eu/app/1", "https://friend.example", 101},
		{"ann", "/app/1", "https://friend.example", 403},
		{"ann", "/hub/1", "http://127.0.0.1", 400},
		{"ann", "/engine/healthcheck", "http://127.0.0.1", 400},
		{"ann", "/app/../app/1", "http://127.0.0.1", 400},
	} {
		v := s.visitor(t)
		if tt.user != "" {
			v.header.Set("X-User", tt.user)
		}
		if tt.origin != "" {
			v.header.Set("Origin", tt.origin)
		}
		if _, got := v.dial(tt.path); got != tt.want {
			t.Errorf("%+v: %d", tt, got)
		}
	}
}

func TestSocketsEndWithTheirSession(t *testing.T) {
	for _, tt := range []struct {
		method string
		end    func(s *site, v *visitor)
	}{
		{"OnSessionLoggedOut", func(_ *site, v *visitor) { v.do("DELETE", "/qps/user", "") }},
		{"OnSessionClosed", func(s *site, _ *visitor) { s.sessions.EndUser("", "DOM", "ann", session.Closed) }},
		{"OnSessionTimedOut", func(s *site, _ *visitor) { s.clock.add(31 * time.Minute); s.sessions.Sweep() }},
	} {
		t.Run(tt.method, func(t *testing.T) {
			s := newSite(t, nil)
			v := s.visitor(t, "X-User", "ann")
			v.get("/hub/")
			one, two := v.open("/app/1"), v.open("/app/2")
			tt.end(s, v)
			for _, ws := range []*websocket.Conn{one, two} {
				if method, params, code := last(t, ws); method != tt.method || code != 1000 || params["severity"] != "fatal" || params["redirectUri"] != "/hub/?forceAuthentication=yes" {
					t.Errorf("%s %v %d", method, params, code)
				}
			}
		})
	}
}

func TestTrafficKeepsASession(t *testing.T) {
	s := newSite(t, nil)
	v := s.visitor(t, "X-User", "ann")
	ws := v.open("/app/1")
	read(t, ws)
	for range 3 {
		s.clock.add(20 * time.Minute)
		_ = ws.WriteMessage(websocket.TextMessage, []byte("x"))
		read(t, ws)
		if s.sessions.Sweep() != 0 {
			t.Fatal("a session in use ended")
		}
	}
	s.clock.add(30 * time.Minute)
	if s.sessions.Sweep() != 1 {
		t.Error("an open socket alone keeps a session")
	}
}

func TestSocketsWithoutAService(t *testing.T) {
	s := newSite(t, nil)
	v := s.visitor(t, "X-User", "ann")
	ws := v.open("/app/1")
	_ = ws.WriteMessage(websocket.TextMessage, []byte("die"))
	if method, params, code := last(t, ws); method != "OnEngineWebsocketFailed" || code != 1011 || params["severity"] != "fatal" {
		t.Errorf("%s %v %d", method, params, code)
	}
	ws = v.open("/qrs/x")
	_ = ws.WriteMessage(websocket.TextMessage, []byte("die"))
	if method, _, _ := last(t, ws); method != "OnRepositoryWebsocketFailed" {
		t.Error(method)
	}
	s.engines[0].Full = true
	if method, _, code := last(t, v.open("/app/1")); method != "OnNoEngineAvailable" || code != 1013 {
		t.Errorf("%s %d", method, code)
	}
	s.places = nil
	if method, _, _ := last(t, v.open("/dataprepservice/x")); method != "OnNoDataPrepServiceAvailable" {
		t.Error(method)
	}
}

func TestSocketLimits(t *testing.T) {
	s := newSite(t, func(o *Options, _ *[]VirtualProxy) { o.Limits = Limits{ClientMessage: 1 << 16, SocketsPerSession: 2} })
	v := s.visitor(t, "X-User", "ann")
	v.get("/hub/")
	ws := v.open("/app/1")
	v.open("/app/1")
	if _, status := v.dial("/app/1"); status != 503 {
		t.Errorf("third socket of two: %d", status)
	}
	if other, status := s.visitor(t, "X-User", "bob").dial("/app/1"); other == nil {
		t.Errorf("another session: %d", status)
	}
	_ = ws.WriteMessage(websocket.TextMessage, make([]byte, 1<<16+1))
	if _, _, code := last(t, ws); code != websocket.CloseMessageTooBig {
		t.Errorf("too large: %d", code)
	}
	for deadline := time.Now().Add(5 * time.Second); s.Health().Sockets > 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", s.Health())
		}
	}
	v.open("/app/1")
}

// licences refuses as it is told.
type licences struct{ err error }

func (l *licences) Acquire(context.Context, *session.Session) (string, error) {
	return "AnalyzerAccess", l.err
}

func TestLicences(t *testing.T) {
	l := &licences{}
	s := newSite(t, func(o *Options, _ *[]VirtualProxy) { o.Licences = l })
	seen := make(chan string, 1)
	s.service.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("X-Qlik-Security")
		echo(w, r)
	})
	v := s.visitor(t, "X-User", "ann")
	v.open("/app/1")
	if got := <-seen; !strings.Contains(got, "LicenseContext=AnalyzerAccess") {
		t.Error(got)
	}
	for err, want := range map[error]string{
		ErrNoAccess: "OnLicenseAccessDenied", ErrPendingUserSync: "OnLicenseAccessDeniedPendingUserSync",
		ErrTooManySessions: "OnMaxParallelSessionsExceeded", ErrExcess: "OnExcessLicenseAssignment", errors.New("x"): "OnNoRepositoryAvailable",
	} {
		l.err = err
		if got, _, _ := last(t, v.open("/app/1")); got != want {
			t.Errorf("%v: %s", err, got)
		}
	}
}

func TestDraining(t *testing.T) {
	s := newSite(t, nil)
	ws := s.visitor(t, "X-User", "ann").open("/app/1")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	if method, _, code := last(t, ws); method != "" || code != websocket.CloseGoingAway {
		t.Errorf("%s %d", method, code)
	}
	if err := <-done; err != nil || s.Health().Sockets != 0 {
		t.Errorf("%v, %+v", err, s.Health())
	}
}

// A service that sends faster than a client reads is held up: what waits here
// stays small.
func TestBackPressure(t *testing.T) {
	s := newSite(t, nil)
	const total = 64 << 20
	sent := make(chan int, 1)
	s.service.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		n := 0
		_ = c.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		for ; n < total; n += 1 << 20 {
			if c.WriteMessage(websocket.BinaryMessage, make([]byte, 1<<20)) != nil {
				break
			}
		}
		sent <- n
	})
	ws := s.visitor(t, "X-User", "ann").open("/app/1")
	if n := <-sent; n >= total {
		t.Errorf("%d MB went through while nobody read", n>>20)
	}
	_ = ws.Close()
}

// Many sessions with a socket each, all in use at once.
func TestManySockets(t *testing.T) {
	if testing.Short() {
		t.Skip("opens 1200 connections")
	}
	s := newSite(t, func(o *Options, _ *[]VirtualProxy) { o.Limits.PerSecond = -1 })
	const n = 300
	sockets := make([]*websocket.Conn, n)
	var opening sync.WaitGroup
	for i := range n {
		opening.Go(func() {
			ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.url, "http")+"/app/1", http.Header{"X-User": {fmt.Sprintf("user%d", i)}})
			if err != nil {
				t.Error(err)
				return
			}
			_ = ws.SetReadDeadline(time.Now().Add(20 * time.Second))
			sockets[i] = ws
		})
	}
	opening.Wait()
	var using sync.WaitGroup
	for i, ws := range sockets {
		if ws == nil {
			t.FailNow()
		}
		using.Go(func() {
			defer ws.Close()
			want := fmt.Sprintf("message of user%d", i)
			_ = ws.WriteMessage(websocket.TextMessage, []byte(want))
			for {
				_, b, err := ws.ReadMessage()
				if err != nil {
					t.Error(err)
					return
				}
				if string(b) == want {
					return
				}
				if text := string(b); strings.HasPrefix(text, "hello") && !strings.Contains(text, fmt.Sprintf("UserId=user%d ", i)) {
					t.Errorf("user%d: %s", i, text)
				}
			}
		})
	}
	using.Wait()
	if s.sessions.Len() != n {
		t.Errorf("%d sessions", s.sessions.Len())
	}
}
