package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
)

//go:embed report.html.tmpl
var pageText string

// WriteHTML writes the report as one page that loads nothing.
func (r *Report) WriteHTML(w io.Writer) error {
	page, err := template.New("report").Parse(pageText)
	if err != nil {
		return err
	}
	type figure struct {
		Workload, System string
		Cells            []string
	}
	type line struct {
		Row
		PeerText, RatioText string
	}
	data := struct {
		*Report
		Lines []line
		Bars  []bar
		Plots []*plot
		All   []figure
	}{Report: r, Bars: r.bars(), Plots: r.plots()}
	for _, row := range r.Table() {
		data.Lines = append(data.Lines, line{row, row.peerText(), row.ratioText()})
	}
	for i := range r.Figures {
		f := &r.Figures[i]
		data.All = append(data.All, figure{f.Workload, f.SystemText(), f.cells()})
	}
	return page.Execute(w, data)
}

// A bar says how many times as fast as the best peer a workload is.
type bar struct {
	Work, Text string
	Y          int
	Width      float64
	Lost       bool
}

// Geometry of the plots, in pixels of SVG.
const (
	barStep, barWidth   = 26, 380
	plotWidth, plotHigh = 440, 220
)

func (r *Report) bars() []bar {
	var out []bar
	most := 1.0
	for _, row := range r.Table() {
		if row.Peer == "" || row.Unit != "ms" {
			continue
		}
		most = max(most, row.Ratio)
		out = append(out, bar{Work: row.Work, Text: fmt.Sprintf("%.1f x %s", row.Ratio, row.Peer), Y: len(out) * barStep, Width: row.Ratio, Lost: row.Ratio < 1})
	}
	for i := range out {
		out[i].Width = max(1, out[i].Width/most*barWidth)
	}
	return out
}

// A plot has lines over a common axis; both axes are logarithmic.
type plot struct {
	Name, Unit string
	Lines      []plotLine
	X, Y       []tick
}

type plotLine struct {
	Name  string
	Color int
	Marks []mark
}

type mark struct {
	X, Y  float64
	Title string
	x, y  float64 // as measured
}

type tick struct {
	At   float64
	Text string
}

// plots collects the figures that belong to plots.
func (r *Report) plots() []*plot {
	var out []*plot
	for i := range r.Figures {
		f := &r.Figures[i]
		if f.Plot == "" || len(f.Samples) == 0 {
			continue
		}
		k := slices.IndexFunc(out, func(p *plot) bool { return p.Name == f.Plot })
		if k < 0 {
			k = len(out)
			out = append(out, &plot{Name: f.Plot, Unit: f.Unit})
		}
		out[k].add(f)
	}
	for _, p := range out {
		p.layOut()
	}
	return out
}

func (p *plot) add(f *Figure) {
	k := slices.IndexFunc(p.Lines, func(l plotLine) bool { return l.Name == f.Series })
	if k < 0 {
		k = len(p.Lines)
		p.Lines = append(p.Lines, plotLine{Name: f.Series, Color: k % 5})
	}
	p.Lines[k].Marks = append(p.Lines[k].Marks, mark{x: f.X, y: max(f.Median(), 1e-3), Title: fmt.Sprintf("%s, %.4g: %.2f %s", f.Series, f.X, f.Median(), f.Unit)})
}

// layOut places marks and ticks.
func (p *plot) layOut() {
	var xs, ys []float64
	for _, l := range p.Lines {
		for _, m := range l.Marks {
			xs, ys = append(xs, m.x), append(ys, m.y)
		}
	}
	x, y := newScale(xs, plotWidth), newScale(ys, plotHigh)
	for _, l := range p.Lines {
		for i := range l.Marks {
			m := &l.Marks[i]
			m.X, m.Y = x.at(m.x), plotHigh-y.at(m.y)
		}
	}
	slices.Sort(xs)
	for _, v := range slices.Compact(xs) {
		p.X = append(p.X, tick{x.at(v), fmt.Sprintf("%.4g", v)})
	}
	for v := math.Pow(10, math.Floor(math.Log10(y.lo))); v <= y.hi*1.001; v *= 10 {
		if v >= y.lo*0.999 {
			p.Y = append(p.Y, tick{plotHigh - y.at(v), fmt.Sprint(v)})
		}
	}
}

// A scale maps values to pixels by their logarithm.
type scale struct{ lo, hi, pixels float64 }

func newScale(v []float64, pixels float64) scale {
	lo, hi := slices.Min(v), slices.Max(v)
	if pixels == plotHigh { // whole decades
		lo, hi = math.Pow(10, math.Floor(math.Log10(lo))), math.Pow(10, math.Ceil(math.Log10(hi)))
	}
	if lo == hi {
		hi = lo * 10
	}
	return scale{lo, hi, pixels}
}

func (s scale) at(v float64) float64 {
	return math.Log(v/s.lo) / math.Log(s.hi/s.lo) * s.pixels
}
