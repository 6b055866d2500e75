package site

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// TestNotification: a service that has a certificate of the site is told of a
// change by a call, over TLS.
func TestNotification(t *testing.T) {
	r := start(t, t.TempDir())
	l, err := tls.Listen("tcp", "127.0.0.1:0", r.certs.ServerTLS())
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 10)
	s := &http.Server{ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var list []struct {
			ObjectType string
			ChangeType int
		}
		if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
			t.Error(err)
		}
		for _, c := range list {
			told <- r.URL.Path + " " + c.ObjectType
		}
	})}
	go func() { _ = s.Serve(l) }()
	defer func() { _ = s.Close() }()
	engine, tag := repository.Service("engine"), r.Repo().Schema().Type("Tag")
	if _, err := r.Repo().Subscribe(t.Context(), &engine, repository.Subscription{Type: "Tag", Kind: store.Added, URL: "https://" + l.Addr().String() + "/changes"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Repo().Create(t.Context(), &engine, tag, map[string]any{"name": "told"}); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-told:
		if got != "/changes Tag" {
			t.Errorf("told %s", got)
		}
	case <-time.After(20 * time.Second):
		t.Error("nobody was told")
	}
}
