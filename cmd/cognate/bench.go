package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/cognate-bi/cognate/bench"
	"github.com/cognate-bi/cognate/storage/safefile"
)

// benchCmd binds flags to bench.Config.
type benchCmd struct {
	Data        string  `help:"What is measured over: the Star Schema Benchmark (ssb), three million flights, files of tables and apps (formats), or all." enum:"ssb,flights,formats,all" default:"ssb"`
	SF          float64 `name:"sf" help:"Scale factor of ssb; 1 has six million sales." default:"0.1"`
	Folder      string  `help:"For flights: the folder data of the npm package vega-datasets. For ssb alone: where its tables are, or are written to, and for formats alone: where they go; default: the folder for temporary files." type:"path" placeholder:"DIR"`
	Repetitions int     `help:"How often each click and chart is measured." default:"7"`
	Workers     int     `help:"Goroutines of one calculation; 0 = all processors." default:"0"`
	Rows        int     `help:"Rows of the table of formats." default:"500000"`
	AppBytes    int64   `help:"About the size of the app's file of formats." default:"200000000"`
	JSON        string  `name:"json" help:"File for all samples as JSON: an array with one report per data set." type:"path" placeholder:"FILE"`

	suiteFlags
}

// Help is shown with the flags.
func (c *benchCmd) Help() string {
	return `Measures reload, clicks, charts and memory, and files written and read, and
prints a table. Every workload states its answer; an answer that is wrong ends
the run with an error.

Examples:
  cognate bench --sf 1 --json ssb.json
  cognate bench --data formats --rows 5000000 --app-bytes 1000000000
  cognate bench --data all --folder node_modules/vega-datasets/data
  cognate bench --sf 1 --out bench/out`
}

// Run measures and prints. Reports of data sets measured before an error are
// printed, but not written as JSON.
func (c *benchCmd) Run(ctx context.Context, log *slog.Logger) error {
	if c.List || c.Figures || c.Out != "" {
		return c.runSuite(ctx, log)
	}
	configs := c.configs()
	for i := range configs {
		if err := configs[i].Validate(); err != nil {
			return fmt.Errorf("%w (cognate bench --help shows the flags)", err)
		}
	}
	reports := make([]*bench.Report, 0, len(configs))
	for _, config := range configs {
		log.Info("measuring", "data", config.Data, "folder", config.Folder)
		r, err := bench.Run(ctx, config)
		if err != nil {
			return err
		}
		if len(reports) > 0 {
			fmt.Println()
		}
		if err := r.WriteText(os.Stdout); err != nil {
			return err
		}
		reports = append(reports, r)
	}
	if c.JSON == "" {
		return nil
	}
	return writeReports(c.JSON, reports)
}

// configs returns what is to be run. With all data sets the folder is that of
// the flights: nothing is written into a package of npm.
func (c *benchCmd) configs() []bench.Config {
	names := []string{c.Data}
	if c.Data == "all" {
		names = []string{"flights", "ssb", "formats"}
	}
	out := make([]bench.Config, len(names))
	for i, name := range names {
		out[i] = bench.Config{Data: name, ScaleFactor: c.SF, Repetitions: c.Repetitions, Workers: c.Workers, Rows: c.Rows, AppBytes: c.AppBytes}
		if name == "flights" || c.Data != "all" {
			out[i].Folder = c.Folder
		}
	}
	return out
}

func writeReports(path string, reports []*bench.Report) error {
	return safefile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(reports)
	})
}
