package proxy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/fasthttp/websocket"
)

// benchSite is a site for measurements: no limits on rates.
func benchSite(b *testing.B) *site {
	b.Helper()
	return newSite(b, func(o *Options, _ *[]VirtualProxy) { o.Limits.PerSecond = -1 })
}

// BenchmarkRelay measures a small request through the proxy, and beside it the
// same one without it.
func BenchmarkRelay(b *testing.B) {
	s := benchSite(b)
	s.service.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	for _, way := range []struct{ name, url string }{{"direct", s.service.URL}, {"proxy", s.url}} {
		b.Run(way.name, func(b *testing.B) {
			req, err := http.NewRequest("GET", way.url+"/hub/", nil)
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("X-User", "ann")
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			b.ReportAllocs()
			for b.Loop() {
				resp, err := client.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || string(body) != "ok" {
					b.Fatalf("%d %s, %v", resp.StatusCode, body, err)
				}
				if c := resp.Cookies(); len(c) > 0 { // one session
					req.AddCookie(c[0])
				}
			}
		})
	}
}

// BenchmarkSocket measures messages there and back.
func BenchmarkSocket(b *testing.B) {
	s := benchSite(b)
	direct := httptest.NewServer(http.HandlerFunc(echo))
	defer direct.Close()
	for _, sizeBytes := range []int{200, 64 << 10, 4 << 20} {
		message := make([]byte, sizeBytes)
		for _, way := range []struct {
			name, url string
			first     int // messages before the echo
		}{{"direct", direct.URL, 1}, {"proxy", s.url, 2}} {
			b.Run(fmt.Sprintf("bytes=%d/%s", sizeBytes, way.name), func(b *testing.B) {
				ws, _, err := websocket.DefaultDialer.Dial("ws"+way.url[len("http"):]+"/app/1", http.Header{"X-User": {"ann"}})
				if err != nil {
					b.Fatal(err)
				}
				defer ws.Close()
				for range way.first {
					if _, _, err := ws.ReadMessage(); err != nil {
						b.Fatal(err)
					}
				}
				b.SetBytes(int64(2 * sizeBytes))
				b.ReportAllocs()
				for b.Loop() {
					if err := ws.WriteMessage(websocket.BinaryMessage, message); err != nil {
						b.Fatal(err)
					}
					if _, got, err := ws.ReadMessage(); err != nil || len(got) != sizeBytes {
						b.Fatalf("%d bytes, %v", len(got), err)
					}
				}
			})
		}
	}
}
