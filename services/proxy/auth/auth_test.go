package auth

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/proxy/session"
)

// A clock is set by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Now()} }

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

// A browser keeps cookies and makes requests.
type browser struct {
	cookies map[string]string
	header  http.Header
	remote  string
}

func newBrowser() *browser {
	return &browser{cookies: map[string]string{}, header: http.Header{}, remote: "192.0.2.7"}
}

// request makes one to a path with a query, below no prefix.
func (b *browser) request(method, uri string, form url.Values) *Request {
	path, query, _ := strings.Cut(uri, "?")
	q, _ := url.ParseQuery(query)
	return &Request{
		Method: method, Path: strings.ToLower(path), URI: uri, Query: q, Form: form, Host: "sense.example", Secure: true,
		Remote: netip.MustParseAddr(b.remote),
		Header: func(name string) []string { return b.header.Values(name) },
		Cookie: func(name string) string { return b.cookies[name] },
	}
}

// ask has a chain answer a request and keeps the cookies.
func (b *browser) ask(c Chain, method, uri string, form url.Values) (Answer, []Refusal) {
	a, refusals := c.Authenticate(context.Background(), b.request(method, uri, form))
	for _, k := range a.Cookies {
		b.cookies[k.Name] = k.Value
	}
	return a, refusals
}

func who(a Answer) string {
	if a.User == nil {
		return ""
	}
	return a.User.Directory + `\` + a.User.ID
}

func TestAdmissible(t *testing.T) {
	for _, tt := range []struct {
		directory, id string
		ok            bool
	}{
		{"DOM", "ann", true},
		{"DOM", "ann@example.org", true},
		{"DOM", "Ümläut 名", true},
		{"INTERNAL", "sa_api", false},
		{"internal", "SA_Repository", false},
		{"INTERNAL", "sa%5Fapi", false},
		{"INTERNAL", "ſa_api", false},
		{"ıNTERNAL", "sa_api", false},
		{"INTERNAL", "ann", true},
		{"INTERNAL", "sa", true},
		{"DOM", "sa_api", true},
		{"", "ann", false},
		{"DOM", "", false},
		{"DOM", " ann", false},
		{"INTERNAL ", "sa_api", false},
		{"DOM", "x; UserId=admin", false},
		{"DOM", "ann\r\nX-Qlik-User: a", false},
		{"DOM", "an\u200bn", false},
		{`DOM\X`, "ann", false},
		{"DOM", "\xff", false},
		{"DOM", strings.Repeat("a", 257), false},
	} {
		if err := Admissible(session.User{Directory: tt.directory, ID: tt.id}); (err == nil) != tt.ok {
			t.Errorf("%q %q: %v", tt.directory, tt.id, err)
		}
	}
	big := session.User{Directory: "D", ID: "a", Attributes: []session.Attribute{{Name: "g", Value: strings.Repeat("x", attributesLen)}}}
	if Admissible(big) == nil {
		t.Error("attributes that fit into no header")
	}
}

func TestLocalTarget(t *testing.T) {
	for uri, want := range map[string]string{
		"/hub?a=b": "/hub?a=b", "//evil.example/x": "/p/", `/\evil.example`: "/p/", "https://evil.example/": "/p/", "": "/p/", "/a\r\nb": "/p/",
	} {
		if got := localTarget(uri, "/p"); got != want {
			t.Errorf("%q: %q, want %q", uri, got, want)
		}
	}
}

func TestOnce(t *testing.T) {
	c := newClock()
	o := NewOnce[int](time.Minute, 2, c.now)
	o.Put("a", 1)
	if o.Put("a", 2) {
		t.Error("a key got a second value")
	}
	if v, ok := o.Take("a"); !ok || v != 1 {
		t.Errorf("took %d, %v", v, ok)
	}
	if _, ok := o.Take("a"); ok {
		t.Error("taken twice")
	}
	o.Put("b", 1)
	c.add(59 * time.Second)
	o.Put("c", 2)
	o.Put("d", 3) // b is the oldest of three
	if _, ok := o.Peek("b"); ok || o.Len() != 2 {
		t.Errorf("%d values in room for two", o.Len())
	}
	c.add(time.Minute)
	if _, ok := o.Take("c"); ok || o.Len() != 0 {
		t.Error("taken after its time")
	}
}
