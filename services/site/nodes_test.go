package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/proxy/session"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// eventually waits until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in 20 s: not %s", what)
		}
	}
}

// A site of a repository with a proxy and two nodes with engines, over one
// PostgreSQL and one folder.
func TestNodes(t *testing.T) {
	dir, database := t.TempDir(), storetest.Config(t, store.Postgres).DSN
	if err := Run(t.Context(), Options{Dir: dir, Database: database, Node: "early", Roles: Roles{Engine: true}}); err == nil || !strings.Contains(err.Error(), "no such file") && !strings.Contains(err.Error(), "central node") {
		t.Errorf("a node before the central one: %v", err)
	}
	central := run(t, Options{Dir: dir, Database: database, Roles: Roles{Proxy: true, Scheduler: true}})
	admin := central.visitor(t)
	if status, path := admin.logIn("admin", central.password); status != 200 || path != "/hub/" {
		t.Fatalf("log-in: %d at %s", status, path)
	}
	status, made := admin.ask("POST", "qrs/app/upload?name=Sales", appFile(t, "x"))
	var app struct{ ID string }
	if err := json.Unmarshal(made, &app); status != 201 || err != nil {
		t.Fatalf("upload: %d %s", status, made)
	}
	opened := func() (string, error) {
		return admin.socket("/app/"+app.ID, fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"handle":-1,"method":"OpenDoc","params":[%q]}`, app.ID))
	}
	if got, err := opened(); err == nil {
		t.Errorf("without an engine: %s", got)
	}

	one := run(t, Options{Dir: dir, Database: database, Node: "one", Roles: Roles{Engine: true, Scheduler: true}})
	serves := func() bool { got, err := opened(); return err == nil && strings.Contains(got, `"Doc"`) }
	eventually(t, "an app from the first engine", serves)
	two := run(t, Options{Dir: dir, Database: database, Node: "two", Roles: Roles{Engine: true}})
	eventually(t, "two engines", func() bool { return len(healthy(t, central)) == 2 })

	// The app is open on the second engine while the first one, which has the
	// worker, reloads it.
	there, err := two.Library().Open(app.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer two.Library().Close(there)
	before := there.Loaded()
	self := repository.Service("api")
	task, err := central.Repo().CreateTask(t.Context(), &self, central.Repo().Schema().Type("ReloadTask"), repository.TaskChange{
		Task: map[string]any{"name": "now", "app": ref(app.ID), "enabled": true, "taskSessionTimeout": number(10), "maxRetries": number(0)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := central.tasks.Start(t.Context(), task["id"].(string)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the reloaded app on the other engine", func() bool { return there.Loaded().After(before) })
	eventually(t, "the result of the first node", func() bool {
		results, err := central.Repo().List(t.Context(), &self, central.Repo().Schema().Type("ExecutionResult"), repository.Query{})
		return err == nil && len(results) == 1 && fmt.Sprint(results[0]["status"]) == "7" && strings.HasPrefix(fmt.Sprint(results[0]["executingNodeName"]), "one")
	})

	one.stop()
	eventually(t, "one engine", func() bool { return len(healthy(t, central)) == 1 })
	silent := repository.Query{Filter: "serverNodeConfiguration.name eq 'one' and serviceType eq Engine and serviceState eq NoCommunication"}
	eventually(t, "the state of the engine that is gone", func() bool {
		found, err := central.Repo().List(t.Context(), &self, central.Repo().Schema().Type("ServiceStatus"), silent)
		return err == nil && len(found) == 1
	})
	eventually(t, "an app from the engine that is left", serves)
}

// healthy returns the nodes whose engines a proxy may choose.
func healthy(t *testing.T, s *running) (nodes []string) {
	t.Helper()
	list, err := s.fleet.Engines(t.Context(), session.User{}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Available() {
			nodes = append(nodes, e.Node)
		}
	}
	return nodes
}

// A check that failed sends nobody away while the engine answers.
func TestEnginesAreAskedAgain(t *testing.T) {
	s := start(t, t.TempDir())
	s.fleet.mu.Lock()
	engines := slices.Clone(s.fleet.engines)
	s.fleet.mu.Unlock()
	for _, e := range engines {
		s.fleet.note(e, engineHealth{}, errors.New("a check that failed"))
	}
	if n := len(healthy(t, s)); n != 1 {
		t.Errorf("%d engines can take a session, want 1", n)
	}
}

func TestValidate(t *testing.T) {
	all := Roles{Proxy: true, Engine: true, Scheduler: true}
	for why, tt := range map[string]struct {
		o    Options
		want string
	}{
		"central":          {Options{Roles: all}, ""},
		"no roles":         {Options{}, "without roles"},
		"a path":           {Options{Node: "../x", Database: "postgres://", Roles: Roles{Engine: true}}, "a name is made of"},
		"SQLite":           {Options{Node: "x", Roles: Roles{Engine: true}}, "PostgreSQL"},
		"a second proxy":   {Options{Node: "x", Database: "postgres://", Roles: all}, "central node only"},
		"only a scheduler": {Options{Node: "x", Database: "postgres://", Roles: Roles{Scheduler: true}}, "nothing to do"},
		"an engine":        {Options{Node: "x", Database: "postgres://", Roles: Roles{Engine: true}}, ""},
	} {
		if err := tt.o.Validate(); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", why, err, tt.want)
		}
	}
	if r, err := ParseRoles(nil, false); err != nil || r != (Roles{Engine: true, Scheduler: true}) {
		t.Errorf("of another node: %+v, %v", r, err)
	}
	if _, err := ParseRoles([]string{"printer"}, true); err == nil {
		t.Error("an unknown role is taken")
	}
}

// A virtual proxy that is set up wrongly is closed, and the others stand; the
// log says it once.
func TestDoor(t *testing.T) {
	s := start(t, t.TempDir())
	self := repository.Service("api")
	repo, types := s.Repo(), s.Repo().Schema()
	var said strings.Builder
	s.door.log = slog.New(slog.NewTextHandler(&said, nil))
	add := func(doc map[string]any) {
		t.Helper()
		for k, v := range map[string]any{"sessionInactivityTimeout": number(30), "defaultVirtualProxy": false} {
			doc[k] = v
		}
		made, err := repo.Create(t.Context(), &self, types.Type("VirtualProxyConfig"), doc)
		if err != nil {
			t.Fatal(err)
		}
		services, err := repo.List(t.Context(), &self, types.Type("ProxyService"), repository.Query{})
		if err != nil || len(services) != 1 {
			t.Fatal(services, err)
		}
		settings := services[0]["settings"].(map[string]any)
		settings["virtualProxies"] = append(settings["virtualProxies"].([]any), ref(made[0]["id"].(string)))
		if _, err := repo.Update(t.Context(), &self, types.Type("ProxyService"), services[0]["id"].(string), services[0]); err != nil {
			t.Fatal(err)
		}
	}
	add(map[string]any{"prefix": "jwt", "sessionCookieHeaderName": "A", "authenticationMethod": number(4), "jwtPublicKeyCertificate": "nonsense"})
	add(map[string]any{"prefix": "same", "sessionCookieHeaderName": "A"})
	add(map[string]any{"prefix": "good", "sessionCookieHeaderName": "B", "sessionInactivityTimeout": number(5)})
	for range 2 {
		list, err := s.door.list(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range list {
			got = append(got, fmt.Sprint(v.Prefix, " ", len(v.Methods) > 0, " ", v.Timeout))
		}
		if want := "[ true 30m0s jwt false 30m0s good true 30m0s]"; fmt.Sprint(got) != want {
			t.Errorf("virtual proxies %v, want %v", got, want)
		}
	}
	if n := strings.Count(said.String(), "set up wrongly"); n != 2 || !strings.Contains(said.String(), "JWT authentication") {
		t.Errorf("the log: %s", &said)
	}
	list, err := s.door.list(t.Context())
	again, err2 := s.door.list(t.Context())
	if err != nil || err2 != nil || list[0].Methods[0] != again[0].Methods[0] {
		t.Errorf("a log-in under way is forgotten: %v, %v", err, err2)
	}
	eventually(t, "the new virtual proxy in the running proxy", func() bool { _, _, ok := s.proxy.Timeout("good"); return ok })
}
