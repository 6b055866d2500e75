package qix

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object/tree"
)

// loaded makes an app of a script in a new library.
func loaded(t *testing.T, script string) (lib *app.Library, id string) {
	t.Helper()
	lib = newLibrary(t)
	id, err := lib.Create("app")
	if err != nil {
		t.Fatal(err)
	}
	a, err := lib.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lib.Close(a) })
	a.SetScript(script)
	if ok, err := a.Reload(t.Context(), ""); !ok || err != nil {
		t.Fatalf("reload: %v %+v", err, a.Progress().Errors)
	}
	return lib, id
}

// opens returns a client of a user who opens an app, whose handle is 1.
func opens(t *testing.T, lib *app.Library, id, user string) *client {
	t.Helper()
	s := newSession(t, lib)
	s.Identity = &access.User{ID: user}
	c := newClient(t, s)
	c.result(-1, "OpenDoc", fmt.Sprintf("[%q]", id))
	return c
}

// TestReductionsAreApart opens an app as users whose reductions read alike: the
// second must not get what was made for the first.
func TestReductionsAreApart(t *testing.T) {
	lib, id := loaded(t, `Sales: LOAD * INLINE [AMOUNT, NET, AMOUNT NET
1, 2, 4];
SECTION ACCESS;
LOAD * INLINE [ACCESS, USERID, OMIT
USER, A, AMOUNT NET
USER, B, AMOUNT
USER, B, NET];
SECTION APPLICATION;`)
	fields := func(user string) string { return opens(t, lib, id, user).result(1, "GetTablesAndKeys", "[]").JSON() }
	if got := fields("A"); !strings.Contains(got, `"AMOUNT"`) || !strings.Contains(got, `"NET"`) || strings.Contains(got, "AMOUNT NET") {
		t.Errorf("A sees %s", got)
	}
	if got := fields("B"); strings.Contains(got, `"AMOUNT"`) || strings.Contains(got, `"NET"`) {
		t.Errorf("B sees %s", got)
	}
}

// TestBookmarkOfOthers shows a bookmark of somebody who sees everything to
// somebody who does not.
func TestBookmarkOfOthers(t *testing.T) {
	lib, id := loaded(t, `Sales: LOAD * INLINE [REGION, Day, Secret
NORTH, 1, n
SOUTH, 2, s];
SECTION ACCESS;
LOAD * INLINE [ACCESS, USERID, REGION, OMIT
ADMIN, BOSS, ,
USER, ANN, NORTH, SECRET];
SECTION APPLICATION;`)
	boss := opens(t, lib, id, "BOSS")
	for _, f := range []string{"REGION", "Day", "Secret"} {
		h := boss.result(1, "GetField", fmt.Sprintf("[%q]", f)).At("/qReturn/qHandle").Int()
		boss.result(h, "SelectAll", "[]")
	}
	boss.result(1, "CreateBookmark", `[{"qInfo":{"qId":"bm","qType":"bookmark"}}]`)
	ann := opens(t, lib, id, "ANN")
	h := ann.result(1, "GetBookmark", `["bm"]`).At("/qReturn/qHandle").Int()
	values := func(c *client, h int, field string) string {
		t.Helper()
		var texts []string
		for _, v := range c.result(h, "GetFieldValues", fmt.Sprintf(`[%q,false,{"qStartIndex":0,"qEndIndex":10}]`, field)).Get("qFieldValues").Items() {
			texts = append(texts, v.Get("qText").Str())
		}
		return strings.Join(texts, " ")
	}
	state := func(c *client, h int) string {
		t.Helper()
		var out []string
		for _, f := range c.result(h, "GetLayout", "[]").At("/qLayout/qBookmark/qStateData/0/qFieldItems").Items() {
			out = append(out, f.At("/qDef/qName").Str()+":"+strings.Join(f.Get("qValues").Strings(), " "))
		}
		return strings.Join(out, "; ")
	}
	for field, want := range map[string]string{"REGION": "NORTH", "Day": "1", "Secret": ""} {
		if got := values(ann, h, field); got != want {
			t.Errorf("the reduced user gets %q of %s, want %q", got, field, want)
		}
	}
	if got := state(ann, h); got != "REGION:NORTH; Day:1" {
		t.Errorf("the layout shows the reduced user %s", got)
	}
	if got := state(boss, boss.result(1, "GetBookmark", `["bm"]`).At("/qReturn/qHandle").Int()); got != "REGION:NORTH SOUTH; Day:1 2; Secret:n s" {
		t.Errorf("the layout shows its maker %s", got)
	}
}

// TestProgressOfOthers asks how far a reload is, which others have started: its
// lines tell the script and what it loads.
func TestProgressOfOthers(t *testing.T) {
	lib, id := loaded(t, "SECTION ACCESS;\nLOAD * INLINE [ACCESS, USERID\nADMIN, BOSS\nUSER, ANN];\nSECTION APPLICATION;\nSecrets: LOAD 1 AS x AUTOGENERATE 3;\nTRACE secret;")
	boss, ann := opens(t, lib, id, "BOSS"), opens(t, lib, id, "ANN")
	progress := func(c *client) string { return c.result(-1, "GetProgress", "[0]").JSON() }
	if got := progress(ann); strings.Contains(got, "ecret") {
		t.Errorf("before: %s", got)
	}
	boss.result(1, "DoReload", "[]")
	if got := progress(boss); !strings.Contains(got, "Secrets << 3 Lines fetched") || !strings.Contains(got, "secret") {
		t.Errorf("who reloads is told %s", got)
	}
	if got := progress(ann); strings.Contains(got, "ecret") {
		t.Errorf("another session is told %s", got)
	}
}

// TestEmptyCell gives a user without a value in the reduction field rows whose
// value is the empty text.
func TestEmptyCell(t *testing.T) {
	lib, id := loaded(t, "Sales: LOAD * INLINE [REGION, Amount\nNORTH, 1\n, 2];\nSECTION ACCESS;\nLOAD * INLINE [ACCESS, USERID, REGION\nUSER, ANN,\nUSER, BOB, NORTH];\nSECTION APPLICATION;")
	s := newSession(t, lib)
	s.Identity = &access.User{ID: "ANN"}
	c := newClient(t, s)
	if got := c.ask(-1, "OpenDoc", fmt.Sprintf("[%q]", id)); got.Get("error") == nil {
		t.Errorf("she sees %s", c.result(1, "Evaluate", `["Concat(REGION & Amount, ';')"]`).JSON())
	}
}

// TestPartialReloadByReduced has somebody reload in part who sees a part only.
// Such a reload begins with all data of the app, which his script could then
// give him.
func TestPartialReloadByReduced(t *testing.T) {
	const script = `Sales: LOAD * INLINE [REGION, Amount
NORTH, 1
SOUTH, 2];
SECTION ACCESS;
Rules: LOAD * INLINE [ACCESS, USERID, REGION
ADMIN, BOSS,
USER, ANN, NORTH];
SECTION APPLICATION;`
	value := func(c *client, expr string) string {
		return c.result(1, "Evaluate", fmt.Sprintf("[%q]", expr)).Get("qReturn").Str()
	}
	partial := func(c *client, script string) *tree.Node {
		c.result(1, "SetScript", "["+string(tree.AppendString(nil, script))+"]")
		return c.ask(1, "DoReload", "[0,true,false]")
	}
	for _, attempt := range []string{
		"SECTION ACCESS;\nRules: REPLACE LOAD * INLINE [ACCESS, USERID\nADMIN, ANN];\nSECTION APPLICATION;",
		"Open: ADD LOAD Amount AS all RESIDENT Sales;",
	} {
		lib, id := loaded(t, script)
		ann := opens(t, lib, id, "ANN")
		if got := partial(ann, attempt); got.Get("error") == nil {
			t.Errorf("%s: %s, then Sum(Amount) is %s and Sum(all) %s", attempt, got.JSON(), value(ann, "Sum(Amount)"), value(ann, "Sum(all)"))
		}
	}
	lib, id := loaded(t, script)
	boss, ann := opens(t, lib, id, "BOSS"), opens(t, lib, id, "ANN")
	got := partial(boss, "CONCATENATE (Sales) ADD LOAD 5 AS Amount, 'NORTH' AS REGION AUTOGENERATE 1;")
	if got.Get("error") != nil || value(boss, "Sum(Amount)") != "8" || value(ann, "Sum(Amount)") != "6" {
		t.Errorf("who sees everything: %s, %s; the other %s", got.JSON(), value(boss, "Sum(Amount)"), value(ann, "Sum(Amount)"))
	}
}

// TestReducedKeys holds what is left of tables with a key of two fields, and of
// fields that others were derived from, against what was loaded with only the
// rows and fields that the user may see.
func TestReducedKeys(t *testing.T) {
	const sales = "A: LOAD REGION, K1, K2, Amount INLINE [REGION, K1, K2, Amount\n"
	const targets = "B: LOAD %s, Target INLINE [K1, K2, Target\n"
	for _, tt := range []struct{ name, whole, omit, want string }{
		{
			"rows", sales + "S, b, y, 2\nN, a, x, 1\nS, c, y, 8\nN, a, y, 4];\n" + fmt.Sprintf(targets, "K1, K2") + "b, y, 20\na, x, 10\na, y, 40\nc, z, 80];", "",
			sales + "N, a, x, 1\nN, a, y, 4];\n" + fmt.Sprintf(targets, "K1, K2") + "a, x, 10\na, y, 40];",
		},
		{
			"part of a key", sales + "S, b, y, 2\nN, a, x, 1\nN, a, y, 4];\n" + fmt.Sprintf(targets, "K1, K2") + "b, y, 20\na, x, 10\na, y, 40];", "K2",
			"A: LOAD REGION, Amount, K1 INLINE [REGION, K1, K2, Amount\nN, a, x, 1\nN, a, y, 4];\nB: LOAD Target, K1 INLINE [K1, K2, Target\na, x, 10\na, y, 40];",
		},
		{
			"derived", "Cal: DECLARE FIELD DEFINITION TAGGED '$date' FIELDS Date($1) AS Date, Year($1) AS Year;\nA: LOAD REGION, Date(D) AS Day, Date(D + 1) AS Days INLINE [REGION, D\nN, 45000\nS, 45500];\nDERIVE FIELDS FROM FIELDS Day, Days USING Cal;", "DAY",
			"Cal: DECLARE FIELD DEFINITION TAGGED '$date' FIELDS Date($1) AS Date, Year($1) AS Year;\nA: LOAD REGION, Date(D + 1) AS Days INLINE [REGION, D\nN, 45000];\nDERIVE FIELDS FROM FIELDS Days USING Cal;",
		},
		{"a whole table", "A: LOAD * INLINE [REGION\nN\nS];\nB: LOAD * INLINE [Secret\n1\n2];", "SECRET", "A: LOAD * INLINE [REGION\nN];"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lib, id := loaded(t, tt.whole+"\nSECTION ACCESS;\nLOAD * INLINE [ACCESS, USERID, REGION, OMIT\nUSER, ANN, N, "+tt.omit+"];\nSECTION APPLICATION;")
			got := opens(t, lib, id, "ANN")
			lib, id = loaded(t, tt.want)
			want := opens(t, lib, id, "ANN")
			both := func(method, params string) {
				t.Helper()
				if g, w := withoutIDs(got.ask(1, method, params)), withoutIDs(want.ask(1, method, params)); g != w {
					t.Errorf("%s %s:\ngot  %s\nwant %s", method, params, g, w)
				}
			}
			for _, synthetic := range []bool{false, true} {
				both("GetTablesAndKeys", fmt.Sprintf("[{},{},30,%v,false]", synthetic))
				for _, table := range []string{"A", "B", "$Syn 1 Table"} {
					both("GetTableData", fmt.Sprintf("[0,50,%v,%q]", synthetic, table))
				}
			}
			for _, expr := range []string{"Sum(Amount)", "Sum(Target)", "Concat(K1, '|')", "Concat(K2, '|')", "Concat([$Syn 1], '|')", "Concat([Day.Cal.Year], '|')", "Concat([Days.Cal.Year], '|')", "NoOfRows('B')", "Sum(Aggr(Sum(Target), Amount))"} {
				both("Evaluate", fmt.Sprintf("[%q]", expr))
			}
			for _, field := range []string{"K2", "$Syn 1", "Day.Cal.Date"} {
				both("GetFieldDescription", fmt.Sprintf("[%q]", field))
			}
		})
	}
}

// TestRowsAreUnited gives a user a row that restricts nothing the app has, and
// one that does: he sees what either allows.
func TestRowsAreUnited(t *testing.T) {
	lib, id := loaded(t, "Sales: LOAD * INLINE [REGION, Amount\nN, 1\nS, 2];\nSECTION ACCESS;\nLOAD * INLINE [ACCESS, USERID, REGION, ELSEWHERE\nADMIN, ANN, , X\nUSER, ANN, N, X];\nSECTION APPLICATION;")
	if got := opens(t, lib, id, "ANN").result(1, "Evaluate", `["Sum(Amount)"]`).Get("qReturn").Str(); got != "3" {
		t.Errorf("she sees %s, want 3", got)
	}
}
