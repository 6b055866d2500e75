package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/fasthttp/websocket"
	"golang.org/x/sync/errgroup"
)

// flightsScene is what users look at in the sample app.
func flightsScene() *scene {
	s := &scene{lists: []sceneList{{"Year", 1}, {"Origin region", 5}, {"Weekday", 7}, {"Part of day", 4}, {"Delay class", 5}, {"Distance class", 4}}}
	for _, c := range []dashChart{
		{dims: []string{"YearMonth"}, measures: []string{"Count(Delay)", "Avg(Delay)"}},
		{dims: []string{"Origin state name"}, measures: []string{"Count(Delay)", "Sum(Distance)"}},
		{dims: []string{"Part of day", "Delay class"}, measures: []string{"Count(Delay)"}},
	} {
		s.charts = append(s.charts, c.props())
	}
	return s
}

// runSite has users log in to a site, a process of its own, and work there
// through TLS and the proxy; then it has many more do nothing.
func runSite(ctx context.Context, s *suite) error {
	if s.cfg.Site == nil {
		s.report.note("site: left out, as there is no program to start")
		return nil
	}
	dir, err := os.MkdirTemp("", "cognate-bench-site-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	w := &siteWork{suite: s, dir: filepath.Join(dir, "site"), look: flightsScene()}
	if s.cfg.Flights == "" {
		w.look = starScene()
	}
	for _, part := range []func(context.Context) error{w.logIns, w.crowds, w.idle} {
		if err := w.with(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// A siteWork is the workload in progress.
type siteWork struct {
	suite *suite
	dir   string // of the site
	look  *scene
	app   string // id
	site  *siteProcess
}

// with runs a part of the workload with a site that has done nothing before.
func (w *siteWork) with(ctx context.Context, part func(context.Context) error) (err error) {
	if w.site, err = startSite(ctx, w.suite.cfg, w.dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.site.stop()) }()
	if err := w.findApp(ctx); err != nil {
		return fmt.Errorf("app of the site: %w", err)
	}
	return part(ctx)
}

// findApp waits for the sample app, or uploads that of the benchmark, at the
// first start.
func (w *siteWork) findApp(ctx context.Context) (err error) {
	if w.app != "" {
		return nil
	}
	if w.suite.cfg.Flights != "" {
		if w.app, err = w.site.published(ctx, sampleTitle); err != nil {
			return err
		}
		return w.site.unschedule(ctx)
	}
	_, id, err := w.suite.ownApp(ctx)
	if err != nil {
		return err
	}
	w.suite.built, w.suite.result = nil, nil
	w.app, err = w.site.upload(ctx, filepath.Join(w.suite.appDir(), id+".qvf"))
	return err
}

// passwordsAtOnce is how many passwords are tried: a user who tries more has to
// wait.
const passwordsAtOnce = 3

// logIns measures what logging in costs: by a ticket, and by a password, which
// is meant to be slow.
func (w *siteWork) logIns(ctx context.Context) error {
	ticket := Figure{Workload: "site, log-in by ticket", Unit: "ms"}
	for i := range w.suite.cfg.Repetitions {
		start := time.Now()
		if _, err := w.site.user(i).logIn(ctx); err != nil {
			return err
		}
		ticket.Samples = append(ticket.Samples, milliseconds(time.Since(start)))
	}
	w.suite.report.add(ticket)
	password := Figure{Workload: "site, log-in by password", Unit: "ms"}
	for range min(passwordsAtOnce, w.suite.cfg.Repetitions) {
		took, err := w.site.user(0).logInByForm(ctx, "admin", w.site.password)
		if err != nil {
			return err
		}
		password.Samples = append(password.Samples, milliseconds(took))
	}
	w.suite.report.add(password)
	return nil
}

// visit logs a user in, opens a socket and looks at the app.
func (w *siteWork) visit(ctx context.Context, i int) (*visitor, error) {
	u := w.site.user(i % w.suite.cfg.Users)
	header, err := u.logIn(ctx)
	if err != nil {
		return nil, err
	}
	return visit(ctx, u.dialer(), w.site.socketURL(w.app), header, w.app, w.look)
}

// crowds measures users who work. A few who hardly think come first: the engine
// keeps results for whoever asks the same again, up to a bound, and what it keeps
// belongs to no session. Then a few, who together click as often as many, are the
// measure for their memory: what the collector leaves to lie about depends on
// clicks, not on sessions.
func (w *siteWork) crowds(ctx context.Context) error {
	before, err := w.site.look(ctx, "site, before all")
	if err != nil {
		return err
	}
	keeper, err := w.visit(ctx, 0) // an app that nobody has open is given up with its results
	if err != nil {
		return err
	}
	defer leave([]*visitor{keeper})
	kept := keep([]*visitor{keeper})
	first := crowd{visit: w.visit, think: 10 * time.Millisecond, measured: min(w.suite.cfg.Measured, 15*time.Second)}
	if err := first.run(ctx, comeAtATime); err != nil {
		return err
	}
	after, err := w.site.look(ctx, "site, caches filled")
	if err != nil {
		return err
	}
	w.suite.report.add(Figure{Workload: "site, app and results kept, live heap", Unit: "MiB", Samples: []float64{mebibytes(after.live - before.live)}})
	for _, n := range w.suite.cfg.Sessions {
		many, err := w.crowd(ctx, n, w.suite.cfg.Think)
		if err != nil {
			return err
		}
		many.report(w.suite.report)
		if n <= fewUsers {
			continue
		}
		few, err := w.crowd(ctx, fewUsers, w.suite.cfg.Think*fewUsers/time.Duration(n))
		if err != nil {
			return err
		}
		w.memory(siteName(n), few.end, many.end, n-fewUsers)
	}
	if _, err := kept(ctx); err != nil {
		return fmt.Errorf("the session that keeps the app open: %w", err)
	}
	return nil
}

// fewUsers are those whom more users are compared with.
const fewUsers = 10

// A siteCrowd is what was measured of users who work.
type siteCrowd struct {
	crowd
	n          int
	start, end siteState
	driver     time.Duration // processors
	resident   []float64     // MiB, from time to time
}

// crowd measures n users who think for so long.
func (w *siteWork) crowd(ctx context.Context, n int, think time.Duration) (*siteCrowd, error) {
	m := &siteCrowd{crowd: crowd{visit: w.visit, think: think, measured: w.suite.cfg.Measured}, n: n}
	var err error
	over := make(chan struct{})
	var sampling sync.WaitGroup
	m.rush = func() {
		m.start, m.driver = w.site.glance(), processorTime()
		sampling.Go(func() { m.resident = w.site.residents(over) })
	}
	m.rested = func() {
		m.driver = processorTime() - m.driver
		close(over)
		sampling.Wait()
		m.end, err = w.site.look(ctx, siteName(n))
	}
	if err := m.run(ctx, n); err != nil {
		return nil, err
	}
	m.end.resident = int64((&Figure{Samples: m.resident}).Median() * (1 << 20))
	return m, err
}

// report adds what users have seen, and what the process was.
func (m *siteCrowd) report(r *Report) {
	name := siteName(m.n)
	m.crowd.report(r, name, "interaction by sessions of a site", m.n)
	r.add(Figure{Workload: name + ", resident", Unit: "MiB", Samples: m.resident})
	share(r, name, m.start, m.end, m.driver)
}

func siteName(n int) string { return fmt.Sprintf("site, %d sessions", n) }

// memory says what sessions take, and where.
func (w *siteWork) memory(name string, before, after siteState, n int) {
	r := w.suite.report
	each := func(what string, size func(*siteState) int64) {
		r.add(Figure{Workload: name + ", " + what + " per session", Unit: "KiB", Samples: []float64{float64(size(&after)-size(&before)) / 1024 / float64(n)}})
	}
	each("resident", func(s *siteState) int64 { return s.resident })
	each("live heap", func(s *siteState) int64 { return s.live })
	each("stacks", func(s *siteState) int64 { return s.stacks })
	r.add(Figure{Workload: name + ", goroutines per session", Unit: "", Samples: []float64{float64(after.goroutines-before.goroutines) / float64(n)}})
}

// share says how busy site and driver were, and how long the collector of the
// site stopped it.
func share(r *Report, name string, start, end siteState, driver time.Duration) {
	wall := end.at.Sub(start.at) * time.Duration(runtime.NumCPU())
	percent := func(d time.Duration) []float64 { return []float64{100 * d.Seconds() / wall.Seconds()} }
	r.add(Figure{Workload: name + ", processors in the site", Unit: "%", Samples: percent(end.busy - start.busy)})
	r.add(Figure{Workload: name + ", processors in the driver", Unit: "%", Samples: percent(driver)})
	r.add(Figure{Workload: name + ", collector's longest pause", Unit: "ms", Samples: []float64{end.pauseSince(start)}})
}

// openFilesSpare are files that are open besides sockets.
const openFilesSpare = 200

// idleRest is how long idle sessions do nothing: two pings of either side.
const idleRest = 70 * time.Second

// idle measures sessions that have an app open and do nothing. In the end each
// is asked whether it still stands.
func (w *siteWork) idle(ctx context.Context) error {
	n := w.suite.cfg.Idle
	if allowed := openFilesMax(); allowed < n+openFilesSpare {
		w.suite.report.note("site: %d idle sessions need %d open files, and the system allows %d: fewer were opened (raise the hard limit of ulimit -n)", n, n+openFilesSpare, allowed)
		n = allowed - openFilesSpare
	}
	name := fmt.Sprintf("site, %d idle sessions", n)
	if n < 1 {
		return nil
	}
	before, err := w.site.look(ctx, name+", before")
	if err != nil {
		return err
	}
	start := time.Now()
	all, err := gather(ctx, n, w.open)
	defer leave(all)
	if err != nil {
		return err
	}
	w.suite.report.add(Figure{Workload: name + ", opened", Unit: "per s", Samples: []float64{float64(n) / time.Since(start).Seconds()}})
	opened, err := w.site.look(ctx, name+", opened")
	if err != nil {
		return err
	}
	mine := processorTime()
	answered := keep(all)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(w.suite.cfg.IdleRest):
	}
	driver := processorTime() - mine
	rested, err := w.site.look(ctx, name)
	if err != nil {
		return err
	}
	w.suite.report.add(Figure{Workload: name + ", resident", Unit: "MiB", Samples: []float64{mebibytes(rested.resident)}})
	w.memory(name, before, rested, n)
	share(w.suite.report, name, opened, rested, driver)
	standing, err := answered(ctx)
	w.suite.report.add(Figure{Workload: name + ", that do not answer afterwards", Samples: []float64{float64(n - standing)}})
	if err != nil {
		w.suite.report.note("%s: one does not answer afterwards: %v", name, err)
	}
	return nil
}

// open logs a user in and opens the app.
func (w *siteWork) open(ctx context.Context, i int) (*visitor, error) {
	u := w.site.user(i % w.suite.cfg.Users)
	header, err := u.logIn(ctx)
	if err != nil {
		return nil, err
	}
	return visit(ctx, u.dialer(), w.site.socketURL(w.app), header, w.app, &scene{})
}

// keep answers pings of idle sessions. What it returns asks every one of them
// something, and says how many answered.
func keep(all []*visitor) (answered func(context.Context) (int, error)) {
	const lastID = 1_000_000
	errs := make(chan error, len(all))
	for _, v := range all {
		go func() {
			for {
				a, err := v.readIdle()
				if err != nil || a.ID == lastID {
					errs <- err
					return
				}
			}
		}()
	}
	return func(ctx context.Context) (standing int, last error) {
		var g errgroup.Group
		g.SetLimit(comeAtATime)
		for _, v := range all {
			g.Go(func() error {
				v.next = lastID - 1
				_, err := v.send(v.doc, "GetAppProperties", "")
				return err
			})
		}
		last = g.Wait()
		limit := time.After(answerMax)
		for range all {
			select {
			case err := <-errs:
				if err != nil {
					last = err
					continue
				}
				standing++
			case <-limit:
				return standing, errors.New("no answer")
			case <-ctx.Done():
				return standing, ctx.Err()
			}
		}
		return standing, last
	}
}

// readIdle reads a frame, however long that takes.
func (v *visitor) readIdle() (a reply, err error) {
	if err := v.ws.SetReadDeadline(time.Time{}); err != nil {
		return a, err
	}
	kind, b, err := v.ws.ReadMessage()
	if err != nil || kind != websocket.TextMessage {
		return a, err
	}
	return a, json.Unmarshal(b, &a)
}

// validateSite completes the defaults of the workload.
func (c *SuiteConfig) validateSite() error {
	if c.Idle == 0 {
		c.Idle = 10_000
	}
	if c.Users == 0 {
		c.Users = 200
	}
	if c.IdleRest == 0 {
		c.IdleRest = idleRest
	}
	if c.Idle < 0 || c.Users < 0 || c.Users > usersMax {
		return fmt.Errorf("bench: %d idle sessions, %d users: need 0 or more, and at most %d users", c.Idle, c.Users, usersMax)
	}
	perUser := (max(c.Idle, slices.Max(c.Sessions)) + c.Users - 1) / c.Users
	if perUser > sessionsPerUser {
		return fmt.Errorf("bench: %d sessions per user, a site allows %d: more users are needed", perUser, sessionsPerUser)
	}
	return nil
}
