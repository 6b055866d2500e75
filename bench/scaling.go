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

// runFlights measures clicks and charts over the flights.
func runFlights(ctx context.Context, s *suite) error {
	if s.cfg.Flights == "" {
		s.report.note("flights are left out: --flights names the folder data of the npm package vega-datasets")
		return nil
	}
	r, err := Run(ctx, Config{Data: dataFlights, Folder: s.cfg.Flights, Repetitions: s.cfg.Repetitions, Workers: s.cfg.Workers})
	if err != nil {
		return err
	}
	for _, f := range r.Figures {
		if f.Unit == "GB/s" { // of the machine
			continue
		}
		f.Workload = "flights, " + f.Workload
		s.report.add(f)
	}
	return nil
}

const (
	largeTimes = 5       // the scale of what is large
	largeBytes = 6 << 30 // memory and disk that one of it takes at scale 1
)

// runLarge has five times the scale measured in a process of its own.
func runLarge(ctx context.Context, s *suite) error {
	if free := availableBytes(); free > 0 && float64(free) < largeBytes*s.cfg.ScaleFactor {
		s.report.note("scale %v is left out: it takes %.1f GB of memory, of which %.1f are free", largeTimes*s.cfg.ScaleFactor, largeBytes*s.cfg.ScaleFactor/1e9, float64(free)/1e9)
		return nil
	}
	return alone("five")(ctx, s)
}

// runFive is for a process of its own.
func runFive(ctx context.Context, s *suite) error {
	c := *s.cfg
	c.Self, c.Folder = nil, ""
	c.Work, c.ScaleFactor, c.Repetitions = []string{"states", "queries", "resident"}, largeTimes*s.cfg.ScaleFactor, min(3, c.Repetitions)
	r, err := RunSuite(ctx, c, func(string) {})
	if err != nil {
		return err
	}
	for _, f := range r.Figures {
		f.Workload = fmt.Sprintf("scale %v, %s", c.ScaleFactor, f.Workload)
		s.report.add(f)
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
