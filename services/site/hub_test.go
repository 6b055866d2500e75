package site

import (
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/hub"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// A user's work is his own apps, whatever else rules let him see, and his name
// is the one that people know him by.
func TestOwnWork(t *testing.T) {
	repo, err := repository.Open(t.Context(), repository.Options{Store: storetest.Open(t, storetest.Config(t, store.SQLite))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repo.Close)
	self := repository.Service("api")
	for id, name := range map[string]string{"ann": "Ann Smith", "bob": "Bob"} {
		user, _, err := repo.LogIn(t.Context(), &repository.Caller{Directory: "DOM", ID: id}, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := repo.Create(t.Context(), &self, repo.Schema().Type("App"), map[string]any{"name": "of " + id, "owner": map[string]any{"id": user}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := repo.Create(t.Context(), &self, repo.Schema().Type("SystemRule"), map[string]any{
		"name": "all", "category": "Security", "type": "Custom", "rule": `true`, "resourceFilter": "App_*", "actions": 2, "ruleContext": 0, "disabled": false,
	}); err != nil {
		t.Fatal(err)
	}
	ask := func(path string) string {
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI(path)
		hub.New(hub.Options{}).Handle(&ctx, &reader{repo, repository.Caller{Directory: "dom", ID: "ANN", Context: rules.ContextHub}})
		return string(ctx.Response.Body())
	}
	if got := ask("/api/hub/v1/apps/user"); !strings.Contains(got, `"of ann"`) || strings.Contains(got, `"of bob"`) {
		t.Errorf("work: %s", got)
	}
	if got := ask("/api/hub/v1/user/info"); !strings.Contains(got, `"Ann Smith"`) {
		t.Errorf("who: %s", got)
	}
}

// Somebody anonymous may make nothing, and is told so.
func TestAnonymousMakesNothing(t *testing.T) {
	n := newNode(t, t.TempDir(), storetest.Open(t, storetest.Config(t, store.SQLite)))
	ann := n.user("ann")
	id := ann.do(-1, "CreateApp", `["Sales"]`).Get("qAppId").Str()
	n.do(`DOM\ann`, "PUT", "/qrs/app/"+id+"/publish?stream="+rules.EveryoneStreamID, nil, 200)
	nobody := n.user("ann") // has a session of the same kind
	nobody.session.Gate = Gate(n.repo, n.lib)("NONE", "anonymous1", nil)
	nobody.open(id)
	if got := nobody.ask(1, "CreateBookmark", `[{"qInfo":{"qType":"bookmark"}}]`).At("/error/code").Int(); got != 5 {
		t.Errorf("a bookmark: error %d", got)
	}
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI("/api/hub/v1/privileges")
	hub.New(hub.Options{}).Handle(&ctx, &reader{n.repo, repository.Caller{Directory: "NONE", ID: "anonymous1", Context: rules.ContextHub}})
	if got := string(ctx.Response.Body()); ctx.Response.StatusCode() != 200 || !strings.Contains(got, `"app":[]`) {
		t.Errorf("privileges: %d %s", ctx.Response.StatusCode(), got)
	}
}
