package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// TestEngineAsksTheRules holds what sessions of the engine let a user do
// against the rules of the site.
func TestEngineAsksTheRules(t *testing.T) {
	n := newNode(t, t.TempDir(), storetest.Open(t, storetest.Config(t, store.SQLite)))
	ann, bob := n.session("ann"), n.session("bob")
	id, err := ann.CreateApp("Ann's")
	if err != nil {
		t.Fatal(err)
	}
	listed := func(s *session.Session) string {
		t.Helper()
		apps, err := s.Apps()
		if err != nil {
			t.Fatal(err)
		}
		names := []string{}
		for _, e := range apps {
			names = append(names, e.Title)
		}
		return fmt.Sprint(names)
	}
	if a, b := listed(ann), listed(bob); a != "[Ann's]" || b != "[]" {
		t.Errorf("ann sees %s, bob %s", a, b)
	}
	if _, err := bob.OpenDoc(id); !errors.Is(err, app.ErrNotFound) {
		t.Errorf("bob opens another's app: %v", err)
	}
	if _, err := bob.AppEntry(id); !errors.Is(err, app.ErrNotFound) {
		t.Errorf("bob sees another's app: %v", err)
	}
	if err := bob.DeleteApp(id); !errors.Is(err, access.ErrDenied) {
		t.Errorf("bob deletes another's app: %v", err)
	}
	if _, err := ann.OpenDoc(id); err != nil {
		t.Fatal(err)
	}
	props := tree.MustParse(`{"qInfo":{"qType":"sheet"}}`)
	if _, err := ann.Create(object.Generic, props, nil); err != nil {
		t.Errorf("ann changes her app: %v", err)
	}
	n.do(`DOM\ann`, "PUT", fmt.Sprintf("/qrs/app/%s/publish?stream=%s", id, rules.EveryoneStreamID), nil, 200)
	if _, err := bob.OpenDoc(id); err != nil {
		t.Errorf("bob opens a published app: %v", err)
	}
	for who, s := range map[string]*session.Session{"ann update reload": ann, "bob read": bob} {
		st, err := s.AppStanding()
		e, entryErr := s.AppEntry(id)
		if err := errors.Join(err, entryErr); err != nil || st.Published.IsZero() || st.Stream != "Everyone" || st.StreamID != rules.EveryoneStreamID || !reflect.DeepEqual(st, e.Standing) {
			t.Errorf("%s: %+v, %+v, %v", who, st, e.Standing, err)
		}
		if slices.Contains(st.Privileges, "update") != (s == ann) || slices.Contains(st.Privileges, "reload") != (s == ann) || !slices.Contains(st.Privileges, "read") {
			t.Errorf("%s: %q", who, st.Privileges)
		}
	}
	if _, err := bob.Changing(); !errors.Is(err, access.ErrDenied) {
		t.Errorf("bob changes a published app: %v", err)
	}
	if _, err := bob.Create(object.Generic, tree.MustParse(`{"qInfo":{"qType":"masterobject"}}`), nil); !errors.Is(err, access.ErrDenied) {
		t.Errorf("bob makes a master item in a published app: %v", err)
	}
	if _, err := bob.CreateSession(object.Generic, tree.MustParse(`{"qInfo":{"qType":"chart"}}`)); err != nil {
		t.Errorf("an object of bob's session only: %v", err)
	}
	var one []json.RawMessage
	if err := json.Unmarshal(n.do(`DOM\bob`, "GET", "/qrs/app/hublist", nil, 200), &one); err != nil || len(one) != 1 {
		t.Errorf("bob's hub: %d apps, %v", len(one), err)
	}
}

// TestTitlesOfOthers asks the engine for apps by titles, which somebody who may
// not see them guesses.
func TestTitlesOfOthers(t *testing.T) {
	n := newNode(t, t.TempDir(), storetest.Open(t, storetest.Config(t, store.SQLite)))
	ann, bob := n.user("ann"), n.user("bob")
	id := ann.do(-1, "CreateApp", `["Layoffs"]`).Get("qAppId").Str()
	said := func(title string) string {
		return strings.ReplaceAll(bob.ask(-1, "OpenDoc", fmt.Sprintf(`[%q]`, title)).Get("error").JSON(), title, "?")
	}
	if there, not := said("Layoffs"), said("Lay-offs"); there != not || strings.Contains(there, id) {
		t.Errorf("of another's app he is told %s, of none %s", there, not)
	}
	made := bob.do(-1, "CreateApp", `["Layoffs"]`)
	if own := made.Get("qAppId").Str(); !made.Get("qSuccess").Truth() || own == id {
		t.Errorf("he makes one of the same title: %s", made.JSON())
	} else if got := bob.do(-1, "OpenDoc", `["Layoffs"]`).At("/qReturn/qGenericId").Str(); got != own {
		t.Errorf("by its title he opens %s, want %s", got, own)
	}
	bob.refused(-1, "CreateApp", `["Layoffs"]`)
}

// TestReplaceIsACopy has somebody who may only read an app put it into one of his
// own, whose script he may read.
func TestReplaceIsACopy(t *testing.T) {
	n := newNode(t, t.TempDir(), storetest.Open(t, storetest.Config(t, store.SQLite)))
	ann, bob := n.user("ann"), n.user("bob")
	id := ann.do(-1, "CreateApp", `["Sales"]`).Get("qAppId").Str()
	ann.open(id)
	ann.do(1, "SetScript", `["LET secret = 1;"]`)
	ann.do(1, "DoSave", `[]`)
	n.do(`DOM\ann`, "PUT", fmt.Sprintf("/qrs/app/%s/publish?stream=%s", id, rules.EveryoneStreamID), nil, 200)
	own := bob.do(-1, "CreateApp", `["Own"]`).Get("qAppId").Str()
	n.do(`DOM\bob`, "POST", "/qrs/app/"+id+"/copy?name=Copy", nil, 403)
	n.do(`DOM\bob`, "PUT", fmt.Sprintf("/qrs/app/%s/replace?app=%s", id, own), nil, 403)
	bob.open(own)
	if script := bob.do(1, "GetScript", `[]`).Get("qScript").Str(); strings.Contains(script, "secret") {
		t.Errorf("he reads %q", script)
	}
	other := ann.do(-1, "CreateApp", `["Other"]`).Get("qAppId").Str()
	n.do(`DOM\ann`, "PUT", fmt.Sprintf("/qrs/app/%s/replace?app=%s", id, other), nil, 200)
}

// TestDeletedWhileItReloads deletes apps while their scripts run.
func TestDeletedWhileItReloads(t *testing.T) {
	dir := t.TempDir()
	n := newNode(t, dir, storetest.Open(t, storetest.Config(t, store.SQLite)))
	ann := n.user("ann")
	id := ann.do(-1, "CreateApp", `["Sales"]`).Get("qAppId").Str()
	ann.open(id)
	ann.do(1, "SetScript", `["TRACE begun;\nSLEEP 300;\nT: LOAD 1 AS x AUTOGENERATE 5;"]`)
	ann.do(1, "DoSave", `[]`)
	a, err := ann.session.App()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan int)
	go func() {
		r, _ := n.send(`DOM\ann`, "POST", "/qrs/app/"+id+"/reload", "", nil)
		done <- r.StatusCode
	}()
	eventually(t, "the script runs", func() bool { return len(a.Progress().Lines) > 0 })
	n.do(`DOM\ann`, "DELETE", "/qrs/app/"+id, nil, 204)
	if status := <-done; status != 404 {
		t.Errorf("the reload is answered with %d", status)
	}
	left, err := filepath.Glob(filepath.Join(dir, "Apps", "*.qvf"))
	if err != nil || len(left) > 0 {
		t.Errorf("after it was deleted there is %v, %v", left, err)
	}
}

// TestRightTakenAway has the client of somebody who may not read an app any more
// ask for it in the session that has it open.
func TestRightTakenAway(t *testing.T) {
	n := newNode(t, t.TempDir(), storetest.Open(t, storetest.Config(t, store.SQLite)))
	ann, bob := n.user("ann"), n.user("bob")
	id := ann.do(-1, "CreateApp", `["Sales"]`).Get("qAppId").Str()
	rule := n.entity(service, "POST", "/qrs/systemrule", fmt.Appendf(nil, `{"name":"bob","category":"Security","type":"Custom","rule":"user.userId = \"bob\"",
		"resourceFilter":"App_%s","actions":2,"ruleContext":0,"disabled":false}`, id), 201)["id"].(string)
	bob.open(id)
	bob.open(id)
	n.do(service, "DELETE", "/qrs/systemrule/"+rule, nil, 204)
	for _, ask := range []struct{ method, params string }{{"GetActiveDoc", "[]"}, {"OpenDoc", fmt.Sprintf("[%q]", id)}, {"GetActiveDoc", "[]"}} {
		bob.refused(-1, ask.method, ask.params)
	}
	bob.refused(1, "GetAppLayout", "[]")
}

// TestBookmarkWithVariables has a reader apply a bookmark that keeps variables,
// which he may not change.
func TestBookmarkWithVariables(t *testing.T) {
	n := newNode(t, t.TempDir(), storetest.Open(t, storetest.Config(t, store.SQLite)))
	ann, bob := n.user("ann"), n.user("bob")
	id := ann.do(-1, "CreateApp", `["Sales"]`).Get("qAppId").Str()
	ann.open(id)
	ann.do(1, "SetScript", `["SET v = 1;\nT: LOAD RecNo() AS x AUTOGENERATE 3;"]`)
	ann.do(1, "DoReload", `[]`)
	field := ann.do(1, "GetField", `["x"]`).At("/qReturn/qHandle").Int()
	ann.do(field, "Select", `["2"]`)
	ann.do(1, "CreateBookmark", `[{"qInfo":{"qId":"b","qType":"bookmark"},"qIncludeVariables":true}]`)
	ann.do(1, "DoSave", `[]`)
	n.do(`DOM\ann`, "PUT", fmt.Sprintf("/qrs/app/%s/publish?stream=%s", id, rules.EveryoneStreamID), nil, 200)
	v := ann.do(1, "GetVariableByName", `["v"]`).At("/qReturn/qHandle").Int()
	ann.do(v, "SetStringValue", `["2"]`)
	bob.open(id)
	if got := bob.do(1, "ApplyBookmark", `["b"]`); !got.Get("qSuccess").Truth() {
		t.Errorf("applied: %s", got.JSON())
	}
	if got := bob.do(1, "Evaluate", `["Sum(x) & '$(v)'"]`).Get("qReturn").Str(); got != "22" {
		t.Errorf("selected and the variable as it was: %s, want 22", got)
	}
	if got := ann.do(1, "Evaluate", `["$(v)"]`).Get("qReturn").Str(); got != "2" {
		t.Errorf("bob has changed the variable to %s", got)
	}
}

// TestSectionAccessByDirectory opens an app whose access section names groups
// and mail addresses, for people whose login tells neither: their directory does.
func TestSectionAccessByDirectory(t *testing.T) {
	n := newNode(t, t.TempDir(), storetest.Open(t, storetest.Config(t, store.SQLite)))
	ann := n.user("ann")
	id := ann.do(-1, "CreateApp", `["Sales"]`).Get("qAppId").Str()
	ann.open(id)
	ann.do(1, "SetScript", `["SECTION ACCESS;\nLOAD * INLINE [\nACCESS, USERID, GROUP, USER.EMAIL, REGION\nADMIN, DOM\\ANN, *, *, *\nUSER, *, NORTHERNERS, *, NORTH\nUSER, *, *, CEM@DOM, SOUTH\n];\nSECTION APPLICATION;\nT: LOAD * INLINE [\nREGION, n\nNORTH, 1\nSOUTH, 2\n];"]`)
	ann.do(1, "DoReload", `[]`)
	ann.do(1, "DoSave", `[]`)
	n.do(`DOM\ann`, "PUT", fmt.Sprintf("/qrs/app/%s/publish?stream=%s", id, rules.EveryoneStreamID), nil, 200)
	for name, attribute := range map[string][2]string{"bob": {"Group", "Northerners"}, "cem": {"email", "cem@dom"}, "dan": {"group", "others"}} {
		u := n.user(name)
		u.session.Identity = &access.User{ID: `DOM\` + name}
		u.refused(-1, "OpenDoc", fmt.Sprintf("[%q]", id))
		self := repository.Service("repository")
		user := n.list(service, "/qrs/user/full?filter=userId+eq+'"+name+"'")[0]
		if _, err := n.repo.Update(t.Context(), &self, n.repo.Schema().Type("User"), user["id"].(string), map[string]any{
			"attributes": []any{map[string]any{"attributeType": attribute[0], "attributeValue": attribute[1]}},
		}); err != nil {
			t.Fatal(err)
		}
		if name == "dan" {
			u.refused(-1, "OpenDoc", fmt.Sprintf("[%q]", id))
			continue
		}
		u.open(id)
		if got, want := u.do(1, "Evaluate", `["Sum(n)"]`).Get("qReturn").Str(), map[string]string{"bob": "1", "cem": "2"}[name]; got != want {
			t.Errorf("%s sees %s, want %s", name, got, want)
		}
	}
}

// TestSurroundings has a rule look at where a request comes from and at a group
// that the login has told: the engine asks as the interface does.
func TestSurroundings(t *testing.T) {
	n := newNode(t, t.TempDir(), storetest.Open(t, storetest.Config(t, store.SQLite)))
	ann := n.user("ann")
	id := ann.do(-1, "CreateApp", `["Sales"]`).Get("qAppId").Str()
	n.entity(service, "POST", "/qrs/systemrule", fmt.Appendf(nil, `{"name":"bob","category":"Security","type":"Custom",
		"rule":"user.environment.ip like \"10.*\" and user.environment.os = \"Linux\" and user.environment.group = \"Sales\" and user.group = \"Board\"",
		"resourceFilter":"App_%s","actions":2,"ruleContext":0,"disabled":false}`, id), 201)
	for ip, allowed := range map[string]bool{"10.0.0.1": true, "192.168.0.1": false} {
		err := Gate(n.repo, n.lib)("DOM", "bob", map[string][]string{"ip": {ip}, "os": {"Linux"}, "group": {"Sales", "Board"}}).Read(id)
		if allowed != (err == nil) {
			t.Errorf("%s: the engine lets him in: %v", ip, err)
		}
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.Set("X-Qlik-User", "UserDirectory=DOM; UserId=bob")
		ctx.Request.Header.Set("X-Qlik-Security", "Context=AppAccess; OS=Linux; IP="+ip+"; Group=Sales; Group=Board")
		c, _ := callerOf(&ctx)
		if err := n.repo.Check(t.Context(), &c, n.repo.Schema().Type("App"), id, rules.Read); allowed != (err == nil) {
			t.Errorf("%s: the interface lets him in: %v", ip, err)
		}
	}
}
