package callback_test

import (
	"crypto/rand"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/certs"
	"github.com/cognate-bi/cognate/services/repository/callback"
)

func site(t *testing.T) *certs.Store {
	t.Helper()
	s, err := certs.Open(certs.Options{Dir: t.TempDir(), Host: "localhost", Names: []string{"localhost", "127.0.0.1"}, Now: time.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve answers over TLS and counts the requests that come through.
func serve(t *testing.T, c *tls.Config, handle http.HandlerFunc) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: handle, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return "https://" + l.Addr().String()
}

// TestPost: only who has a certificate of the site is told anything, and only
// with one.
func TestPost(t *testing.T) {
	ours, theirs := site(t), site(t)
	client := callback.New(ours.ClientTLS())
	defer client.Close()
	var got string
	strangers := 0
	good := serve(t, ours.ServerTLS(), func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body)
	})
	if err := client.Post(t.Context(), good+"/changes", []byte(`[1]`)); err != nil || got != "POST /changes application/json [1]" {
		t.Errorf("%q, %v", got, err)
	}
	stranger := func(http.ResponseWriter, *http.Request) { strangers++ }
	foreign := serve(t, theirs.ServerTLS(), stranger)
	plain := httptest.NewServer(http.HandlerFunc(stranger))
	defer plain.Close()
	elsewhere := serve(t, ours.ServerTLS(), func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL, http.StatusTemporaryRedirect)
	})
	failing := serve(t, ours.ServerTLS(), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for name, address := range map[string]string{
		"another site": foreign, "no TLS": plain.URL, "no TLS behind https": "https" + plain.URL[len("http"):], "a redirection": elsewhere, "an error": failing,
	} {
		if err := client.Post(t.Context(), address, []byte(`[1]`)); err == nil {
			t.Errorf("%s: told", name)
		}
	}
	if strangers != 0 {
		t.Errorf("%d requests reached strangers", strangers)
	}
}
