package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// A peer is a system that is asked the same in the same run.
type peer struct {
	name, script, pack string // pack = folder in node_modules
	install            string
}

var peers = []peer{
	{"DuckDB", "duckdb.mjs", "@duckdb/node-api", "make bench-peers"},
	{"Polars", "polars.mjs", "nodejs-polars", "make bench-peers"},
	{"ClickHouse", "clickhouse.mjs", "chdb", "make bench-peers PEERS=all"},
}

// A peerJob is what a script of a peer is to do.
type peerJob struct {
	Folder      string     `json:"folder"`
	Threads     int        `json:"threads"`
	Repetitions int        `json:"repetitions"`
	Tables      []string   `json:"tables"`
	Works       []peerWork `json:"works"`
	First       string     `json:"first"`              // the chart after opening a file
	Resident    bool       `json:"resident,omitempty"` // only load once and say what memory that took
}

// A peerWork is one workload in SQL. Its answer is the sum of all numbers
// (Counts), or rows and sums of the last columns.
type peerWork struct {
	Name     string     `json:"name"`
	Counts   bool       `json:"counts,omitempty"`
	Measures int        `json:"measures,omitempty"`
	Together bool       `json:"together,omitempty"` // many statements: the answer is one row, its sums over the first two columns
	Forms    []peerForm `json:"forms"`
}

// A peerForm is one way of asking.
type peerForm struct {
	Name string   `json:"name"`
	SQL  []string `json:"sql"`
}

type peerReport struct {
	Version string       `json:"version"`
	Figures []peerFigure `json:"figures"`
}

type peerFigure struct {
	Workload string    `json:"workload"`
	Form     string    `json:"form"`
	Samples  []float64 `json:"samples"`
	Answer   string    `json:"answer"`
	Error    string    `json:"error"`
}

// runPeers asks every peer that is installed.
func runPeers(ctx context.Context, s *suite) error {
	job := peerJob{
		Folder: s.cfg.Folder, Threads: runtime.GOMAXPROCS(0), Repetitions: min(3, s.cfg.Repetitions),
		Tables: []string{"lineorder", "date", "customer", "supplier", "part"}, Works: starWorks(), First: starFirst,
	}
	for _, p := range peers {
		if _, err := os.Stat(filepath.Join(s.cfg.Peers, "node_modules", p.pack)); errors.Is(err, fs.ErrNotExist) {
			s.report.note("%s is not installed, so it is not asked: `%s` installs it", p.name, p.install)
			continue
		}
		r, err := p.ask(ctx, s.cfg.Peers, &job)
		if err == nil {
			err = p.addResident(ctx, s.cfg.Peers, job, r)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.report.note("%v", err)
			continue
		}
		s.addPeer(p.name, r)
	}
	return nil
}

// addResident asks a process of its own what memory the tables take.
func (p *peer) addResident(ctx context.Context, folder string, job peerJob, r *peerReport) error {
	job.Resident = true
	alone, err := p.ask(ctx, folder, &job)
	if err == nil {
		r.Figures = append(r.Figures, alone.Figures...)
	}
	return err
}

// ask runs the script of a peer.
func (p *peer) ask(ctx context.Context, folder string, job *peerJob) (*peerReport, error) {
	in, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	var out, log bytes.Buffer
	cmd := exec.CommandContext(ctx, "node", p.script)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = folder, bytes.NewReader(in), &out, &log
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %.500s", p.name, err, log.String())
	}
	r := new(peerReport)
	if err := json.Unmarshal(out.Bytes(), r); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return r, nil
}

// addPeer keeps the best form of each workload whose answer is ours, and what
// is void.
func (s *suite) addPeer(name string, r *peerReport) {
	s.report.note("%s %s", name, r.Version)
	best, void := map[string]Figure{}, map[string]Figure{}
	var order []string
	for _, pf := range r.Figures {
		f := Figure{Workload: pf.Workload, System: name, Form: pf.Form, Unit: "ms", Samples: pf.Samples, Answer: pf.Answer}
		if strings.HasPrefix(f.Workload, "resident") {
			f.Unit = "MiB"
		}
		if best[f.Workload].Workload == "" && void[f.Workload].Workload == "" {
			order = append(order, f.Workload)
		}
		if f.Void = s.wrong(&f, pf.Error); f.Void != "" {
			void[f.Workload] = f
		} else if b, ok := best[f.Workload]; !ok || f.Median() < b.Median() {
			best[f.Workload] = f
		}
	}
	for _, w := range order {
		if f, ok := best[w]; ok {
			s.report.add(f)
		} else {
			s.report.add(void[w])
		}
	}
	s.addQueries(name, best)
}

// wrong says why the figure of a peer does not count.
func (s *suite) wrong(f *Figure, failed string) string {
	if failed != "" {
		return failed
	}
	if ours := s.report.figure(f.Workload, ""); ours != nil && ours.Answer != "" && ours.Answer != f.Answer {
		return fmt.Sprintf("answers %q, we %q", f.Answer, ours.Answer)
	}
	return ""
}

// addQueries adds the sum over all queries, if all are answered rightly.
func (s *suite) addQueries(name string, best map[string]Figure) {
	total := 0.0
	for i := range s.data.charts[:nQueries] {
		f, ok := best["chart "+s.data.charts[i].name]
		if !ok {
			return
		}
		total += f.Median()
	}
	s.report.add(Figure{Workload: allQueries, System: name, Unit: "ms", Samples: []float64{total}})
}
