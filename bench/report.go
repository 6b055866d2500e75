package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
)

// A Report is the result of a run.
type Report struct {
	Data        string   `json:"data"`
	ScaleFactor float64  `json:"scaleFactor,omitempty"`
	Rows        int      `json:"rows,omitempty"` // of the table of formats
	Go          string   `json:"go"`
	Platform    string   `json:"platform"`
	Cores       int      `json:"cores"`
	Notes       []string `json:"notes,omitempty"` // what a reader has to know
	Figures     []Figure `json:"figures"`
}

// A Figure is one measured quantity.
type Figure struct {
	Workload string    `json:"workload"`
	Unit     string    `json:"unit"`
	Samples  []float64 `json:"samples"` // in order of measurement
	Answer   string    `json:"answer,omitempty"`
	// Of peers: who they are, how they were asked, and why the figure does not
	// count.
	System string `json:"system,omitempty"`
	Form   string `json:"form,omitempty"`
	Void   string `json:"void,omitempty"`
	// Of plots: which one, which line in it, and where on its x axis.
	Plot   string  `json:"plot,omitempty"`
	Series string  `json:"series,omitempty"`
	X      float64 `json:"x,omitempty"`
}

func newReport(c *Config) *Report {
	r := &Report{Data: c.Data, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.GOMAXPROCS(0)}
	switch c.Data {
	case dataSSB:
		r.ScaleFactor = c.ScaleFactor
	case dataFormats:
		r.Rows = c.Rows
	}
	return r
}

func (r *Report) add(f Figure) { r.Figures = append(r.Figures, f) }

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// figure returns the one of a workload by a system, "" = ours; nil = none.
func (r *Report) figure(workload, system string) *Figure {
	for i := range r.Figures {
		if f := &r.Figures[i]; f.Workload == workload && f.System == system {
			return f
		}
	}
	return nil
}

// Median returns the middle sample.
func (f *Figure) Median() float64 {
	s := slices.Sorted(slices.Values(f.Samples))
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// WriteText writes a table: median, least and greatest sample, answer.
func (r *Report) WriteText(w io.Writer) error {
	title := r.Data
	switch {
	case r.ScaleFactor != 0:
		title = fmt.Sprintf("%s, scale %v", r.Data, r.ScaleFactor)
	case r.Rows != 0:
		title = fmt.Sprintf("%s, %d rows", r.Data, r.Rows)
	}
	if _, err := fmt.Fprintf(w, "%s; %s, %s, %d cores\n\n", title, r.Go, r.Platform, r.Cores); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "workload\tmedian\tmin\tmax\tunit\t  answer\n") // errors come with Flush
	for i := range r.Figures {
		f := &r.Figures[i]
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%s\t  %s\n", f.Workload, f.Median(), slices.Min(f.Samples), slices.Max(f.Samples), f.Unit, f.Answer)
	}
	return t.Flush()
}

// WriteJSON writes the report with all samples.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
