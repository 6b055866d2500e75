package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
)

// scaled measures the states and queries at another scale or with other
// threads, and puts the medians into a plot.
func (s *suite) scaled(ctx context.Context, sf float64, plot string, x float64) error {
	c := *s.cfg
	c.Self = nil
	c.Work, c.ScaleFactor, c.Repetitions = []string{"states", "queries"}, sf, min(3, c.Repetitions)
	if sf != s.cfg.ScaleFactor {
		c.Folder = ""
	}
	r, err := RunSuite(ctx, c, func(string) {})
	if err != nil {
		return err
	}
	for _, w := range []string{"click S1", "click S2", "click S4", allQueries} {
		if f := r.figure(w, ""); f != nil {
			s.report.add(Figure{
				Workload: fmt.Sprintf("%s, %.4g, %s", plot, x, w), Unit: f.Unit, Samples: f.Samples, Answer: f.Answer, Plot: plot, Series: w, X: x,
			})
		}
	}
	return nil
}

// runRows measures a tenth of the rows, and more, up to all.
func runRows(ctx context.Context, s *suite) error {
	for _, part := range []float64{0.1, 0.2, 0.5, 1} {
		sf := s.cfg.ScaleFactor * part
		if err := s.scaled(ctx, sf, "by million sales", sf*6); err != nil {
			return err
		}
	}
	return nil
}

// runThreads measures one thread and all.
func runThreads(ctx context.Context, s *suite) error {
	all := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(all)
	for _, n := range slices.Compact([]int{1, all}) {
		runtime.GOMAXPROCS(n)
		if err := s.scaled(ctx, s.cfg.ScaleFactor, "by threads", float64(n)); err != nil {
			return err
		}
	}
	return nil
}
