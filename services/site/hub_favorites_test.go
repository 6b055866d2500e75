package site

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/hub"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// However many apps somebody has marked, the hub lists them.
func TestManyFavorites(t *testing.T) {
	repo, err := repository.Open(t.Context(), repository.Options{Store: storetest.Open(t, storetest.Config(t, store.SQLite))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repo.Close)
	ann := repository.Caller{Directory: "DOM", ID: "ann", Context: rules.ContextHub}
	user, _, err := repo.LogIn(t.Context(), &ann, "")
	if err != nil {
		t.Fatal(err)
	}
	docs, marked := make([]map[string]any, 300), make([]any, 300)
	for i := range docs {
		docs[i] = map[string]any{"name": fmt.Sprintf("%03d", i*7%300), "owner": map[string]any{"id": user}}
	}
	self := repository.Service("api")
	made, err := repo.Create(t.Context(), &self, repo.Schema().Type("App"), docs...)
	if err != nil {
		t.Fatal(err)
	}
	for i, app := range made {
		marked[i] = app["id"]
	}
	if _, err := repo.Update(t.Context(), &self, repo.Schema().Type("User"), user, map[string]any{"favorites": marked}); err != nil {
		t.Fatal(err)
	}
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI("/api/hub/v1/apps/favorites")
	hub.New(hub.Options{}).Handle(&ctx, &reader{repo, ann})
	var answer struct {
		Data []struct{ Attributes struct{ Name string } }
	}
	if err := json.Unmarshal(ctx.Response.Body(), &answer); err != nil || len(answer.Data) != len(docs) {
		t.Fatalf("%d: %d apps, %v in %.200s", ctx.Response.StatusCode(), len(answer.Data), err, ctx.Response.Body())
	}
	for i, app := range answer.Data {
		if want := fmt.Sprintf("%03d", i); app.Attributes.Name != want {
			t.Fatalf("app %d is %s", i, app.Attributes.Name)
		}
	}
}
