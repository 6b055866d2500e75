package site

import (
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// A request that a service cannot bear ends with an answer, and the others go on.
func TestSurvive(t *testing.T) {
	var log strings.Builder
	server := internal(slog.New(slog.NewTextHandler(&log, nil)), func(ctx *fasthttp.RequestCtx) {
		if string(ctx.Path()) == "/bad" {
			panic("two maps compared")
		}
		ctx.SetBodyString("good")
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	for path, want := range map[string]int{"/bad": 500, "/": 200} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.Addr().String()+path, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		if a.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, a.StatusCode, want)
		}
	}
	if err := server.Shutdown(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "two maps compared") {
		t.Errorf("the log says %q", log.String())
	}
}
