package bench

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/storage/safefile"
)

// WriteFolder writes report.md, report.json and report.html.
func (r *Report) WriteFolder(dir string) error {
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{{"report.md", r.WriteMarkdown}, {"report.json", r.WriteJSON}, {"report.html", r.WriteHTML}} {
		if err := safefile.Write(filepath.Join(dir, f.name), f.write); err != nil {
			return err
		}
	}
	return nil
}

// WriteMarkdown writes the main table, what is void, and all figures.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmark\n\n%s, scale %v; %s, %s, %d cores. Medians.\n\n", r.Data, r.ScaleFactor, r.Go, r.Platform, r.Cores)
	b.WriteString("| Work | Best peer | Engine | Unit | Ratio | Goal | Reached |\n|---|---:|---:|---|---:|---|---|\n")
	for _, row := range r.Table() {
		fmt.Fprintf(&b, "| %s | %s | %.2f | %s | %s | %s | %s |\n", row.Work, row.peerText(), row.Engine, row.Unit, row.ratioText(), row.Goal, row.Reached)
	}
	b.WriteString("\n")
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	b.WriteString("\n## All figures\n\n| Workload | System | Median | Min | Max | Unit | Answer |\n|---|---|---:|---:|---:|---|---|\n")
	for i := range r.Figures {
		f := &r.Figures[i]
		fmt.Fprintf(&b, "| %s | %s | %s |\n", f.Workload, f.SystemText(), strings.Join(f.cells(), " | "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// SystemText names who was measured, and how it was asked.
func (f *Figure) SystemText() string {
	switch {
	case f.System == "":
		return "engine"
	case f.Form == "":
		return f.System
	default:
		return f.System + ", " + f.Form
	}
}

// cells are median, least, greatest, unit and answer.
func (f *Figure) cells() []string {
	if f.Void != "" || len(f.Samples) == 0 {
		return []string{"void", "", "", f.Unit, f.Void}
	}
	return []string{
		fmt.Sprintf("%.2f", f.Median()), fmt.Sprintf("%.2f", slices.Min(f.Samples)), fmt.Sprintf("%.2f", slices.Max(f.Samples)), f.Unit, f.Answer,
	}
}
