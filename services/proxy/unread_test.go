package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRefusedBodies sends bodies that consist of requests to where nobody reads
// them: whoever shares the connection, as behind a proxy in front of ours, must
// not get their answers.
func TestRefusedBodies(t *testing.T) {
	s := newSite(t, func(o *Options, _ *[]VirtualProxy) { o.Limits.BodyBytes = 8 << 20 })
	inner := "GET /engine/healthcheck HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Pad: xx\r\n\r\n"
	if len(inner)&(len(inner)-1) != 0 {
		t.Fatalf("%d bytes: the rest of a body has to begin with a request", len(inner))
	}
	for _, tt := range []struct{ why, head string }{
		{"no session", "POST /qrs/app HTTP/1.1\r\nHost: 127.0.0.1"},
		{"no such page", "POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1"},
		{"no such method", "PROPFIND /hub/ HTTP/1.1\r\nHost: 127.0.0.1"},
		{"another site", "POST /qrs/app HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User: ann\r\nOrigin: https://evil.example"},
		{"a path that cannot be read", "POST /%zz HTTP/1.1\r\nHost: 127.0.0.1"},
		{"start", "POST / HTTP/1.1\r\nHost: 127.0.0.1"},
		{"no sockets", "GET /qrs/app HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="},
		{"public, with a body", "GET /engine/healthcheck HTTP/1.1\r\nHost: 127.0.0.1"},
	} {
		for _, size := range []int{64, 64 << 10, 65 << 10, 128 << 10, 2 << 20, 6 << 20} {
			body := strings.Repeat(inner, size/len(inner))
			for kind, request := range map[string]string{
				"length": fmt.Sprintf("%s\r\nContent-Length: %d\r\n\r\n%s", tt.head, len(body), body),
				"chunks": fmt.Sprintf("%s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", tt.head, len(body), body),
				"both":   fmt.Sprintf("%s\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", tt.head, len(body), body),
			} {
				if n := s.answers(t, request+"GET /last HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"); n > 2 {
					t.Errorf("%s, %s of %d bytes: %d answers to 2 requests", tt.why, kind, size, n)
				}
			}
		}
	}
}

// TestTwoLengths sends a body that ends at one place by its chunks and at another
// by its length: what lies between is no request, whoever is right.
func TestTwoLengths(t *testing.T) {
	s := newSite(t, nil)
	const inner = "GET /engine/healthcheck HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
	for _, lengths := range []string{"Content-Length: %d\r\nTransfer-Encoding: chunked", "transfer-encoding: CHUNKED\r\ncontent-length: %d"} {
		request := "POST /qrs/app HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User: ann\r\n" + fmt.Sprintf(lengths, 5+len(inner)) + "\r\n\r\n0\r\n\r\n" + inner
		if n := s.answers(t, request); n != 1 {
			t.Errorf("%s: %d answers to one request", lengths, n)
		}
	}
	if n := s.answers(t, "POST /qrs/app HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User: ann\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+inner); n != 2 {
		t.Errorf("chunks alone: %d answers to two requests", n)
	}
}

// answers sends bytes and counts the answers until the connection ends.
func (s *site) answers(t *testing.T, request string) (n int) {
	t.Helper()
	c := s.dial(t)
	go func() { _, _ = io.WriteString(c, request) }() // until it is not read any more
	r := bufio.NewReader(c)
	for {
		a, err := http.ReadResponse(r, nil)
		if err != nil {
			return n
		}
		_, _ = io.Copy(io.Discard, a.Body)
		n++
	}
}

// dial connects to the proxy until the end of the test.
func (s *site) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}
