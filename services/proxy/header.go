package proxy

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/valyala/fasthttp"
)

// hop reports whether a header, in lower case, belongs to one connection (RFC
// 9110, section 7.6.1).
func hop(name string) bool {
	switch name {
	case "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization",
		"te", "trailer", "transfer-encoding", "upgrade", "content-length", "expect":
		return true
	}
	return false
}

// twoLengths reports whether a body comes in chunks and has a length, too. Who
// is in front of us may go by that, and would then take for part of it what we
// take for the next request (RFC 9112, section 6.3). The server leaves the length
// out of its headers.
func twoLengths(h *fasthttp.RequestHeader) bool {
	if h.ContentLength() != -1 {
		return false
	}
	for line := range bytes.Lines(h.RawHeaders()) {
		if name, _, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
			return true
		}
	}
	return false
}

// ours reports whether only we may say what a header says; its name is in lower
// case. Names with _ are
// read as names with - by some servers.
func ours(name string) bool {
	name = strings.ReplaceAll(name, "_", "-")
	switch name {
	case "x-qlik-xrfkey":
		return false
	case "forwarded", "x-real-ip", "authorization", "host", "cookie":
		return true
	}
	return strings.HasPrefix(name, "x-qlik-") || strings.HasPrefix(name, "x-forwarded-")
}

// named returns the headers that Connection names, in lower case: they end
// here, too.
func named(values ...string) map[string]bool {
	var list map[string]bool
	for _, v := range values {
		for _, name := range strings.Split(v, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name == "" || name == "close" || name == "keep-alive" {
				continue
			}
			if list == nil {
				list = map[string]bool{}
			}
			list[name] = true
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
	drop := named(values(&ctx.Request.Header, "Connection")...)
	for k, v := range ctx.Request.Header.All() {
		name := string(k)
		if low := strings.ToLower(name); !drop[low] && !hop(low) && !ours(low) {
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
		if name := string(k); !v.cookies[name] && !strings.HasPrefix(name, "X-Qlik-") {
			kept = append(kept, name+"="+string(value))
		}
	}
	return strings.Join(kept, "; ")
}

// backHeaders removes from an answer what does not go on to the client.
func backHeaders(h *fasthttp.ResponseHeader, v *virtual) {
	drop := named(string(h.Peek("Connection")))
	var gone []string
	for k := range h.All() {
		if name := strings.ToLower(string(k)); name != "content-length" && (drop[name] || hop(name) || name == "server") {
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
