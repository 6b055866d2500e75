package bench

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSuite runs all workloads, small, where no peer is installed: answers agree
// with those of the tables, and the report names what is missing.
func TestSuite(t *testing.T) {
	c := SuiteConfig{
		Config: Config{ScaleFactor: 0.02, Folder: t.TempDir(), Repetitions: 1},
		Work:   []string{"bandwidth", "load", "states", "queries", "dashboard", "clicks", "open", "resident", "apps", "serve", "peers"},
		Peers:  t.TempDir(), Sessions: []int{3}, Think: 10 * time.Millisecond, Measured: 500 * time.Millisecond,
	}
	r, err := RunSuite(t.Context(), c, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, sel := range starSelections {
		anew := r.figure("click "+sel.name, "")
		for _, how := range []string{" (cached)", " (value removed)"} {
			if f := r.figure("click "+sel.name+how, ""); f.Answer != anew.Answer {
				t.Errorf("%s%s: %s, anew %s", sel.name, how, f.Answer, anew.Answer)
			}
		}
		more := "click " + sel.name + " and one value more"
		if a, b := r.figure(more, ""), r.figure(more+" (value added)", ""); a.Answer != b.Answer || a.Answer == anew.Answer {
			t.Errorf("%s: %s, added %s", more, a.Answer, b.Answer)
		}
	}
	for _, g := range goals() {
		if f := r.figure(g.key, ""); f == nil && !strings.HasPrefix(g.key, "1000 sessions") && !strings.HasPrefix(g.key, "site, ") { // as small a run has none
			t.Errorf("no workload has the figure %q", g.key)
		}
	}
	if f := r.figure("3 sessions, p50", ""); f == nil || !strings.HasSuffix(f.Answer, " 0 errors") {
		t.Errorf("sessions: %+v", f)
	}
	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "DuckDB is not installed") {
		t.Errorf("notes: %s", notes)
	}
	dir := t.TempDir()
	if err := r.WriteFolder(dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil || !bytes.Contains(page, []byte("<polyline")) || bytes.Contains(page, []byte("://")) {
		t.Errorf("page: %v, %d bytes", err, len(page))
	}
}

// TestTable compares with peers: the best right one counts, a wrong one does not.
func TestTable(t *testing.T) {
	s := &suite{report: &Report{ScaleFactor: 1}, data: starSchema()}
	s.report.add(Figure{Workload: "click S1", Unit: "ms", Samples: []float64{10}, Answer: "7"})
	peer := func(name, form, answer string, ms float64) {
		r := new(peerReport)
		r.Figures = append(r.Figures, peerFigure{Workload: "click S1", Form: form, Samples: []float64{ms}, Answer: answer})
		s.addPeer(name, r)
	}
	peer("fast and wrong", "", "8", 1)
	if row := s.report.Table()[0]; row.Peer != "" || row.Void == "" || row.Reached != "yes" {
		t.Errorf("%+v", row)
	}
	peer("slow", "a", "7", 500)
	peer("right", "b", "7", 100)
	row := s.report.Table()[0]
	if row.Peer != "right" || row.PeerForm != "b" || row.Ratio != 10 || row.Reached != "no" {
		t.Errorf("%+v", row)
	}
	s.report.figure("click S1", "").Samples[0] = 5
	if row := s.report.Table()[0]; row.Reached != "yes" {
		t.Errorf("%+v", row)
	}
}

func TestScale(t *testing.T) {
	s := newScale([]float64{1, 10, 100}, 200)
	for v, want := range map[float64]float64{1: 0, 10: 100, 100: 200} {
		if got := s.at(v); math.Abs(got-want) > 1e-9 {
			t.Errorf("at(%v) = %v, want %v", v, got, want)
		}
	}
}

func TestSuiteConfig(t *testing.T) {
	for _, c := range []SuiteConfig{{Work: []string{"x"}}, {Sessions: []int{0}}} {
		if err := c.Validate(); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

// TestPauseSince looks for the longest pause in the ring of the runtime: the
// n-th collection has its pause at n-1 modulo the length.
func TestPauseSince(t *testing.T) {
	ring := make([]uint64, 256)
	ring[299%256], ring[300%256], ring[301%256], ring[302%256] = 9e6, 1e6, 3e6, 2e6
	after := siteState{pauses: ring, collected: 303}
	if got := after.pauseSince(siteState{collected: 300}); got != 3 {
		t.Errorf("longest of the last three: %v ms", got)
	}
	if got := after.pauseSince(after); got != 0 {
		t.Errorf("none since: %v ms", got)
	}
}
