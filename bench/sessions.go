package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/metrics"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fasthttp/websocket"
	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/services/enginehost"
)

// A scene is what a user looks at in an app.
type scene struct {
	lists  []sceneList
	charts []string // properties
}

// A sceneList is a field that users click in, with so many values to click.
type sceneList struct {
	field  string
	values int
}

// sceneCharts are how many charts a user looks at.
const sceneCharts = 3

// starScene is that of the Star Schema Benchmark.
func starScene() *scene {
	s := &scene{lists: []sceneList{{"d_year", 7}, {"c_region", 5}, {"s_region", 5}, {"p_mfgr", 5}, {"lo_shipmode", 7}}}
	for i := range sceneCharts {
		s.charts = append(s.charts, dashCharts[i].props())
	}
	return s
}

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
	look := starScene()
	for _, n := range s.cfg.Sessions {
		crowd := crowd{think: s.cfg.Think, measured: s.cfg.Measured, visit: func(ctx context.Context, _ int) (*visitor, error) {
			return visit(ctx, websocket.DefaultDialer, "ws://"+h.Addr().String()+"/app/"+id, nil, id, look)
		}}
		before := pauses()
		if err := crowd.run(ctx, n); err != nil {
			return err
		}
		crowd.report(s.report, fmt.Sprintf("%d sessions", n), "interaction by sessions", n)
		s.report.add(Figure{Workload: fmt.Sprintf("%d sessions, resident with the clients", n), Unit: "MiB", Samples: []float64{mebibytes(resident())}})
		s.report.add(Figure{Workload: fmt.Sprintf("%d sessions, collector's longest pause", n), Unit: "ms", Samples: []float64{longest(before, pauses())}})
	}
	if err := h.Shutdown(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return <-served
}

// A crowd is many users at a time.
type crowd struct {
	visit           func(ctx context.Context, i int) (*visitor, error)
	think, measured time.Duration
	rush            func() // called when all are in, before they click; nil = nothing
	rested          func() // called when all have clicked, before they go; nil = nothing

	mu     sync.Mutex
	took   []float64 // milliseconds of interactions
	failed int
	first  error
}

// comeAtATime is how many users come in beside each other.
const comeAtATime = 32

// gather lets n users in. Those who are in are returned with an error, too.
func gather(ctx context.Context, n int, visit func(ctx context.Context, i int) (*visitor, error)) ([]*visitor, error) {
	all := make([]*visitor, n)
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(comeAtATime)
	for i := range n {
		g.Go(func() error {
			v, err := visit(within, i)
			if err != nil {
				return fmt.Errorf("session %d of %d: %w", i+1, n, err)
			}
			all[i] = v
			return nil
		})
	}
	err := g.Wait()
	return slices.DeleteFunc(all, func(v *visitor) bool { return v == nil }), err
}

func leave(all []*visitor) {
	for _, v := range all {
		_ = v.ws.Close() // it has served
	}
}

// run lets n users in, lets the first rush pass, and measures.
func (c *crowd) run(ctx context.Context, n int) error {
	visitors, err := gather(ctx, n, c.visit)
	defer leave(visitors)
	if err != nil {
		return err
	}
	if c.rush != nil {
		c.rush()
	}
	counted := time.Now().Add(c.think)
	var wg sync.WaitGroup
	for i, v := range visitors {
		wg.Go(func() { c.use(ctx, v, rand.New(rand.NewPCG(uint64(i), 1)), counted) })
	}
	wg.Wait()
	if c.rested != nil {
		c.rested()
	}
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
func (c *crowd) report(r *Report, name, plot string, n int) {
	slices.Sort(c.took)
	for _, p := range []struct {
		name string
		part float64
	}{{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1}} {
		if k := len(c.took); k > 0 {
			v := c.took[min(k-1, int(p.part*float64(k)))]
			r.add(Figure{
				Workload: name + ", " + p.name, Unit: "ms", Samples: []float64{v},
				Answer: fmt.Sprintf("%d interactions, %d errors", k, c.failed), Plot: plot, Series: p.name, X: float64(n),
			})
		}
	}
	if c.failed > 0 {
		r.note("%s: %d errors, one is: %v", name, c.failed, c.first)
	}
}

// A visitor is a user with list boxes and charts of its own.
type visitor struct {
	look          *scene
	ws            *websocket.Conn
	next, doc     int
	lists, charts []int // handles
}

type reply struct {
	ID     int    `json:"id"`
	Method string `json:"method"` // of a notice
	Result struct {
		Ref struct {
			Handle int `json:"qHandle"`
		} `json:"qReturn"`
	} `json:"result"`
	Error json.RawMessage `json:"error"`
}

// visit connects, opens the app and makes the objects that a user looks at.
func visit(ctx context.Context, d *websocket.Dialer, url string, header http.Header, id string, look *scene) (*visitor, error) {
	v, err := connect(ctx, d, url, header)
	if err != nil {
		return nil, err
	}
	v.look = look
	if err := v.enter(id); err != nil {
		return nil, errors.Join(err, v.ws.Close())
	}
	return v, nil
}

// connect connects to an engine and waits for its greeting.
func connect(ctx context.Context, d *websocket.Dialer, url string, header http.Header) (*visitor, error) {
	ws, answer, err := d.DialContext(ctx, url, header)
	if err != nil && answer != nil {
		err = fmt.Errorf("%w: %s", err, answer.Status)
	}
	if err != nil {
		return nil, err
	}
	v := &visitor{ws: ws}
	said := "nothing"
	for {
		a, err := v.read()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("greeted with %s: %w", said, err), ws.Close())
		}
		said = a.Method
		if a.Method == "OnConnected" { // a proxy says something before
			return v, nil
		}
	}
}

func (v *visitor) enter(id string) (err error) {
	if v.doc, err = v.open(-1, "OpenDoc", strconv.Quote(id)); err != nil {
		return err
	}
	for _, l := range v.look.lists {
		h, err := v.open(v.doc, "CreateSessionObject", listProps(l.field))
		if err != nil {
			return err
		}
		v.lists = append(v.lists, h)
	}
	for _, props := range v.look.charts {
		h, err := v.open(v.doc, "CreateSessionObject", props)
		if err != nil {
			return err
		}
		v.charts = append(v.charts, h)
	}
	return nil
}

func (v *visitor) send(handle int, method, params string) (id int, err error) {
	v.next++
	msg := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"handle":%d,"method":%q,"params":[%s]}`, v.next, handle, method, params)
	return v.next, v.ws.WriteMessage(websocket.TextMessage, []byte(msg))
}

// answerMax is how long a user waits for an answer.
const answerMax = time.Minute

// read reads a frame.
func (v *visitor) read() (a reply, err error) {
	if err := v.ws.SetReadDeadline(time.Now().Add(answerMax)); err != nil {
		return a, err
	}
	_, b, err := v.ws.ReadMessage()
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(b, &a)
}

// wait reads until the request is answered.
func (v *visitor) wait(id int) (a reply, err error) {
	for {
		switch a, err = v.read(); {
		case err != nil:
			return a, err
		case a.Error != nil:
			return a, fmt.Errorf("request %d: %s", a.ID, a.Error)
		case a.ID == id:
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
		n := rng.IntN(len(v.look.lists))
		_, err = v.send(v.lists[n], "SelectListObjectValues", fmt.Sprintf(`"/qListObjectDef",[%d],false`, rng.IntN(v.look.lists[n].values)))
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
