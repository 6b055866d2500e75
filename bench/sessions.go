package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime/metrics"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fasthttp/websocket"

	"github.com/cognate-bi/cognate/services/enginehost"
)

// visitorLists are the fields that users click in, with values to click.
var visitorLists = []struct {
	field  string
	values int
}{{"d_year", 7}, {"c_region", 5}, {"s_region", 5}, {"p_mfgr", 5}, {"lo_shipmode", 7}}

// visitorCharts are how many of dashCharts a user looks at.
const visitorCharts = 3

// runSessions serves the app on the loopback and has users click in it.
func runSessions(ctx context.Context, s *suite) error {
	lib, id, err := s.ownApp(ctx)
	if err != nil {
		return err
	}
	s.built, s.result = nil, nil
	h, err := enginehost.New(enginehost.Options{Addr: "127.0.0.1:0"}, lib)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve() }()
	for _, n := range s.cfg.Sessions {
		crowd := crowd{addr: h.Addr().String(), id: id, think: s.cfg.Think, measured: s.cfg.Measured}
		before := pauses()
		if err := crowd.run(ctx, n); err != nil {
			return err
		}
		crowd.report(s.report, n)
		s.report.add(Figure{Workload: fmt.Sprintf("%d sessions, collector's longest pause", n), Unit: "ms", Samples: []float64{longest(before, pauses())}})
	}
	if err := h.Shutdown(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return <-served
}

// A crowd is many users at a time.
type crowd struct {
	addr, id        string
	think, measured time.Duration

	mu     sync.Mutex
	took   []float64 // milliseconds of interactions
	failed int
	first  error
}

// run lets n users in, lets the first rush pass, and measures.
func (c *crowd) run(ctx context.Context, n int) error {
	visitors := make([]*visitor, 0, n)
	defer func() {
		for _, v := range visitors {
			v.ws.Close()
		}
	}()
	for range n {
		v, err := visit(ctx, c.addr, c.id)
		if err != nil {
			return fmt.Errorf("session %d of %d: %w", len(visitors)+1, n, err)
		}
		visitors = append(visitors, v)
	}
	counted := time.Now().Add(c.think)
	var wg sync.WaitGroup
	for i, v := range visitors {
		wg.Go(func() { c.use(ctx, v, rand.New(rand.NewPCG(uint64(i), 1)), counted) })
	}
	wg.Wait()
	return ctx.Err()
}

// use clicks and thinks until the time is over.
func (c *crowd) use(ctx context.Context, v *visitor, rng *rand.Rand, counted time.Time) {
	stop := counted.Add(c.measured)
	pause := time.Duration(rng.Int64N(int64(c.think)))
	for ctx.Err() == nil && time.Now().Add(pause).Before(stop) {
		time.Sleep(pause)
		start := time.Now()
		err := v.click(rng)
		c.mu.Lock()
		if start.After(counted) {
			c.took = append(c.took, milliseconds(time.Since(start)))
		}
		if err != nil {
			c.failed++
			c.first = err
		}
		c.mu.Unlock()
		if err != nil {
			return
		}
		pause = c.think/2 + time.Duration(rng.Int64N(int64(c.think)))
	}
}

// report adds the percentiles of n users.
func (c *crowd) report(r *Report, n int) {
	slices.Sort(c.took)
	for _, p := range []struct {
		name string
		part float64
	}{{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1}} {
		if k := len(c.took); k > 0 {
			v := c.took[min(k-1, int(p.part*float64(k)))]
			r.add(Figure{
				Workload: fmt.Sprintf("%d sessions, %s", n, p.name), Unit: "ms", Samples: []float64{v},
				Answer: fmt.Sprintf("%d interactions, %d errors", k, c.failed), Plot: "interaction by sessions", Series: p.name, X: float64(n),
			})
		}
	}
	if c.failed > 0 {
		r.note("%d sessions: %d errors, one is: %v", n, c.failed, c.first)
	}
	r.add(Figure{Workload: fmt.Sprintf("%d sessions, resident with the clients", n), Unit: "MiB", Samples: []float64{mebibytes(resident())}})
}

// A visitor is a user with list boxes and charts of its own.
type visitor struct {
	ws                *websocket.Conn
	next, doc         int
	lists, chartsSeen []int // handles
}

type reply struct {
	ID     int `json:"id"`
	Result struct {
		Ref struct {
			Handle int `json:"qHandle"`
		} `json:"qReturn"`
	} `json:"result"`
	Error json.RawMessage `json:"error"`
}

// visit connects, opens the app and makes the objects that a user looks at.
func visit(ctx context.Context, addr, id string) (*visitor, error) {
	ws, _, err := websocket.DefaultDialer.DialContext(ctx, "ws://"+addr+"/app/"+id, nil)
	if err != nil {
		return nil, err
	}
	v := &visitor{ws: ws}
	if err := v.enter(id); err != nil {
		ws.Close()
		return nil, err
	}
	return v, nil
}

func (v *visitor) enter(id string) (err error) {
	if _, _, err := v.ws.ReadMessage(); err != nil { // OnConnected
		return err
	}
	if v.doc, err = v.open(-1, "OpenDoc", strconv.Quote(id)); err != nil {
		return err
	}
	for _, l := range visitorLists {
		h, err := v.open(v.doc, "CreateSessionObject", listProps(l.field))
		if err != nil {
			return err
		}
		v.lists = append(v.lists, h)
	}
	for i := range visitorCharts {
		h, err := v.open(v.doc, "CreateSessionObject", dashCharts[i].props())
		if err != nil {
			return err
		}
		v.chartsSeen = append(v.chartsSeen, h)
	}
	return nil
}

func (v *visitor) send(handle int, method, params string) (id int, err error) {
	v.next++
	msg := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"handle":%d,"method":%q,"params":[%s]}`, v.next, handle, method, params)
	return v.next, v.ws.WriteMessage(websocket.TextMessage, []byte(msg))
}

// wait reads until the request is answered.
func (v *visitor) wait(id int) (a reply, err error) {
	for {
		if err := v.ws.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			return a, err
		}
		_, b, err := v.ws.ReadMessage()
		if err != nil {
			return a, err
		}
		a = reply{}
		if err := json.Unmarshal(b, &a); err != nil {
			return a, err
		}
		if a.Error != nil {
			return a, fmt.Errorf("request %d: %s", a.ID, a.Error)
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

// click selects a value, or now and then clears everything, and waits for the
// charts.
func (v *visitor) click(rng *rand.Rand) error {
	var err error
	if rng.IntN(6) == 0 {
		_, err = v.send(v.doc, "ClearAll", "")
	} else {
		n := rng.IntN(len(visitorLists))
		_, err = v.send(v.lists[n], "SelectListObjectValues", fmt.Sprintf(`"/qListObjectDef",[%d],false`, rng.IntN(visitorLists[n].values)))
	}
	last := 0
	for _, h := range v.chartsSeen {
		if err == nil {
			last, err = v.send(h, "GetLayout", "")
		}
	}
	if err == nil {
		_, err = v.wait(last)
	}
	return err
}

// pauses returns how often the collector has stopped the program for how long.
func pauses() *metrics.Float64Histogram {
	s := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64Histogram()
}

// longest returns the upper bound of the longest pause since, in milliseconds.
func longest(before, after *metrics.Float64Histogram) float64 {
	for i := len(after.Counts) - 1; i >= 0; i-- {
		if after.Counts[i] > before.Counts[i] {
			return after.Buckets[min(i+1, len(after.Buckets)-2)] * 1e3
		}
	}
	return 0
}
