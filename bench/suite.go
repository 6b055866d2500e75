package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/bench/ssb"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/script"
)

// SuiteConfig says what the whole proof measures: the engine and its peers,
// one after the other on the same machine and the same data.
type SuiteConfig struct {
	Config          // of the Star Schema Benchmark
	Work   []string // names of workloads; none = all
	Peers  string   // folder with the scripts of the peers and what npm installed
	// Flights is the folder data of the npm package vega-datasets; none = the
	// flights are left out.
	Flights string
	// Sessions are the numbers of users at a time, Think is how long they think
	// on average between clicks, and Measured how long each number is measured.
	Sessions []int
	Think    time.Duration
	Measured time.Duration
	// Self returns this program as a process of its own that measures one
	// workload and writes its figures as JSON; nil = such workloads are left out,
	// and the app that was saved before is used.
	Self func(ctx context.Context, workload string) *exec.Cmd
	// Site returns this program as a site with these arguments; nil = the site is
	// left out.
	Site     func(ctx context.Context, args ...string) *exec.Cmd
	Users    int           // of the site, who share its sessions; 0 = 200
	Idle     int           // sessions of the site that do nothing; 0 = 10,000
	IdleRest time.Duration // how long; 0 = 70 s
	Profiles string        // folder for profiles of the site's heap; "" = none
}

// Validate completes the defaults and says what is wrong.
func (c *SuiteConfig) Validate() error {
	c.Data = dataSSB
	if c.Think == 0 {
		c.Think = 5 * time.Second
	}
	if c.Measured == 0 {
		c.Measured = 20 * time.Second
	}
	if c.Sessions == nil {
		c.Sessions = []int{1, 10, 100, 1000}
	}
	for _, name := range c.Work {
		if !slices.ContainsFunc(workloads(), func(w workload) bool { return w.Name == name }) {
			return fmt.Errorf("bench: no workload %q (--list shows all)", name)
		}
	}
	for _, n := range c.Sessions {
		if n < 1 {
			return fmt.Errorf("bench: %d sessions", n)
		}
	}
	if err := c.validateSite(); err != nil {
		return err
	}
	return c.Config.Validate()
}

// A suite is a run in progress.
type suite struct {
	cfg    *SuiteConfig
	data   dataset
	report *Report
	// The model, once a workload has wanted it.
	built  *model.Model
	result *script.Result
}

// A workload is one part of the proof.
type workload struct {
	Name, About string
	run         func(ctx context.Context, s *suite) error
	alone       bool // only in a process of its own, for others to start
}

// workloads are in the order in which they run.
func workloads() []workload {
	return []workload{
		{Name: "bandwidth", About: "how fast memory is read", run: runBandwidth},
		{Name: "load", About: "CSV and Parquet to a model", run: runLoad},
		{Name: "states", About: "state of all fields after a selection: anew, cached, from a neighbour", run: runStates},
		{Name: "queries", About: "the 13 queries of the Star Schema Benchmark", run: runQueries},
		{Name: "dashboard", About: "a selection, then eight charts and six list boxes as a client gets them", run: runDashboard},
		{Name: "clicks", About: "twenty clicks in one session, and each in an engine of its own", run: runClicks},
		{Name: "open", About: "a file of ours to the first chart", run: runOpen},
		{Name: "memory", About: "what the model takes, in a process of its own", run: alone("resident")},
		{Name: "resident", About: "the same, in this process", run: runResident, alone: true},
		{Name: "flights", About: "clicks and charts over three million flights", run: runFlights},
		{Name: "rows", About: "scaling by rows", run: runRows},
		{Name: "large", About: "states and queries at five times the scale, where memory allows", run: runLarge},
		{Name: "five", About: "the same, in this process", run: runFive, alone: true},
		{Name: "threads", About: "scaling by threads", run: runThreads},
		{Name: "hub-list", About: "a user's apps among 10,000, the first page and all, by 277 rules, on each database, in a process of its own", run: alone("apps")},
		{Name: "apps", About: "the same, in this process", run: runHubList, alone: true},
		{Name: "sessions", About: "users at a time over WebSockets, with time to think", run: alone("serve")},
		{Name: "serve", About: "the same, in this process", run: runSessions, alone: true},
		{Name: "site", About: "users of a site, a process of its own, through TLS and the proxy; then idle ones", run: runSite},
		{Name: "peers", About: "the same work by DuckDB, Polars and ClickHouse", run: runPeers},
	}
}

// Workloads lists the names and what they measure.
func Workloads() [][2]string {
	var out [][2]string
	for _, w := range workloads() {
		out = append(out, [2]string{w.Name, w.About})
	}
	return out
}

// RunSuite measures what is asked for, or everything. progress is told what
// comes next.
func RunSuite(ctx context.Context, c SuiteConfig, progress func(workload string)) (*Report, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := (ssb.Config{ScaleFactor: c.ScaleFactor, Seed: c.Seed}).WriteFiles(ctx, c.Folder); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	s := &suite{cfg: &c, data: starSchema(), report: newReport(&c.Config)}
	s.data.answers = starAnswers[starInput{c.ScaleFactor, c.Seed}]
	if c.Self != nil { // the app is to be of this version
		if err := os.RemoveAll(s.appDir()); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
	}
	for _, w := range workloads() {
		if named := slices.Contains(c.Work, w.Name); !named && (w.alone || len(c.Work) > 0) {
			continue
		}
		progress(w.Name)
		if err := w.run(ctx, s); err != nil {
			return nil, fmt.Errorf("bench: %s: %w", w.Name, err)
		}
	}
	return s.report, nil
}

// model returns the model of all tables.
func (s *suite) model(ctx context.Context) (*model.Model, error) {
	if s.built != nil {
		return s.built, nil
	}
	m, result, err := build(ctx, s.data.script, s.cfg.Folder)
	s.built, s.result = m, result
	return m, err
}

// build runs a script over the folder and builds the model.
func build(ctx context.Context, text, folder string) (*model.Model, *script.Result, error) {
	result, err := script.Run(ctx, text, script.Options{Folders: map[string]string{"bench": folder}})
	if err != nil {
		return nil, nil, err
	}
	m, err := model.Build(result.Catalog, 1)
	return m, result, err
}

// repeat measures f as a figure of the report.
func (s *suite) repeat(ctx context.Context, name string, before func() error, f func() (string, error)) error {
	return repeatAfter(ctx, &s.cfg.Config, &s.data, s.report, name, before, f)
}

func runBandwidth(_ context.Context, s *suite) error {
	for _, threads := range slices.Compact([]int{1, runtime.GOMAXPROCS(0)}) {
		s.report.add(Figure{Workload: readBandwidth(threads), Unit: "GB/s", Samples: bandwidth(threads)})
	}
	return nil
}

func runQueries(ctx context.Context, s *suite) error {
	m, err := s.model(ctx)
	if err != nil {
		return err
	}
	total := Figure{Workload: allQueries, Unit: "ms", Samples: make([]float64, 1)}
	for i := range s.data.charts[:nQueries] {
		ch := &s.data.charts[i]
		err := s.repeat(ctx, "chart "+ch.name, nil, func() (string, error) { return ch.compute(ctx, &s.cfg.Config, m, s.result) })
		if err != nil {
			return err
		}
		total.Samples[0] += s.report.Figures[len(s.report.Figures)-1].Median()
	}
	s.report.add(total)
	s.share(allQueries, "codes of their fields read once", s.queryBytes(m))
	return nil
}

// queryBytes returns the size of the codes in the sales that the queries use.
func (s *suite) queryBytes(m *model.Model) (n int64) {
	sales := m.Table("lineorder")
	for i := range starQueries {
		q := &starQueries[i]
		used := q.measure + " " + q.where
		for _, letter := range []byte(q.dims) {
			used += " " + starDims[letter].foreign
		}
		for _, c := range sales.Table.Columns {
			if strings.Contains(used, c.Field.Name) {
				n += c.Memory()
			}
		}
	}
	return n
}

// runLoad measures scripts from files to the model.
func runLoad(ctx context.Context, s *suite) error {
	if err := s.writeParquet(ctx); err != nil {
		return err
	}
	times := s.cfg.Config
	times.Repetitions = min(3, times.Repetitions)
	for _, l := range []loadWork{
		{"CSV lineorder", "lineorder: LOAD * FROM [lib://bench/lineorder.csv] (txt, utf8, embedded labels, delimiter is ',', msq);", "lineorder.csv"},
		{"Parquet lineorder, date", "lineorder: LOAD * FROM [lib://bench/lineorder.parquet] (parquet); date: LOAD *, d_datekey AS lo_orderdate FROM [lib://bench/date.parquet] (parquet);", "*.parquet"},
		{"CSV all", s.data.script, "*.csv"},
	} {
		err := repeatAfter(ctx, &times, &s.data, s.report, l.name, func() error { runtime.GC(); return nil }, func() (string, error) {
			m, _, err := build(ctx, l.script, s.cfg.Folder)
			if err != nil {
				return "", err
			}
			rows := 0
			for _, t := range m.Tables {
				rows += t.Rows
			}
			return fmt.Sprintf("%d rows", rows), nil
		})
		if err != nil {
			return err
		}
		s.share(l.name, "files read once", l.bytes(s.cfg.Folder))
	}
	return nil
}

// A loadWork is a script and the files that it reads, as a pattern.
type loadWork struct{ name, script, files string }

// bytes returns the size of the files.
func (l *loadWork) bytes(folder string) (n int64) {
	files, err := filepath.Glob(filepath.Join(folder, l.files))
	if err != nil {
		return 0 // and no share is shown
	}
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			n += info.Size()
		}
	}
	return n
}

// writeParquet writes the Parquet files that are loaded by us and by peers.
func (s *suite) writeParquet(ctx context.Context) error {
	if found, err := filepath.Glob(filepath.Join(s.cfg.Folder, "*.parquet")); err != nil || len(found) == 2 {
		return err
	}
	const text = `%[1]s: LOAD * FROM [lib://bench/%[1]s.csv] (txt, utf8, embedded labels, delimiter is ',', msq);
STORE %[1]s INTO [lib://bench/%[1]s.parquet] (parquet); DROP TABLE %[1]s;`
	for _, t := range []string{"lineorder", "date"} {
		if _, err := script.Run(ctx, fmt.Sprintf(text, t), script.Options{Folders: map[string]string{"bench": s.cfg.Folder}}); err != nil {
			return fmt.Errorf("write %s.parquet: %w", t, err)
		}
	}
	return nil
}

// share says how much of the bandwidth of the machine a workload takes, if it
// reads these bytes once.
func (s *suite) share(workload, how string, bytes int64) {
	f, all := s.report.figure(workload, ""), s.report.figure(readBandwidth(runtime.GOMAXPROCS(0)), "")
	if f == nil || all == nil || bytes == 0 {
		return
	}
	rate := float64(bytes) / 1e6 / f.Median() // GB/s
	s.report.add(Figure{Workload: workload + ", " + how + ", of bandwidth", Unit: "%", Samples: []float64{100 * rate / all.Median()}})
}

func readBandwidth(threads int) string { return fmt.Sprintf("read bandwidth, %d threads", threads) }
