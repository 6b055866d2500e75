package proxy

import (
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/proxy/auth"
)

// sessionToken is the token that the client's cookie holds. Several cookies of
// this name come from pages of neighbouring hosts: then none counts.
func sessionToken(ctx *fasthttp.RequestCtx, v *virtual) string { return cookie(ctx, v.Cookie) }

func cookie(ctx *fasthttp.RequestCtx, name string) (value string) {
	n := 0
	for k, v := range ctx.Request.Header.Cookies() {
		if string(k) == name {
			n++
			value = string(v)
		}
	}
	if n != 1 {
		return ""
	}
	return value
}

// setSession gives the client the token of its session; "" takes it back. The
// cookie ends with the browser.
func setSession(ctx *fasthttp.RequestCtx, v *virtual, token string) {
	c := newCookie(ctx, v.Cookie, token)
	defer fasthttp.ReleaseCookie(c)
	c.SetDomain(v.CookieDomain)
	c.SetPath(v.base + "/")
	if v.base != "" {
		c.SetPath(v.base)
	}
	if ctx.IsTLS() {
		c.SetSameSite(map[SameSite]fasthttp.CookieSameSite{
			SameSiteLax: fasthttp.CookieSameSiteLaxMode, SameSiteNone: fasthttp.CookieSameSiteNoneMode, SameSiteStrict: fasthttp.CookieSameSiteStrictMode,
		}[v.SameSite])
	}
	if token == "" {
		c.SetExpire(fasthttp.CookieExpireDelete)
	}
	ctx.Response.Header.SetCookie(c)
}

// setLogin sets a cookie of a login under way.
func setLogin(ctx *fasthttp.RequestCtx, v *virtual, k auth.Cookie) {
	c := newCookie(ctx, k.Name, k.Value)
	defer fasthttp.ReleaseCookie(c)
	c.SetPath(v.base + "/")
	c.SetMaxAge(int(k.MaxAge / time.Second))
	if k.CrossSite && ctx.IsTLS() { // browsers take None over TLS only
		c.SetSameSite(fasthttp.CookieSameSiteNoneMode)
	}
	if k.Value == "" {
		c.SetExpire(fasthttp.CookieExpireDelete)
	}
	ctx.Response.Header.SetCookie(c)
}

func newCookie(ctx *fasthttp.RequestCtx, name, value string) *fasthttp.Cookie {
	c := fasthttp.AcquireCookie()
	c.SetKey(name)
	c.SetValue(value)
	c.SetHTTPOnly(true)
	c.SetSecure(ctx.IsTLS())
	c.SetSameSite(fasthttp.CookieSameSiteLaxMode)
	return c
}
