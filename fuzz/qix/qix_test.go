// Package qix fuzzes the protocol: frames of a client to a session.
package qix

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/qix"
	"github.com/cognate-bi/cognate/engine/session"
)

// dataScript makes the app that frames and expressions work on.
const dataScript = `Sales: LOAD * INLINE [
Region, Year, Amount
North, 2020, 10
South, 2021, 20
North, 2021,
West, , 5];
Regions: LOAD * INLINE [
Region, Country
North, Norway
South, Spain
East, Poland];`

const patience = 20 * time.Second

// A client is a connection to a session with an open app.
type client struct {
	t       *testing.T
	conn    *qix.Conn
	answers chan []byte
	panics  *bytes.Buffer // of the log
}

func dial(t *testing.T) *client {
	t.Helper()
	lib, err := app.NewLibrary(app.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, answers: make(chan []byte, 10_000), panics: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(c.panics, &slog.HandlerOptions{Level: slog.LevelError}))
	s := session.New("s", "u", lib, log)
	t.Cleanup(s.Close)
	c.conn = qix.NewConn(s, func(frame []byte) { c.answers <- frame }, log, qix.Limits{FrameBytes: 1 << 20, Depth: 50, Values: 10_000})
	t.Cleanup(c.conn.Close)
	c.ask(`{"jsonrpc":"2.0","id":1,"handle":-1,"method":"CreateSessionApp","params":[]}`)
	c.ask(fmt.Sprintf(`{"jsonrpc":"2.0","id":2,"handle":1,"method":"SetScript","params":[%s]}`, quoted(dataScript)))
	if got := c.ask(`{"jsonrpc":"2.0","id":3,"handle":1,"method":"DoReload","params":[]}`); !bytes.Contains(got, []byte("true")) {
		t.Fatalf("reload: %s", got)
	}
	return c
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

// ask sends a frame and waits for its answer, which comes alone and is JSON.
func (c *client) ask(frame string) []byte {
	c.t.Helper()
	c.conn.Receive([]byte(frame))
	for {
		select {
		case got := <-c.answers:
			if !json.Valid(got) {
				c.t.Fatalf("%q: answer %q is no JSON", frame, got)
			}
			if bytes.Contains(got, []byte(`"id":`)) { // pushes have none
				if c.panics.Len() > 0 {
					c.t.Fatalf("%q: logged %s", frame, c.panics)
				}
				return got
			}
		case <-time.After(patience):
			c.t.Fatalf("%q: no answer for %v", frame, patience)
		}
	}
}

// FuzzFrames: every frame has one answer, whatever it holds, and nothing goes
// wrong inside.
func FuzzFrames(f *testing.F) {
	call := func(id, handle int, method, params string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"handle":%d,"method":%q,"params":%s}`, id, handle, method, params)
	}
	cube := `[{"qInfo":{"qType":"table","qId":"t"},"qHyperCubeDef":{"qDimensions":[{"qDef":{"qFieldDefs":["Region"]}}],` +
		`"qMeasures":[{"qDef":{"qDef":"Sum(Amount)"}}],"qInitialDataFetch":[{"qTop":0,"qLeft":0,"qHeight":10,"qWidth":2}]}}]`
	list := `[{"qInfo":{"qType":"list"},"qListObjectDef":{"qDef":{"qFieldDefs":["Year"]},"qInitialDataFetch":[{"qHeight":5,"qWidth":1}]}}]`
	for _, frames := range [][]string{
		{call(4, -1, "EngineVersion", "[]"), call(5, 1, "GetAppLayout", "[]"), call(6, 1, "GetTablesAndKeys", `[{"qcx":9,"qcy":9},{},0,true,false]`)},
		{call(4, 1, "CreateSessionObject", cube), call(5, 2, "GetLayout", "[]"), call(6, 2, "SelectHyperCubeValues", `["/qHyperCubeDef",0,[0,1],true]`), call(7, 2, "GetLayout", "[]")},
		{call(4, 1, "CreateSessionObject", list), call(5, 2, "SelectListObjectValues", `["/qListObjectDef",[0],false]`), call(6, 2, "SearchListObjectFor", `["/qListObjectDef","*2*"]`), call(7, 2, "GetLayout", "[]")},
		{call(4, 1, "GetField", `["Region"]`), call(5, 2, "SelectValues", `[[{"qText":"North"}],false,false]`), call(6, 2, "Lock", "[]"), call(7, 1, "ClearAll", "[true]"), call(8, 1, "Back", "[]")},
		{call(4, 1, "CreateObject", cube), call(5, 2, "ApplyPatches", `[[{"qOp":"replace","qPath":"/qHyperCubeDef/qMode","qValue":"\"P\""}],true]`), call(6, 2, "GetHyperCubePivotData", `["/qHyperCubeDef",[{"qHeight":9,"qWidth":9}]]`), call(7, 1, "DestroyObject", `["t"]`)},
		{call(4, 1, "CreateVariableEx", `[{"qInfo":{"qType":"variable"},"qName":"v","qDefinition":"=1+1"}]`), call(5, 1, "EvaluateEx", `["$(v)"]`), call(6, 1, "CreateBookmark", `[{"qInfo":{"qType":"bookmark"}}]`)},
		{call(4, 1, "AddAlternateState", `["A"]`), call(5, 1, "CreateDimension", `[{"qInfo":{"qType":"dimension"},"qDim":{"qFieldDefs":["Year"]}}]`), call(6, 1, "GetAllInfos", "[]"), call(7, 1, "ExpandExpression", `["$(=1)"]`)},
		{`{"jsonrpc":"2.0","id":4,"handle":1,"method":"GetTableData","params":{"qOffset":-1,"qRows":99999999999,"qTableName":"Sales"}}`, `[]`, `{`, `{"method":"x"}`},
		{call(4, 1, "GetFieldDescription", `["Amount"]`), call(5, 1, "CheckExpression", `["Sum({<Year={2020}>} Amoun"]`), call(6, -1, "CancelRequest", "[5]"), call(7, 99, "GetLayout", "[]")},
	} {
		f.Add(strings.Join(frames, "\n"))
	}
	f.Fuzz(func(t *testing.T, frames string) {
		lower := strings.ToLower(frames)
		// Reloads may take their time and connections lead to the disk.
		if strings.Contains(lower, "reload") || strings.Contains(lower, "connection") || strings.Contains(lower, `\u`) || strings.Contains(lower, "sleep") {
			t.Skip()
		}
		c := dial(t)
		for _, frame := range strings.SplitN(frames, "\n", 20) {
			c.ask(frame)
		}
		c.ask(call(99, -1, "EngineVersion", "[]")) // still there
	})
}

// FuzzExpression: an expression has an answer in the default state and under
// a selection, as a measure and as a dimension.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		"Sum(Amount)", "Sum({<Region={'N*'}>} Amount) / Count(DISTINCT Year)", "=Aggr(Sum(Amount), Region)", "If(Year>2020, Concat(Region, ','))",
		"Rank(Sum(TOTAL <Region> Amount))", "Sum({1-$<Year=P({<Country={Spain}>} Year)>} Amount)", "Above(Sum(Amount), 1, 2)", "RangeSum(1, Null(), '2')",
		"Date(Max(Year), 'YYYY') & 'x'", "FirstSortedValue(Region, -Amount, 2)", "Only({<Region=>} Country)", "Sum({$<Amount={\">$(=Avg(Amount))\"}>} 1)",
		"Fractile(Amount, 0.5) + Median(TOTAL Amount)", "Subfield('a;b', ';', 2)", "Num(1e308*10, '#,##0.0')", "ValueList('a','b')", "$(=Sum(Amount))", "Repeat('x', 99)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 2000 {
			t.Skip()
		}
		c := dial(t)
		s := quoted(src)
		ask := func(method, params string) {
			c.ask(fmt.Sprintf(`{"jsonrpc":"2.0","id":9,"handle":1,"method":%q,"params":[%s]}`, method, params))
		}
		ask("CheckExpression", s)
		ask("EvaluateEx", s)
		ask("CreateSessionObject", `{"qInfo":{"qType":"t"},"qHyperCubeDef":{"qDimensions":[{"qDef":{"qFieldDefs":["Region"]}},{"qDef":{"qFieldDefs":[`+s+
			`]}}],"qMeasures":[{"qDef":{"qDef":`+s+`}}],"qInitialDataFetch":[{"qHeight":20,"qWidth":3}]}}`)
		c.ask(`{"jsonrpc":"2.0","id":10,"handle":2,"method":"GetLayout","params":[]}`)
		c.ask(`{"jsonrpc":"2.0","id":11,"handle":2,"method":"SelectHyperCubeValues","params":["/qHyperCubeDef",0,[0],false]}`)
		c.ask(`{"jsonrpc":"2.0","id":12,"handle":2,"method":"GetLayout","params":[]}`)
	})
}
