package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// Whoever writes scripts loads from the connections that the rules give him,
// and from nothing else of the server: neither by those that apps hold, nor by
// having a service run the script.
func TestConnections(t *testing.T) {
	dir := t.TempDir()
	n := newNode(t, dir, storetest.Open(t, storetest.Config(t, store.SQLite)))
	secret := filepath.Join(t.TempDir(), "data.csv")
	if err := os.WriteFile(secret, []byte("x\n1\n2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ann, bob := n.session("ann"), n.session("bob")
	id, err := ann.CreateApp("Ann's")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ann.OpenDoc(id); err != nil {
		t.Fatal(err)
	}
	folder := app.Connection{Name: "Files", Type: "folder", String: filepath.Dir(secret)}
	if _, err := ann.AddConnection(folder); !errors.Is(err, access.ErrDenied) {
		t.Errorf("ann makes a connection to a folder of the server: %v", err)
	}
	a, err := ann.Changing()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.AddConnection(folder); err != nil { // as an imported app may have one
		t.Fatal(err)
	}
	a.SetScript("T: LOAD * FROM [lib://Files/data.csv] (txt, embedded labels);")
	if err := ann.Save(); err != nil {
		t.Fatal(err)
	}
	service := `INTERNAL\sa_scheduler`
	reload := func(by string) (ok bool, why string) {
		t.Helper()
		if by == service {
			self := repository.Service("scheduler")
			var log strings.Builder
			err := n.repo.Reload(t.Context(), &self, id, false, &log)
			return err == nil, fmt.Sprint(err, log.String())
		}
		ok, err := ann.Reload(t.Context(), false)
		return ok, fmt.Sprint(err, a.Progress().Errors)
	}
	for _, by := range []string{"ann", service} {
		if ok, why := reload(by); ok || !strings.Contains(why, "not found") {
			t.Errorf("%s reads a folder by a connection of the app: %v, %s", by, ok, why)
		}
	}

	// An administrator makes the connection, and a rule lets ann use it.
	self := repository.Service("api")
	made, err := n.repo.Create(t.Context(), &self, n.repo.Schema().Type("DataConnection"), map[string]any{
		"name": "Files", "type": "folder", "connectionstring": folder.String, "username": "u", "password": "pass-word",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.repo.Create(t.Context(), &self, n.repo.Schema().Type("SystemRule"), map[string]any{
		"name": "Ann's files", "category": "Security", "type": "Custom", "rule": `user.userId = "ann"`, "resourceFilter": "DataConnection_" + made[0]["id"].(string), "actions": number(2), "ruleContext": number(0),
	}); err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{"ann", service} {
		if ok, why := reload(by); !ok {
			t.Errorf("%s may not use a connection that ann may read: %s", by, why)
		}
	}

	// Connections of one's own that are no folders.
	web := app.Connection{Name: "Web", Type: "internet", String: "https://example.test", User: "ann", Password: "pass-word"}
	mine, err := ann.AddConnection(web)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ann.AddConnection(web); !errors.Is(err, app.ErrConnExists) {
		t.Errorf("a second connection of the name: %v", err)
	}
	names := func(s *session.Session) string {
		t.Helper()
		list, err := s.Connections()
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(list)
		if err != nil || strings.Contains(string(text), "pass-word") {
			t.Errorf("a password is given away: %s, %v", text, err)
		}
		var out []string
		for _, c := range list {
			out = append(out, c.Name)
		}
		return strings.Join(out, ", ")
	}
	if got, want := names(ann), "Files, Web (dom_ann)"; got != want {
		t.Errorf("ann has %s, want %s", got, want)
	}
	if got := names(bob); got != "" {
		t.Errorf("bob has %s", got)
	}
	// Those that the script uses go with the app: bob may have the one that is no folder.
	a.SetScript("LIB CONNECT TO 'web (dom_ann)';\nT: LOAD * FROM [lib://Files/data.csv] (txt, embedded labels);")
	if err := ann.Save(); err != nil {
		t.Fatal(err)
	}
	path := n.entity(`DOM\ann`, "POST", "/qrs/app/"+id+"/export/6f9619ff-8b86-d011-b42d-00c04fc964ff", nil, 201)["downloadPath"].(string)
	n.do(`DOM\bob`, "POST", "/qrs/app/upload?name=Taken", n.do(`DOM\ann`, "GET", path, nil, 200), 201)
	if got, want := names(bob), "Web (dom_ann)"; got != want {
		t.Errorf("with an exported app bob gets %q, want %q", got, want)
	}
	if err := bob.SetConnection(mine, web); !errors.Is(err, app.ErrConnection) {
		t.Errorf("bob changes ann's connection: %v", err)
	}
	if err := bob.DeleteConnection(mine); !errors.Is(err, app.ErrConnection) {
		t.Errorf("bob deletes ann's connection: %v", err)
	}
	web.Type, web.String, web.Password = "folder", "/", ""
	if err := ann.SetConnection(mine, web); !errors.Is(err, access.ErrDenied) {
		t.Errorf("ann makes her connection one to a folder: %v", err)
	}
	n.do(`DOM\ann`, "PUT", "/qrs/dataconnection/"+mine, []byte(`{"username":"other"}`), 200)
	n.do(`DOM\ann`, "PUT", "/qrs/dataconnection/"+mine, []byte(`{"TYPE":"folder","ConnectionString":"/"}`), 403)
	n.do(`DOM\ann`, "POST", "/qrs/dataconnection", []byte(`{"NAME":"root","TYPE":"folder","ConnectionString":"/"}`), 403)
	if err := ann.DeleteConnection(mine); err != nil {
		t.Error(err)
	}
}
