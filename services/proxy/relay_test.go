package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/proxy/balance"
)

func TestRelay(t *testing.T) {
	s := newSite(t, nil)
	v := s.visitor(t, "X-User", "ann")
	a := v.do("POST", "/QRS/App/full?filter=a%20eq%20'b'&x=1", `{"a":1}`, "Content-Type", "application/json", "X-Qlik-Xrfkey", "0123456789abcdef")
	if a.status != 200 || a.got.Path != "/qrs/App/full" || a.got.Query != "filter=a%20eq%20'b'&x=1" || a.got.Body != `{"a":1}` || a.got.Method != "POST" {
		t.Fatalf("%+v", a)
	}
	h := a.got.Header
	if h.Get("X-Qlik-User") != "UserDirectory=DOM; UserId=ann" || !strings.HasPrefix(h.Get("X-Qlik-Security"), "SecureRequest=false; Context=AppAccess") ||
		h.Get("X-Qlik-Xrfkey") != "0123456789abcdef" || h.Get("Content-Type") != "application/json" || h.Get("X-Forwarded-For") != "127.0.0.1" || h.Get("X-Qlik-ProxySession") == "" {
		t.Errorf("headers %v", h)
	}
	if a.header.Get("X-Hop") != "" || a.header.Get("Server") != "" || a.header.Get("X-Content-Type-Options") != "nosniff" ||
		a.header.Get("Content-Security-Policy") != "frame-ancestors 'self'" || a.header.Get("Referrer-Policy") == "" || a.header.Get("Strict-Transport-Security") != "" {
		t.Errorf("answer's headers %v", a.header)
	}
	set := strings.Join(a.header.Values("Set-Cookie"), "\n")
	if strings.Contains(set, "evil") || !strings.Contains(set, "other=1") || !strings.Contains(set, "X-Qlik-Session=") || !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Lax") {
		t.Errorf("cookies %s", set)
	}
	a = v.get("/sales/EU/qmc/x", "Cookie", "mine=1")
	if a.got.Path != "/qmc/x" || !strings.Contains(a.got.Header.Get("X-Qlik-Security"), "Context=ManagementAccess") || a.header.Get("X-One") != "1" || a.header.Get("X-Two") != "a:b" ||
		!strings.Contains(a.header.Get("Content-Security-Policy"), "friend.example") {
		t.Errorf("%+v", a)
	}
	if c := a.got.Header.Get("Cookie"); strings.Contains(c, "X-Qlik") || !strings.Contains(c, "mine=1") {
		t.Errorf("cookies of the client: %q", c)
	}
	if a = v.get("/"); a.status != 302 || a.header.Get("Location") != "/hub/" {
		t.Errorf("start: %+v", a)
	}
	for _, method := range []string{"TRACE", "CONNECT", "PROPFIND"} {
		if line := s.raw(t, method+" /hub/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User: ann\r\n\r\n"); !strings.HasPrefix(line, "HTTP/1.1 4") {
			t.Errorf("%s: %s", method, line)
		}
	}
	if a = v.get("/nowhere"); a.status != 404 {
		t.Errorf("nowhere: %d", a.status)
	}
}

func TestClientsDoNotSayWhoTheyAre(t *testing.T) {
	s := newSite(t, nil)
	v := s.visitor(t, "X-User", "ann")
	a := v.get("/hub/", "X-Qlik-User", "UserDirectory=INTERNAL; UserId=sa_api", "x_qlik_user", "UserDirectory=INTERNAL; UserId=sa_api",
		"X-Qlik-Security", "Context=ManagementAccess", "X-Forwarded-For", "10.0.0.1", "X-Forwarded-Host", "evil", "Forwarded", "for=10.0.0.1", "X-Real-Ip", "10.0.0.1",
		"Authorization", "Basic eA==", "Connection", "X-Qlik-User")
	for name, values := range a.got.Header {
		for _, value := range values {
			if strings.Contains(value, "sa_api") || strings.Contains(value, "evil") || strings.Contains(value, "10.0.0.1") || strings.Contains(value, "Management") || strings.Contains(value, "Basic") {
				t.Errorf("%s: %s", name, value)
			}
		}
	}
	if a.status != 200 || a.got.Header.Get("X-Qlik-User") != "UserDirectory=DOM; UserId=ann" {
		t.Errorf("%+v", a)
	}
	if a := s.visitor(t, "X-Qlik-User", "UserDirectory=DOM; UserId=ann").get("/engine/healthcheck"); a.status != 200 || a.got.Header.Get("X-Qlik-User") != "" {
		t.Errorf("health without a login: %+v", a)
	}
	if a := s.visitor(t).get("/engine/healthcheck/../../qrs/app"); a.status == 200 {
		t.Errorf("around the login: %+v", a)
	}
}

func TestPathTricks(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range []string{
		"/qrs/../hub", "/hub/%2e%2e/qrs", "/hub/%2E%2E%2Fqrs", "/hub/..%5cqrs", `/hub\..\qrs`, "/%2e/qrs", "/hub/%252e%252e/qrs", "/hub/a%00", "/hub/%zz", "/app/../qrs/app",
		"/engine/healthcheck/%2e%2e/%2e%2e/qrs",
	} {
		line := s.raw(t, "GET "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User: ann\r\n\r\n")
		if !strings.HasPrefix(line, "HTTP/1.1 400") {
			t.Errorf("%s: %s", path, line)
		}
	}
	for _, path := range []string{"/QRS/about", "/qRs/about", "//qrs/about", "/%71rs/about", "/sales/eu/QRS/about", "/SALES/EU/qrs/about", "/Engine/HealthCheck/x"} {
		if line := s.raw(t, "GET "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); !strings.HasPrefix(line, "HTTP/1.1 401") {
			t.Errorf("%s without a login: %s", path, line)
		}
		if line := s.raw(t, "POST "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User: ann\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\n\r\n"); !strings.HasPrefix(line, "HTTP/1.1 403") {
			t.Errorf("%s from another site: %s", path, line)
		}
	}
	if a := s.visitor(t, "X-User", "ann").get("/%71RS/about"); a.got.Path != "/qrs/about" {
		t.Errorf("the service gets %q", a.got.Path)
	}
}

// A body is on its way before it is complete, in both directions.
func TestBodiesStream(t *testing.T) {
	s := newSite(t, nil)
	arrived, more := make(chan string), make(chan struct{})
	s.service.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 5)
		_, _ = io.ReadFull(r.Body, b)
		arrived <- string(b)
		rest, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "got %d", len(rest))
		w.(http.Flusher).Flush()
		<-more
		_, _ = io.WriteString(w, " end")
	})
	pr, pw := io.Pipe()
	req, _ := http.NewRequest("POST", s.url+"/qrs/app/upload", pr)
	req.Header.Set("X-User", "ann")
	done := make(chan *http.Response, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
		}
		done <- resp
	}()
	_, _ = io.WriteString(pw, "first")
	if got := <-arrived; got != "first" {
		t.Fatal(got)
	}
	for range 64 {
		_, _ = pw.Write(make([]byte, 64<<10))
	}
	_ = pw.Close()
	resp := <-done
	if resp == nil {
		t.FailNow()
	}
	defer resp.Body.Close()
	b := make([]byte, 11)
	if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != "got 4194304" {
		t.Fatalf("%q, %v", b, err)
	}
	close(more)
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != " end" {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestLimits(t *testing.T) {
	s := newSite(t, func(o *Options, _ *[]VirtualProxy) { o.Limits = Limits{BodyBytes: 200 << 10, PerSecond: 1, Burst: 8} })
	v := s.visitor(t, "X-User", "ann")
	if a := v.do("POST", "/qrs/x", strings.Repeat("x", 200<<10)); a.status != 200 || a.got.Body != "204800 bytes" {
		t.Errorf("largest body: %+v", a)
	}
	if a := v.do("POST", "/qrs/x", strings.Repeat("x", 200<<10+1)); a.status != 413 {
		t.Errorf("too large: %d", a.status)
	}
	req, _ := http.NewRequest("POST", s.url+"/qrs/x", io.LimitReader(zeros{}, 300<<10)) // of no known length
	req.Header.Set("X-User", "ann")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 413 {
		t.Errorf("too large, in chunks: %d", resp.StatusCode)
	}
	if line := s.raw(t, "GET /hub HTTP/1.1\r\nHost: a\r\n"+strings.Repeat("X-Many: x\r\n", 101)+"\r\n"); !strings.Contains(line, "431") {
		t.Errorf("many headers: %s", line)
	}
	if line := s.raw(t, "GET /hub HTTP/1.1\r\nHost: a\r\nX-Big: "+strings.Repeat("x", 17<<10)+"\r\n\r\n"); !strings.Contains(line, "431") {
		t.Errorf("headers: %s", line)
	}
	statuses := map[int]int{}
	for range 10 {
		a := v.get("/hub/")
		statuses[a.status]++
		if a.status == 429 && a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	if statuses[429] == 0 {
		t.Errorf("statuses %v", statuses)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestOverload(t *testing.T) {
	s := newSite(t, func(o *Options, _ *[]VirtualProxy) { o.Limits.Requests = 1 })
	in, out := make(chan struct{}), make(chan struct{})
	s.service.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { in <- struct{}{}; <-out })
	done := make(chan answer)
	go func() { done <- s.visitor(t, "X-User", "ann").get("/hub/") }()
	<-in
	if a := s.visitor(t, "X-User", "ann").get("/hub/"); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("%+v", a)
	}
	close(out)
	if a := <-done; a.status != 200 {
		t.Errorf("the first one: %d", a.status)
	}
}

func TestServicesThatDoNotAnswer(t *testing.T) {
	s := newSite(t, nil)
	gone := httptest.NewServer(http.NotFoundHandler())
	dead := Endpoint{Node: "dead", Address: gone.Listener.Addr().String()}
	gone.Close()
	good := s.places[0]
	v := s.visitor(t, "X-User", "ann")
	for _, tt := range []struct {
		why    string
		places []Endpoint
		want   int
	}{
		{"the second place answers", []Endpoint{dead, good}, 200},
		{"none answers", []Endpoint{dead}, 503},
		{"there is none", nil, 503},
	} {
		s.places = tt.places
		if a := v.do("POST", "/qrs/app", "{}"); a.status != tt.want {
			t.Errorf("%s: %d", tt.why, a.status)
		}
	}
	s.places = []Endpoint{good}
	s.service.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = c.Close()
		}
	})
	if a := v.do("POST", "/qrs/app", "{}"); a.status != 502 || strings.Contains(a.body, "127.0.0.1") {
		t.Errorf("hangs up: %+v", a)
	}
	s.engines = []balance.Engine{{Node: "n", Address: good.Address, Allowed: true, Healthy: false}}
	if a := v.get("/engine/healthcheck"); a.status != 503 {
		t.Errorf("no healthy engine: %d", a.status)
	}
}

func TestVirtualProxySettings(t *testing.T) {
	def := VirtualProxy{}
	for _, tt := range []struct {
		why  string
		list []VirtualProxy
		ok   bool
	}{
		{"default", []VirtualProxy{def}, true},
		{"two", []VirtualProxy{def, {Prefix: "a/b"}}, true},
		{"no default", []VirtualProxy{{Prefix: "a"}}, false},
		{"two defaults", []VirtualProxy{def, def}, false},
		{"same but for case", []VirtualProxy{def, {Prefix: "a"}, {Prefix: "A"}}, false},
		{"same cookie", []VirtualProxy{def, {Prefix: "a", Cookie: "X-Qlik-Session"}}, false},
		{"slash in front", []VirtualProxy{def, {Prefix: "/a"}}, false},
		{"slash behind", []VirtualProxy{def, {Prefix: "a/"}}, false},
		{"#", []VirtualProxy{def, {Prefix: "a#b"}}, false},
		{"dots", []VirtualProxy{def, {Prefix: ".."}}, false},
		{"a path of the site", []VirtualProxy{def, {Prefix: "QRS"}}, false},
		{"time-out", []VirtualProxy{{Timeout: time.Second}}, false},
		{"headers", []VirtualProxy{{ResponseHeaders: "no colon"}}, false},
		{"cookie", []VirtualProxy{{Cookie: "a b"}}, false},
	} {
		if _, err := virtuals(tt.list); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.why, err)
		}
	}
}

// What is left of a body that nobody read is not taken for a request.
func TestUnreadBodiesAreNoRequests(t *testing.T) {
	s := newSite(t, nil)
	inner := "GET /engine/healthcheck HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
	body := strings.Repeat("x", 100<<10) + strings.Repeat(inner, 4000)
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	for why, request := range map[string]string{
		"length": fmt.Sprintf("POST /qrs/app HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
		"chunks": "POST /qrs/app HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked,
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		go func() {
			_, _ = io.WriteString(c, request+"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
		}()
		got, _ := io.ReadAll(c) // a reset ends it, too
		_ = c.Close()
		if n := strings.Count(string(got), "HTTP/1.1 200"); n != 0 || !strings.HasPrefix(string(got), "HTTP/1.1 401") {
			t.Errorf("%s: %d answers to what was in the body: %.100q", why, n, got)
		}
	}
}
