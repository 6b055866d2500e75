package proxy

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// TestTooManySockets asks for far more than are allowed, at a time: as many as
// are allowed work, the others are told to come back, and when they have gone
// there is room again and nothing is left of them.
func TestTooManySockets(t *testing.T) {
	const allowed, asked = 8, 100
	s := newSite(t, func(o *Options, _ *[]VirtualProxy) {
		o.Limits = Limits{Sockets: allowed, SocketsPerSession: 1000, PerSecond: -1}
	})
	dial := func(user string) (*websocket.Conn, *http.Response) {
		ws, a, _ := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.url, "http")+"/app/x", http.Header{"X-User": {user}})
		return ws, a
	}
	for round := range 2 {
		var mu sync.Mutex
		var open []*websocket.Conn
		var all sync.WaitGroup
		for i := range asked {
			all.Go(func() {
				ws, a := dial(fmt.Sprintf("user%d", i))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case ws != nil:
					open = append(open, ws)
				case a == nil || a.StatusCode != 503 || a.Header.Get("Retry-After") == "":
					t.Errorf("refused with %+v", a)
				}
			})
		}
		all.Wait()
		if len(open) != allowed {
			t.Errorf("round %d: %d sockets are open", round, len(open))
		}
		for _, ws := range open {
			_ = ws.SetReadDeadline(time.Now().Add(10 * time.Second))
			for range 2 { // who the user is, and the service
				if _, _, err := ws.ReadMessage(); err != nil {
					t.Errorf("round %d: an open socket: %v", round, err)
				}
			}
			_ = ws.Close()
		}
		for end := time.Now().Add(10 * time.Second); s.Health().Sockets > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d sockets are left", s.Health().Sockets)
			}
		}
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		buf := make([]byte, 4<<20)
		running := string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(running, "proxy.(*socket)") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("goroutines of sockets are left: %s", running)
		}
	}
}

// TestSlowClients opens connections and says next to nothing on them: they end
// in time, and beside them others are served.
func TestSlowClients(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time-outs")
	}
	s := newSite(t, func(o *Options, _ *[]VirtualProxy) { o.Limits.Connections, o.Limits.Head = 40, time.Second })
	for range 30 {
		c := s.dial(t)
		_, _ = c.Write([]byte("GET /hub/ HTTP/1.1\r\nX-"))
		go func() {
			for range 100 { // a byte now and then is no life
				time.Sleep(100 * time.Millisecond)
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
			}
		}()
	}
	if a := s.visitor(t, "X-User", "ann").get("/hub/"); a.status != 200 {
		t.Errorf("beside slow clients: %d", a.status)
	}
	begun := time.Now()
	for s.http.GetOpenConnectionsCount() > 5 {
		if time.Since(begun) > 5*time.Second {
			t.Fatalf("%d connections are still open", s.http.GetOpenConnectionsCount())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestClientThatReadsNothing has a service send to a client that does not read:
// what waits is bounded, the socket ends in time, and the service learns it.
func TestClientThatReadsNothing(t *testing.T) {
	s := newSite(t, func(o *Options, _ *[]VirtualProxy) { o.Limits.SocketWrite = 500 * time.Millisecond })
	const total = 256 << 20
	sent, took := make(chan int, 1), make(chan time.Duration, 1)
	s.service.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		n, begun := 0, time.Now()
		for c.WriteMessage(websocket.BinaryMessage, make([]byte, 1<<20)) == nil && n < total {
			n += 1 << 20
		}
		sent <- n
		took <- time.Since(begun)
	})
	ws := s.visitor(t, "X-User", "ann").open("/app/1")
	if n, d := <-sent, <-took; n > 64<<20 || d > 10*time.Second {
		t.Errorf("%d MB went through in %v while nobody read", n>>20, d)
	}
	for end := time.Now().Add(10 * time.Second); s.Health().Sockets > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the socket stays")
		}
	}
	_ = ws.Close()
}
