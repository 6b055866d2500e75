package proxy

import (
	"net/url"
	"strings"
	"testing"
)

func fuzzVirtuals(t testing.TB) []*virtual {
	t.Helper()
	all, err := virtuals([]VirtualProxy{{}, {Prefix: "sales/eu"}, {Prefix: "sales"}})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLocate(t *testing.T) {
	all := fuzzVirtuals(t)
	for _, tt := range []struct{ raw, prefix, path, forward, app string }{
		{"/", "", "/", "/", ""},
		{"/hub", "", "/hub", "/hub", ""},
		{"/HUB/My/Page", "", "/hub/my/page", "/hub/My/Page", ""},
		{"/sales", "sales", "/", "/", ""},
		{"/Sales/EU/Hub/", "sales/eu", "/hub/", "/hub/", ""},
		{"/sales/us/hub", "sales", "/us/hub", "/us/hub", ""},
		{"/salesman", "", "/salesman", "/salesman", ""},
		{"//sales//qrs//app", "sales", "/qrs/app", "/qrs/app", ""},
		{"/app/3f%20A/identity/x", "", "/app/3f a/identity/x", "/app/3f%20A/identity/x", "3f A"},
		{"/app/engineData", "", "/app/enginedata", "/app/engineData", ""},
		{"/app/%3Ftransient%3D", "", "/app/?transient=", "/app/%3Ftransient%3D", "?transient="},
	} {
		p, err := locate(all, tt.raw)
		if err != nil || p.virtual.Prefix != tt.prefix || p.path != tt.path || p.forward != tt.forward || p.app != tt.app {
			t.Errorf("%s: %q %q %q %q, %v", tt.raw, p.virtual.Prefix, p.path, p.forward, p.app, err)
		}
	}
}

// FuzzLocate: what a service gets leads, read there, to the same place; nothing
// in it climbs.
func FuzzLocate(f *testing.F) {
	for _, seed := range []string{"/", "/qrs/app", "/sales/EU/%71rs/x%2fy", "/app/a%2f..%2fb", "/a/%2e%2e/b", "//x//", "/%", "/\\", "/hub/%252e", "/hub/app/a%2f..%2fqrs"} {
		f.Add(seed)
	}
	all := fuzzVirtuals(f)
	only := all[len(all)-1:]
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := locate(all, raw)
		if err != nil {
			return
		}
		if !strings.HasPrefix(p.forward, "/") || strings.HasPrefix(p.forward, "//") {
			t.Fatalf("%q: forward %q", raw, p.forward)
		}
		for i, s := range strings.Split(p.forward[1:], "/") {
			app := p.route.service == Engine && i == 1
			if text, err := url.PathUnescape(s); err != nil || text == "." || text == ".." || !app && strings.ContainsAny(text, `/\`) {
				t.Fatalf("%q: segment %q of %q", raw, s, p.forward)
			}
		}
		again, err := locate(only, p.forward)
		if err != nil || again.forward != p.forward || again.path != p.path || again.route != p.route || again.app != p.app {
			t.Fatalf("%q: %+v, then %+v, %v", raw, p, again, err)
		}
	})
}
