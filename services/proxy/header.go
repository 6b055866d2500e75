package proxy

import (
	"net/netip"
	"strings"

	"github.com/valyala/fasthttp"
)

// hopHeaders belong to one connection (RFC 9110, section 7.6.1).
func hopHeaders() map[string]bool {
	return map[string]bool{
		"connection": true, "keep-alive": true, "proxy-connection": true, "proxy-authenticate": true, "proxy-authorization": true,
		"te": true, "trailer": true, "transfer-encoding": true, "upgrade": true, "content-length": true, "expect": true,
	}
}

// ours reports whether only we may say what a header says. Names with _ are
// read as names with - by some servers.
func ours(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	switch name {
	case "x-qlik-xrfkey":
		return false
	case "forwarded", "x-real-ip", "authorization", "host", "cookie":
		return true
	}
	return strings.HasPrefix(name, "x-qlik-") || strings.HasPrefix(name, "x-forwarded-")
}

// named returns the headers that Connection names: they end here, too.
func named(values []string) map[string]bool {
	list := hopHeaders()
	for _, v := range values {
		for _, name := range strings.Split(v, ",") {
			list[strings.ToLower(strings.TrimSpace(name))] = true
		}
	}
	return list
}

func values(h *fasthttp.RequestHeader, name string) (list []string) {
	for _, v := range h.PeekAll(name) {
		list = append(list, string(v))
	}
	return list
}

// forwardHeaders calls f for the headers that go on to a service: those of the
// client that may, and those that say who it is.
func forwardHeaders(ctx *fasthttp.RequestCtx, p place, id identity, f func(name, value string)) {
	drop := named(values(&ctx.Request.Header, "Connection"))
	for k, v := range ctx.Request.Header.All() {
		if name := string(k); !drop[strings.ToLower(name)] && !ours(name) {
			f(name, string(v))
		}
	}
	if c := cookies(ctx, p.virtual); c != "" {
		f("Cookie", c)
	}
	proto := "http"
	if ctx.IsTLS() {
		proto = "https"
	}
	f("X-Forwarded-For", remote(ctx).String())
	f("X-Forwarded-Proto", proto)
	f("X-Forwarded-Host", string(ctx.Host()))
	if id.user != "" {
		f(headerUser, id.user)
		f(headerSecurity, id.security)
		f(headerSession, id.session)
	}
}

// cookies are those of the client without the ones of sessions and logins,
// which are nobody's business.
func cookies(ctx *fasthttp.RequestCtx, v *virtual) string {
	var kept []string
	for k, value := range ctx.Request.Header.Cookies() {
		if name := string(k); name != v.Cookie && !strings.HasPrefix(name, "X-Qlik-") {
			kept = append(kept, name+"="+string(value))
		}
	}
	return strings.Join(kept, "; ")
}

// backHeaders removes from an answer what does not go on to the client.
func backHeaders(h *fasthttp.ResponseHeader, v *virtual) {
	drop := named([]string{string(h.Peek("Connection"))})
	delete(drop, "content-length")
	var gone []string
	for k := range h.All() {
		if name := strings.ToLower(string(k)); drop[name] || name == "server" {
			gone = append(gone, string(k))
		}
	}
	for _, name := range gone {
		h.Del(name)
	}
	h.DelCookie(v.Cookie) // a service starts no sessions
}

// secure adds what every answer has.
func secure(ctx *fasthttp.RequestCtx, v *virtual) {
	h := &ctx.Response.Header
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	if ctx.IsTLS() {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if v == nil {
		return
	}
	frames := "frame-ancestors 'self'"
	for _, o := range v.Origins {
		frames += " " + o
	}
	h.Add("Content-Security-Policy", frames) // besides a service's own: both count
	for _, kv := range v.headers {
		h.Set(kv[0], kv[1])
	}
}

// remote is the other end of the connection.
func remote(ctx *fasthttp.RequestCtx) netip.Addr {
	ap, err := netip.ParseAddrPort(ctx.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
