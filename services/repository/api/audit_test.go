package api

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository"
)

// auditReply is an Audit, and a SyncAudit.
type auditReply struct {
	Users, Nodes, Resources, Rules map[string]doc
	RuleApplication                []application
}

type application struct {
	UserID, NodeID, ResourceID, RuleID string
	Allowed                            bool
	ErrorAt, EvaluationState           int
	ErrorMessage                       string
}

func TestAudit(t *testing.T) { onEach(t, testAudit) }

func testAudit(t *testing.T, s *site) {
	s.user("root", "RootAdmin")
	ann, bob := s.user("ann"), s.user("bob")
	const root, hub = `DOM\root`, `DOM\ann hub`
	var sales, secret, rule doc
	s.json(root, "POST", "/qrs/stream", `{"name":"Sales"}`, 201, &sales)
	s.json(root, "POST", "/qrs/stream", `{"name":"Secret"}`, 201, &secret)
	s.json(root, "POST", "/qrs/systemrule", fmt.Sprintf(`{"name":"Ann sells","category":"Security","type":"Custom","rule":"user.userId = \"ann\"","resourceFilter":"Stream_%s","actions":6}`, sales["id"]), 201, &rule)
	const asked = `"resourceType":"Stream","resourceFilter":"name sw 'S'","userFilter":"userDirectory eq 'DOM' and userId ne 'root'"`

	var a auditReply
	s.json(root, "POST", "/qrs/systemrule/security/audit", `{`+asked+`}`, 201, &a)
	if len(a.RuleApplication) != 1 || a.RuleApplication[0].UserID != ann["id"] || a.RuleApplication[0].ResourceID != sales["id"] || a.RuleApplication[0].RuleID != rule["id"] || !a.RuleApplication[0].Allowed {
		t.Errorf("audit: %+v", a)
	}
	if a.Users[ann["id"].(string)]["userId"] != "ann" || a.Resources[sales["id"].(string)]["name"] != "Sales" || a.Rules[rule["id"].(string)]["name"] != "Ann sells" || len(a.Users) != 1 {
		t.Errorf("audit: %+v", a)
	}
	a = auditReply{}
	s.json(root, "POST", "/qrs/systemrule/security/audit", `{`+asked+`,"includeNonGrantingRules":true}`, 201, &a)
	refused := 0
	for _, x := range a.RuleApplication {
		if x.RuleID == rule["id"] && !x.Allowed && x.UserID == bob["id"] {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("with rules that do not grant: %+v", a.RuleApplication)
	}
	a = auditReply{}
	s.json(root, "POST", "/qrs/systemrule/security/audit/preview", `{`+asked+`,"ruleConditions":"user.userId = \"bob\"","actions":2}`, 201, &a)
	if len(a.RuleApplication) != 3 || !slices.ContainsFunc(a.RuleApplication, func(x application) bool {
		return x.UserID == bob["id"] && x.ResourceID == secret["id"] && x.Allowed
	}) {
		t.Errorf("preview: %+v", a.RuleApplication)
	}
	a = auditReply{}
	s.json(root, "POST", "/qrs/systemrule/security/audit/preview", `{`+asked+`,"ruleConditions":"user.userId ="}`, 201, &a)
	if len(a.RuleApplication) != 1 || a.RuleApplication[0].EvaluationState != 1 || a.RuleApplication[0].ErrorAt == 0 {
		t.Errorf("a preview that cannot be read: %+v", a.RuleApplication)
	}

	var m struct {
		Matrix []struct {
			SubjectID, ResourceID string
			Audit                 struct {
				Access int
				Rules  map[string]int
			}
		}
		Resources map[string]struct{ ResourceProperties doc }
	}
	s.json(root, "POST", "/qrs/systemrule/security/audit/matrix", `{"resourceType":"Stream","actions":2,"resourceRef":{"resourceFilter":"name sw 'S'"},"subjectRef":{"resourceFilter":"userId eq 'ann'"},"resourceProperties":["owner.userId"]}`, 201, &m)
	if len(m.Matrix) != 1 || m.Matrix[0].Audit.Access != 2 || m.Matrix[0].Audit.Rules[rule["id"].(string)] != 2 || m.Resources[sales["id"].(string)].ResourceProperties["owner.userId"] != "root" {
		t.Errorf("matrix: %+v", m)
	}
	var n struct{ Value int }
	s.json(root, "POST", "/qrs/systemrule/security/audit/countresources", `{`+asked+`}`, 201, &n)
	if n.Value != 2 {
		t.Errorf("%d resources", n.Value)
	}
	var list []doc
	s.json(root, "POST", "/qrs/systemrule/security/audit/accessibleobjects", fmt.Sprintf(`{"resourceType":"Stream","action":4,"userID":%q}`, ann["id"]), 201, &list)
	if len(list) != 1 || list[0]["name"] != "Sales" {
		t.Errorf("accessible: %v", list)
	}
	var actions []struct {
		User         doc
		ActionCounts map[string]int
	}
	s.json(root, "POST", "/qrs/systemrule/security/useractions", `{"type":"Stream","userFilter":"userId eq 'ann'"}`, 201, &actions)
	if len(actions) != 1 || actions[0].User["userId"] != "ann" || actions[0].ActionCounts["read"] != 2 || actions[0].ActionCounts["update"] != 1 { // Everyone, too
		t.Errorf("actions: %+v", actions)
	}
	var lines []string
	s.json(root, "GET", "/qrs/systemrule/security/audit/export?resourcetype=Stream&resourcefilter=name+eq+'Sales'&userfilter=userId+eq+'ann'", "", 200, &lines)
	if len(lines) != 2 || !strings.HasSuffix(lines[1], `,Ann sells,"read, update"`) {
		t.Errorf("export: %q", lines)
	}
	s.json(root, "GET", "/qrs/systemrule/security/associatedrules?resourcetype=Stream&resourcefilter=name+eq+'Sales'", "", 200, &list)
	if !slices.ContainsFunc(list, func(d doc) bool { return d["name"] == "Ann sells" }) || slices.ContainsFunc(list, func(d doc) bool { return d["name"] == "StreamEveryone" }) {
		t.Errorf("associated: %v", list)
	}
	for _, path := range []string{"audit", "audit/matrix", "audit/preview", "useractions", "audit/accessibleobjects"} {
		s.json(hub, "POST", "/qrs/systemrule/security/"+path, fmt.Sprintf(`{"resourceType":"Stream","userID":%q}`, ann["id"]), 403, nil)
	}
	s.json(hub, "GET", "/qrs/systemrule/security/audit/export", "", 403, nil)
	s.json(hub, "DELETE", "/qrs/cache", "", 403, nil)
	s.json(root, "DELETE", "/qrs/cache", "", 204, nil)
	s.json(root, "POST", "/qrs/systemrule/security/audit", `{"resourceType":"Colour"}`, 400, nil)
	s.json(root, "POST", "/qrs/systemrule/security/audit", `{"resourceType":"Stream","environmentAttributes":"x"}`, 400, nil)
}

func TestLicenseAudit(t *testing.T) { onEach(t, testLicenseAudit) }

func testLicenseAudit(t *testing.T, s *site) {
	s.user("ann")
	var group, rule doc
	s.json(service, "POST", "/qrs/license/professionalaccessgroup", `{"name":"pros"}`, 201, &group)
	s.json(service, "POST", "/qrs/systemrule", fmt.Sprintf(`{"name":"pros","category":"License","type":"Custom","rule":"user.userId = \"ann\"","resourceFilter":"License.ProfessionalAccessGroup_%s","actions":1}`, group["id"]), 201, &rule)
	var a auditReply
	s.json(service, "POST", "/qrs/systemrule/license/audit", `{"resourceType":"License.ProfessionalAccessGroup"}`, 201, &a)
	if len(a.RuleApplication) != 1 || a.RuleApplication[0].RuleID != rule["id"] {
		t.Errorf("%+v", a)
	}
	var list []doc
	s.json(service, "POST", "/qrs/systemrule/license/useractions", `{"type":"License.ProfessionalAccessGroup","userFilter":"userId eq 'ann'"}`, 201, &list)
	if len(list) != 1 || fmt.Sprint(list[0]["actionCounts"]) != "map[create:1]" {
		t.Errorf("%v", list)
	}
}

func TestBalance(t *testing.T) { onEach(t, testBalance) }

func testBalance(t *testing.T, s *site) {
	ids := map[string]string{}
	for _, n := range []struct {
		name    string
		central bool
		port    int
		purpose int
	}{{"Central", true, 4747, 2}, {"Dev", false, 4748, 1}, {"Prod", false, 0, 0}} {
		ids[n.name] = s.join(n.name, n.central, n.port)
		s.json(service, "PUT", "/qrs/servernodeconfiguration/"+ids[n.name], fmt.Sprintf(`{"nodePurpose":%d,"engineEnabled":true}`, n.purpose), 200, nil)
	}
	var app doc
	s.user("ann")
	s.json(service, "POST", "/qrs/stream", `{"name":"x"}`, 201, nil)
	app = s.app("Budget")
	ask := func(path, more string) (reply struct {
		ValidEngines, Hosts     []string
		Nodes                   []doc
		LoadBalancingResultCode int
	},
	) {
		t.Helper()
		s.json(service, "POST", "/qrs/loadbalancing/"+path, fmt.Sprintf(`{"appID":%q,%s}`, app["id"], more), 201, &reply)
		return reply
	}
	for _, tt := range []struct{ more, want string }{
		{`"loadBalancingPurpose":2`, "Central:4747 Dev:4748"}, // Prod does not say where its engine is
		{`"loadBalancingPurpose":0`, "Central:4747"},
		{`"loadBalancingPurpose":1`, "Central:4747 Dev:4748"},
		{`"loadBalancingPurpose":2,"proxyPrefix":""`, "Central:4747 Dev:4748"},
	} {
		if got := strings.Join(ask("validengines", tt.more).ValidEngines, " "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.more, got, tt.want)
		}
	}
	if got := ask("validnodes", `"loadBalancingPurpose":0`).Hosts; len(got) != 2 {
		t.Errorf("hosts: %v", got)
	}
	if got := ask("validnodes/extended", `"loadBalancingPurpose":1`).Nodes; len(got) != 2 || got[1]["engineAddress"] != "Dev:4748" {
		t.Errorf("nodes: %v", got)
	}
	for more, code := range map[string]int{
		`"loadBalancingPurpose":2,"proxyPrefix":"nothing"`:         3,
		`"loadBalancingPurpose":2,"proxyID":"` + ids["Dev"] + `"`:  2,
		`"loadBalancingPurpose":2,"proxyID":"` + noSelection + `"`: 0,
	} {
		if got := ask("validengines", more); got.LoadBalancingResultCode != code {
			t.Errorf("%s: %d, want %d", more, got.LoadBalancingResultCode, code)
		}
	}
	var none struct{ LoadBalancingResultCode int }
	s.json(`DOM\ann hub`, "POST", "/qrs/loadbalancing/validengines", fmt.Sprintf(`{"appID":%q}`, app["id"]), 201, &none)
	if none.LoadBalancingResultCode != 1 {
		t.Errorf("an app that may not be read: %d", none.LoadBalancingResultCode)
	}
	s.json(service, "POST", "/qrs/loadbalancing/validengines", `{"loadBalancingPurpose":7}`, 400, nil)

	// One rule in the place of the defaults: apps without a stream go to Dev.
	s.json(service, "PUT", "/qrs/systemrule/"+ruleID(s, "ResourcesOnCentralNode"), `{"disabled":true}`, 200, nil)
	s.json(service, "PUT", "/qrs/systemrule/"+ruleID(s, "ResourcesOnNonCentralNodes"), `{"rule":"resource.stream.Empty() and node.name = \"Dev\""}`, 200, nil)
	if got := strings.Join(ask("validengines", `"loadBalancingPurpose":"any"`).ValidEngines, " "); got != "Dev:4748" {
		t.Errorf("by a rule: %s", got)
	}
	var linked []string
	s.json(service, "GET", "/qrs/systemrule/sync/linkednodes?resourcetype=App&resourceid="+app["id"].(string), "", 200, &linked)
	if fmt.Sprint(linked) != "["+ids["Dev"]+"]" {
		t.Errorf("linked nodes: %v", linked)
	}
	s.json(service, "GET", "/qrs/systemrule/sync/linkedobjects?resourcetype=App&node="+ids["Dev"], "", 200, &linked)
	if fmt.Sprint(linked) != fmt.Sprintf("[%s]", app["id"]) {
		t.Errorf("linked apps: %v", linked)
	}
	s.json(service, "GET", "/qrs/systemrule/sync/linkedobjects?resourcetype=App&node="+ids["Prod"], "", 200, &linked)
	if len(linked) != 0 {
		t.Errorf("linked apps: %v", linked)
	}
	var a auditReply
	s.json(service, "POST", "/qrs/systemrule/sync/audit", `{"resourceType":"App"}`, 201, &a)
	if len(a.RuleApplication) != 1 || a.RuleApplication[0].NodeID != ids["Dev"] || a.Nodes[ids["Dev"]]["name"] != "Dev" {
		t.Errorf("audit of nodes: %+v", a)
	}
	s.json(service, "PUT", "/qrs/systemrule/"+ruleID(s, "ResourcesOnNonCentralNodes"), `{"disabled":true}`, 200, nil)
	if got := ask("validengines", `"loadBalancingPurpose":2`); got.LoadBalancingResultCode != 4 || len(got.ValidEngines) != 0 {
		t.Errorf("without rules: %+v", got)
	}
}

func TestEditor(t *testing.T) { onEach(t, testEditor) }

func testEditor(t *testing.T, s *site) {
	s.json(service, "POST", "/qrs/custompropertydefinition", `{"name":"Dep","valueType":"Text","choiceValues":["North","South"],"objectTypes":["App","Stream"]}`, 201, nil)
	s.app("Budget")
	var names []string
	s.json(service, "GET", "/qrs/systemrule/security/accessibleattributes?resourcetype=App", "", 200, &names)
	for _, want := range []string{"name", "stream", "stream.name", "@Dep", "stream.@Dep", "owner", "owner.userId"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing: %v", want, names)
		}
	}
	var values []string
	s.json(service, "GET", "/qrs/systemrule/security/attributevalues?resourcetype=App&attribute=name&filter=bud", "", 200, &values)
	if fmt.Sprint(values) != "[Budget]" {
		t.Errorf("names: %v", values)
	}
	s.json(service, "GET", "/qrs/systemrule/security/attributevalues?resourcetype=App&attribute=stream.@dep&filter=&limit=1", "", 200, &values)
	if fmt.Sprint(values) != "[North]" {
		t.Errorf("choices: %v", values)
	}
	var tree struct {
		Backtracked                        bool
		Message                            string
		ResourceConditions, UserConditions [][]struct{ Property, Operator, Value string }
	}
	s.json(service, "GET", "/qrs/systemrule/security/parsetree?rule=user.roles+%3D+%22A%22+and+resource.name+%3D+%22B%22", "", 200, &tree)
	if !tree.Backtracked || fmt.Sprint(tree.UserConditions, tree.ResourceConditions) != "[[{user.roles = A}]] [[{resource.name = B}]]" {
		t.Errorf("tree: %+v", tree)
	}
	s.json(service, "GET", "/qrs/systemrule/security/parsetree?rule=user.roles+%3D", "", 200, &tree)
	if tree.Backtracked || !strings.Contains(tree.Message, "character") {
		t.Errorf("tree: %+v", tree)
	}
	s.json(service, "GET", "/qrs/systemrule/security/attributevalues?resourcetype=Colour&attribute=name", "", 400, nil)
	s.json(service, "GET", "/qrs/systemrule/colour/associatedrules?resourcetype=App", "", 400, nil)
}

// join makes a node, and app an app without a file.
func (s *site) join(name string, central bool, port int) string {
	s.t.Helper()
	id, err := s.repo.Join(s.t.Context(), repoNode(name, central, port))
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func repoNode(name string, central bool, port int) repository.Node {
	return repository.Node{Name: name, Host: name, Central: central, Engine: port}
}

func (s *site) app(name string) doc {
	s.t.Helper()
	c := repository.Service("api")
	made, err := s.repo.Create(s.t.Context(), &c, s.repo.Schema().Type("App"), doc{"name": name, "owner": doc{"id": s.serviceID()}})
	if err != nil {
		s.t.Fatal(err)
	}
	return made[0]
}

func (s *site) serviceID() string {
	s.t.Helper()
	var found []doc
	s.json(service, "GET", "/qrs/user?filter=userId+eq+'sa_api'", "", 200, &found)
	return found[0]["id"].(string)
}

func TestNotifications(t *testing.T) { onEach(t, testNotifications) }

func testNotifications(t *testing.T, s *site) {
	s.user("ann")
	var handle struct{ Value string }
	s.json(service, "POST", "/qrs/notification?name=App&changetype=2&propertyname=stream", `"https://127.0.0.1:4748/changes"`, 201, &handle)
	s.json(service, "DELETE", "/qrs/notification?handle="+handle.Value, "", 204, nil)
	s.json(service, "DELETE", "/qrs/notification", "", 400, nil)
	s.json(service, "POST", "/qrs/notification?name=App", `"http://127.0.0.1/"`, 400, nil)
	s.json(service, "POST", "/qrs/notification?name=App&changetype=9", `"https://127.0.0.1/"`, 400, nil)
	s.json(service, "POST", "/qrs/notification?name=App", `{}`, 400, nil)
	s.json(`DOM\ann`, "POST", "/qrs/notification?name=App", `"https://127.0.0.1/"`, 403, nil)

	var tag doc
	s.json(service, "POST", "/qrs/tag", `{"name":"a"}`, 201, &tag)
	s.json(service, "PUT", "/qrs/tag/"+tag["id"].(string), `{"name":"b"}`, 200, nil)
	var list []struct {
		ChangeType int
		Type       string
		Object     doc
	}
	s.json(`DOM\ann hub`, "GET", "/qrs/notification/changes?since=2026-01-01T00:00:00.000Z&types=Tag,User", "", 200, &list)
	if len(list) != 3 || list[0].Type != "User" || list[2].ChangeType != 2 || list[2].Object["name"] != "b" { // herself, and the tag
		t.Errorf("%+v", list)
	}
	s.json(service, "DELETE", "/qrs/tag/"+tag["id"].(string), "", 204, nil)
	s.json(service, "GET", "/qrs/notification/changes?since=2026-01-01T00:00:00.000Z&types=Tag", "", 200, &list)
	if len(list) != 3 || list[2].ChangeType != 3 || list[2].Object["id"] != tag["id"] {
		t.Errorf("%+v", list)
	}
	s.json(service, "GET", "/qrs/notification/changes?since=2099-01-01T00:00:00.000Z&types=Tag", "", 200, &list)
	if len(list) != 0 {
		t.Errorf("%+v", list)
	}
	for _, wrong := range []string{"since=x&types=Tag", "since=2026-01-01T00:00:00.000Z", "since=2026-01-01T00:00:00.000Z&types=Colour"} {
		s.json(service, "GET", "/qrs/notification/changes?"+wrong, "", 400, nil)
	}
	var note doc
	s.json(service, "POST", "/qrs/systemnotification", `{"title":"t","message":"m"}`, 201, &note)
	s.json(service, "POST", "/qrs/systemnotification/"+note["id"].(string)+"/trigger", "", 204, nil)
	s.json(service, "POST", "/qrs/systemnotification/trigger", fmt.Sprintf(`[%q]`, note["id"]), 204, nil)
	s.json(`DOM\ann hub`, "POST", "/qrs/systemnotification/"+note["id"].(string)+"/trigger", "", 404, nil)
	s.json(service, "GET", "/qrs/systemnotification/"+note["id"].(string), "", 200, &note)
	if note["lastTriggeredDate"] == nil {
		t.Errorf("%v", note)
	}
}

// TestAuditExportIsNoFormula: whatever users, resources and rules are named, no
// cell of a line is a formula to a spreadsheet.
func TestAuditExportIsNoFormula(t *testing.T) { onEach(t, testAuditExportIsNoFormula) }

func testAuditExportIsNoFormula(t *testing.T, s *site) {
	s.user("root", "RootAdmin")
	s.user("@SUM(1)")
	names := []string{"=cmd|' /C calc'!A0", "+1", "-1", "@A1", "\t=1", "\r=1", "a=1", "'b", `say "x", y`}
	for i, name := range names {
		s.json(`DOM\root`, "POST", "/qrs/stream", fmt.Sprintf(`{"name":%q}`, name), 201, nil)
		s.json(`DOM\root`, "POST", "/qrs/systemrule", fmt.Sprintf(`{"name":%q,"category":"Security","type":"Custom","rule":"user.name = \"@SUM(1)\" and resource.description.Empty()","resourceFilter":"Stream_*","actions":2,"comment":"%d"}`, name, i), 201, nil)
	}
	var lines []string
	s.json(`DOM\root`, "GET", "/qrs/systemrule/security/audit/export?resourcetype=Stream&userfilter=userId+eq+'@SUM(1)'", "", 200, &lines)
	streams, byRule := map[string]bool{}, map[string]bool{}
	for _, line := range lines[1:] {
		cells, err := csv.NewReader(strings.NewReader(line)).Read()
		if err != nil || len(cells) != 8 {
			t.Fatalf("%q: %v", line, err)
		}
		for _, cell := range cells {
			if strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("%q begins as a formula", cell)
			}
		}
		if cells[1] != "'@SUM(1)" {
			t.Errorf("user %q", cells[1])
		}
		streams[cells[4]], byRule[cells[6]] = true, true
	}
	for _, name := range names {
		want := name
		if strings.ContainsAny(name[:1], "=+-@\t\r") {
			want = "'" + name
		}
		if !streams[want] || !byRule[want] {
			t.Errorf("%q is not there as %q: %v, %v", name, want, streams, byRule)
		}
	}
}
