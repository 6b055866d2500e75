package site

import (
	"io"
	"log/slog"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/telemetry"
)

// BenchmarkWatched is what counting and auditing add to a request of the
// repository's interface.
func BenchmarkWatched(b *testing.B) {
	o := Options{Dir: b.TempDir(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	logs, err := openLogs(&o)
	if err != nil {
		b.Fatal(err)
	}
	s := &Site{opt: o, logs: logs, metrics: telemetry.NewMetrics()}
	if s.log.repository, err = logs.service("Repository"); err != nil {
		b.Fatal(err)
	}
	handle := s.watched(func(ctx *fasthttp.RequestCtx) {
		ctx.SetBodyString(`{"id":"7f2d7a3e-7a55-4f8f-a4a0-5f0b7c1d9c11","name":"New"}`)
	})
	for _, method := range []string{"GET", "POST"} {
		b.Run(method, func(b *testing.B) {
			var ctx fasthttp.RequestCtx
			ctx.Request.Header.SetMethod(method)
			ctx.Request.SetRequestURI("/qrs/stream")
			ctx.Request.Header.Set("X-Qlik-User", "UserDirectory=LOCAL; UserId=ann")
			b.ReportAllocs()
			for b.Loop() {
				handle(&ctx)
			}
		})
	}
}
