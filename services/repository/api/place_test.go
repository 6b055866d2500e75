package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
)

// make makes an entity of any type, as the site itself does.
func (s *site) make(typ string, d doc) string {
	s.t.Helper()
	self := repository.Service("api")
	made, err := s.repo.Create(s.t.Context(), &self, s.repo.Schema().Type(typ), d)
	if err != nil {
		s.t.Fatal(err)
	}
	return made[0]["id"].(string)
}

// appOf makes an app of a user, published to everyone or not.
func (s *site) appOf(name string, owner doc, published bool) string {
	d := doc{"name": name, "owner": doc{"id": owner["id"]}, "published": published, "availabilityStatus": 1, "migrationHash": "v1"}
	if published {
		d["stream"] = doc{"id": rules.EveryoneStreamID}
	}
	return s.make("App", d)
}

// Who may update an entity may not put it by that where he may not: an app into
// a stream, an object into another app or into the base of its own, a task to an
// app that somebody else reloads.
func TestPlace(t *testing.T) { onEach(t, testPlace) }

func testPlace(t *testing.T, s *site) {
	s.user("root", "RootAdmin")
	ann, eve := s.user("ann"), s.user("eve", "HubAdmin")
	const root, hub = `DOM\root`, `DOM\eve hub`
	var closed doc
	s.json(root, "POST", "/qrs/stream", `{"name":"Closed"}`, 201, &closed)
	mine, shown, hidden := s.appOf("mine", eve, false), s.appOf("shown", ann, true), s.appOf("hidden", ann, false)
	object := s.make("AppObject", doc{
		"name": "sheet", "owner": doc{"id": eve["id"]}, "app": doc{"id": shown}, "objectType": "sheet", "engineObjectType": "sheet", "engineObjectId": "e1", "published": false, "approved": false,
	})
	var task doc
	s.json(hub, "POST", "/qrs/reloadtask", fmt.Sprintf(`{"name":"t","app":{"id":%q},"taskSessionTimeout":60,"maxRetries":0}`, mine), 201, &task)
	content := s.make("AppContent", doc{"app": doc{"id": mine}})
	for _, tt := range []struct {
		path, body string
		status     int
		why        string
	}{
		{"app/" + mine, fmt.Sprintf(`{"stream":{"id":%q},"published":true}`, closed["id"]), 400, "a stream that eve may not publish to"},
		{"app/" + mine, fmt.Sprintf(`{"Stream":{"ID":%q}}`, closed["id"]), 400, "however it is written"},
		{"app/" + mine, `{"migrationHash":"v2"}`, 400, "the version of the file"},
		{"app/" + mine, `{"name":"Mine","stream":null,"published":false,"migrationHash":"v1"}`, 200, "what was read may be sent back"},
		{"app/object/" + object, `{"approved":true}`, 400, "base content"},
		{"app/object/" + object, `{"published":true}`, 400, "an object is published by an operation of its own"},
		{"app/object/" + object, fmt.Sprintf(`{"app":{"id":%q}}`, hidden), 400, "the app of somebody else"},
		{"app/object/" + object, `{"engineObjectId":"e2"}`, 400, "another object's row"},
		{"app/object/" + object, fmt.Sprintf(`{"name":"Sheet","app":{"id":%q},"engineObjectId":"e1"}`, shown), 200, "a name"},
		{"app/object/" + object, fmt.Sprintf(`{"owner":{"id":%q}}`, ann["id"]), 200, "given away"},
		{"reloadtask/" + task["id"].(string), fmt.Sprintf(`{"app":{"id":%q}}`, hidden), 400, "a task of an app that eve may not read"},
		{"reloadtask/" + task["id"].(string), fmt.Sprintf(`{"app":{"id":%q}}`, shown), 403, "or one that eve may read, and not change"},
		{"reloadtask/" + task["id"].(string), fmt.Sprintf(`{"app":{"id":%q},"name":"T"}`, mine), 200, "a name"},
	} {
		if status, text := s.do(hub, "PUT", "/qrs/"+tt.path, tt.body); status != tt.status {
			t.Errorf("%s: PUT %s %s: %d %s, want %d", tt.why, tt.path, tt.body, status, text, tt.status)
		}
	}

	// What has no operation to update it has none by a selection either: an app's
	// owner may not choose what files it holds.
	var selection, list doc
	s.json(hub, "POST", "/qrs/selection", fmt.Sprintf(`{"items":[{"type":"App.Content","objectID":%q}]}`, content), 201, &selection)
	var lists []doc
	s.json(hub, "GET", "/qrs/fileextensionwhitelist/full?filter=libraryType+eq+'Extension'", "", 200, &lists)
	if len(lists) != 1 {
		t.Fatalf("%d lists of extensions", len(lists))
	}
	list = lists[0]
	s.json(hub, "PUT", fmt.Sprintf("/qrs/selection/%s/app/content/synthetic", selection["id"]), fmt.Sprintf(
		`{"type":"App.Content","latestModifiedDate":"2100-01-01T00:00:00.000Z","properties":[{"name":"whiteList","valueIsModified":true,"value":{"id":%q}}]}`, list["id"]), 403, nil)
}

// What is looked at is what is stored, however a client writes it.
func TestSpellings(t *testing.T) { onEach(t, testSpellings) }

func testSpellings(t *testing.T, s *site) {
	s.user("deployment", "DeploymentAdmin")
	ann, eve := s.user("ann"), s.user("eve")
	const deployment = `DOM\deployment` // who may update apps, and not change their owners
	app := s.appOf("ann's", ann, false)
	for range 20 { // which of them a map has first is chance
		s.json(deployment, "PUT", "/qrs/app/"+app, fmt.Sprintf(`{"owner":{"id":%q,"ID":%q}}`, ann["id"], eve["id"]), 400, nil)
	}
	var definition doc
	s.json(service, "POST", "/qrs/custompropertydefinition", `{"name":"Dep","valueType":"Text","choiceValues":["North"],"objectTypes":["App"]}`, 201, &definition)
	for _, id := range []string{"id", "ID"} {
		for _, value := range []string{"value", "Value"} {
			s.json(deployment, "PUT", "/qrs/app/"+app, fmt.Sprintf(`{"customProperties":[{%q:"Nowhere","definition":{%q:%q}}]}`, value, id, definition["id"]), 400, nil)
			s.json(deployment, "PUT", "/qrs/app/"+app, fmt.Sprintf(`{"customProperties":[{%q:"North","definition":{%q:%q}}]}`, value, id, definition["id"]), 200, nil)
		}
	}
}

// Who may make and change users but not give roles makes none with roles, and
// gives nobody the name of another who has some.
func TestRolesOfUsers(t *testing.T) { onEach(t, testRolesOfUsers) }

func testRolesOfUsers(t *testing.T, s *site) {
	chief := s.user("root", "RootAdmin")["id"].(string)
	s.user("content", "ContentAdmin")
	const root, content = `DOM\root`, `DOM\content`
	const user = `{"userDirectory":"DOM","userId":%q,"name":"x","roles":[%s],"removedExternally":false,"blacklisted":false}`
	s.json(content, "POST", "/qrs/user", fmt.Sprintf(user, "other", ""), 201, nil)
	s.json(content, "POST", "/qrs/user", fmt.Sprintf(user, "accomplice", `"RootAdmin"`), 403, nil)
	s.json(content, "POST", "/qrs/user/many", "["+fmt.Sprintf(user, "accomplice", `"RootAdmin"`)+"]", 403, nil)
	s.json(root, "POST", "/qrs/user", fmt.Sprintf(user, "colleague", `"RootAdmin"`), 201, nil)
	s.json(content, "PUT", "/qrs/user/"+chief, `{"userId":"accomplice"}`, 403, nil)
	s.json(content, "PUT", "/qrs/user/"+chief, `{"UserDirectory":"ELSEWHERE"}`, 403, nil)
	s.json(content, "PUT", "/qrs/user/"+chief, `{"name":"Chief","userId":"root","userDirectory":"DOM"}`, 200, nil)
}

// Who may change rules of some kinds makes none of another kind of them.
func TestKindsOfRules(t *testing.T) { onEach(t, testKindsOfRules) }

func testKindsOfRules(t *testing.T, s *site) {
	s.user("content", "ContentAdmin")
	s.user("deployment", "DeploymentAdmin")
	const body = `{"name":"mine","category":%q,"type":"Custom","rule":"user.userId = \"ann\"","resourceFilter":%q,"actions":2,"ruleContext":0}`
	for _, tt := range []struct{ who, category, filter, wrong, right string }{
		{`DOM\content`, "Security", "Stream_" + rules.EveryoneStreamID, `{"resourceFilter":"*","rule":"true","actions":4095}`, `{"rule":"user.userId = \"eve\""}`},
		{`DOM\deployment`, "License", "License.UserAccessGroup_*", `{"category":"Security","resourceFilter":"*","rule":"true"}`, `{"name":"ours"}`},
	} {
		s.json(tt.who, "POST", "/qrs/systemrule", fmt.Sprintf(body, tt.category, "*"), map[string]int{"Security": 403, "License": 201}[tt.category], nil)
		var rule doc
		s.json(tt.who, "POST", "/qrs/systemrule", fmt.Sprintf(body, tt.category, tt.filter), 201, &rule)
		path := "/qrs/systemrule/" + rule["id"].(string)
		s.json(tt.who, "PUT", path, tt.wrong, 403, nil)
		s.json(tt.who, "PUT", path, tt.right, 200, nil)
		s.json(tt.who, "PUT", path, `{"type":"Read only"}`, 403, nil) // which nobody could take away
		s.json(tt.who, "POST", "/qrs/systemrule", strings.Replace(fmt.Sprintf(body, tt.category, tt.filter), "Custom", "Read only", 1), 403, nil)
		s.json(tt.who, "DELETE", path, "", 204, nil)
	}
}

// Events of a task that are none are refused.
func TestEventsThatAreNone(t *testing.T) { onEach(t, testEventsThatAreNone) }

func testEventsThatAreNone(t *testing.T, s *site) {
	app := s.appOf("mine", s.user("eve", "HubAdmin"), false)
	for _, events := range []string{`"schemaEvents":[null]`, `"compositeEvents":[null]`} {
		s.json(`DOM\eve hub`, "POST", "/qrs/reloadtask/create", fmt.Sprintf(`{"task":{"name":"t","app":{"id":%q},"taskSessionTimeout":60,"maxRetries":0},%s}`, app, events), 400, nil)
	}
}

// The accounts of the site's services are part of the installation.
func TestServiceAccountsStay(t *testing.T) { onEach(t, testServiceAccountsStay) }

func testServiceAccountsStay(t *testing.T, s *site) {
	other := s.user("other")["id"].(string)
	s.user("content", "ContentAdmin")
	const content = `DOM\content`
	var accounts []doc
	s.json(content, "GET", "/qrs/user?filter=userDirectory+eq+'INTERNAL'", "", 200, &accounts)
	if len(accounts) < 5 {
		t.Errorf("%d accounts", len(accounts))
	}
	for _, a := range accounts {
		path := "/qrs/user/" + a["id"].(string)
		s.json(content, "PUT", path, `{"deleteProhibited":false}`, 400, nil)
		s.json(content, "DELETE", path, "", 403, nil)
	}
	s.json(content, "DELETE", "/qrs/user/"+other, "", 204, nil)
}

// Nobody refers to what he may not read: the answer would show it, and another
// answer would tell what exists.
func TestHiddenTargets(t *testing.T) { onEach(t, testHiddenTargets) }

func testHiddenTargets(t *testing.T, s *site) {
	ann, eve := s.user("ann"), s.user("eve", "HubAdmin")
	const hub = `DOM\eve hub`
	mine, hidden := s.appOf("mine", eve, false), s.appOf("secret plans", ann, false)
	const nothing = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
	link := func(app string) string { return fmt.Sprintf(`{"name":"l","templateApp":{"id":%q}}`, app) }
	for _, app := range []string{hidden, nothing} {
		status, text := s.do(hub, "POST", "/qrs/odaglink", link(app))
		if want := fmt.Sprintf("templateApp: there is no App %s", app); status != 400 || text != want {
			t.Errorf("%d %s, want %s", status, text, want)
		}
	}
	var made doc
	s.json(hub, "POST", "/qrs/odaglink", link(mine), 201, &made)
	s.json(hub, "PUT", "/qrs/odaglink/"+made["id"].(string), link(hidden), 400, nil)
	s.json(hub, "PUT", "/qrs/odaglink/"+made["id"].(string), link(mine), 200, nil)
	s.json(service, "PUT", "/qrs/odaglink/"+made["id"].(string), link(hidden), 200, nil)
	s.json(hub, "PUT", "/qrs/odaglink/"+made["id"].(string), `{"name":"what was there may stay"}`, 200, nil)
}
