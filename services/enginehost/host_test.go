package enginehost

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"github.com/cognate-bi/cognate/engine/app"
)

func start(t *testing.T, change func(*Options)) *Host {
	t.Helper()
	lib, err := app.NewLibrary(app.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	h, err := New(o, lib)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve() }()
	t.Cleanup(func() {
		if err := h.Shutdown(context.Background()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return h
}

func dial(t *testing.T, h *Host, path string, header http.Header) *websocket.Conn {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+h.Addr().String()+path, header)
	if err != nil {
		t.Fatalf("dial %s: %v", path, err)
	}
	t.Cleanup(func() { _ = ws.Close() })
	return ws
}

func read(t *testing.T, ws *websocket.Conn) string {
	t.Helper()
	_ = ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, b, err := ws.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func ask(t *testing.T, ws *websocket.Conn, handle int, method, params string) string {
	t.Helper()
	msg := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"handle":%d,"method":%q,"params":%s}`, handle, method, params)
	if err := ws.WriteMessage(websocket.TextMessage, []byte(msg)); err != nil {
		t.Fatal(err)
	}
	for {
		if f := read(t, ws); strings.Contains(f, `"id":1,`) {
			return f
		}
	}
}

func TestParseRoute(t *testing.T) {
	for _, tt := range []struct {
		path string
		want route
		why  string
	}{
		{"/app/engineData", route{ok: true, ttl: -1}, "no app"},
		{"/", route{ok: true, ttl: -1}, "bare"},
		{"/app/", route{ok: true, ttl: -1}, "bare"},
		{"/app/engineData/ttl/0", route{ok: true}, "corectl"},
		{"/app/engineData/ttl/30", route{ok: true, ttl: 30 * time.Second}, "seconds"},
		{"/app/a%2Fb.qvf", route{ok: true, app: "a/b.qvf", ttl: -1}, "encoded"},
		{"/app/my.app/identity/x%20y/ttl/5", route{ok: true, app: "my.app", identity: "x y", ttl: 5 * time.Second}, "identity"},
		{"/app/%3Ftransient%3D/identity/7", route{ok: true, identity: "7", ttl: -1}, "@qlik/api"},
		{"/vp/app/SessionApp_1", route{ok: true, app: "SessionApp_1", ttl: -1}, "behind a proxy"},
		{"/something", route{ttl: -1}, "no socket there"},
	} {
		if got := parseRoute(tt.path); got != tt.want {
			t.Errorf("%s: got %+v, want %+v: %s", tt.path, got, tt.want, tt.why)
		}
	}
}

func TestRefusesRemoteAddress(t *testing.T) {
	for addr, ok := range map[string]bool{"0.0.0.0:0": false, ":0": false, "192.0.2.1:0": false, "127.0.0.1:0": true, "[::1]:0": true, "localhost:0": true} {
		o := Options{Addr: addr}
		if err := o.Validate(); (err == nil) != ok {
			t.Errorf("%s: %v", addr, err)
		}
		o = Options{Addr: addr, AllowRemote: true}
		if err := o.Validate(); err != nil {
			t.Errorf("%s with AllowRemote: %v", addr, err)
		}
	}
}

func TestFirstFrame(t *testing.T) {
	h := start(t, nil)
	begun := time.Now()
	ws := dial(t, h, "/app/engineData?reloadUri=http%3A%2F%2Fx&", nil)
	if got := read(t, ws); got != `{"jsonrpc":"2.0","method":"OnConnected","params":{"qSessionState":"SESSION_CREATED"}}` {
		t.Errorf("first frame %s", got)
	}
	if took := time.Since(begun); took < firstFrameDelay {
		t.Errorf("the first frame came after %v: gopherciser loses it", took)
	}
	if got := ask(t, ws, -1, "GetActiveDoc", "[]"); !strings.Contains(got, `"code":1007`) {
		t.Errorf("no app is open, but %s", got)
	}
}

func TestSessionAppByURL(t *testing.T) {
	ws := dial(t, start(t, nil), "/app/SessionApp_x", nil)
	read(t, ws)
	if got := ask(t, ws, -1, "GetActiveDoc", "[]"); !strings.Contains(got, `"qGenericId":"SessionApp_x"`) {
		t.Errorf("got %s", got)
	}
}

func TestAttach(t *testing.T) {
	h := start(t, func(o *Options) { o.SessionTTL = time.Minute })
	header := http.Header{"X-Qlik-Session": {"s1"}}
	one := dial(t, h, "/app/engineData", header)
	read(t, one)
	ask(t, one, -1, "CreateSessionApp", "[]")
	two := dial(t, h, "/app/engineData", header)
	if got := read(t, two); !strings.Contains(got, "SESSION_ATTACHED") {
		t.Errorf("second socket: %s", got)
	}
	if got := ask(t, two, -1, "GetActiveDoc", "[]"); !strings.Contains(got, `"qHandle":1`) {
		t.Errorf("the session's app: %s", got)
	}
	as := func(groups string) http.Header {
		return http.Header{"X-Qlik-Session": {"s2"}, "X-Qlik-User": {"UserDirectory=D; UserId=ann"}, "X-Qlik-Security": {"Context=AppAccess" + groups}}
	}
	for _, step := range []struct{ groups, want string }{
		{"; group=Sales; group=Board", "SESSION_CREATED"}, {"; group=Sales; group=Board", "SESSION_ATTACHED"}, {"; group=Sales", "SESSION_CREATED"},
	} {
		if got := read(t, dial(t, h, "/app/engineData", as(step.groups))); !strings.Contains(got, step.want) {
			t.Errorf("with %q: %s, want %s", step.groups, got, step.want)
		}
	}
	other := dial(t, h, "/app/engineData", http.Header{"X-Qlik-Session": {"s1"}, "X-Qlik-User": {"UserDirectory=D; UserId=eve"}})
	if got := read(t, other); !strings.Contains(got, "SESSION_CREATED") {
		t.Errorf("the session id of somebody else: %s", got)
	}
}

func TestForeignOrigin(t *testing.T) {
	h := start(t, nil)
	_, resp, err := websocket.DefaultDialer.Dial("ws://"+h.Addr().String()+"/app/engineData", http.Header{"Origin": {"http://evil.example"}})
	if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another site: %v", err)
	}
	dial(t, h, "/app/engineData", http.Header{"Origin": {"http://" + h.Addr().String()}})
}

func TestDeepJSONAndLargeFrames(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.FrameBytes = 1 << 20 })
	ws := dial(t, h, "/app/engineData", nil)
	read(t, ws)
	if err := ws.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("[", 1<<19))); err != nil {
		t.Fatal(err)
	}
	if got := read(t, ws); !strings.Contains(got, "-32700") {
		t.Errorf("deep nesting: %s", got)
	}
	ask(t, ws, -1, "GetUniqueID", "[]")
	_ = ws.WriteMessage(websocket.TextMessage, make([]byte, 2<<20))
	_ = ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, closeTooBig, websocket.CloseMessageTooBig) {
		t.Errorf("a frame over the limit: %v", err)
	}
	again := dial(t, h, "/app/engineData", nil)
	read(t, again)
	ask(t, again, -1, "GetUniqueID", "[]")
}

func TestShutdownTellsClients(t *testing.T) {
	lib, err := app.NewLibrary(app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(Options{Addr: "127.0.0.1:0"}, lib)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = h.Serve() }()
	ws := dial(t, h, "/app/engineData", nil)
	read(t, ws)
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	_ = ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, closeTerminating) {
		t.Errorf("the client was told %v", err)
	}
}

func TestVanishedClient(t *testing.T) {
	h := start(t, nil)
	ws := dial(t, h, "/app/engineData", nil)
	read(t, ws)
	_ = ws.NetConn().Close() // no close frame
	deadline := time.After(10 * time.Second)
	for h.sessions.Len() > 0 {
		select {
		case <-deadline:
			t.Fatal("the session of a vanished client lives on")
		default:
			resp, err := http.Get("http://" + h.Addr().String() + "/healthcheck") // something to wait with
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		}
	}
}
