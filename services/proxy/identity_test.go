package proxy

import (
	"net/url"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/proxy/auth"
	"github.com/cognate-bi/cognate/services/proxy/session"
)

// FuzzIdentity: a service that takes the headers apart at semicolons finds the
// user that logged in, and only we say what only we may say.
func FuzzIdentity(f *testing.F) {
	f.Add("DOM", "ann", "group", "Sales")
	f.Add("DOM", "a=b", "Context", "ManagementAccess")
	f.Add("D;UserId=x", "ann", "a;Context", "x; Context=ManagementAccess")
	f.Add("DOM", "ann", "group", "%41dmins")
	f.Add("DOM", "ann", "group", " R;D ")
	f.Fuzz(func(t *testing.T, directory, id, name, value string) {
		u := session.User{Directory: directory, ID: id, Attributes: []session.Attribute{{Name: name, Value: value}}}
		if auth.Admissible(u) != nil {
			return
		}
		var ctx fasthttp.RequestCtx
		got := identify(&ctx, place{virtual: &virtual{}}, &session.Session{User: u}, "")
		parts := strings.Split(got.user, ";")
		if len(parts) != 2 || parts[0] != "UserDirectory="+directory || parts[1] != " UserId="+id {
			t.Fatalf("%q", got.user)
		}
		n, told := 0, reserved(name)
		for _, part := range strings.Split(got.security, ";") {
			if key, v, _ := strings.Cut(part, "="); strings.TrimSpace(key) == strings.TrimSpace(name) {
				decoded, err := url.PathUnescape(strings.TrimSpace(v))
				told = told || err == nil && decoded == value
			}
			if key, v, _ := strings.Cut(part, "="); strings.EqualFold(strings.TrimSpace(key), "Context") {
				if n++; v != "AppAccess" {
					t.Fatalf("%q", got.security)
				}
			}
		}
		if !told {
			t.Fatalf("%q of %q is told as %q", name, value, got.security)
		}
		if n != 1 || strings.ContainsAny(got.security+got.user, "\r\n") {
			t.Fatalf("%q %q", got.user, got.security)
		}
	})
}
