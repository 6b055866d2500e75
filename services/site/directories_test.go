package site

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/directory/ldap/ldaptest"
	"github.com/cognate-bi/cognate/services/repository"
)

const organisation = `dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: uid=ann,dc=example,dc=com
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: A
mail: ann@example.com

dn: uid=bob,dc=example,dc=com
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: B

dn: cn=Sales,dc=example,dc=com
objectClass: groupOfNames
cn: Sales
member: uid=ann,dc=example,dc=com
`

// call sends JSON as the API service and reads the answer, which has to have the
// status.
func (p *program) call(status int, method, path string, body, to any) {
	p.t.Helper()
	raw := []byte(nil)
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			p.t.Fatal(err)
		}
	}
	got, _, text := p.ask(method, "qrs/"+path, raw)
	if got != status {
		p.t.Fatalf("%s %s: %d %s, want %d", method, path, got, text, status)
	}
	if to != nil {
		if err := json.Unmarshal(text, to); err != nil {
			p.t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
}

// A directory is connected over the interface; its people come with their
// groups, by which a rule lets them read; who leaves it is out.
func TestUserDirectories(t *testing.T) {
	ldap := ldaptest.Start(t, organisation)
	s := start(t, t.TempDir())
	p := s.program(t)

	var kinds []struct {
		Type     string
		Settings []map[string]any
	}
	p.call(200, "GET", "userdirectoryconnector", nil, &kinds)
	var settings []map[string]any
	for _, k := range kinds {
		if strings.HasSuffix(k.Type, ".GenericLDAP") {
			settings = k.Settings
		}
	}
	for _, one := range settings {
		if v, ok := map[string]string{
			"User directory name": "EXAMPLE", "Path": ldap.URL, "User name": ldaptest.Admin, "Password": ldaptest.Password, "Base DN": ldaptest.Base, "Account name": "uid", "Display name": "cn",
		}[one["name"].(string)]; ok {
			one["value"] = v
		}
	}
	var made struct {
		ID, UserDirectoryName, ConfiguredError string
		Configured, Operational                bool
	}
	p.call(201, "POST", "userdirectory", map[string]any{"name": "Example", "type": "Repository.UserDirectoryConnectors.LDAP.GenericLDAP", "syncOnlyLoggedInUsers": false, "settings": settings}, &made)
	if !made.Configured || made.UserDirectoryName != "EXAMPLE" {
		t.Fatalf("the connector is %+v", made)
	}
	_, _, text := p.ask("GET", "qrs/userdirectory/"+made.ID, nil)
	if strings.Contains(string(text), ldaptest.Password) {
		t.Errorf("the answer has the password: %s", text)
	}
	tasks := []struct {
		ID, Name string
		TaskType int
	}{}
	p.call(200, "GET", "usersynctask?filter=userDirectory.id+eq+"+made.ID, nil, &tasks)
	if len(tasks) != 1 || tasks[0].TaskType != 2 {
		t.Fatalf("the tasks are %+v", tasks)
	}
	sync := func(want ...string) {
		t.Helper()
		p.call(204, "POST", "userdirectoryconnector/syncuserdirectories", []string{made.ID}, nil)
		has := func() bool { return slices.Equal(p.users("EXAMPLE"), want) }
		eventually(t, fmt.Sprintf("users %q", want), has)
		eventually(t, "the end of the task", func() bool {
			var state struct {
				SyncStatus  int
				Operational bool
			}
			p.call(200, "GET", "userdirectory/"+made.ID, nil, &state)
			return state.SyncStatus == 0 && state.Operational
		})
	}
	sync("ann (Ann) email=ann@example.com group=Sales", "bob (Bob)")

	// A rule on the group lets one of them read a stream.
	var stream struct{ ID string }
	p.call(201, "POST", "stream", map[string]any{"name": "Sales"}, &stream)
	p.call(201, "POST", "systemrule", map[string]any{
		"name": "sales", "category": "Security", "type": "Custom", "rule": `((user.group="Sales"))`, "resourceFilter": "Stream_" + stream.ID, "actions": 2, "ruleContext": 0, "disabled": false,
	}, nil)
	as := func(id string) int { return p.as("EXAMPLE", id, "qrs/stream/"+stream.ID) }
	if ann, bob := as("ann"), as("bob"); ann != 200 || bob != 404 {
		t.Errorf("ann reads the stream of Sales: %d, bob: %d", ann, bob)
	}

	// Who is in the group now reads, who has left it reads no more.
	ldap.Replace(t, "cn=Sales,dc=example,dc=com", "member", "uid=bob,dc=example,dc=com")
	sync("ann (Ann) email=ann@example.com", "bob (Bob) group=Sales")
	if ann, bob := as("ann"), as("bob"); ann != 404 || bob != 200 {
		t.Errorf("ann reads the stream of Sales: %d, bob: %d", ann, bob)
	}

	// One user, at once.
	ldap.Add(t, "uid=cem,dc=example,dc=com", map[string][]string{"objectClass": {"inetOrgPerson"}, "uid": {"cem"}, "cn": {"Cem"}, "sn": {"C"}})
	for id, want := range map[string]bool{"CEM": true, "nobody": false} {
		var there struct{ Value bool }
		if p.call(200, "GET", "user/sync/example/"+id, nil, &there); there.Value != want {
			t.Errorf("%s is in the directory: %v", id, there.Value)
		}
	}

	// Who has vanished does not log in any more.
	ldap.Delete(t, "uid=ann,dc=example,dc=com")
	sync("ann (Ann) removed email=ann@example.com", "bob (Bob) group=Sales", "cem (Cem)")
	if _, _, err := s.Repo().LogIn(t.Context(), &repository.Caller{Directory: "EXAMPLE", ID: "ann"}, ""); err == nil {
		t.Error("who has vanished logs in")
	}

	// Results and audit logs tell what was done.
	var results []struct {
		Status  int
		Details []struct{ Message string }
	}
	eventually(t, "three results", func() bool {
		p.call(200, "GET", "executionresult/full?filter=status+eq+FinishedSuccess+and+taskID+eq+"+tasks[0].ID, nil, &results)
		return len(results) == 3
	})
	told := fmt.Sprint(results)
	for _, want := range []string{"2 users read, 2 added", "1 vanished"} {
		if !strings.Contains(told, want) {
			t.Errorf("the results do not tell %q: %s", want, told)
		}
	}
	logs, err := filepath.Glob(filepath.Join(logDir(s.dir), "Repository", "Audit", "*AuditSecurity_Repository.txt"))
	if err != nil || len(logs) != 1 {
		t.Fatal(logs, err)
	}
	if log, err := os.ReadFile(logs[0]); err != nil || !strings.Contains(string(log), "Synchronize userdirectory") || strings.Contains(string(log), ldaptest.Password) {
		t.Errorf("the audit log: %s, %v", log, err)
	}

	// A server that is away makes the task fail, and changes nobody.
	var e map[string]any
	p.call(200, "GET", "userdirectory/"+made.ID, nil, &e)
	for _, one := range e["settings"].([]any) {
		switch o := one.(map[string]any); o["name"] {
		case "Path":
			o["value"] = "ldap://127.0.0.1:1"
		case "Password":
			o["value"] = "another one"
		}
	}
	p.call(200, "PUT", "userdirectory/"+made.ID, e, nil)
	var execution struct{ Value string }
	p.call(201, "POST", "task/"+tasks[0].ID+"/start/synchronous", nil, &execution)
	eventually(t, "the task to fail", func() bool {
		p.call(200, "GET", "executionresult/full?filter=executionID+eq+"+execution.Value, nil, &results)
		return len(results) == 1 && results[0].Status == 8 && strings.Contains(fmt.Sprint(results), "connect to 127.0.0.1:1")
	})
	p.call(502, "GET", "user/sync/example/bob", nil, nil)
	if got := p.users("EXAMPLE"); len(got) != 3 || strings.Contains(got[1], "removed") {
		t.Errorf("the users are %q", got)
	}

	p.call(201, "POST", "userdirectoryconnector/refreshudctypes", nil, nil)
	p.call(400, "DELETE", "userdirectoryconnector/deleteudandusers?userdirectoryid=x", nil, nil)
	p.call(204, "DELETE", "userdirectoryconnector/deleteudandusers?userdirectoryid="+made.ID, nil, nil)
	p.call(404, "GET", "usersynctask/"+tasks[0].ID, nil, nil)
	if got := p.users("EXAMPLE"); len(got) != 0 {
		t.Errorf("users are left: %q", got)
	}
	for _, name := range []string{"LOCAL", "none", "INTERNAL"} {
		p.call(201, "POST", "userdirectory", map[string]any{"name": name, "type": "Repository.UserDirectoryConnectors.ODBC.ODBC", "settings": []any{
			map[string]any{"name": "User directory name", "value": name}, map[string]any{"name": "Users table", "value": "u"}, map[string]any{"name": "Connection string part 1", "value": "Server=h;Database=d;Uid=u"},
		}}, &made)
		if made.Configured || made.ConfiguredError == "" {
			t.Errorf("a connector of %s: %+v", name, made)
		}
	}
	p.call(201, "POST", "userdirectory", map[string]any{"name": "Excel", "type": "Repository.UserDirectoryConnectors.ODBC.OdbcExcel", "userDirectoryName": "X"}, &made)
	if made.Configured || !strings.Contains(made.ConfiguredError, "there are Repository.") {
		t.Errorf("a connector of another type: %+v", made)
	}
}

// A schedule starts the task of a directory on a central node without an engine,
// and a chain follows it.
func TestScheduledSync(t *testing.T) {
	ldap := ldaptest.Start(t, organisation)
	s := run(t, Options{Dir: t.TempDir(), Roles: Roles{Proxy: true, Scheduler: true}})
	p := s.program(t)
	connect := func(name, filter string) (directory, task string) {
		t.Helper()
		var made struct{ ID string }
		setting := func(name, value string) map[string]any { return map[string]any{"name": name, "value": value} }
		p.call(201, "POST", "userdirectory", map[string]any{"name": name, "type": "Repository.UserDirectoryConnectors.LDAP.ApacheDS", "syncOnlyLoggedInUsers": false, "settings": []any{
			setting("User directory name", name), setting("path", ldap.URL+"/dc=example,dc=com"), setting("LDAP Filter", filter),
		}}, &made)
		var tasks []struct{ ID string }
		p.call(200, "GET", "usersynctask?filter=userDirectory.id+eq+"+made.ID, nil, &tasks)
		return made.ID, tasks[0].ID
	}
	_, first := connect("ONE", "uid=ann")
	_, second := connect("TWO", "uid=bob")
	p.call(201, "POST", "schemaevent", map[string]any{
		"name": "soon", "enabled": true, "timeZone": "UTC", "daylightSavingTime": 0, "incrementOption": 1, "userSyncTask": map[string]any{"id": first},
		"startDate": time.Now().Add(2 * time.Second).UTC().Format("2006-01-02T15:04:05.000Z"), "expirationDate": "9999-01-01T00:00:00.000Z",
		"schemaFilterDescription": []any{"* * - * * * * *"}, "incrementDescription": "0 1 0 0",
	}, nil)
	p.call(201, "POST", "compositeevent", map[string]any{
		"name": "then", "enabled": true, "userSyncTask": map[string]any{"id": second}, "timeConstraint": map[string]any{"minutes": 360},
		"compositeRules": []any{map[string]any{"ruleState": 1, "userSyncTask": map[string]any{"id": first}}},
	}, nil)
	eventually(t, "users of both", func() bool {
		return slices.Equal(p.users("ONE"), []string{"ann (Ann) email=ann@example.com group=Sales"}) && slices.Equal(p.users("TWO"), []string{"bob (Bob)"})
	})
}

// users are those of a directory, a line each.
func (p *program) users(directory string) []string {
	p.t.Helper()
	var list []struct {
		UserID, Name      string
		RemovedExternally bool
		Attributes        []struct{ AttributeType, AttributeValue string }
	}
	p.call(200, "GET", "user/full?filter="+url.QueryEscape("userDirectory eq '"+directory+"'"), nil, &list)
	lines := []string{}
	for _, u := range list {
		line := u.UserID + " (" + u.Name + ")"
		if u.RemovedExternally {
			line += " removed"
		}
		for _, a := range u.Attributes {
			line += " " + a.AttributeType + "=" + a.AttributeValue
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// as asks for something as a user, and returns the status.
func (p *program) as(directory, id, path string) int {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), "GET", p.base+path+"?xrfkey="+key, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("X-Qlik-Xrfkey", key)
	r.Header.Set("X-Qlik-User", "UserDirectory="+directory+"; UserId="+id)
	a, err := p.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = a.Body.Close()
	return a.StatusCode
}
