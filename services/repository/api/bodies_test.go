package api

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// Large bodies wait for each other, as values take many times their memory. Small
// ones go on meanwhile.
func TestLargeBodiesWait(t *testing.T) {
	repo, err := repository.Open(t.Context(), repository.Options{Store: storetest.Open(t, storetest.Config(t, store.SQLite))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repo.Close)
	s := New(Options{Repository: repo})
	post := func(size int) int {
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.SetMethod("POST")
		ctx.Request.SetRequestURI("/qrs/tag?xrfkey=" + key)
		ctx.Request.Header.Set("X-Qlik-Xrfkey", key)
		ctx.Request.Header.SetContentType("application/json")
		ctx.Request.SetBodyString(`{"a":"` + strings.Repeat("x", size) + `"}`) // no name: it is refused where it is read
		s.Handle(&ctx, repository.Service("api"))
		return ctx.Response.StatusCode()
	}
	if status := post(bodySmall); status != 400 {
		t.Errorf("a large body: %d", status)
	}
	if !s.bodies.TryAcquire(bodiesMax) {
		t.Fatal("the room of a request that is answered is not free")
	}
	synctest.Test(t, func(t *testing.T) { // in which the time of the request is over at once
		if status := post(bodySmall); status != 503 {
			t.Errorf("a large body among large ones: %d", status)
		}
	})
	if status := post(100); status != 400 {
		t.Errorf("a small body among large ones: %d", status)
	}
	s.bodies.Release(bodiesMax)
	if err := s.bodies.Acquire(context.Background(), bodiesMax); err != nil {
		t.Error(err)
	}
}
