package enginehost

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
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

// starApp makes the app, or opens it from COGNATE_LOAD_DIR, where it is kept.
func starApp(tb testing.TB, rows int) (lib *app.Library, id string) {
	tb.Helper()
	dir := os.Getenv("COGNATE_LOAD_DIR")
	if dir == "" {
		dir = tb.TempDir()
	}
	lib, err := app.NewLibrary(app.Options{Dir: dir})
	if err != nil {
		tb.Fatal(err)
	}
	title := fmt.Sprintf("star %d", rows)
	if id, err = lib.Resolve(title); err == nil {
		return lib, id
	}
	if id, err = lib.Create(title); err != nil {
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

func visit(addr, id string) (*visitor, error) {
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+addr+"/app/"+id, nil)
	if err != nil {
		return nil, err
	}
	return enter(ws, id)
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

// click selects something, or clears everything now and then, and waits for
// the charts.
func (v *visitor) click(rng *rand.Rand) error {
	var err error
	if rng.IntN(6) == 0 {
		_, err = v.send(v.doc, "ClearAll", "")
	} else {
		n := rng.IntN(len(starLists))
		_, err = v.send(v.lists[n], "SelectListObjectValues", fmt.Sprintf(`"/qListObjectDef",[%d],false`, rng.IntN(starLists[n].values)))
	}
	last := 0
	for _, h := range v.charts {
		if err == nil {
			last, err = v.send(h, "GetLayout", "")
		}
	}
	if err == nil {
		_, err = v.wait(last)
	}
	return err
}

// BenchmarkSessions has many people click in charts of their own, and think in
// between. COGNATE_LOAD is rows, sessions, think time and duration, as
// "6000000 1000 5s 30s".
func BenchmarkSessions(b *testing.B) {
	rows, sessions, think, run := 100_000, 100, time.Second, 3*time.Second
	if s := os.Getenv("COGNATE_LOAD"); s != "" {
		var thinks, runs string
		if _, err := fmt.Sscan(s, &rows, &sessions, &thinks, &runs); err != nil {
			b.Fatal(err)
		}
		var err1, err2 error
		think, err1 = time.ParseDuration(thinks)
		if run, err2 = time.ParseDuration(runs); err1 != nil || err2 != nil {
			b.Fatal(err1, err2)
		}
	}
	lib, id := starApp(b, rows)
	h, err := New(Options{Addr: "127.0.0.1:0"}, lib)
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = h.Serve() }()
	defer func() { _ = h.Shutdown(context.Background()) }()

	var mu sync.Mutex
	var took []time.Duration
	failed := 0
	var wg sync.WaitGroup
	before := pauses()
	ready := make(chan struct{}, 50) // who opens at a time
	var opened sync.WaitGroup
	opened.Add(sessions)
	for n := range sessions {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rng := rand.New(rand.NewPCG(uint64(n), 1))
			ready <- struct{}{}
			v, err := visit(h.Addr().String(), id)
			<-ready
			opened.Done()
			if err != nil {
				b.Error(err)
				return
			}
			defer v.ws.Close()
			opened.Wait()
			counted := time.Now().Add(think * 3) // when the first rush is over
			stop := counted.Add(run)
			time.Sleep(time.Duration(rng.Int64N(int64(think))))
			for time.Now().Before(stop) {
				at := time.Now()
				err := v.click(rng)
				d := time.Since(at)
				mu.Lock()
				if at.After(counted) {
					took = append(took, d)
				}
				if err != nil {
					failed++
					b.Log(err)
				}
				mu.Unlock()
				if err != nil {
					return
				}
				time.Sleep(think*3/4 + time.Duration(rng.Int64N(int64(think)/2)))
			}
		}()
	}
	wg.Wait()
	slices.Sort(took)
	at := func(p float64) time.Duration { return took[min(len(took)-1, int(p*float64(len(took))))] }
	b.ReportMetric(float64(len(took))/run.Seconds(), "clicks/s")
	for _, p := range []float64{50, 95, 99} {
		b.ReportMetric(float64(at(p/100).Microseconds())/1e3, fmt.Sprintf("p%v-ms", p))
	}
	b.ReportMetric(float64(failed), "failed")
	b.ReportMetric(float64(pauses()-before), "gc-cycles")
	b.ReportMetric(0, "ns/op")
}

func pauses() uint64 {
	s := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
