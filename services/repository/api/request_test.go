package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestBodiesOfAllKinds sends and fetches bodies as clients do that compress
// them, mark them as UTF-8, or ask for none.
func TestBodiesOfAllKinds(t *testing.T) { onEach(t, testBodiesOfAllKinds) }

func testBodiesOfAllKinds(t *testing.T, s *site) {
	send := func(method, path string, body []byte, headers ...string) (*http.Response, []byte) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+path+"?xrfkey="+key, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range append(headers, "X-Qlik-Xrfkey: "+key, "Test-Caller: "+service, "Content-Type: application/json") {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
		a, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Body.Close() }()
		text, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return a, text
	}
	pack := func(text string) []byte {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
		return out.Bytes()
	}
	for _, tt := range []struct {
		why, encoding string
		body          []byte
		status        int
	}{
		{"compressed", "gzip", pack(`{"name":"packed"}`), 201},
		{"not compressed, but said to be", "gzip", []byte(`{"name":"plain"}`), 400},
		{"too large once it is unpacked", "gzip", pack(`{"name":"` + strings.Repeat("x", bodyMax) + `"}`), 413},
		{"compressed otherwise", "br", []byte("x"), 415},
		{"marked as UTF-8", "identity", []byte("\xef\xbb\xbf" + `{"name":"marked"}`), 201},
	} {
		if a, text := send("POST", "/qrs/tag", tt.body, "Content-Encoding: "+tt.encoding); a.StatusCode != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.why, a.StatusCode, text, tt.status)
		}
	}

	a, packed := send("GET", "/qrs/systemrule/full", nil, "Accept-Encoding: gzip")
	if a.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("a long list: %v", a.Header)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	list, err := io.ReadAll(z)
	if a, plain := send("GET", "/qrs/systemrule/full", nil, "Accept-Encoding: identity"); err != nil || !bytes.Equal(list, plain) || a.Header.Get("Content-Encoding") != "" {
		t.Errorf("a long list unpacked: %d bytes, %v; as it is %d bytes", len(list), err, len(plain))
	}
	if a, body := send("HEAD", "/qrs/about", nil, "Accept-Encoding: identity"); a.StatusCode != 200 || len(body) != 0 || a.ContentLength <= 0 {
		t.Errorf("HEAD: %d, %d bytes of %d", a.StatusCode, len(body), a.ContentLength)
	}
}
