package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository"
)

// props are the properties of a SyntheticRootEntity, by name.
func (e *syntheticEntity) props() map[string]syntheticProperty {
	out := map[string]syntheticProperty{}
	for _, p := range e.Properties {
		out[p.Name] = p
	}
	return out
}

func TestSynthetic(t *testing.T) { onEach(t, testSynthetic) }

func testSynthetic(t *testing.T, s *site) {
	s.user("root", "RootAdmin")
	const root = `DOM\root`
	var dep, red, blue, selection doc
	s.json(root, "POST", "/qrs/custompropertydefinition", `{"name":"Dep","valueType":"Text","choiceValues":["North","South"],"objectTypes":["Stream","User"]}`, 201, &dep)
	s.json(root, "POST", "/qrs/tag", `{"name":"red"}`, 201, &red)
	s.json(root, "POST", "/qrs/tag", `{"name":"blue"}`, 201, &blue)
	ids := []string{}
	for i, more := range []string{
		fmt.Sprintf(`"tags":[{"id":%q},{"id":%q}],"customProperties":[{"value":"North","definition":{"id":%q}}]`, red["id"], blue["id"], dep["id"]),
		fmt.Sprintf(`"tags":[{"id":%q}]`, red["id"]),
	} {
		var stream doc
		s.json(root, "POST", "/qrs/stream", fmt.Sprintf(`{"name":"S%d",%s}`, i, more), 201, &stream)
		ids = append(ids, stream["id"].(string))
	}
	s.json(root, "POST", "/qrs/selection/stream?filter=name+sw+'S'", "", 201, &selection)
	path := fmt.Sprintf("/qrs/selection/%s/stream", selection["id"])
	var got syntheticEntity
	s.json(root, "GET", path+"/synthetic", "", 200, &got)
	p := got.props()
	if got.Type != "Stream" || !p["name"].IsDifferent || p["name"].Value != nil || p["owner"].IsDifferent || !strings.Contains(strings.Join(got.Access, " "), "update") {
		t.Errorf("synthetic: %+v", got)
	}
	tags, custom := p["refList_Tag"].Value.(doc), p["@Dep"].Value.(doc)
	if fmt.Sprint(tags["common"], tags["some"]) != fmt.Sprintf("[%s] [%s]", red["id"], blue["id"]) || fmt.Sprint(custom["common"], custom["some"]) != "[] [North]" {
		t.Errorf("tags %v, custom properties %v", tags, custom)
	}

	put := func(status int, properties string) {
		t.Helper()
		s.json(root, "PUT", path+"/synthetic", fmt.Sprintf(`{"type":"Stream","latestModifiedDate":%q,"children":[],"properties":[%s]}`, got.Latest, properties), status, nil)
	}
	put(200, fmt.Sprintf(`{"name":"refList_Tag","value":{"added":[%q],"removed":[%q]},"valueIsModified":true},
		{"name":"@Dep","value":{"added":["South"],"removed":["North"]},"valueIsModified":true},{"name":"name","value":"same","valueIsDifferent":true,"valueIsModified":false}`, blue["id"], red["id"]))
	for i, id := range ids {
		var e struct {
			Name             string
			Tags             []doc
			CustomProperties []struct{ Value string }
		}
		s.json(root, "GET", "/qrs/stream/"+id, "", 200, &e)
		if e.Name != fmt.Sprint("S", i) || len(e.Tags) != 1 || e.Tags[0]["name"] != "blue" || fmt.Sprint(e.CustomProperties) != "[{South}]" {
			t.Errorf("stream: %+v", e)
		}
	}
	put(409, `{"name":"name","value":"late","valueIsModified":true}`) // changed since got was read
	s.json(root, "GET", path+"/synthetic", "", 200, &got)
	put(400, `{"name":"colour","value":"x","valueIsModified":true}`)
	put(400, `{"name":"@Dep","value":{"added":["West"],"removed":[]},"valueIsModified":true}`)
	put(400, `{"name":"refList_Tag","value":"red","valueIsModified":true}`)
	put(400, `{"name":"@Nothing","value":["x"],"valueIsModified":true}`)
	put(200, fmt.Sprintf(`{"name":"customProperties","value":{"added":[{"value":"North","definition":{"id":%q}}],"removed":[{"value":"South","definition":{"id":%q}}]},"valueIsModified":true}`, dep["id"], dep["id"]))
	s.json(root, "GET", path+"/synthetic", "", 200, &got)
	if v := got.props()["@Dep"].Value.(doc); fmt.Sprint(v["common"]) != "[North]" {
		t.Errorf("custom properties: %v", v)
	}
	put(200, `{"name":"@Dep","value":[],"valueIsModified":true}`)
	s.json(root, "GET", path+"/synthetic", "", 200, &got)
	if v := got.props()["@Dep"].Value.(doc); fmt.Sprint(v["common"], v["some"]) != "[] []" {
		t.Errorf("custom properties: %v", v)
	}

	// All or none, and nobody changes what he may not.
	s.user("content", "ContentAdmin")
	s.user("ann")
	var users doc
	s.json(root, "POST", "/qrs/selection/user?filter=userDirectory+eq+'DOM'+and+userId+ne+'root'", "", 201, &users)
	s.json(root, "PUT", fmt.Sprintf("/qrs/selection/%s/user/synthetic", users["id"]), `{"properties":[{"name":"inactive","value":true,"valueIsDifferent":true,"valueIsModified":true}],"type":"User","latestModifiedDate":"2099-01-01T00:00:00.999Z"}`, 200, nil)
	var n struct{ Value int }
	s.json(service, "GET", "/qrs/user/count?filter=inactive+eq+true", "", 200, &n)
	if n.Value != 2 {
		t.Errorf("%d users are inactive", n.Value)
	}
	s.json(`DOM\content`, "POST", "/qrs/selection/user?filter=userDirectory+eq+'DOM'", "", 201, &users)
	s.json(`DOM\content`, "PUT", fmt.Sprintf("/qrs/selection/%s/user/synthetic", users["id"]), `{"properties":[{"name":"roles","value":{"added":["RootAdmin"],"removed":[]},"valueIsModified":true}],"type":"User","latestModifiedDate":"2099-01-01T00:00:00.999Z"}`, 403, nil)
	s.json(service, "GET", "/qrs/user/count?filter=roles+eq+'RootAdmin'", "", 200, &n)
	if n.Value != 1 {
		t.Errorf("%d administrators", n.Value)
	}

	// Settings are children, types have paths of two parts, and there is a table.
	id := s.join("Central", true, 4747)
	s.json(service, "POST", "/qrs/selection/engineservice?filter=serverNodeConfiguration.id+eq+"+id, "", 201, &selection)
	engine := fmt.Sprintf("/qrs/selection/%s/engineservice", selection["id"])
	s.json(service, "PUT", engine+"/synthetic", `{"type":"EngineService","latestModifiedDate":"2099-01-01T00:00:00.000Z","children":[{"name":"settings","properties":[{"name":"autosaveInterval","value":45,"valueIsModified":true}]}]}`, 200, nil)
	var engines []struct {
		Settings struct{ AutosaveInterval int }
	}
	s.json(service, "GET", engine+"/full", "", 200, &engines)
	if len(engines) != 1 || engines[0].Settings.AutosaveInterval != 45 {
		t.Errorf("engines: %+v", engines)
	}
	s.json(service, "POST", "/qrs/license/professionalaccessgroup", `{"name":"pros"}`, 201, nil)
	s.json(service, "POST", "/qrs/selection/license/professionalaccessgroup", "", 201, &selection)
	groups := fmt.Sprintf("/qrs/selection/%s/license/professionalaccessgroup", selection["id"])
	s.json(service, "GET", groups+"/count", "", 200, &n)
	var list []doc
	s.json(service, "GET", groups, "", 200, &list)
	var table struct{ Rows [][]any }
	s.json(service, "POST", groups+"/table", `{"columns":[{"name":"Name","columnType":"Property","definition":"name"}]}`, 201, &table)
	if n.Value != 1 || len(list) != 1 || fmt.Sprint(table.Rows) != "[[pros]]" {
		t.Errorf("%d groups, %v, %v", n.Value, list, table)
	}
	s.json(service, "GET", groups+"/colour", "", 404, nil)
}

func TestCustomProperties(t *testing.T) { onEach(t, testCustomProperties) }

func testCustomProperties(t *testing.T, s *site) {
	for _, wrong := range []string{
		`{"name":"two words","valueType":"Text"}`, `{"name":"Dep","valueType":"Number"}`, `{"name":"Dep","valueType":"Text","objectTypes":["Colour"]}`, `{"name":"Dep","valueType":"Text","objectTypes":["Tag"]}`,
	} {
		s.json(service, "POST", "/qrs/custompropertydefinition", wrong, 400, nil)
	}
	var dep, stream, user doc
	s.json(service, "POST", "/qrs/custompropertydefinition", `{"name":"Dep","valueType":"Text","choiceValues":["North","South"],"objectTypes":["Stream","User"]}`, 201, &dep)
	with := func(values ...string) string {
		var list []string
		for _, v := range values {
			list = append(list, fmt.Sprintf(`{"value":%q,"definition":{"id":%q}}`, v, strings.ToUpper(dep["id"].(string))))
		}
		return `"customProperties":[` + strings.Join(list, ",") + `]`
	}
	if status, text := s.do(service, "POST", "/qrs/stream", `{"name":"s",`+with("West")+`}`); status != 400 || !strings.Contains(text, "Dep") || !strings.Contains(text, "West") {
		t.Errorf("a value that is none: %d %s", status, text)
	}
	if status, text := s.do(service, "POST", "/qrs/dataconnection", `{"name":"s","connectionstring":"x","type":"folder",`+with("North")+`}`); status != 400 || !strings.Contains(text, "not for DataConnection") {
		t.Errorf("a type that is none: %d %s", status, text)
	}
	s.json(service, "POST", "/qrs/stream", `{"name":"s",`+with("North", "South")+`}`, 201, &stream)
	user = s.user("ann")
	s.json(service, "PUT", "/qrs/user/"+user["id"].(string), `{`+with("South")+`}`, 200, nil)
	values := func(path string) string {
		t.Helper()
		var e struct{ CustomProperties []struct{ Value string } }
		s.json(service, "GET", path, "", 200, &e)
		return fmt.Sprint(e.CustomProperties)
	}
	// What a definition loses is taken from those that have it.
	s.json(service, "PUT", "/qrs/custompropertydefinition/"+dep["id"].(string), `{"choiceValues":["South","East"]}`, 200, nil)
	if got := values("/qrs/stream/" + stream["id"].(string)); got != "[{South}]" {
		t.Errorf("without North: %s", got)
	}
	s.json(service, "PUT", "/qrs/custompropertydefinition/"+dep["id"].(string), `{"objectTypes":["Stream"]}`, 200, nil)
	if got := values("/qrs/user/" + user["id"].(string)); got != "[]" {
		t.Errorf("no longer for users: %s", got)
	}
	s.json(service, "PUT", "/qrs/stream/"+stream["id"].(string), `{`+with("South", "North")+`}`, 400, nil)
	s.json(service, "DELETE", "/qrs/custompropertydefinition/"+dep["id"].(string), "", 204, nil)
	if got := values("/qrs/stream/" + stream["id"].(string)); got != "[]" {
		t.Errorf("without the definition: %s", got)
	}
}

// A selection has what belongs to its entities, too: triggers of tasks, apps of
// streams, what bears a tag. Only those are shown that the caller may read, and
// nothing is deleted by them.
func TestRelatedToSelection(t *testing.T) { onEach(t, testRelatedToSelection) }

func testRelatedToSelection(t *testing.T, s *site) {
	s.user("root", "RootAdmin")
	const root = `DOM\root`
	var red, app, task, selection doc
	var streams [2]doc
	s.json(root, "POST", "/qrs/tag", `{"name":"red"}`, 201, &red)
	for i := range streams {
		s.json(root, "POST", "/qrs/stream", fmt.Sprintf(`{"name":"S%d","tags":[{"id":%q}]}`, i, red["id"]), 201, &streams[i])
	}
	app = s.app("A")
	self := repository.Service("api")
	if _, err := s.repo.Update(t.Context(), &self, s.repo.Schema().Type("App"), app["id"].(string), doc{"stream": doc{"id": streams[0]["id"]}}); err != nil {
		t.Fatal(err)
	}
	s.json(root, "POST", "/qrs/reloadtask/create", fmt.Sprintf(`{"task":{"name":"t","app":{"id":%q},"enabled":true,"taskSessionTimeout":10,"maxRetries":0},"compositeEvents":[],
		"schemaEvents":[{"name":"e","enabled":true,"timeZone":"UTC","daylightSavingTime":0,"incrementOption":0,"startDate":"2099-01-01T00:00:00.000Z","expirationDate":"9999-01-01T00:00:00.000Z",
		"schemaFilterDescription":["* * - * * * * *"],"incrementDescription":"0 0 0 0"}]}`, app["id"]), 201, &task)
	names := func(who, item, id, typ string) string {
		t.Helper()
		s.json(who, "POST", "/qrs/selection", fmt.Sprintf(`{"items":[{"type":%q,"objectID":%q}]}`, item, id), 201, &selection)
		var list []struct{ Name string }
		s.json(who, "GET", fmt.Sprintf("/qrs/selection/%s/%s/full?orderby=name", selection["id"], typ), "", 200, &list)
		var out []string
		for _, e := range list {
			out = append(out, e.Name)
		}
		return strings.Join(out, " ")
	}
	for _, tt := range []struct{ who, item, id, typ, want string }{
		{root, "ReloadTask", task["id"].(string), "Event", "e"},
		{root, "ReloadTask", task["id"].(string), "SchemaEvent", "e"},
		{root, "ReloadTask", task["id"].(string), "ReloadTask", "t"},
		{root, "ReloadTask", task["id"].(string), "CompositeEvent", ""},
		{root, "App", app["id"].(string), "ReloadTask", "t"},
		{root, "Stream", streams[0]["id"].(string), "App", "A"},
		{root, "Stream", streams[1]["id"].(string), "App", ""},
		{root, "Tag", red["id"].(string), "Stream", "S0 S1"},
		{root, "Tag", red["id"].(string), "User", ""},
		{`DOM\ann hub`, "Tag", red["id"].(string), "Stream", ""},
	} {
		if got := names(tt.who, tt.item, tt.id, tt.typ); got != tt.want {
			t.Errorf("%s of a %s for %s: %q, want %q", tt.typ, tt.item, tt.who, got, tt.want)
		}
	}
	names(root, "Tag", red["id"].(string), "Stream")
	s.json(root, "DELETE", fmt.Sprintf("/qrs/selection/%s/stream", selection["id"]), "", 204, nil)
	if got := names(root, "Tag", red["id"].(string), "Stream"); got != "S0 S1" {
		t.Errorf("after the selection of a tag is deleted as streams: %q", got)
	}
}

// Values of custom properties that are no texts are refused: two of them cannot
// even be compared.
func TestSyntheticValues(t *testing.T) { onEach(t, testSyntheticValues) }

func testSyntheticValues(t *testing.T, s *site) {
	eve := s.user("eve")
	const hub = `DOM\eve hub`
	var selection doc
	s.json(hub, "POST", "/qrs/selection", fmt.Sprintf(`{"items":[{"type":"User","objectID":%q}]}`, eve["id"]), 201, &selection)
	for _, value := range []string{`{}`, `[]`, `1`, `null`} {
		item := fmt.Sprintf(`{"value":%s,"definition":{"id":"1"}}`, value)
		s.json(hub, "PUT", fmt.Sprintf("/qrs/selection/%s/user/synthetic", selection["id"]), fmt.Sprintf(
			`{"type":"User","latestModifiedDate":"2100-01-01T00:00:00.000Z","properties":[{"name":"customProperties","valueIsModified":true,"value":{"added":[%s,%s]}}]}`, item, item), 400, nil)
	}
}
