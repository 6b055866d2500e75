package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// A goal is what a workload at scale 1 on two threads has to reach.
type goal struct {
	work, key string  // what the reader sees; the figure
	most      float64 // 0 = no absolute goal
	timesPeer float64 // at least so many times as fast as the best peer; 0 = no goal
	of        string  // another figure; "" = no goal by it
	share     float64 // at most so many times that; 0 = half
	anyScale  bool    // the scale does not matter
}

// goals are in the order of the table.
func goals() []goal {
	var out []goal
	for i, most := range []float64{18, 22, 30, 35, 8} {
		sel := starSelections[i].name
		click := "click " + sel
		out = append(out,
			goal{work: sel + ", state of all fields", key: click, most: most, timesPeer: 12},
			goal{work: sel + ", cached", key: click + " (cached)", most: 2},
			goal{work: sel + ", a value removed", key: click + " (value removed)", of: click},
			goal{work: sel + ", a value added", key: click + " and one value more (value added)", of: click + " and one value more"})
	}
	out = append(out,
		goal{work: "dashboard, S1", key: "dashboard S1", most: 40},
		goal{work: "dashboard, S2", key: "dashboard S2", most: 80},
		goal{work: "twenty clicks in a session", key: "twenty clicks (one session)", of: "twenty clicks (anew each)"},
		goal{work: "13 queries, sum of medians", key: allQueries, most: 130},
		goal{work: "CSV, sales", key: "CSV lineorder", most: 1700},
		goal{work: "CSV, all tables", key: "CSV all"},
		goal{work: "Parquet, sales and dates", key: "Parquet lineorder, date", most: 600},
		goal{work: "own file to first chart", key: "open app to first chart", most: 40},
		goal{work: "resident with model", key: "resident with model", most: 260},
		goal{work: "peak of a reload", key: "peak while loading", of: "resident with model", share: 1.6})
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		for list := range hubLists(database) {
			out = append(out, goal{work: list + ", nothing known", key: list + ", nothing known", most: 300, anyScale: true}, goal{work: list + ", again", key: list + ", again", most: 20, anyScale: true})
		}
	}
	for _, p := range []struct {
		name string
		most float64
	}{{"p50", 20}, {"p95", 100}, {"p99", 250}} {
		out = append(out, goal{work: "1000 sessions, " + p.name, key: "1000 sessions, " + p.name, most: p.most})
	}
	return append(out, siteGoals()...)
}

// siteGoals are those of a site on two processors, which the driver shares.
func siteGoals() []goal {
	const crowd, idle = "site, 1000 sessions, ", "site, 10000 idle sessions, "
	return []goal{
		{work: "site, 1000 sessions through TLS and proxy, p50", key: crowd + "p50", anyScale: true},
		{work: "the same, p95", key: crowd + "p95", most: 300, anyScale: true},
		{work: "the same, resident per session", key: crowd + "resident per session", most: 200, anyScale: true},
		{work: "site, 10000 idle sessions, resident in all", key: idle + "resident", most: 1000e6 / (1 << 20), anyScale: true},
	}
}

// A Row is a line of the main table.
type Row struct {
	Work, Unit       string
	Engine           float64
	Peer             string // the best one, "" = none was asked or answered rightly
	PeerForm         string
	PeerValue, Ratio float64
	Goal, Reached    string // Reached is yes, no, or empty where there is no goal
	Void             string // what peers answered wrongly
}

// Table compares what was measured with peers and goals.
func (r *Report) Table() []Row {
	var out []Row
	for _, g := range goals() {
		if f := r.figure(g.key, ""); f != nil {
			out = append(out, r.row(&g, f))
		}
	}
	return out
}

func (r *Report) row(g *goal, f *Figure) Row {
	row := Row{Work: g.work, Unit: f.Unit, Engine: f.Median()}
	for i := range r.Figures {
		p := &r.Figures[i]
		switch {
		case p.System == "" || p.Workload != g.key:
		case p.Void != "":
			row.Void += p.System + ": " + p.Void + ". "
		case row.Peer == "" || p.Median() < row.PeerValue:
			row.Peer, row.PeerForm, row.PeerValue = p.System, p.Form, p.Median()
		}
	}
	reached := true
	add := func(text string, ok bool) {
		if row.Goal != "" {
			row.Goal += ", "
		}
		row.Goal += text
		reached = reached && ok
	}
	if row.Peer != "" {
		row.Ratio = row.PeerValue / row.Engine
	}
	if g.most > 0 {
		add(fmt.Sprintf("≤ %.4g %s", g.most, f.Unit), row.Engine <= g.most)
	}
	if g.timesPeer > 0 && row.Peer != "" {
		add(fmt.Sprintf("≥ %v x peer", g.timesPeer), row.Ratio >= g.timesPeer)
	}
	switch other := r.figure(g.of, ""); {
	case g.of == "" || other == nil:
	case g.share > 0:
		add(fmt.Sprintf("≤ %v x model", g.share), row.Engine <= g.share*other.Median())
	default:
		add("< half of that anew", row.Engine < other.Median()/2)
	}
	switch {
	case row.Goal == "":
	case r.ScaleFactor != 1 && !g.anyScale:
		row.Reached = "(scale 1 only)"
	case reached:
		row.Reached = "yes"
	default:
		row.Reached = "no"
	}
	return row
}

// WriteGoals writes the main table for a terminal.
func (r *Report) WriteGoals(w io.Writer) error {
	fmt.Fprintf(w, "%s, scale %v; %s, %s, %d cores\n\n", r.Data, r.ScaleFactor, r.Go, r.Platform, r.Cores)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "work\tengine\tunit\tbest peer\tratio\tgoal\treached\n") // errors come with Flush
	for _, row := range r.Table() {
		fmt.Fprintf(t, "%s\t%.2f\t%s\t%s\t%s\t%s\t%s\n", row.Work, row.Engine, row.Unit, row.peerText(), row.ratioText(), row.Goal, row.Reached)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, n := range r.Notes {
		if _, err := fmt.Fprintln(w, n); err != nil {
			return err
		}
	}
	return nil
}

func (row *Row) peerText() string {
	switch {
	case row.Peer != "":
		return fmt.Sprintf("%s %.1f", row.Peer, row.PeerValue)
	case row.Void != "":
		return "void"
	default:
		return "–"
	}
}

func (row *Row) ratioText() string {
	if row.Peer == "" {
		return "–"
	}
	return fmt.Sprintf("%.1f", row.Ratio)
}
