package enginehost

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// A client that asks much and reads nothing is cut off before its answers fill
// the memory; others go on, and nothing is left of it.
func TestClientThatDoesNotRead(t *testing.T) {
	const unread = 4 << 20
	for name, limit := range map[string]func(*Options){
		"its own":  func(o *Options) { o.WriteMax = unread },
		"together": func(o *Options) { o.WriteAllMax = unread },
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, limit)
			good := dial(t, h, "/app/SessionApp_good", nil)
			read(t, good)
			slow := dial(t, h, "/app/SessionApp_slow", nil)
			read(t, slow)
			// each answer repeats the long id of its request
			msg := []byte(fmt.Sprintf(`{"jsonrpc":"2.0","id":"%0100000d","handle":-1,"method":"GetUniqueID","params":[]}`, 1))
			for range 10_000 {
				_ = slow.NetConn().SetWriteDeadline(time.Now().Add(10 * time.Second))
				if err := slow.WriteMessage(websocket.TextMessage, msg); err != nil {
					if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // of the socket itself
						t.Error("the server neither reads nor closes")
					}
					break
				}
				if n := h.unsent.Load(); n > 2*unread {
					t.Fatalf("%d bytes wait", n)
				}
			}
			ask(t, good, -1, "GetUniqueID", "[]")
			waitFor(t, "the slow client's memory", func() bool { return h.unsent.Load() == 0 })
		})
	}
}

// waitFor asks until something has come to be.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}
