package enginehost

import (
	"net/http"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"
)

// ServePage answers with the page; it is small and asked for rarely, so the
// detour over net/http costs nothing that counts.
func ServePage(ctx *fasthttp.RequestCtx, page http.Handler) {
	fasthttpadaptor.NewFastHTTPHandler(page)(ctx)
}
