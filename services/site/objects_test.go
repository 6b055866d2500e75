package site

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/qix"
	"github.com/cognate-bi/cognate/engine/session"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// A user speaks QIX with the engine of a node.
type user struct {
	t       *testing.T
	session *session.Session
	conn    *qix.Conn
	frames  chan string
	id      int
}

func (n *node) user(name string) *user {
	n.t.Helper()
	s := n.session(name)
	u := &user{t: n.t, session: s, frames: make(chan string, 1000)}
	u.conn = qix.NewConn(s, func(f []byte) { u.frames <- string(f) }, slog.New(slog.DiscardHandler), qix.Limits{})
	n.t.Cleanup(u.conn.Close)
	return u
}

// ask returns the answer of a request, with its error if there is one.
func (u *user) ask(handle int, method, params string) *tree.Node {
	u.t.Helper()
	u.id++
	u.conn.Receive(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"handle":%d,"method":%q,"params":%s}`, u.id, handle, method, params))
	for {
		select {
		case f := <-u.frames:
			if n := tree.MustParse(f); n.Get("id").Int() == u.id {
				return n
			}
		case <-time.After(20 * time.Second):
			u.t.Fatalf("%s: no answer", method)
		}
	}
}

// do is ask for a request that has to succeed.
func (u *user) do(handle int, method, params string) *tree.Node {
	u.t.Helper()
	n := u.ask(handle, method, params)
	if n.Has("error") {
		u.t.Fatalf("%s %s by %s: %s", method, params, u.session.ID, n.Get("error").Append(nil))
	}
	return n.Get("result")
}

// refused is ask for a request that must not succeed.
func (u *user) refused(handle int, method, params string) {
	u.t.Helper()
	if n := u.ask(handle, method, params); !n.Has("error") {
		u.t.Errorf("%s %s by %s: %s, want an error", method, params, u.session.ID, n.Append(nil))
	}
}

func (u *user) open(app string) {
	u.t.Helper()
	if h := u.do(-1, "OpenDoc", fmt.Sprintf(`[%q]`, app)).Get("qReturn").Get("qHandle").Int(); h != 1 {
		u.t.Fatalf("handle %d of the app", h)
	}
}

// make makes an object and returns its handle.
func (u *user) make(typ, id string) int {
	u.t.Helper()
	props := fmt.Sprintf(`[{"qInfo":{"qId":%q,"qType":%q},"qMetaDef":{"title":%q}}]`, id, typ, "title of "+id)
	return u.do(1, "CreateObject", props).Get("qReturn").Get("qHandle").Int()
}

// sees returns the ids that the lists of the app show the user, which have to
// agree.
func (u *user) sees() string {
	u.t.Helper()
	var infos, listed []string
	for _, n := range u.do(1, "GetAllInfos", `[]`).Get("qInfos").Items() {
		if typ := n.Get("qType").Str(); typ == "sheet" || typ == "masterobject" {
			infos = append(infos, n.Get("qId").Str())
		}
	}
	for _, n := range u.do(1, "GetObjects", `[{"qTypes":["sheet","masterobject"]}]`).Get("qList").Items() {
		listed = append(listed, n.Get("qInfo").Get("qId").Str())
	}
	slices.Sort(infos)
	slices.Sort(listed)
	if !slices.Equal(infos, listed) {
		u.t.Errorf("%s: infos %v, list %v", u.session.ID, infos, listed)
	}
	return strings.Join(infos, " ")
}

func (u *user) has(id string) bool {
	u.t.Helper()
	return u.do(1, "GetObject", fmt.Sprintf(`[%q]`, id)).Get("qReturn").Get("qHandle").Int() > 0
}

// objects returns the rows of an app's objects that somebody may read, by name.
func (n *node) objects(who, app string) map[string]map[string]any {
	n.t.Helper()
	var list []map[string]any
	path := "/qrs/app/object/full?filter=" + url.QueryEscape("app.id eq "+app)
	if err := json.Unmarshal(n.do(who, "GET", path, nil, 200), &list); err != nil {
		n.t.Fatal(err)
	}
	out := map[string]map[string]any{}
	for _, e := range list {
		out[e["engineObjectId"].(string)] = e
	}
	return out
}

// standing is a row in short: owner, published, approved.
func standing(e map[string]any) string {
	if e == nil {
		return "none"
	}
	return fmt.Sprint(e["owner"].(map[string]any)["userId"], " ", e["published"], " ", e["approved"])
}

const service = `INTERNAL\sa_api`

// wantObject waits until the row of an object is as it should be: changes are
// saved a moment later.
func (n *node) wantObject(app, id, want string) (e map[string]any) {
	n.t.Helper()
	eventually(n.t, fmt.Sprintf("object %s: %s", id, want), func() bool {
		e = n.objects(service, app)[id]
		return standing(e) == want
	})
	return e
}

// TestOwnObjects has users make objects of their own in a published app.
func TestOwnObjects(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) { testOwnObjects(t, newNode(t, t.TempDir(), db)) })
}

func testOwnObjects(t *testing.T, n *node) {
	ann, bob, cid := n.user("ann"), n.user("bob"), n.user("cid")
	app := ann.do(-1, "CreateApp", `["Sales"]`).Get("qAppId").Str()
	ann.open(app)
	base := ann.make("sheet", "base")
	child := ann.do(base, "CreateChild", `[{"qInfo":{"qId":"chart","qType":"barchart"}},{}]`).Get("qReturn").Get("qHandle").Int()
	ann.make("masterobject", "master")
	ann.do(1, "SetScript", `["// secret"]`)
	ann.do(1, "CreateDimension", `[{"qInfo":{"qId":"dim","qType":"dimension"},"qDim":{"qFieldDefs":["x"]},"qMetaDef":{"title":"D"}}]`)
	ann.do(1, "CreateBookmark", `[{"qInfo":{"qId":"mark","qType":"bookmark"},"qMetaDef":{"title":"M"}}]`)
	ann.do(1, "DoSave", `[]`)
	row := n.wantObject(app, "base", "ann false false")
	if row["objectType"] != "sheet" || row["name"] != "title of base" || row["size"].(float64) <= 0 || n.objects(service, app)["chart"] != nil {
		t.Errorf("row: %v", row)
	}
	n.do(`DOM\ann`, "PUT", fmt.Sprintf("/qrs/app/%s/publish?stream=%s", app, rules.EveryoneStreamID), nil, 200)
	for _, id := range []string{"base", "master", "dim", "mark", repository.ScriptObject} {
		n.wantObject(app, id, "ann true true")
	}

	bob.open(app)
	cid.open(app)
	if got := bob.sees(); got != "base master" {
		t.Errorf("bob sees %s", got)
	}
	if !bob.has("chart") {
		t.Error("bob does not see what is on the sheet")
	}
	for _, u := range []*user{bob, ann} { // the base is locked, for its owner too
		h := u.do(1, "GetObject", `["base"]`).Get("qReturn").Get("qHandle").Int()
		u.refused(h, "SetProperties", `[{"qInfo":{"qId":"base","qType":"sheet"}}]`)
		u.refused(h, "CreateChild", `[{"qInfo":{"qType":"barchart"}},{}]`)
		if u.do(1, "DestroyObject", `["base"]`).Get("qSuccess").Truth() {
			t.Errorf("%s destroys the base", u.session.ID)
		}
	}
	ann.refused(child, "ApplyPatches", `[[{"qOp":"add","qPath":"/a","qValue":"1"}],false]`)
	ann.do(child, "ApplyPatches", `[[{"qOp":"add","qPath":"/a","qValue":"1"}],true]`)
	bob.refused(1, "CreateDimension", `[{"qInfo":{"qType":"dimension"}}]`)
	bob.refused(1, "CreateVariableEx", `[{"qInfo":{"qType":"variable"},"qName":"v"}]`)
	bob.refused(1, "GetScript", `[]`)
	bob.refused(1, "DoSave", `[]`)

	own := bob.make("sheet", "bobs")
	bob.do(own, "CreateChild", `[{"qInfo":{"qId":"bobs chart","qType":"barchart"}},{}]`)
	bob.do(1, "CreateBookmark", `[{"qInfo":{"qId":"bobs mark","qType":"bookmark"},"qMetaDef":{"title":"B"}}]`)
	if copied := bob.do(1, "CloneObject", `["base"]`).Get("qCloneId").Str(); !strings.Contains(bob.sees(), copied) {
		t.Error("bob does not see his copy of a sheet")
	} else {
		bob.do(1, "DestroyObject", fmt.Sprintf(`[%q]`, copied))
	}
	if got := bob.sees(); got != "base bobs master" {
		t.Errorf("bob sees %s", got)
	}
	private := func(when string) {
		t.Helper()
		for _, u := range []*user{ann, cid} {
			if got := u.sees(); got != "base master" || u.has("bobs") || u.has("bobs chart") {
				t.Errorf("%s, %s sees %s", when, u.session.ID, got)
			}
			if u.do(1, "ApplyBookmark", `["bobs mark"]`).Get("qSuccess").Truth() {
				t.Errorf("%s, %s applies another's bookmark", when, u.session.ID)
			}
			u.refused(1, "CloneObject", `["bobs"]`)
		}
	}
	private("unsaved")
	id := n.wantObject(app, "bobs", "bob false false")["id"].(string) // nobody has pressed a button
	private("saved")
	if n.objects(`DOM\cid`, app)["bobs"] != nil || n.objects(`DOM\bob`, app)["bobs"] == nil {
		t.Error("rows are not seen as they should be")
	}
	n.do(`DOM\cid`, "PUT", "/qrs/app/object/"+id+"/publish", nil, 404)

	bob.do(own, "Publish", `[]`)
	n.wantObject(app, "bobs", "bob true false")
	if !cid.has("bobs") || cid.sees() != "base bobs master" {
		t.Errorf("published, cid sees %s", cid.sees())
	}
	bob.refused(own, "SetProperties", `[{"qInfo":{"qId":"bobs","qType":"sheet"}}]`)
	meta := bob.do(own, "GetLayout", `[]`).Get("qLayout").Get("qMeta")
	if !meta.Get("published").Truth() || meta.Get("approved").Truth() || meta.Get("owner").Get("userId").Str() != "bob" || slices.Contains(meta.Get("privileges").Strings(), "update") {
		t.Errorf("qMeta: %s", meta.Append(nil))
	}
	n.do(`DOM\bob`, "POST", "/qrs/app/object/"+id+"/approve", nil, 403)
	n.do(`DOM\cid`, "PUT", "/qrs/app/object/"+id+"/unpublish", nil, 403)
	n.entity(`DOM\ann`, "POST", "/qrs/app/object/"+id+"/approve", nil, 201)
	n.do(`DOM\bob`, "PUT", "/qrs/app/object/"+id+"/unpublish", nil, 403) // it is the app's now
	n.entity(`DOM\ann`, "POST", "/qrs/app/object/"+id+"/unapprove", nil, 201)
	n.entity(`DOM\bob`, "PUT", "/qrs/app/object/"+id+"/unpublish", nil, 200)
	private("unpublished")

	n.do(service, "DELETE", "/qrs/app/object/"+id, nil, 204)
	if bob.has("bobs") || bob.has("bobs chart") || n.objects(service, app)["bobs"] != nil {
		t.Error("an object whose row was deleted is still there")
	}
	n.do(service, "DELETE", "/qrs/app/object/"+n.objects(service, app)[repository.ScriptObject]["id"].(string), nil, 400)
}

// TestObjectsOfCopies holds which objects come along when apps are copied,
// replaced, exported and imported.
func TestObjectsOfCopies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) { testObjectsOfCopies(t, newNode(t, t.TempDir(), db)) })
}

func testObjectsOfCopies(t *testing.T, n *node) {
	ann, bob := n.user("ann"), n.user("bob")
	app := ann.do(-1, "CreateApp", `["Sales"]`).Get("qAppId").Str()
	ann.open(app)
	ann.make("sheet", "base")
	ann.do(1, "DoSave", `[]`)
	n.do(`DOM\ann`, "PUT", fmt.Sprintf("/qrs/app/%s/publish?stream=%s", app, rules.EveryoneStreamID), nil, 200)
	bob.open(app)
	bob.make("sheet", "private")
	community := bob.make("sheet", "community")
	bob.do(community, "CreateChild", `[{"qInfo":{"qId":"chart","qType":"barchart"}},{}]`)
	bob.do(community, "Publish", `[]`)
	n.wantObject(app, "community", "bob true false")
	n.wantObject(app, "private", "bob false false")

	ids := func(app string) string {
		t.Helper()
		var out []string
		for id, row := range n.objects(service, app) {
			out = append(out, fmt.Sprintf("%s(%s)", id, standing(row)))
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	work := n.entity(`DOM\ann`, "POST", "/qrs/app/"+app+"/copy?name=Work", nil, 201)["id"].(string)
	if got := ids(work); got != "base(ann false false) community(ann false false)" {
		t.Errorf("copied: %s", got)
	}

	anew := n.user("ann")
	anew.open(work)
	anew.make("sheet", "added")
	anew.do(1, "DestroyObject", `["community"]`)
	anew.do(1, "SaveObjects", `[]`)
	n.entity(`DOM\ann`, "PUT", fmt.Sprintf("/qrs/app/%s/replace?app=%s", work, app), nil, 200)
	if got := ids(app); got != "added(ann true true) base(ann true true) community(bob true false) private(bob false false)" {
		t.Errorf("replaced: %s", got)
	}
	if err := n.lib.Refresh(app); err != nil {
		t.Fatal(err)
	}
	if got := bob.sees(); got != "added base community private" || !bob.has("chart") {
		t.Errorf("after the replacement bob sees %s", got)
	}

	const token = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
	for scope, want := range map[string]string{
		"":         "added(bob false false) base(bob false false)",
		"approved": "added(bob false false) base(bob false false)",
		"all":      "added(bob false false) base(bob false false) community(bob false false) private(bob false false)",
	} {
		path := n.entity(service, "POST", "/qrs/app/"+app+"/export/"+token+"?exportscope="+scope, nil, 201)["downloadPath"].(string)
		file := n.do(service, "GET", path, nil, 200)
		made := n.entity(`DOM\bob`, "POST", "/qrs/app/upload?name=Again", file, 201)
		if got := ids(made["id"].(string)); got != want {
			t.Errorf("exported with %q: %s", scope, got)
		}
	}
	n.do(service, "POST", "/qrs/app/"+app+"/export/"+token+"?exportscope=some", nil, 400)
}

// TestObjectsAfterCrash holds that rows agree with files again where an app was
// saved, and the repository was not told.
func TestObjectsAfterCrash(t *testing.T) {
	dir, db := t.TempDir(), storetest.Open(t, storetest.Config(t, store.SQLite))
	n := newNode(t, dir, db)
	ann := n.user("ann")
	app := ann.do(-1, "CreateApp", `["Sales"]`).Get("qAppId").Str()
	ann.open(app)
	ann.make("sheet", "told")
	ann.do(1, "DoSave", `[]`)
	a, err := n.lib.Open(app)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Create(object.Generic, tree.MustParse(`{"qInfo":{"qId":"untold","qType":"sheet"}}`), "", nil); err != nil {
		t.Fatal(err)
	}
	if err := a.Save(); err != nil {
		t.Fatal(err)
	}
	n.lib.Close(a)
	if rows := n.objects(service, app); rows["untold"] != nil || rows["told"] == nil {
		t.Fatalf("before the crash: %v", rows)
	}
	again := newNode(t, dir, db)
	if rows := again.objects(service, app); standing(rows["untold"]) != "ann false false" || rows["told"] == nil {
		t.Errorf("after the start: %v", rows)
	}
}
