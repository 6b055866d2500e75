package site

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

func TestImports(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) { testImports(t, withPeople(t, t.TempDir(), db)) })
}

func testImports(t *testing.T, n *node) {
	dir := filepath.Join(n.dir, "Import")
	if err := os.MkdirAll(filepath.Join(dir, "folder.qvf"), 0o750); err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := appFile(t, "In the file")
	write("sales.qvf", file)
	write("../secret.qvf", file)
	write("broken.qvf", []byte("no app"))
	if err := os.Symlink("../secret.qvf", filepath.Join(dir, "link.qvf")); err != nil {
		t.Fatal(err)
	}
	if got := n.entity(asAnn, "GET", "/qrs/app/importfolder", nil, 200)["value"]; got != dir {
		t.Errorf("the import folder is %v, want %s", got, dir)
	}
	n.do(`NONE\anonymous1`, "GET", "/qrs/app/importfolder", nil, 403)
	n.do(`NONE\anonymous1`, "POST", "/qrs/app/import?name=x", []byte(`"sales.qvf"`), 403)
	for name, want := range map[string]int{
		"missing.qvf": 404, "../secret.qvf": 400, "..": 400, "": 400, `..\\secret.qvf`: 400, "link.qvf": 404, "folder.qvf": 404, "broken.qvf": 400, "/etc/passwd": 400,
	} {
		n.do(asAnn, "POST", "/qrs/app/import?name=x", []byte(`"`+name+`"`), want)
	}
	n.do(asAnn, "POST", "/qrs/app/import?name=x", []byte(`{"file":"sales.qvf"}`), 400)
	made := n.entity(asAnn, "POST", "/qrs/app/import?name=Sales&keepdata=false", []byte(`"sales.qvf"`), 201)
	id := made["id"].(string)
	if made["name"] != "Sales" || made["owner"].(map[string]any)["userId"] != "ann" || n.rows(id) != 0 {
		t.Errorf("imported: %v", made)
	}
	// A name that she has gets a number; bob's do not count.
	for _, want := range []string{"Sales(1)", "Sales(2)"} {
		if got := n.entity(asAnn, "POST", "/qrs/app/import?name=SALES", []byte(`"sales.qvf"`), 201)["name"]; !strings.EqualFold(got.(string), want) {
			t.Errorf("imported as %v, want %s", got, want)
		}
	}
	if got := n.entity(asAnn, "POST", "/qrs/app/upload", file, 201)["name"]; got != "In the file" {
		t.Errorf("uploaded as %v", got)
	}
	if got := n.entity(asAnn, "POST", "/qrs/app/upload", file, 201); got["name"] != "In the file(1)" || n.rows(got["id"].(string)) != 100 {
		t.Errorf("uploaded again as %v", got["name"])
	}
	if got := n.entity(asBob, "POST", "/qrs/app/import?name=Sales", []byte(`"sales.qvf"`), 201)["name"]; got != "Sales" {
		t.Errorf("bob imports %v", got)
	}
	n.do(asBob, "POST", "/qrs/app/import/replace?targetappid="+id, []byte(`"sales.qvf"`), 404)
	replaced := n.entity(asAnn, "POST", "/qrs/app/import/replace?targetappid="+id, []byte(`"sales.qvf"`), 201)
	if replaced["id"] != id || replaced["name"] != "Sales" || n.rows(id) != 100 {
		t.Errorf("replaced: %v, %d rows", replaced, n.rows(id))
	}
	testOldExport(t, n, id)

	if got := n.entity(asAnn, "GET", "/qrs/app/"+id+"/hubinfo?privileges=true", nil, 200); got["name"] != "Sales" || len(got["privileges"].([]any)) == 0 {
		t.Errorf("hub: %v", got)
	}
	if got := n.entity(asAnn, "GET", "/qrs/app/"+id+"/state", nil, 200); got["appIsEnabled"] != true {
		t.Errorf("state: %v", got)
	}
	n.do(asBob, "GET", "/qrs/app/"+id+"/hubinfo", nil, 404)
	n.do(asBob, "GET", "/qrs/app/"+id+"/state", nil, 404)

	// A copy of a published app is worked on, and goes back.
	n.entity(asAnn, "PUT", fmt.Sprintf("/qrs/app/%s/publish?stream=%s", id, rules.EveryoneStreamID), nil, 200)
	n.do(asAnn, "PUT", "/qrs/app/"+id+"/replace/target", nil, 400) // it has none
	work := n.entity(asAnn, "POST", "/qrs/app/"+id+"/copy", nil, 201)
	n.entity(asAnn, "POST", "/qrs/app/import/replace?keepdata=false&targetappid="+work["id"].(string), []byte(`"sales.qvf"`), 201)
	back := n.entity(asAnn, "PUT", "/qrs/app/"+work["id"].(string)+"/replace/target", nil, 200)
	if back["id"] != id || back["published"] != true || n.rows(id) != 0 {
		t.Errorf("back: %v, %d rows", back, n.rows(id))
	}
}

// testOldExport fetches an app in the two steps of older clients.
func testOldExport(t *testing.T, n *node, id string) {
	t.Helper()
	n.do(asBob, "GET", "/qrs/app/"+id+"/export", nil, 404)
	ticket := n.entity(asAnn, "GET", "/qrs/app/"+id+"/export", nil, 200)["value"].(string)
	path := "/qrs/download/app/" + id + "/" + ticket + "/sales.qvf"
	n.do(asBob, "GET", path, nil, 404)
	a, text := n.send(asAnn, "GET", path, "", nil)
	if a.StatusCode != 200 || a.Header.Get("Content-Disposition") != "attachment; filename=sales.qvf" || len(text) < 1000 {
		t.Errorf("download: %d, %d bytes, %v", a.StatusCode, len(text), a.Header)
	}
	n.do(asAnn, "GET", path, nil, 404)
	n.do(asAnn, "POST", "/qrs/app/"+id+"/export/6f9619ff-8b86-d011-b42d-00c04fc964ff?exportscope=some", nil, 400)
	made := n.entity(asAnn, "POST", "/qrs/app/"+id+"/export/6f9619ff-8b86-d011-b42d-00c04fc964ff?exportscope=All", nil, 201)
	if got := n.entity(asAnn, "DELETE", "/qrs/app/"+id+"/export/6f9619ff-8b86-d011-b42d-00c04fc964ff", nil, 200); got["cancelled"] != true {
		t.Errorf("cancelled: %v", got)
	}
	n.do(asAnn, "GET", made["downloadPath"].(string), nil, 404)
}

// Data connections that a file names come along, as far as the importer may
// make them.
func TestImportedConnections(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		n := withPeople(t, t.TempDir(), db)
		file := appFile(t, "With connections", app.Connection{Name: "web", Type: "internet", String: "https://example.com/"}, app.Connection{Name: "disk", Type: "folder", String: "/etc"})
		connections := func(who string) (names []string) {
			t.Helper()
			list := n.all(who, "/qrs/dataconnection/full?orderby=name")
			for _, c := range list {
				names = append(names, c["name"].(string))
			}
			return names
		}
		n.entity(asAnn, "POST", "/qrs/app/upload?name=none&excludeconnections=true", file, 201)
		if got := connections(asAnn); len(got) != 0 {
			t.Errorf("left out: %v", got)
		}
		n.entity(asAnn, "POST", "/qrs/app/upload?name=first", file, 201)
		n.entity(asAnn, "POST", "/qrs/app/upload?name=second", file, 201) // the same are made once
		if got := fmt.Sprint(connections(asAnn)); got != "[web]" {        // folders are the administrators'
			t.Errorf("ann's connections: %s", got)
		}
		if got := connections(asBob); len(got) != 0 {
			t.Errorf("bob reads %v", got)
		}
		other := appFile(t, "Others", app.Connection{Name: "web", Type: "internet", String: "https://example.org/"})
		n.entity(asAnn, "POST", "/qrs/app/upload?name=third", other, 201)
		if got := fmt.Sprint(connections(asAnn)); got != "[web web(1)]" {
			t.Errorf("another one of the same name: %s", got)
		}
	})
}
