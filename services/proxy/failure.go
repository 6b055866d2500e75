package proxy

import (
	"encoding/json"
	"html/template"
	"strings"

	"github.com/valyala/fasthttp"
)

// fail answers with a status: a page for people, JSON for programs. What went
// wrong inside is not told.
func fail(ctx *fasthttp.RequestCtx, status int, message string) {
	ctx.Response.ResetBody()
	ctx.SetStatusCode(status)
	if status == fasthttp.StatusServiceUnavailable || status == fasthttp.StatusTooManyRequests {
		ctx.Response.Header.Set("Retry-After", "2")
	}
	ctx.Response.Header.Set("Cache-Control", "no-store")
	if strings.Contains(string(ctx.Request.Header.Peek("Accept")), "text/html") {
		ctx.SetContentType("text/html; charset=utf-8")
		ctx.SetBodyString(`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>` +
			template.HTMLEscapeString(message) + `</title><body style="font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem"><h1>` +
			template.HTMLEscapeString(message) + `</h1></body></html>`)
		return
	}
	writeJSON(ctx, status, map[string]string{"error": message})
}

func writeJSON(ctx *fasthttp.RequestCtx, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic("proxy: BUG: answer that is no JSON: " + err.Error())
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json; charset=utf-8")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetBody(b)
}

// redirect sends the client on. The address goes out as it is: fasthttp's own
// way would read a path as relative to the request.
func redirect(ctx *fasthttp.RequestCtx, uri string) {
	status := fasthttp.StatusFound
	if ctx.IsPost() {
		status = fasthttp.StatusSeeOther
	}
	ctx.Response.ResetBody()
	ctx.SetStatusCode(status)
	ctx.Response.Header.Set("Location", uri)
	ctx.Response.Header.Set("Cache-Control", "no-store")
}
