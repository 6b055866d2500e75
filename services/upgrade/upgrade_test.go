package upgrade

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/memconn"
)

// serve answers with a socket that says everything back.
func serve(t *testing.T, l net.Listener) {
	t.Helper()
	u := Upgrader{ReadBytes: 512, WriteBytes: 4 << 10, WritePool: &sync.Pool{}}
	var open sync.WaitGroup
	s := &fasthttp.Server{
		KeepHijackedConns: true, ReduceMemoryUsage: true, ReadBufferSize: 16 << 10, ReadTimeout: 10 * time.Second,
		Handler: func(ctx *fasthttp.RequestCtx) {
			open.Add(1)
			ctx.Response.Header.Set("Set-Cookie", "a=b")
			if u.Upgrade(ctx, func(ws *websocket.Conn) {
				defer open.Done()
				defer func() { _ = ws.Close() }()
				for {
					kind, b, err := ws.ReadMessage()
					if err != nil || ws.WriteMessage(kind, b) != nil {
						return
					}
				}
			}) != nil {
				open.Done()
			}
		},
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Shutdown()
		open.Wait()
	})
}

// TestUpgrade sends frames in the same breath as the handshake, before anybody
// reads: they are not lost, and they come in order.
func TestUpgrade(t *testing.T) {
	l := memconn.Listen()
	serve(t, l)
	for _, ahead := range []int{0, 1, 100, 20_000, 60_000} {
		c, err := l.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var sent bytes.Buffer
		fmt.Fprintf(&sent, "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		first := bytes.Repeat([]byte("f"), ahead)
		if ahead > 0 {
			sent.Write(frame(first))
		}
		go func() { _, _ = c.Write(sent.Bytes()) }()
		r := bufio.NewReader(c)
		a, err := http.ReadResponse(r, nil)
		if err != nil || a.StatusCode != 101 || a.Header.Get("Sec-Websocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" || a.Header.Get("Set-Cookie") != "a=b" {
			t.Fatalf("%d ahead: %v, %+v", ahead, err, a)
		}
		if _, err := c.Write(frame([]byte("second"))); err != nil {
			t.Fatal(err)
		}
		for _, want := range [][]byte{first, []byte("second")} {
			if len(want) > 0 && !bytes.Equal(read(t, r), want) {
				t.Errorf("%d ahead: a message is not what was sent", ahead)
			}
		}
		_ = c.Close()
	}
}

func TestRefused(t *testing.T) {
	l := memconn.Listen()
	serve(t, l)
	c, err := l.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	for _, head := range []string{
		"POST /x HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 0\r\n",
		"GET /x HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
		"GET /x HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
		"GET /x HTTP/1.1\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
	} {
		if _, err := io.WriteString(c, head+"Host: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		a, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, a.Body)
		if a.StatusCode < 400 || a.StatusCode > 499 {
			t.Errorf("%q: %s", head, a.Status)
		}
	}
}

// TestLittleIsHeld opens many sockets and looks at what an idle one takes.
func TestLittleIsHeld(t *testing.T) {
	l := memconn.Listen()
	serve(t, l)
	const n = 500
	before := live()
	d := websocket.Dialer{NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return l.Dial(ctx) }, ReadBufferSize: 256, WriteBufferPool: &sync.Pool{}, WriteBufferSize: 256}
	var all []*websocket.Conn
	for range n {
		ws, _, err := d.DialContext(t.Context(), "ws://a/"+strings.Repeat("x", 1000), nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ws)
		if ws.WriteMessage(websocket.TextMessage, []byte("hello")) != nil {
			t.Fatal("not written")
		}
		if _, b, err := ws.ReadMessage(); string(b) != "hello" {
			t.Fatal(string(b), err)
		}
	}
	if each := (live() - before) / n; each > 8<<10 { // both ends; with the server's buffer and request it was 25 KB
		t.Errorf("an idle socket holds %d bytes", each)
	}
	for _, ws := range all {
		_ = ws.Close()
	}
}

func live() int64 {
	runtime.GC()
	runtime.GC() // pools are emptied by two
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far below
}

// frame is a message of a client, masked with zeros.
func frame(b []byte) []byte {
	out := []byte{0x81}
	switch {
	case len(b) < 126:
		out = append(out, 0x80|byte(len(b)))
	default:
		out = append(out, 0x80|126, byte(len(b)>>8), byte(len(b)))
	}
	return append(append(out, 0, 0, 0, 0), b...)
}

// read reads a message of a server.
func read(t *testing.T, r *bufio.Reader) []byte {
	t.Helper()
	var head [4]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		t.Fatal(err)
	}
	n := int(head[1])
	if n == 126 {
		if _, err := io.ReadFull(r, head[2:]); err != nil {
			t.Fatal(err)
		}
		n = int(head[2])<<8 | int(head[3])
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	return b
}
