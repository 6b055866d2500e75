package enginehost

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"github.com/cognate-bi/cognate/engine/app"
)

// starScript is a star schema of n sales, as large as benchmarks want it.
const starScript = `
Sales:
LOAD Mod(RecNo()*7919, 2556)+1 AS date, Mod(RecNo()*104729+Floor(RecNo()/13), 30000)+1 AS customer,
	Mod(RecNo()*6007+Floor(RecNo()/7), 2000)+1 AS supplier, Mod(RecNo()*15485863, 200000)+1 AS part,
	Mod(RecNo()*31, 50)+1 AS quantity, Mod(RecNo()*6007, 9999991) AS revenue
AUTOGENERATE %d;
Dates: LOAD RecNo() AS date, 1992+Floor((RecNo()-1)/365.25) AS year, Mod(Floor((RecNo()-1)/30.5), 12)+1 AS month AUTOGENERATE 2556;
Customers: LOAD RecNo() AS customer, 'nation ' & Mod(RecNo()*7, 25) AS nation, 'region ' & Mod(RecNo()*7, 5) AS region AUTOGENERATE 30000;
Suppliers: LOAD RecNo() AS supplier, 'region ' & Mod(RecNo()*3, 5) AS supplierRegion AUTOGENERATE 2000;
Parts: LOAD RecNo() AS part, 'brand ' & Mod(RecNo()*11, 1000) AS brand, 'maker ' & Mod(RecNo()*11, 5) AS maker AUTOGENERATE 200000;
`

// starLists are the fields that people click in, with their number of values.
var starLists = []struct {
	field  string
	values int
}{{"year", 7}, {"month", 12}, {"region", 5}, {"supplierRegion", 5}, {"maker", 5}}

// starCharts are the charts that people look at.
var starCharts = []string{
	chartProps("year", "Sum(revenue)", "Count(revenue)"),
	chartProps("nation", "Sum(revenue)", "Avg(quantity)"),
	chartProps("brand", "Sum(revenue)"),
}

func chartProps(dim string, measures ...string) string {
	var list []string
	for _, m := range measures {
		list = append(list, fmt.Sprintf(`{"qDef":{"qDef":%q}}`, m))
	}
	return fmt.Sprintf(`{"qInfo":{"qType":"chart"},"qHyperCubeDef":{"qDimensions":[{"qDef":{"qFieldDefs":[%q]}}],"qMeasures":[%s],
		"qInitialDataFetch":[{"qTop":0,"qLeft":0,"qHeight":50,"qWidth":%d}]}}`, dim, strings.Join(list, ","), 1+len(measures))
}

func listProps(field string) string {
	return fmt.Sprintf(`{"qInfo":{"qType":"listbox"},"qListObjectDef":{"qDef":{"qFieldDefs":[%q]},
		"qInitialDataFetch":[{"qTop":0,"qLeft":0,"qHeight":20,"qWidth":1}]}}`, field)
}

// starApp makes the app.
func starApp(tb testing.TB, rows int) (lib *app.Library, id string) {
	tb.Helper()
	lib, err := app.NewLibrary(app.Options{Dir: tb.TempDir()})
	if err != nil {
		tb.Fatal(err)
	}
	if id, err = lib.Create("star"); err != nil {
		tb.Fatal(err)
	}
	a, err := lib.Open(id)
	if err != nil {
		tb.Fatal(err)
	}
	defer lib.Close(a)
	a.SetScript(fmt.Sprintf(starScript, rows))
	if ok, err := a.Reload(tb.Context(), ""); err != nil || !ok {
		tb.Fatalf("reload: %v, %v, %v", ok, err, a.Progress().Errors)
	}
	if err := a.Save(); err != nil {
		tb.Fatal(err)
	}
	return lib, id
}

// A visitor is a client with list boxes and charts of its own.
type visitor struct {
	ws     *websocket.Conn
	next   int
	lists  []int // handles
	charts []int
	doc    int
}

type answer struct {
	ID     int `json:"id"`
	Result struct {
		Ref struct {
			Handle int `json:"qHandle"`
		} `json:"qReturn"`
	} `json:"result"`
	Error *struct {
		Code      int
		Parameter string
		Message   string
	} `json:"error"`
}

// enter opens the app and makes the objects that a visitor looks at.
func enter(ws *websocket.Conn, id string) (v *visitor, err error) {
	v = &visitor{ws: ws}
	if _, _, err := ws.ReadMessage(); err != nil {
		return nil, err
	}
	if v.doc, err = v.open(-1, "OpenDoc", strconv.Quote(id)); err != nil {
		return nil, err
	}
	for _, l := range starLists {
		h, err := v.open(v.doc, "CreateSessionObject", listProps(l.field))
		if err != nil {
			return nil, err
		}
		v.lists = append(v.lists, h)
	}
	for _, c := range starCharts {
		h, err := v.open(v.doc, "CreateSessionObject", c)
		if err != nil {
			return nil, err
		}
		v.charts = append(v.charts, h)
	}
	return v, nil
}

func (v *visitor) send(handle int, method, params string) (id int, err error) {
	v.next++
	msg := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"handle":%d,"method":%q,"params":[%s]}`, v.next, handle, method, params)
	return v.next, v.ws.WriteMessage(websocket.TextMessage, []byte(msg))
}

// wait reads until the request is answered.
func (v *visitor) wait(id int) (a answer, err error) {
	for {
		_ = v.ws.SetReadDeadline(time.Now().Add(time.Minute))
		_, b, err := v.ws.ReadMessage()
		if err != nil {
			return a, err
		}
		a = answer{}
		if err := json.Unmarshal(b, &a); err != nil {
			return a, err
		}
		if a.Error != nil {
			return a, fmt.Errorf("request %d: %+v", a.ID, *a.Error)
		}
		if a.ID == id {
			return a, nil
		}
	}
}

func (v *visitor) open(handle int, method, params string) (int, error) {
	id, err := v.send(handle, method, params)
	if err != nil {
		return 0, err
	}
	a, err := v.wait(id)
	return a.Result.Ref.Handle, err
}
