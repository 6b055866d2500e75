package site

import (
	"net/http"
	"testing"

	"github.com/valyala/fasthttp"
)

// Addresses of apps lead to their page, and folders to theirs; below the virtual
// proxy that a visitor has come through.
func TestAddressesOfPages(t *testing.T) {
	for path, want := range map[string]string{
		"/hub":             "/hub/",
		"/sense?app=a%20b": "/sense/?app=a%20b",
		"/sense/app/5f0b0d9c-0000-0000-0000-000000000001":                             "/sense/?app=5f0b0d9c-0000-0000-0000-000000000001",
		"/sense/app/5f0b0d9c-0000-0000-0000-000000000001/overview":                    "/sense/?app=5f0b0d9c-0000-0000-0000-000000000001",
		"/sense/app/5f0b0d9c-0000-0000-0000-000000000001/sheet/s1/state/analysis?x=1": "/sense/?app=5f0b0d9c-0000-0000-0000-000000000001",
		"/sense/app/a%26b%0d%0ac":                                                     "/sense/?app=a%26b%0D%0Ac",
	} {
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI(path)
		ctx.Request.Header.SetHost("host.example")
		servePage(&ctx, http.NotFoundHandler())
		if got := string(ctx.Response.Header.Peek("Location")); ctx.Response.StatusCode() != 302 || got != want {
			t.Errorf("%s: %d to %q, want %q", path, ctx.Response.StatusCode(), got, want)
		}
	}
	for _, path := range []string{"/sense/app/", "/sense/application"} {
		var ctx fasthttp.RequestCtx
		ctx.Init(&fasthttp.Request{}, nil, nil)
		ctx.Request.SetRequestURI(path)
		servePage(&ctx, http.NotFoundHandler())
		if ctx.Response.StatusCode() != 404 {
			t.Errorf("%s: %d", path, ctx.Response.StatusCode())
		}
	}
}
