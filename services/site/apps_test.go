package site

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/api"
	"github.com/cognate-bi/cognate/services/repository/appfiles"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

const key = "0123456789abcdef"

// A node is a repository with an engine, over a real socket.
type node struct {
	t    *testing.T
	dir  string
	url  string
	lib  *app.Library
	repo *repository.Repository
}

func newNode(t *testing.T, dir string, db *store.Store) *node {
	t.Helper()
	apps := filepath.Join(dir, "Apps")
	lib, err := app.NewLibrary(app.Options{Dir: apps, SiteConnections: true})
	if err != nil {
		t.Fatal(err)
	}
	files, err := appfiles.Open(apps)
	if err != nil {
		t.Fatal(err)
	}
	content, err := repository.OpenContent(filepath.Join(dir, "StaticContent"))
	if err != nil {
		t.Fatal(err)
	}
	repo, err := repository.Open(t.Context(), repository.Options{Store: db, Files: files, Engine: NewApps(lib), Content: content, CheckSchedule: checkSchedule, ImportDir: filepath.Join(dir, "Import")})
	if err != nil {
		t.Fatal(err)
	}
	s := api.New(api.Options{Repository: repo})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := internal(slog.New(slog.DiscardHandler), func(ctx *fasthttp.RequestCtx) {
		directory, id, _ := strings.Cut(string(ctx.Request.Header.Peek("Test-Caller")), `\`)
		c := repository.Caller{Directory: directory, ID: id, Context: rules.ContextHub}
		if strings.HasPrefix(string(ctx.Path()), api.TempPrefix) {
			s.HandleTemp(ctx, c)
			return
		}
		if api.IsStatic(strings.ToLower(string(ctx.Path()))) {
			s.HandleStatic(ctx, c)
			return
		}
		s.Handle(ctx, c)
	})
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Shutdown()
		repo.Close()
	})
	return &node{t, dir, "http://" + l.Addr().String(), lib, repo}
}

// do sends a request that has to have a status, and returns what came.
func (n *node) do(who, method, path string, body []byte, status int) []byte {
	n.t.Helper()
	kind := ""
	switch {
	case strings.Contains(path, "upload"):
		kind = "application/vnd.qlik.sense.app"
	case body != nil:
		kind = "application/json"
	}
	a, text := n.send(who, method, path, kind, body)
	if a.StatusCode != status {
		n.t.Fatalf("%s %s by %s: %d %s, want %d", method, path, who, a.StatusCode, text, status)
	}
	return []byte(text)
}

// session opens a session of the engine for DOM\<name>, until the end of the
// test.
func (n *node) session(name string) *session.Session {
	n.t.Helper()
	if _, _, err := n.repo.LogIn(n.t.Context(), &repository.Caller{Directory: "DOM", ID: name}, ""); err != nil {
		n.t.Fatal(err)
	}
	s := session.New(name, "UserDirectory=DOM; UserId="+name, n.lib, slog.New(slog.DiscardHandler))
	s.Gate = Gate(n.repo, n.lib)("DOM", name, nil)
	n.t.Cleanup(s.Close)
	return s
}

func (n *node) entity(who, method, path string, body []byte, status int) (e map[string]any) {
	n.t.Helper()
	text := n.do(who, method, path, body, status)
	if err := json.Unmarshal(text, &e); err != nil {
		n.t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return e
}

// smuggle hides requests of the site's own in bodies that nobody reads, and
// looks whether they are answered.
func (n *node) smuggle(who string) {
	n.t.Helper()
	hidden := "POST /qrs/tag?xrfkey=" + key + " HTTP/1.1\r\nHost: x\r\nX-Qlik-Xrfkey: " + key + "\r\nTest-Caller: INTERNAL\\sa_api\r\n" +
		"Content-Type: application/json\r\nContent-Length: 19\r\n\r\n{\"name\":\"smuggled\"}\r\n"
	for range 3 {
		n.do(who, "POST", "/qrs/nothing/upload", []byte(hidden), 404)
		n.do(who, "POST", "/qrs/tag", []byte(strings.Repeat(" ", 17<<20)+hidden), 413)
		n.do(who, "POST", "/qrs/tag", []byte(strings.Repeat(" ", 16<<20)+" "+hidden), 413)
	}
	if got := n.entity(`INTERNAL\sa_api`, "GET", "/qrs/tag/count?filter=name+eq+'smuggled'", nil, 200); got["value"] != 0.0 {
		n.t.Errorf("%v requests came in inside of others", got["value"])
	}
}

// appFile returns the file of an app with some data.
func appFile(t *testing.T, title string, connections ...app.Connection) []byte {
	t.Helper()
	dir := t.TempDir()
	lib, err := app.NewLibrary(app.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	id, err := lib.Create(title)
	if err != nil {
		t.Fatal(err)
	}
	a, err := lib.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range connections {
		if _, err := a.AddConnection(c); err != nil {
			t.Fatal(err)
		}
	}
	a.SetScript("T: LOAD RecNo() AS x AUTOGENERATE 100;")
	if ok, err := a.Reload(t.Context(), ""); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
	lib.Close(a)
	file, err := os.ReadFile(filepath.Join(dir, id+".qvf"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// rows returns how many rows the engine finds in an app.
func (n *node) rows(id string) (rows int) {
	n.t.Helper()
	a, err := n.lib.Open(id)
	if err != nil {
		n.t.Fatal(err)
	}
	defer n.lib.Close(a)
	for _, t := range a.Data().Model.Tables {
		rows += t.Rows
	}
	return rows
}

// TestLifeOfAnApp takes an app through all that the hub and the console do.
func TestLifeOfAnApp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) { testLifeOfAnApp(t, newNode(t, t.TempDir(), db)) })
}

func testLifeOfAnApp(t *testing.T, n *node) {
	const service, ann, bob = `INTERNAL\sa_api`, `DOM\ann`, `DOM\bob`
	for _, name := range []string{"ann", "bob"} {
		if _, _, err := n.repo.LogIn(t.Context(), &repository.Caller{Directory: "DOM", ID: name}, ""); err != nil {
			t.Fatal(err)
		}
	}
	file := appFile(t, "In the file")
	n.smuggle(ann)
	made := n.entity(ann, "POST", "/qrs/app/upload?name=Sales&keepdata=true", file, 201)
	id := made["id"].(string)
	if made["name"] != "Sales" || made["owner"].(map[string]any)["userId"] != "ann" || made["published"] != false || n.rows(id) != 100 {
		t.Fatalf("uploaded: %v, %d rows", made, n.rows(id))
	}
	n.do(bob, "GET", "/qrs/app/"+id, nil, 404) // another's work
	n.do(ann, "POST", "/qrs/app/upload?name=x", []byte("no app"), 400)
	if bare := n.entity(ann, "POST", "/qrs/app/upload?keepdata=false", file, 201); bare["name"] != "In the file" || n.rows(bare["id"].(string)) != 0 {
		t.Errorf("without data: %v", bare["name"])
	}

	published := n.entity(ann, "PUT", fmt.Sprintf("/qrs/app/%s/publish?stream=%s", id, rules.EveryoneStreamID), nil, 200)
	if published["published"] != true || published["stream"].(map[string]any)["name"] != "Everyone" || published["owner"].(map[string]any)["userId"] != "ann" {
		t.Errorf("published: %v", published)
	}
	n.entity(bob, "GET", "/qrs/app/"+id, nil, 200)
	n.do(bob, "DELETE", "/qrs/app/"+id, nil, 403)
	n.do(bob, "POST", "/qrs/app/"+id+"/reload", nil, 403)

	copied := n.entity(ann, "POST", "/qrs/app/"+id+"/copy?name=Work", nil, 201)
	work := copied["id"].(string)
	if work == id || copied["published"] != false || n.rows(work) != 100 {
		t.Errorf("copied: %v", copied)
	}
	a, err := n.lib.Open(work)
	if err != nil {
		t.Fatal(err)
	}
	a.SetScript("T: LOAD RecNo() AS x AUTOGENERATE 7;")
	if err := a.SaveDocument(); err != nil {
		t.Fatal(err)
	}
	n.lib.Close(a)
	n.do(ann, "POST", "/qrs/app/"+work+"/reload", nil, 204)
	if n.rows(work) != 7 {
		t.Errorf("%d rows after the reload", n.rows(work))
	}
	replaced := n.entity(service, "PUT", fmt.Sprintf("/qrs/app/%s/replace?app=%s", work, id), nil, 200)
	if replaced["id"] != id || replaced["name"] != "Sales" || replaced["published"] != true || n.rows(id) != 7 {
		t.Errorf("replaced: %v, %d rows", replaced, n.rows(id))
	}

	// Bob reads the app in the stream, and gets no copy of it over one of his own.
	own := n.entity(bob, "POST", "/qrs/app/upload?name=Own", appFile(t, "own"), 201)["id"].(string)
	n.do(bob, "GET", "/qrs/app/"+id, nil, 200)
	n.do(bob, "POST", "/qrs/app/"+id+"/copy", nil, 403)
	n.do(bob, "PUT", fmt.Sprintf("/qrs/app/%s/replace?app=%s", id, own), nil, 403)
	n.do(bob, "DELETE", "/qrs/app/"+own, nil, 204)

	const token = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
	here, err := n.repo.Join(t.Context(), repository.Node{Name: "Central", Host: "127.0.0.1", Central: true})
	if err != nil {
		t.Fatal(err)
	}
	export := n.entity(ann, "POST", "/qrs/app/"+work+"/export/"+token, nil, 201)
	path := export["downloadPath"].(string)
	if !strings.HasSuffix(path, "?serverNodeId="+here) {
		t.Errorf("the path of an export: %s, want node %s", path, here)
	}
	n.do(bob, "GET", path, nil, 404) // another's
	got := n.do(ann, "GET", path, nil, 200)
	n.do(ann, "GET", path, nil, 404) // once
	again := n.entity(ann, "POST", "/qrs/app/upload?name=Again", got, 201)
	if n.rows(again["id"].(string)) != 7 {
		t.Errorf("exported and uploaded again: %d rows", n.rows(again["id"].(string)))
	}
	path = n.entity(ann, "POST", "/qrs/app/"+work+"/export/"+token+"?skipdata=true", nil, 201)["downloadPath"].(string)
	if bare := n.do(ann, "GET", path, nil, 200); len(bare) >= len(got) {
		t.Errorf("%d bytes without data, %d with", len(bare), len(got))
	}

	task := n.entity(service, "POST", "/qrs/reloadtask", []byte(fmt.Sprintf(`{"name":"nightly","app":{"id":%q},"taskSessionTimeout":1440,"maxRetries":0,"enabled":true,"isManuallyTriggered":false}`, work)), 201)
	n.do(ann, "DELETE", "/qrs/app/"+work, nil, 204)
	n.do(service, "GET", "/qrs/reloadtask/"+task["id"].(string), nil, 404) // it goes with its app
	n.do(ann, "GET", "/qrs/app/"+work, nil, 404)
	files, err := filepath.Glob(filepath.Join(n.lib.Options().Dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	if err := json.Unmarshal(n.do(service, "GET", "/qrs/app/hublist/full", nil, 200), &list); err != nil {
		t.Fatal(err)
	}
	if len(files) != len(list) || len(list) != 3 {
		t.Errorf("%d apps, files %v", len(list), files)
	}
}

// A stopper stops what logs to it when it logs a text.
type stopper struct {
	at   string
	stop func()
}

func (s stopper) Write(line []byte) (int, error) {
	if strings.Contains(string(line), s.at) {
		s.stop()
	}
	return len(line), nil
}

// TestStoppedAtTheEnd stops a reload when its script has run, and nothing is
// saved yet: others may have begun it again.
func TestStoppedAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	lib, err := app.NewLibrary(app.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	id, err := lib.Create("A")
	if err != nil {
		t.Fatal(err)
	}
	a, err := lib.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer lib.Close(a)
	a.SetScript("T: LOAD 1 AS x AUTOGENERATE 3;")
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, id+".qvf"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	if err := NewApps(lib).Reload(ctx, id, repository.Reloading{User: "x", Log: stopper{"Execution finished", stop}}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if after, err := os.ReadFile(filepath.Join(dir, id+".qvf")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("it has saved the app: %v", err)
	}
}

// TestRowsOfFiles looks at what the row of an app takes from its file.
func TestRowsOfFiles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		n := newNode(t, t.TempDir(), db)
		dir := t.TempDir()
		lib, err := app.NewLibrary(app.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		id, err := lib.Create("A")
		if err != nil {
			t.Fatal(err)
		}
		a, err := lib.Open(id)
		if err != nil {
			t.Fatal(err)
		}
		a.SetProperties(a.Properties().With("qSavedInProductVersion", tree.NewString("14.212.4")).With("description", tree.NewString(strings.Repeat("long ", 200))))
		if err := a.Save(); err != nil {
			t.Fatal(err)
		}
		lib.Close(a)
		file, err := os.ReadFile(filepath.Join(dir, id+".qvf"))
		if err != nil {
			t.Fatal(err)
		}
		row := n.entity(`INTERNAL\sa_api`, "POST", "/qrs/app/upload?name=A", file, 201)
		if row["savedInProductVersion"] != "14.212.4" || len(row["description"].(string)) != 512 {
			t.Errorf("the row: %v", row)
		}
	})
}
