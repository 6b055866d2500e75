package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

const key = "0123456789abcdef"

// A site is a server over a real socket. Who calls is what the test says.
type site struct {
	t    *testing.T
	url  string
	repo *repository.Repository
}

// onEach runs a test on a site on each database.
func onEach(t *testing.T, f func(t *testing.T, s *site)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.Store) { f(t, newSite(t, db)) })
}

func newSite(t *testing.T, db *store.Store) *site {
	t.Helper()
	repo, err := repository.Open(t.Context(), repository.Options{Store: db})
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Repository: repo, About: About{BuildVersion: "1.0", NodeType: 1}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		who, context, _ := strings.Cut(string(ctx.Request.Header.Peek("Test-Caller")), " ")
		directory, id, _ := strings.Cut(who, `\`)
		c := repository.Caller{Directory: directory, ID: id, Context: rules.ContextConsole}
		if context == "hub" {
			c.Context = rules.ContextHub
		}
		s.Handle(ctx, c)
	}}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Shutdown()
		repo.Close()
	})
	return &site{t, "http://" + l.Addr().String(), repo}
}

// do sends a request and returns status and body.
func (s *site) do(who, method, path, body string) (int, string) {
	s.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path+sep+"xrfkey="+key, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("X-Qlik-Xrfkey", key)
	r.Header.Set("Test-Caller", who)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return a.StatusCode, string(text)
}

// json sends a request that has to have a status and decodes its answer.
func (s *site) json(who, method, path, body string, status int, to any) {
	s.t.Helper()
	got, text := s.do(who, method, path, body)
	if got != status {
		s.t.Fatalf("%s %s by %s: %d %s, want %d", method, path, who, got, text, status)
	}
	if to == nil {
		return
	}
	if err := json.NewDecoder(bytes.NewReader([]byte(text))).Decode(to); err != nil {
		s.t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
}

type doc = map[string]any

const service = `INTERNAL\sa_api`

// user makes a user with a role.
func (s *site) user(id string, roles ...string) doc {
	s.t.Helper()
	list, err := json.Marshal(append([]string{}, roles...))
	if err != nil {
		s.t.Fatal(err)
	}
	var u doc
	s.json(service, "POST", "/qrs/user", fmt.Sprintf(`{"userDirectory":"DOM","userId":%q,"name":%q,"roles":%s,"removedExternally":false,"blacklisted":false}`, id, id, list), 201, &u)
	return u
}

func TestStandardOperations(t *testing.T) { onEach(t, testStandardOperations) }

func testStandardOperations(t *testing.T, s *site) {
	var tag, again doc
	s.json(service, "POST", "/qrs/Tag", `{"name":"Finance","schemaPath":"Tag","privileges":null}`, 201, &tag)
	if tag["name"] != "Finance" || tag["schemaPath"] != "Tag" || tag["modifiedByUserName"] != service || tag["createdDate"] == nil {
		t.Errorf("created: %v", tag)
	}
	id := tag["id"].(string)
	s.json(service, "GET", "/qrs/tag/"+strings.ToUpper(id), "", 200, &again)
	if fmt.Sprint(again) != fmt.Sprint(tag) {
		t.Errorf("read:    %v\ncreated: %v", again, tag)
	}
	var count struct{ Value int }
	s.json(service, "GET", "/qrs/tag/count?filter=name+so+'NAN'", "", 200, &count)
	if count.Value != 1 {
		t.Errorf("%d tags", count.Value)
	}
	var list []doc
	s.json(service, "GET", "/qrs/tag?filter=name%20eq%20'x'", "", 200, &list)
	if list == nil || len(list) != 0 {
		t.Errorf("an empty list is %v", list)
	}
	s.json(service, "GET", "/qrs/tag/full?orderBy=name%20desc&privileges=true", "", 200, &list)
	if len(list) != 1 || len(list[0]["privileges"].([]any)) < 10 {
		t.Errorf("list: %v", list)
	}
	s.json(service, "PUT", "/qrs/tag/"+id, fmt.Sprintf(`{"id":%q,"name":"Money","modifiedDate":%q}`, id, tag["modifiedDate"]), 200, &again)
	if again["name"] != "Money" {
		t.Errorf("changed: %v", again)
	}
	for _, wrong := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{"PUT", "/qrs/tag/" + id, `{"name":"Late","modifiedDate":"2001-01-01T00:00:00.000Z"}`, 409, ""},
		{"PUT", "/qrs/tag/" + id, `{"id":"00000000-0000-0000-0000-000000000001","name":"Other"}`, 400, "id"},
		{"PUT", "/qrs/tag/00000000-0000-0000-0000-000000000001", `{"name":"Other"}`, 404, ""},
		{"GET", "/qrs/tag/full?filter=colour eq 1", "", 400, "colour"},
		{"GET", "/qrs/tag?filter=name eq", "", 400, ""},
		{"POST", "/qrs/tag", `{"name":`, 400, "JSON"},
		{"POST", "/qrs/tag", `{}`, 400, "name"},
		{"POST", "/qrs/tag", `{"name":"MONEY"}`, 400, ""},
		{"GET", "/qrs/nothing", "", 404, ""},
		{"POST", "/qrs/certificatedistribution/exportcertificates", `{}`, 501, "exportcertificates"},
		{"GET", "/qrs/tag?take=-1", "", 400, "take"},
	} {
		status, text := s.do(service, wrong.method, strings.ReplaceAll(wrong.path, " ", "%20"), wrong.body)
		if status != wrong.status || !strings.Contains(text, wrong.text) {
			t.Errorf("%s %s %s: %d %s, want %d and %q", wrong.method, wrong.path, wrong.body, status, text, wrong.status, wrong.text)
		}
	}
	s.json(service, "DELETE", "/qrs/tag/"+id, "", 204, nil)
	s.json(service, "GET", "/qrs/tag/"+id, "", 404, nil)
}

// Without the key, or with another one, nothing is answered: a foreign page
// cannot set the header.
func TestKey(t *testing.T) { onEach(t, testKey) }

func testKey(t *testing.T, s *site) {
	for _, tt := range []struct {
		path, header string
		status       int
	}{
		{"/qrs/tag?xrfkey=" + key, key, 200},
		{"/qrs/tag?XRFKEY=" + key, key, 200},
		{"/qrs/tag", "", 403},
		{"/qrs/tag?xrfkey=" + key, "", 403},
		{"/qrs/tag?xrfkey=" + key, "fedcba9876543210", 403},
		{"/qrs/tag?xrfkey=short", "short", 403},
		{"/qrs/tag?xrfkey=0123456789abcde%21", "0123456789abcde!", 403},
		{"/qrs/about", "", 200},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+tt.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Test-Caller", service)
		if tt.header != "" {
			r.Header.Set("X-Qlik-Xrfkey", tt.header)
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		if a.StatusCode != tt.status {
			t.Errorf("%s with %q: %d, want %d", tt.path, tt.header, a.StatusCode, tt.status)
		}
	}
}

// What a caller may not read does not exist for him; what he may read but not
// change is refused; a rule that is made holds at once.
func TestRights(t *testing.T) { onEach(t, testRights) }

func testRights(t *testing.T, s *site) {
	s.user("root", "RootAdmin")
	s.user("content", "ContentAdmin")
	ann := s.user("ann")
	const root, content, hub = `DOM\root`, `DOM\content`, `DOM\ann hub`
	var stream doc
	s.json(root, "POST", "/qrs/stream", `{"name":"Secret"}`, 201, &stream)
	id := stream["id"].(string)
	if owner := stream["owner"].(doc); owner["userId"] != "root" {
		t.Errorf("the owner is %v", owner)
	}
	s.json(content, "GET", "/qrs/stream/"+id, "", 200, nil)
	s.json(hub, "GET", "/qrs/stream/"+id, "", 404, nil)
	s.json(hub, "POST", "/qrs/stream", `{"name":"Mine"}`, 403, nil)
	var streams []doc
	s.json(hub, "GET", "/qrs/stream", "", 200, &streams)
	names := []string{}
	for _, e := range streams {
		names = append(names, e["name"].(string))
	}
	if got := strings.Join(names, " "); got != "Everyone" {
		t.Errorf("the hub shows %s", got)
	}
	s.json(content, "PUT", "/qrs/systemrule/"+ruleID(s, "RootAdmin"), `{"disabled":true}`, 404, nil)
	s.json(root, "PUT", "/qrs/systemrule/"+ruleID(s, "RootAdmin"), `{"disabled":true}`, 403, nil)
	s.json(root, "DELETE", "/qrs/systemrule/"+ruleID(s, "RootAdmin"), "", 403, nil)
	s.json(root, "POST", "/qrs/systemrule", `{"name":"bad","category":"Security","rule":"user.name = ","resourceFilter":"Stream_*","actions":2}`, 400, nil)

	var rule doc
	s.json(root, "POST", "/qrs/systemrule", fmt.Sprintf(`{"name":"Ann","category":"Security","type":"Custom","rule":"user.userId = \"ann\"","resourceFilter":"Stream_%s","actions":2,"ruleContext":0}`, id), 201, &rule)
	s.json(hub, "GET", "/qrs/stream/"+id, "", 200, nil)
	s.json(hub, "PUT", "/qrs/stream/"+id, `{"name":"Ann's"}`, 403, nil)
	var why struct {
		Allowed  bool
		Sentence string
	}
	path := fmt.Sprintf("/qrs/systemrule/security/explain?userid=%s&resourcetype=Stream&resourceid=%s&action=read", ann["id"], id)
	s.json(root, "GET", path, "", 200, &why)
	if !why.Allowed || !strings.Contains(why.Sentence, "Ann") {
		t.Errorf("why: %+v", why)
	}
	s.json(hub, "GET", path, "", 403, nil)
	s.json(root, "DELETE", "/qrs/systemrule/"+rule["id"].(string), "", 204, nil)
	s.json(hub, "GET", "/qrs/stream/"+id, "", 404, nil)

	s.json(root, "PUT", "/qrs/user/"+ann["id"].(string), `{"roles":["ContentAdmin"]}`, 200, nil)
	s.json(`DOM\ann`, "GET", "/qrs/stream/"+id, "", 200, nil)
	for _, roles := range []string{"roles", "Roles", "ROLES"} { // however it is written
		s.json(content, "PUT", "/qrs/user/"+ann["id"].(string), `{"`+roles+`":["RootAdmin"]}`, 403, nil)
	}
}

func ruleID(s *site, name string) string {
	s.t.Helper()
	var found []doc
	s.json(service, "GET", "/qrs/systemrule?filter=name+eq+'"+name+"'", "", 200, &found)
	if len(found) != 1 {
		s.t.Fatalf("%d rules %s", len(found), name)
	}
	return found[0]["id"].(string)
}

func TestSelectionAndTable(t *testing.T) { onEach(t, testSelectionAndTable) }

func testSelectionAndTable(t *testing.T, s *site) {
	for i := range 5 {
		s.json(service, "POST", "/qrs/tag", fmt.Sprintf(`{"name":"t%d"}`, i), 201, nil)
	}
	var made []doc
	s.json(service, "POST", "/qrs/tag/many", `[{"name":"a"},{"name":"b"}]`, 201, &made)
	s.json(service, "POST", "/qrs/tag/many", `[{"name":"c"},{"name":"A"}]`, 400, nil) // all or none
	var selection struct {
		ID    string
		Items []doc
	}
	s.json(service, "POST", "/qrs/selection/tag?filter=name+sw+'t'", "", 201, &selection)
	if len(selection.Items) != 5 {
		t.Errorf("%d items", len(selection.Items))
	}
	var count struct{ Value int }
	s.json(service, "GET", "/qrs/selection/"+selection.ID+"/tag/count", "", 200, &count)
	if count.Value != 5 {
		t.Errorf("%d of the selection", count.Value)
	}
	s.json(`INTERNAL\sa_proxy`, "GET", "/qrs/selection/"+selection.ID+"/tag/count", "", 404, nil) // another's
	s.json(service, "DELETE", "/qrs/selection/"+selection.ID+"/tag", "", 204, nil)
	var table struct {
		ColumnNames []string
		Rows        [][]any
	}
	s.json(service, "POST", "/qrs/tag/table?sortColumn=Name&orderAscending=false",
		`{"type":"Tag","columns":[{"name":"Name","columnType":"Property","definition":"name"},{"name":"Rights","columnType":4}]}`, 201, &table)
	if len(table.Rows) != 2 || table.Rows[0][0] != "b" || table.Rows[1][0] != "a" || len(table.Rows[0][1].([]any)) == 0 {
		t.Errorf("%+v", table)
	}

	// Consoles ask what they may do with what they have stored.
	var stored doc
	s.json(service, "POST", "/qrs/tag?privileges=true", `{"name":"stored"}`, 201, &stored)
	if rights, _ := stored["privileges"].([]any); len(rights) == 0 {
		t.Errorf("created: %v", stored)
	}
	s.json(service, "PUT", fmt.Sprint("/qrs/tag/", stored["id"], "?privileges=true"), `{"name":"stored again"}`, 200, &stored)
	if rights, _ := stored["privileges"].([]any); len(rights) == 0 {
		t.Errorf("changed: %v", stored)
	}
	var several []doc
	s.json(service, "POST", "/qrs/tag/many?privileges=true", `[{"name":"several"}]`, 201, &several)
	if rights, _ := several[0]["privileges"].([]any); len(rights) == 0 {
		t.Errorf("created: %v", several)
	}

	// Consoles name lists by the type of what is in them.
	var tag doc
	s.json(service, "POST", "/qrs/tag", `{"name":"listed"}`, 201, &tag)
	s.json(service, "POST", "/qrs/stream", fmt.Sprintf(`{"name":"Tagged","tags":[{"id":%q}]}`, tag["id"]), 201, nil)
	s.json(service, "POST", "/qrs/stream/table?filter=name+eq+'Tagged'", `{"entity":"Stream","columns":[{"name":"tags","columnType":"List","definition":"tag","list":[
		{"name":"name","columnType":"Property","definition":"Name"}]}]}`, 201, &table)
	if got := fmt.Sprint(table.Rows); got != "[[map[columnNames:[name] rows:[[listed]]]]]" {
		t.Errorf("a list by its type: %s", got)
	}
}

func TestAbout(t *testing.T) { onEach(t, testAbout) }

func testAbout(t *testing.T, s *site) {
	var enums map[string]struct{ Values, Usages []string }
	s.json(service, "GET", "/qrs/about/api/enums", "", 200, &enums)
	if len(enums) < 20 {
		t.Errorf("%d enumerations", len(enums))
	}
	var relations []string
	s.json(service, "GET", "/qrs/about/api/relations", "", 200, &relations)
	if !strings.Contains(strings.Join(relations, "\n"), "App.owner > User") {
		t.Error("App.owner > User is missing")
	}
	s.json(service, "GET", "/qrs/datacollection/settings", "", 200, nil) // hubs ask when they open
	s.json(service, "GET", "/qrs/ssl/ping", "", 200, nil)

	var defaults map[string]doc
	s.json(service, "GET", "/qrs/about/api/default", "", 200, &defaults)
	var task doc
	s.json(service, "GET", "/qrs/about/api/default/EngineService?listentries=false", "", 200, &task)
	settings := task["settings"].(doc)
	if len(defaults) < 60 || len(defaults["App"]["tags"].([]any)) != 1 || len(task["tags"].([]any)) != 0 || settings["auditActivityLogVerbosity"] != 4.0 {
		t.Errorf("%d defaults, %v", len(defaults), task)
	}
	var described struct {
		Paths      map[string]map[string]doc
		Components struct {
			Schemas map[string]struct{ Properties map[string]doc }
		}
	}
	s.json(service, "GET", "/qrs/about/openapi/qrs", "", 200, &described)
	if described.Paths["/app/{id}"]["get"] == nil || described.Components.Schemas["App"].Properties["owner"]["$ref"] != "#/components/schemas/User" {
		t.Errorf("%d paths, %v", len(described.Paths), described.Components.Schemas["App"])
	}
	s.json(service, "GET", "/qrs/about/openapi/colour", "", 404, nil)

	var posts []string
	s.json(service, "GET", "/qrs/about/api/description?extended=false&method=post", "", 200, &posts)
	if len(posts) == 0 || slices.ContainsFunc(posts, func(o string) bool { return !strings.HasPrefix(o, "POST ") }) {
		t.Errorf("operations of a method: %d, %.200v", len(posts), posts)
	}
	var all []string
	s.json(service, "GET", "/qrs/about/api/description", "", 200, &all)
	if slices.Sort(all); len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Error("operations are described twice")
	}
	if _, license := s.do(service, "GET", "/qrs/license", ""); license != "null" {
		t.Errorf("the licence of a site without one: %s", license)
	}
}

// TestLocal: what this node is, what its users have marked and own.
func TestLocal(t *testing.T) { onEach(t, testLocal) }

func testLocal(t *testing.T, s *site) {
	s.json(service, "GET", "/qrs/engineservice/local", "", 404, nil)
	s.join("Central", true, 4747)
	var node, engine doc
	s.json(service, "GET", "/qrs/servernodeconfiguration/local", "", 200, &node)
	s.json(service, "GET", "/qrs/engineservice/local", "", 200, &engine)
	if node["name"] != "Central" || engine["serverNodeConfiguration"].(doc)["id"] != node["id"] {
		t.Errorf("node %v, engine %v", node, engine)
	}
	for _, name := range []string{"proxy", "scheduler", "repository"} {
		s.json(service, "GET", "/qrs/"+name+"service/local", "", 200, nil)
	}
	s.json(service, "GET", "/qrs/printingservice/local", "", 404, nil) // there is none
	ann := s.user("ann")
	const hub = `DOM\ann hub`
	s.json(hub, "GET", "/qrs/engineservice/local", "", 404, nil)

	c := repository.Service("api")
	app, err := s.repo.Create(t.Context(), &c, s.repo.Schema().Type("App"), doc{"name": "Mine", "owner": doc{"id": ann["id"]}})
	if err != nil {
		t.Fatal(err)
	}
	id := app[0]["id"].(string)
	s.json(hub, "PUT", "/qrs/user/favorites/"+id, "", 204, nil)
	var ids []string
	s.json(hub, "GET", "/qrs/user/favorites", "", 200, &ids)
	if fmt.Sprint(ids) != "["+id+"]" {
		t.Errorf("favourites %v", ids)
	}
	s.json(service, "POST", "/qrs/stream", fmt.Sprintf(`{"name":"Hers","owner":{"id":%q}}`, ann["id"]), 201, nil)
	var selection doc
	var owned []struct {
		ResourceType    string
		Owner, Resource doc
	}
	s.json(service, "POST", "/qrs/selection/user?filter=userId+eq+'ann'", "", 201, &selection)
	path := fmt.Sprintf("/qrs/user/ownedresources?userselection=%s", selection["id"])
	s.json(service, "GET", path, "", 200, &owned)
	if len(owned) != 2 || owned[0].ResourceType != "App" || owned[0].Resource["name"] != "Mine" || owned[0].Owner["userId"] != "ann" || owned[1].ResourceType != "Stream" {
		t.Errorf("owned: %+v", owned)
	}
	s.json(service, "GET", path+"&filter=published+eq+false", "", 200, &owned)
	if len(owned) != 1 || owned[0].ResourceType != "App" {
		t.Errorf("owned apps: %+v", owned)
	}
	s.json(service, "GET", path+"&limit=1", "", 200, &owned)
	if len(owned) != 1 {
		t.Errorf("one: %+v", owned)
	}
	s.json(service, "GET", "/qrs/user/ownedresources", "", 400, nil)
}
