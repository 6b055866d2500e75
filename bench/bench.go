// Package bench measures the engine: reload, the associative state after a
// click, hypercubes and memory, over the Star Schema Benchmark and over
// flights; and files of tables and apps, written and read.
//
// Every workload states its answer beside its time, and a run whose repetitions
// disagree fails: a fast wrong answer is no result. The bandwidth of the
// machine is measured in the same run, as the ruler for the rest.
package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/cognate-bi/cognate/bench/ssb"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/script"
	"github.com/cognate-bi/cognate/storage"
)

// Config says what is measured. The zero value is the benchmark at scale 0.1.
type Config struct {
	Data        string  // ssb (default), flights or formats
	ScaleFactor float64 // of ssb; default 0.1
	Seed        uint64  // of ssb; default 1
	// Folder has the input: for ssb it is written there if missing (default: a
	// folder of the system's temporary ones), for flights it holds
	// flights-3m.parquet and airports.csv of the npm package vega-datasets, for
	// formats a folder in it is made and removed again (default: as for ssb).
	Folder      string
	Repetitions int // of clicks and cubes; default 7
	Workers     int // of cubes; default one per core
	// Of formats: rows of the table, default half a million, and size of the app's
	// file, default 200 MB.
	Rows     int
	AppBytes int64
}

// Validate completes the defaults and says what is wrong.
func (c *Config) Validate() error {
	if c.Data == "" {
		c.Data = dataSSB
	}
	if c.ScaleFactor == 0 {
		c.ScaleFactor = 0.1
	}
	if c.Seed == 0 {
		c.Seed = 1
	}
	if c.Repetitions == 0 {
		c.Repetitions = 7
	}
	if c.Rows == 0 {
		c.Rows = 500_000
	}
	if c.AppBytes == 0 {
		c.AppBytes = 200_000_000
	}
	switch {
	case c.Data != dataSSB && c.Data != dataFlights && c.Data != dataFormats:
		return fmt.Errorf("bench: data %q is none of ssb, flights, formats", c.Data)
	case c.Rows < 1 || c.Rows > storage.RowsMax:
		return fmt.Errorf("bench: %d rows", c.Rows)
	case c.AppBytes < 1 || c.AppBytes > storage.RowsMax*salesRowBytes:
		return fmt.Errorf("bench: app of %d bytes", c.AppBytes)
	case c.Data == dataFlights && c.Folder == "":
		return fmt.Errorf("bench: flights need the folder with flights-3m.parquet and airports.csv")
	case c.Repetitions < 1:
		return fmt.Errorf("bench: %d repetitions", c.Repetitions)
	}
	if c.Folder == "" && c.Data == dataSSB {
		c.Folder = filepath.Join(os.TempDir(), fmt.Sprintf("cognate-ssb-%v-%d", c.ScaleFactor, c.Seed))
	}
	return nil
}

// A dataset is what is loaded and what is asked of it.
type dataset struct {
	script     string
	selections []namedSelection
	charts     []chart
	answers    map[string]string // by workload; nil where nobody else was asked
}

// Run measures everything.
func Run(ctx context.Context, c Config) (*Report, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Data == dataFormats {
		return runFormats(ctx, &c)
	}
	r := newReport(&c)
	data := flights
	if c.Data == dataSSB {
		if err := (ssb.Config{ScaleFactor: c.ScaleFactor, Seed: c.Seed}).WriteFiles(ctx, c.Folder); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
		data = starSchema()
		data.answers = starAnswers[starInput{c.ScaleFactor, c.Seed}]
	}
	for _, threads := range slices.Compact([]int{1, runtime.GOMAXPROCS(0)}) {
		r.add(Figure{Workload: readBandwidth(threads), Unit: "GB/s", Samples: bandwidth(threads)})
	}
	m, result, err := reload(ctx, &c, &data, r)
	if err != nil {
		return nil, err
	}
	if err := clicks(ctx, &c, &data, m, r); err != nil {
		return nil, err
	}
	if err := charts(ctx, &c, &data, m, result, r); err != nil {
		return nil, err
	}
	memory(result.Catalog, "after all", r)
	return r, nil
}

// reload runs the script once and builds the model.
func reload(ctx context.Context, c *Config, d *dataset, r *Report) (*model.Model, *script.Result, error) {
	before := resident()
	start := time.Now()
	result, err := script.Run(ctx, d.script, script.Options{Folders: map[string]string{"bench": c.Folder}})
	if err != nil {
		return nil, nil, fmt.Errorf("bench: reload: %w", err)
	}
	m, err := model.Build(result.Catalog, 1)
	if err != nil {
		return nil, nil, fmt.Errorf("bench: model: %w", err)
	}
	elapsed := time.Since(start)
	rows := 0
	for _, t := range m.Tables {
		rows += t.Rows
	}
	r.add(Figure{Workload: "reload", Unit: "ms", Samples: []float64{milliseconds(elapsed)}, Answer: fmt.Sprintf("%d rows, %d fields", rows, len(m.Fields))})
	r.add(Figure{Workload: "reload", Unit: "M rows/s", Samples: []float64{float64(rows) / 1e6 / elapsed.Seconds()}})
	r.add(Figure{Workload: "resident before reload", Unit: "MiB", Samples: []float64{mebibytes(before)}})
	memory(result.Catalog, "after reload", r)
	return m, result, nil
}

// repeat measures f, which returns its answer. What follows " (" in the name of
// a workload describes it and does not belong to its key in d.answers.
func repeat(ctx context.Context, c *Config, d *dataset, r *Report, workload string, f func() (string, error)) error {
	return repeatAfter(ctx, c, d, r, workload, nil, f)
}

// repeatAfter is repeat with something before each measurement that does not
// count; nil = nothing.
func repeatAfter(ctx context.Context, c *Config, d *dataset, r *Report, workload string, before func() error, f func() (string, error)) error {
	fig := Figure{Workload: workload, Unit: "ms"}
	for i := range c.Repetitions {
		if err := ctx.Err(); err != nil {
			return err
		}
		if before != nil {
			if err := before(); err != nil {
				return fmt.Errorf("bench: %s: %w", workload, err)
			}
		}
		start := time.Now()
		answer, err := f()
		if err != nil {
			return fmt.Errorf("bench: %s: %w", workload, err)
		}
		fig.Samples = append(fig.Samples, milliseconds(time.Since(start)))
		if i > 0 && answer != fig.Answer {
			return fmt.Errorf("bench: %s: %s, then %s", workload, fig.Answer, answer)
		}
		fig.Answer = answer
	}
	key, _, _ := strings.Cut(workload, " (")
	if want := d.answers[key]; want != "" && want != fig.Answer {
		return fmt.Errorf("bench: %s: %s, right is %s", workload, fig.Answer, want)
	}
	r.add(fig)
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
