package qix

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
)

// A client is a test's end of a connection.
type client struct {
	t      *testing.T
	conn   *Conn
	frames chan string
	id     int
}

func newLibrary(t *testing.T) *app.Library {
	t.Helper()
	lib, err := app.NewLibrary(app.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

func newClient(t *testing.T, s *session.Session) *client {
	t.Helper()
	c := &client{t: t, frames: make(chan string, 1000)}
	c.conn = NewConn(s, func(f []byte) { c.frames <- string(f) }, slog.New(slog.DiscardHandler), Limits{})
	t.Cleanup(c.conn.Close)
	return c
}

func newSession(t *testing.T, lib *app.Library) *session.Session {
	t.Helper()
	s := session.New(t.Name(), "UserDirectory=T; UserId=t", lib, slog.New(slog.DiscardHandler))
	t.Cleanup(s.Close)
	return s
}

func (c *client) next() *tree.Node {
	c.t.Helper()
	select {
	case f := <-c.frames:
		return tree.MustParse(f)
	case <-time.After(10 * time.Second):
		c.t.Fatal("no frame")
		return nil
	}
}

// send sends a request and returns its id.
func (c *client) send(handle int, method, params, more string) int {
	c.id++
	c.conn.Receive(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"handle":%d,"method":%q,"params":%s%s}`, c.id, handle, method, params, more))
	return c.id
}

// ask sends a request and returns its answer.
func (c *client) ask(handle int, method, params string) *tree.Node {
	c.t.Helper()
	id := c.send(handle, method, params, "")
	for {
		if n := c.next(); n.Get("id").Int() == id {
			return n
		}
	}
}

// result is ask for requests that have to succeed.
func (c *client) result(handle int, method, params string) *tree.Node {
	c.t.Helper()
	n := c.ask(handle, method, params)
	if e := n.Get("error"); e != nil {
		c.t.Fatalf("%s: %s", method, e.JSON())
	}
	return n.Get("result")
}

const salesScript = "Sales: LOAD * INLINE [\nRegion, Product, Amount\nNorth, a, 1\nNorth, b, 5\nSouth, a, 3\nWest, c, 7];\nSET vX = 42;"

// openSales returns a client with a loaded session app, whose handle is 1.
func openSales(t *testing.T) *client {
	t.Helper()
	return openSalesIn(t, newLibrary(t))
}

func openSalesIn(t *testing.T, lib *app.Library) *client {
	t.Helper()
	c := newClient(t, newSession(t, lib))
	if h := c.result(-1, "CreateSessionApp", "[]").At("/qReturn/qHandle").Int(); h != 1 {
		t.Fatalf("the first handle is %d", h)
	}
	script := string(tree.AppendString(nil, salesScript))
	c.result(1, "SetScript", "["+script+"]")
	if ok := c.result(1, "DoReload", "[]").Get("qReturn").Truth(); !ok {
		t.Fatalf("reload: %s", c.result(-1, "GetProgress", "[0]").JSON())
	}
	return c
}

func (c *client) create(props string) int {
	c.t.Helper()
	return c.result(1, "CreateSessionObject", "["+props+"]").At("/qReturn/qHandle").Int()
}

const regionList = `{"qInfo":{"qType":"l"},"qListObjectDef":{"qDef":{"qFieldDefs":["Region"],"qSortCriterias":[{"qSortByLoadOrder":1}]},"qShowAlternatives":true,"qInitialDataFetch":[{"qWidth":1,"qHeight":10}]}}`

// states returns "North:S South:A ..." of a list object.
func (c *client) states(handle int) string {
	c.t.Helper()
	var out []string
	for _, row := range c.result(handle, "GetLayout", "[]").At("/qLayout/qListObject/qDataPages/0/qMatrix").Items() {
		out = append(out, row.Item(0).Get("qText").Str()+":"+row.Item(0).Get("qState").Str())
	}
	return strings.Join(out, " ")
}

func TestErrors(t *testing.T) {
	c := newClient(t, newSession(t, newLibrary(t)))
	for _, tt := range []struct {
		frame, want, why string
	}{
		{`{`, `-32700`, "no JSON"},
		{strings.Repeat("[", 1e5), `-32700`, "nested too deep"},
		{`[]`, `-32600`, "a batch"},
		{`{"id":1}`, `-32600`, "no method"},
		{`{"id":1,"method":"x","params":3}`, `-32600`, "parameters that are none"},
		{`{"id":1,"handle":-1,"method":"NoSuchMethod","params":[]}`, `-32601`, "an unknown method"},
		{`{"id":1,"handle":99,"method":"GetLayout","params":[]}`, `-32602`, "an unknown handle"},
		{`{"id":1,"handle":-1,"method":"OpenDoc","params":[7]}`, `-32602`, "a number for a text"},
		{`{"id":1,"handle":-1,"method":"OpenDoc","params":["nothing"]}`, `1003`, "no such app"},
		{`{"id":1,"handle":-1,"method":"GetActiveDoc","params":[]}`, `1007`, "no app is open"},
	} {
		c.conn.Receive([]byte(tt.frame))
		n := c.next()
		e := n.Get("error")
		if e.Get("code").JSON() != tt.want || e.Get("parameter").Kind() != tree.String || e.Get("message").Kind() != tree.String {
			t.Errorf("%.40s: got %s, want code %s: %s", tt.frame, n.JSON(), tt.want, tt.why)
		}
	}
	if got := c.ask(-1, "GetActiveDoc", "[]").At("/error/parameter").Str(); got != "No active document" {
		t.Errorf("parameter %q: clients compare it", got)
	}
}

func TestTooLargeFrame(t *testing.T) {
	c := newClient(t, newSession(t, newLibrary(t)))
	c.conn.limits.FrameBytes = 100
	c.conn.Receive([]byte(`{"id":1,"handle":-1,"method":"GetUniqueID","params":["` + strings.Repeat("x", 100) + `"]}`))
	if n := c.next(); n.At("/error/code").Int() != codeInvalidRequest {
		t.Errorf("got %s", n.JSON())
	}
	if c.result(-1, "GetUniqueID", "[]").Get("qUniqueID").Str() == "" {
		t.Error("the connection lives on")
	}
}

func TestPanicEndsOneRequest(t *testing.T) {
	c := openSales(t)
	m := on("", func(*call) error { panic("a bug") })
	_, e := c.conn.call(context.Background(), &request{method: "Boom"}, nil, &m)
	if e == nil || e.Code != codeInternal {
		t.Errorf("got %v", e)
	}
}

func TestParametersByPositionAndName(t *testing.T) {
	c := openSales(t)
	for _, tt := range []struct{ params, want, why string }{
		{`["1+1"]`, "2", "by position"},
		{`{"qExpression":"Sum(Amount)","other":1}`, "16", "by name, unknown ones ignored"},
		{`["1+2","extra"]`, "3", "extra ones ignored"},
	} {
		if got := c.result(1, "Evaluate", tt.params).Get("qReturn").Str(); got != tt.want {
			t.Errorf("%s: got %q, want %q: %s", tt.params, got, tt.want, tt.why)
		}
	}
	if !c.result(1, "DoReload", "[null]").Get("qReturn").Truth() {
		t.Error("null stands for the default")
	}
}

func TestNotFoundIsNoError(t *testing.T) {
	c := openSales(t)
	for _, method := range []string{"GetObject", "GetDimension", "GetMeasure", "GetBookmark", "GetVariableByName", "GetVariableById", "GetField"} {
		if got := c.result(1, method, `["nothing"]`).Get("qReturn").JSON(); got != `{"qType":null,"qHandle":null}` {
			t.Errorf("%s: %s", method, got)
		}
	}
}

func TestChangeLists(t *testing.T) {
	c := openSales(t)
	list := c.create(regionList)
	field := c.result(1, "GetField", `["Region"]`).At("/qReturn/qHandle").Int()
	sel := func(value string) *tree.Node {
		return c.ask(field, "SelectValues", `[[{"qText":"`+value+`","qIsNumeric":false,"qNumber":0}],true,false]`)
	}
	if got := sel("North").Get("change"); slices.Contains(got.Ints(), list) {
		t.Errorf("change %s: a layout that was never fetched cannot be out of date", got.JSON())
	}
	if got := c.states(list); got != "North:S South:A West:A" {
		t.Errorf("states %s", got)
	}
	if got := sel("South").Get("change").Ints(); !slices.Contains(got, list) {
		t.Errorf("change %v lacks the list box %d", got, list)
	}
	if got := sel("West").Get("change").Ints(); slices.Contains(got, list) {
		t.Errorf("change %v repeats what the client has not fetched yet", got)
	}
	if again := c.result(1, "GetField", `["[Region]"]`).At("/qReturn/qHandle").Int(); again != field {
		t.Errorf("the same field has the handles %d and %d", field, again)
	}
}

func TestOpenDocListsTheDoc(t *testing.T) {
	lib := newLibrary(t)
	id, err := lib.Create("One")
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, newSession(t, lib))
	n := c.ask(-1, "OpenDoc", `["One"]`)
	if n.Get("change").JSON() != "[1]" || n.At("/result/qReturn/qGenericId").Str() != id {
		t.Errorf("got %s", n.JSON())
	}
	if again := c.ask(-1, "OpenDoc", `["`+id+`"]`); again.At("/result/qReturn/qHandle").Int() != 1 {
		t.Errorf("opening the open app again: %s", again.JSON())
	}
	if _, err := lib.Create("Two"); err != nil {
		t.Fatal(err)
	}
	if n := c.ask(-1, "OpenDoc", `["Two"]`); n.At("/error/code").Int() != 1002 {
		t.Errorf("another app: %s", n.JSON())
	}
}

func TestSharedSessionAndSharedApp(t *testing.T) {
	lib := newLibrary(t)
	if _, err := lib.Create("Shared"); err != nil {
		t.Fatal(err)
	}
	s := newSession(t, lib)
	a, b := newClient(t, s), newClient(t, s) // two sockets of one session
	a.result(-1, "OpenDoc", `["Shared"]`)
	b.next() // a new handle is everybody's
	a.result(1, "SetScript", `["LOAD RecNo() AS N AUTOGENERATE 3;"]`)
	a.result(1, "DoReload", "[]")
	list := a.create(strings.ReplaceAll(regionList, "Region", "N"))
	a.result(list, "GetLayout", "[]")
	a.result(list, "SelectListObjectValues", `["/qListObjectDef",[0],true]`)
	waitForChange(t, b, list)

	other := newClient(t, newSession(t, lib)) // another session of the same app
	other.result(-1, "OpenDoc", `["Shared"]`)
	obj := other.result(1, "CreateObject", `[{"qInfo":{"qId":"o","qType":"sheet"},"x":1}]`).At("/qReturn/qHandle").Int()
	other.result(obj, "GetLayout", "[]")
	mine := a.result(1, "GetObject", `["o"]`).At("/qReturn/qHandle").Int()
	a.result(mine, "SetProperties", `[{"qInfo":{"qId":"o","qType":"sheet"},"x":2}]`)
	waitForChange(t, other, obj)
	a.result(1, "DestroyObject", `["o"]`)
	for {
		if n := other.next(); slices.Contains(n.Get("close").Ints(), obj) {
			return
		}
	}
}

func waitForChange(t *testing.T, c *client, handle int) {
	t.Helper()
	for {
		if n := c.next(); slices.Contains(n.Get("change").Ints(), handle) {
			if n.Has("id") || n.Has("params") {
				t.Errorf("a push has neither id nor params: %s", n.JSON())
			}
			return
		}
	}
}

func TestModalSelections(t *testing.T) {
	c := openSales(t)
	list := c.create(regionList)
	other := c.create(strings.ReplaceAll(regionList, "Region", "Product"))
	path := `"/qListObjectDef"`
	c.states(list)
	c.result(list, "BeginSelections", "[["+path+"]]")
	if n := c.ask(other, "BeginSelections", "[["+path+"]]"); n.At("/error/code").Int() != 6003 {
		t.Errorf("a second modal object: %s", n.JSON())
	}
	if n := c.ask(other, "SelectListObjectValues", "["+path+",[0],true]"); n.At("/error/code").Int() != 6003 {
		t.Errorf("a selection in another object: %s", n.JSON())
	}
	c.result(list, "SelectListObjectValues", "["+path+",[0],true]")
	c.result(list, "SelectListObjectValues", "["+path+",[1],true]")
	info := c.result(list, "GetLayout", "[]").At("/qLayout/qSelectionInfo")
	if info.JSON() != `{"qInSelections":true,"qMadeSelections":true}` {
		t.Errorf("selection info %s", info.JSON())
	}
	if n := c.result(1, "BackCount", "[]").Get("qReturn").Int(); n != 1 {
		t.Errorf("%d steps back: a modal selection is one", n)
	}
	c.result(list, "EndSelections", "[false]")
	if got := c.states(list); got != "North:O South:O West:O" {
		t.Errorf("after Escape: %s", got)
	}
	c.result(list, "AbortListObjectSearch", "["+path+"]") // sent whether there is a search or not
}

func TestLockRefusesAndClearKeeps(t *testing.T) {
	c := openSales(t)
	list := c.create(regionList)
	c.result(list, "SelectListObjectValues", `["/qListObjectDef",[0],true]`)
	c.result(list, "Lock", `["/qListObjectDef"]`)
	if c.result(list, "SelectListObjectValues", `["/qListObjectDef",[1],true]`).Get("qSuccess").Truth() {
		t.Error("a locked field was changed")
	}
	c.result(1, "ClearAll", "[]")
	if got := c.states(list); !strings.HasPrefix(got, "North:L") {
		t.Errorf("after ClearAll: %s", got)
	}
	c.result(1, "ClearAll", "[true]")
	if got := c.states(list); got != "North:O South:O West:O" {
		t.Errorf("after ClearAll of locked ones too: %s", got)
	}
}

func TestBookmarkSurvivesReload(t *testing.T) {
	c := openSales(t)
	list := c.create(regionList)
	c.result(list, "SelectListObjectValues", `["/qListObjectDef",[2],true]`)
	c.result(1, "CreateBookmark", `[{"qInfo":{"qId":"b","qType":"bookmark"},"qMetaDef":{"title":"West"}}]`)
	c.result(1, "ClearAll", "[]")
	c.result(1, "SetScript", `["LOAD * INLINE [\nRegion, Amount\nWest, 7\nEast, 1];"]`)
	c.result(1, "DoReload", "[]")
	if !c.result(1, "ApplyBookmark", `["b"]`).Get("qSuccess").Truth() {
		t.Error("not applied")
	}
	if got := c.states(list); got != "West:S East:A" {
		t.Errorf("states %s: bookmarks keep values, not codes", got)
	}
	if got := c.result(1, "Evaluate", `["Sum({b} Amount)"]`).Get("qReturn").Str(); got != "7" {
		t.Errorf("a bookmark in a set expression gives %s", got)
	}
}

// A chart that takes too long says so in its layout; others are as they were,
// and so is the chart when there is time.
func TestObjectTime(t *testing.T) {
	lib := newLibrary(t)
	c := openSalesIn(t, lib)
	chart := c.create(`{"qInfo":{"qType":"chart"},"qHyperCubeDef":{"qDimensions":[{"qDef":{"qFieldDefs":["Region"]}}],"qMeasures":[{"qDef":{"qDef":"Sum(Amount)"}}],"qInitialDataFetch":[{"qHeight":9,"qWidth":2}]}}`)
	lib.SetLimits(app.Limits{ObjectTime: time.Nanosecond})
	if e := c.result(chart, "GetLayout", "[]").At("/qLayout/qHyperCube/qError"); e.Get("qErrorCode").Int() != 7003 || !strings.Contains(e.Get("qExtendedMessage").Str(), "longer than 1ns") {
		t.Errorf("error %s", e.JSON())
	}
	lib.SetLimits(app.Limits{ObjectTime: time.Minute})
	c.result(1, "ClearAll", "[]")
	c.result(1, "DoReload", "[]")
	if n := c.result(chart, "GetLayout", "[]").At("/qLayout/qHyperCube/qSize/qcy").Int(); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}

func TestPartialReloads(t *testing.T) {
	c := openSales(t)
	c.result(1, "SetScript", `["ADD CONCATENATE (Sales) LOAD 100 as Amount AUTOGENERATE 1; LOAD 1000 as Amount AUTOGENERATE 1;"]`)
	for i, reload := range []struct{ method, params, result string }{
		{"DoReload", "[0,true]", "/qReturn"},
		{"DoReloadEx", `{"qParams":{"qPartial":true}}`, "/qResult/qSuccess"},
	} {
		if !c.result(1, reload.method, reload.params).At(reload.result).Truth() {
			t.Fatalf("%s failed", reload.method)
		}
		if got, want := c.result(1, "Evaluate", `["Sum(Amount)"]`).Get("qReturn").Str(), strconv.Itoa(16+100*(i+1)); got != want {
			t.Errorf("%s: sum %s, want %s", reload.method, got, want)
		}
	}
}

func TestFailedReloadKeepsData(t *testing.T) {
	c := openSales(t)
	c.result(1, "SetScript", `["LOAD nonsense FROM;"]`)
	if c.result(1, "DoReload", "[]").Get("qReturn").Truth() {
		t.Error("the reload succeeded")
	}
	if errs := c.result(-1, "GetProgress", "[0]").At("/qProgressData/qErrorData"); errs.Len() == 0 {
		t.Error("no reason given")
	}
	if got := c.result(1, "Evaluate", `["Sum(Amount)"]`).Get("qReturn").Str(); got != "16" {
		t.Errorf("Sum(Amount) = %s after a failed reload", got)
	}
}

func TestSoftPatches(t *testing.T) {
	c := openSales(t)
	obj := c.create(`{"qInfo":{"qType":"x"},"a":{"b":1}}`)
	c.result(obj, "ApplyPatches", `[[{"qOp":"Replace","qPath":"/a/b","qValue":"\"two\""}],true]`)
	layout := c.result(obj, "GetLayout", "[]").Get("qLayout")
	if layout.At("/a/b").Str() != "two" || !layout.Get("qHasSoftPatches").Truth() {
		t.Errorf("layout %s", layout.JSON())
	}
	if got := c.result(obj, "GetProperties", "[]").At("/qProp/a/b").JSON(); got != "1" {
		t.Errorf("properties have %s", got)
	}
	if got := c.result(obj, "GetEffectiveProperties", "[]").At("/qProp/a/b").JSON(); got != `"two"` {
		t.Errorf("effective properties have %s", got)
	}
	c.result(obj, "ClearSoftPatches", "[]")
	if got := c.result(obj, "GetLayout", "[]").At("/qLayout/a/b").JSON(); got != "1" {
		t.Errorf("after clearing: %s", got)
	}
}

func TestChildrenAndLists(t *testing.T) {
	c := openSales(t)
	sheets := c.create(`{"qInfo":{"qType":"SheetList"},"qAppObjectListDef":{"qType":"sheet","qData":{"title":"/qMetaDef/title","showCondition":"/showCondition"}}}`)
	c.result(sheets, "GetLayout", "[]")
	n := c.ask(1, "CreateObject", `[{"qInfo":{"qId":"s","qType":"sheet"},"qMetaDef":{"title":"First"},"qChildListDef":{"qData":{"name":"/name"}}}]`)
	if !slices.Contains(n.Get("change").Ints(), sheets) {
		t.Errorf("the sheet list is not in %s", n.Get("change").JSON())
	}
	if got := c.result(sheets, "GetLayout", "[]").At("/qLayout/qAppObjectList/qItems/0/qData").JSON(); got != `{"title":"First","showCondition":null}` {
		t.Errorf("entry %s: a path that finds nothing gives null", got)
	}
	sheet := n.At("/result/qReturn/qHandle").Int()
	c.result(sheet, "CreateChild", `[{"qInfo":{"qId":"k","qType":"chart"},"name":"kid"}]`)
	if got := c.result(sheet, "GetLayout", "[]").At("/qLayout/qChildList/qItems/0/qData/name").Str(); got != "kid" {
		t.Errorf("child list has %q", got)
	}
	clone := c.result(1, "CloneObject", `["s"]`).Get("qCloneId").Str()
	copied := c.result(1, "GetObject", `["`+clone+`"]`).At("/qReturn/qHandle").Int()
	if kids := c.result(copied, "GetChildInfos", "[]").Get("qInfos"); kids.Len() != 1 || kids.Item(0).Get("qId").Str() == "k" {
		t.Errorf("children of the copy: %s", kids.JSON())
	}
	gone := c.ask(1, "DestroyObject", `["s"]`)
	if !slices.Contains(gone.Get("close").Ints(), sheet) {
		t.Errorf("close %s lacks the sheet", gone.Get("close").JSON())
	}
}

func TestDelta(t *testing.T) {
	c := openSales(t)
	obj := c.create(`{"qInfo":{"qType":"x"},"a":1}`)
	ask := func() *tree.Node {
		id := c.send(obj, "GetLayout", "[]", `,"delta":true`)
		for {
			if n := c.next(); n.Get("id").Int() == id {
				return n
			}
		}
	}
	first := ask()
	if p := first.At("/result/qLayout/0"); !first.Get("delta").Truth() || p.Get("op").Str() != "add" || p.Get("path").Str() != "/" || p.At("/value/a").Int() != 1 {
		t.Errorf("first answer %s", first.JSON())
	}
	if again := ask(); again.At("/result/qLayout").JSON() != "[]" {
		t.Errorf("unchanged: %s", again.JSON())
	}
	c.result(obj, "SetProperties", `[{"qInfo":{"qType":"x"},"a":2}]`)
	if changed := ask(); changed.At("/result/qLayout/0/value/a").Int() != 2 {
		t.Errorf("changed: %s", changed.JSON())
	}
}

func TestCancel(t *testing.T) {
	c := openSales(t)
	block, started := make(chan struct{}), make(chan struct{})
	c.conn.s.Queue.Add(nil, 0, func(context.Context) { close(started); <-block })
	<-started
	waiting := c.send(1, "Evaluate", `["1"]`, "")
	if n := c.ask(-1, "CancelRequest", fmt.Sprintf("[%d]", waiting)); n.Get("result").JSON() != "{}" {
		t.Errorf("answer %s", n.JSON())
	}
	if n := c.ask(-1, "GetProgress", "[0]"); n.At("/result/qProgressData/qFinished").Kind() != tree.Bool {
		t.Errorf("progress while a request runs: %s", n.JSON())
	}
	close(block)
	for {
		if n := c.next(); n.Get("id").Int() == waiting {
			if n.At("/error/code").Int() != codeAborted {
				t.Errorf("cancelled: %s", n.JSON())
			}
			return
		}
	}
}

func TestVariables(t *testing.T) {
	c := openSales(t)
	v := c.result(1, "GetVariableByName", `["vX"]`).At("/qReturn/qHandle").Int()
	layout := c.result(v, "GetLayout", "[]").Get("qLayout")
	if layout.Get("qText").Str() != "42" || layout.Get("qNum").Float() != 42 || !layout.Get("qIsScriptCreated").Truth() {
		t.Errorf("layout %s", layout.JSON())
	}
	c.result(v, "SetStringValue", `["=Sum(Amount)"]`)
	if got := c.result(v, "GetLayout", "[]").At("/qLayout/qText").Str(); got != "16" {
		t.Errorf("computed variable is %q", got)
	}
	if got := c.result(1, "Evaluate", `["$(vX)+1"]`).Get("qReturn").Str(); got != "17" {
		t.Errorf("$(vX)+1 = %s", got)
	}
	if n := c.ask(1, "CreateVariableEx", `[{"qInfo":{"qType":"variable"},"qName":"vX"}]`); n.At("/error/code").Int() != 18001 {
		t.Errorf("a second vX: %s", n.JSON())
	}
}

// The table has every method of the tiers that are promised.
func TestMethodTable(t *testing.T) {
	for class, names := range map[session.Class]string{
		global: `OpenDoc GetActiveDoc CreateSessionApp GetDocList EngineVersion GetUniqueID GetAuthenticatedUser ProductVersion AllowCreateApp CreateApp
			CancelRequest GetProgress DeleteApp GetBaseBNFHash GetConfiguration AbortAll`,
		session.Doc: `SetScript GetScript DoReload DoReloadEx DoSave GetAppLayout GetAppProperties SetAppProperties CreateSessionObject DestroySessionObject
			CreateObject DestroyObject GetObject GetField Evaluate EvaluateEx ClearAll Back Forward GetTableData CreateDimension GetDimension CreateMeasure
			GetMeasure CreateVariableEx GetVariableByName GetVariableById CreateBookmark GetBookmark ApplyBookmark GetAllInfos GetScriptEx CloneObject
			SaveObjects SearchSuggest SearchResults SelectAssociations GetFieldDescription GetLocaleInfo LockAll UnlockAll AbortModal AddAlternateState
			CreateConnection GetTablesAndKeys ClearUndoBuffer CreateBookmarkEx DestroyBookmark`,
		session.GenericObject: `GetLayout GetProperties SetProperties GetEffectiveProperties ApplyPatches ClearSoftPatches GetHyperCubeData
			GetHyperCubePivotData GetHyperCubeStackData GetListObjectData SelectHyperCubeCells SelectHyperCubeValues SelectPivotCells
			SelectListObjectValues SearchListObjectFor AbortListObjectSearch AcceptListObjectSearch ClearSelections BeginSelections EndSelections
			ResetMadeSelections GetInfo GetHyperCubeReducedData MultiRangeSelectHyperCubeValues GetChildInfos SetFullPropertyTree StepCycle Lock Unlock
			SelectListObjectAll SelectListObjectPossible SelectListObjectAlternative SelectListObjectExcluded`,
		session.Field: `Select SelectValues SelectAll Clear GetCardinal Lock Unlock ToggleSelect LowLevelSelect GetNxProperties SetNxProperties`,
	} {
		for _, name := range strings.Fields(names) {
			if classes[class][name].run == nil {
				t.Errorf("%s.%s is missing", class, name)
			}
		}
	}
}

func TestSearchAll(t *testing.T) {
	c := openSales(t)
	res := c.result(1, "SearchResults", `[{},["nor"],{"qOffset":0,"qCount":5}]`).Get("qResult")
	if item := res.At("/qSearchGroupArray/0/qItems/0"); item.Get("qIdentifier").Str() != "Region" || item.At("/qItemMatches/0/qText").Str() != "North" {
		t.Errorf("result %s", res.JSON())
	}
	if got := c.result(1, "SearchSuggest", `[{},["so"]]`).At("/qResult/qSuggestions/0/qValue").Str(); got != "South" {
		t.Errorf("suggested %q", got)
	}
	c.result(1, "SelectAssociations", `[{},["nor","b"],0]`)
	if got := c.result(1, "Evaluate", `["Sum(Amount)"]`).Get("qReturn").Str(); got != "5" {
		t.Errorf("Sum(Amount) = %s after the selection of two terms in two fields", got)
	}
}

// Every method gets strange parameters on handles of its class. Errors are
// fine; a panic, or an error that nobody foresaw, is not.
func TestEveryMethodSurvivesNonsense(t *testing.T) {
	if testing.Short() {
		t.Skip("several hundred sessions")
	}
	values := map[byte][]string{
		's': {`""`, `"nothing"`, `"/qHyperCubeDef"`, `"Region"`, `"/a/b/0/-1"`},
		'i': {`0`, `-1`, `2147483647`, `-1e300`},
		'n': {`0`, `"NaN"`, `1e308`},
		'b': {`true`, `false`},
		'o': {`{}`, `{"qInfo":[]}`, `{"qProperty":{"qInfo":{"qId":"z"}},"qChildren":[{"qProperty":3}]}`, `{"qHyperCubeDef":[1,{}],"qListObjectDef":{"qDef":3}}`},
		'a': {`[]`, `[null]`, `[-1,1e300,"x",{}]`, `[{"qLeft":-1,"qTop":-5,"qWidth":2147483647,"qHeight":2147483647}]`, `[[[]]]`},
		'x': {`null`, `"S"`, `{}`},
	}
	skip := map[string]bool{"DestroySessionObject": true}
	for class, methods := range classes {
		for name, m := range methods {
			if skip[name] {
				continue
			}
			for round := range 3 {
				c := openSales(t)
				c.conn.log = slog.New(slog.NewTextHandler(failOnPanic{t, string(class) + "." + name}, nil))
				handle := c.handleOf(class)
				var params []string
				for _, p := range m.params {
					list := values[p.kind]
					params = append(params, list[(round+len(p.name))%len(list)])
				}
				n := c.ask(handle, name, "["+strings.Join(params, ",")+"]")
				if code := n.At("/error/code").Int(); code == codeInternal {
					t.Errorf("%s.%s(%s): %s", class, name, params, n.JSON())
				}
				c.ask(-1, "GetUniqueID", "[]")
				c.conn.Close()
				c.conn.s.Close()
			}
		}
	}
}

// failOnPanic fails a test whose request panicked.
type failOnPanic struct {
	t    *testing.T
	what string
}

func (f failOnPanic) Write(b []byte) (int, error) {
	if strings.Contains(string(b), "panicked") {
		f.t.Errorf("%s: %s", f.what, b)
	}
	return len(b), nil
}

// handleOf returns a handle of an object of the class.
func (c *client) handleOf(class session.Class) int {
	c.t.Helper()
	calls := map[session.Class][2]string{
		session.Field:            {"GetField", `["Region"]`},
		session.GenericObject:    {"CreateSessionObject", `[{"qInfo":{"qType":"x"},"qHyperCubeDef":{"qDimensions":[{"qDef":{"qFieldDefs":["Region"]}}],"qMeasures":[{"qDef":{"qDef":"Sum(Amount)"}}]}}]`},
		session.GenericDimension: {"CreateDimension", `[{"qInfo":{"qType":"dimension"},"qDim":{"qFieldDefs":["Region"]}}]`},
		session.GenericMeasure:   {"CreateMeasure", `[{"qInfo":{"qType":"measure"},"qMeasure":{"qDef":"Sum(Amount)"}}]`},
		session.GenericBookmark:  {"CreateBookmark", `[{"qInfo":{"qType":"bookmark"}}]`},
		session.GenericVariable:  {"GetVariableByName", `["vX"]`},
		session.Variable:         {"GetVariable", `["vX"]`},
	}
	switch class {
	case global:
		return -1
	case session.Doc:
		return 1
	}
	call := calls[class]
	return c.result(1, call[0], call[1]).At("/qReturn/qHandle").Int()
}
