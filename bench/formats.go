package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage"
)

// Names of the data sets of a run.
const (
	dataSSB     = "ssb"
	dataFlights = "flights"
	dataFormats = "formats"
)

// formats measures files: one table of sales as CSV, Parquet and QVD, and an
// app of our own.
//
// All files are in the page cache. Figures are of the best repetition; what is
// said of one core runs with one thread, garbage collection included. Garbage
// of what came before is collected outside of the measured time.
type formats struct {
	cfg     *Config
	r       *Report
	dir     string
	catalog *storage.Catalog
	table   *storage.Table
	content string // of the table; every format has to give the same
	locale  *number.Locale
	key     *sealingKey
	best    map[string]time.Duration
	values  map[string]listed // of the fields of the app
}

func runFormats(ctx context.Context, c *Config) (r *Report, err error) {
	dir, err := os.MkdirTemp(c.Folder, "cognate-formats-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f := &formats{cfg: c, r: newReport(c), dir: dir, locale: number.Default(), best: map[string]time.Duration{}}
	if f.key, err = newSealingKey(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	for _, part := range []func(context.Context) error{f.bandwidths, f.generate, f.files, f.loads, f.fileRatios, f.sealing, f.apps} {
		if err := part(ctx); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
	}
	return f.r, nil
}

// cores are the numbers of threads to measure with.
func cores() []int { return slices.Compact([]int{1, runtime.NumCPU()}) }

func (f *formats) bandwidths(context.Context) error {
	for _, n := range cores() {
		f.r.add(Figure{Workload: fmt.Sprintf("read bandwidth, %d threads", n), Unit: "GB/s", Samples: bandwidth(n)})
		f.r.add(Figure{Workload: fmt.Sprintf("copy bandwidth, %d threads", n), Unit: "GB/s", Samples: copyBandwidth(n)})
	}
	return nil
}

func (f *formats) generate(ctx context.Context) (err error) {
	if f.catalog, err = salesTable(ctx, f.cfg.Rows, f.locale.Text); err != nil {
		return err
	}
	f.table = f.catalog.Tables()[0]
	f.content = contentOf(f.table)
	return nil
}

func (f *formats) path(name string) string { return filepath.Join(f.dir, name) }

// A job is something to be measured.
type job struct {
	name  string
	cores int
	times int          // at most Config.Repetitions
	rows  int          // that it handles, 0 = has no rows
	bytes func() int64 // of the file; nil where they say nothing
	// before prepares a run, not measured; nil for nothing.
	before func() error
	run    func() error
	// check returns the answer of the run before, or an error where that is
	// wrong. It is not measured.
	check func() (string, error)
}

// measure runs a job and adds its figures.
func (f *formats) measure(ctx context.Context, j job) error {
	name := onCores(j.name, j.cores)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(j.cores))
	var wall, rate, speed, cpu []float64
	answer := ""
	for range min(j.times, f.cfg.Repetitions) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if j.before != nil {
			if err := j.before(); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		runtime.GC()
		busy, start := processorTime(), time.Now()
		if err := j.run(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		elapsed, used := time.Since(start), processorTime()-busy
		got, err := j.check()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		answer = got
		if best, ok := f.best[name]; !ok || elapsed < best {
			f.best[name] = elapsed
		}
		wall = append(wall, milliseconds(elapsed))
		cpu = append(cpu, milliseconds(used))
		rate = append(rate, float64(j.rows)/1e6/elapsed.Seconds())
		if j.bytes != nil {
			speed = append(speed, float64(j.bytes())/1e6/elapsed.Seconds())
		}
	}
	f.r.add(Figure{Workload: name, Unit: "ms", Samples: wall, Answer: answer})
	if cpu[0] > 0 {
		f.r.add(Figure{Workload: name, Unit: "ms of processors", Samples: cpu})
	}
	if j.rows > 0 {
		f.r.add(Figure{Workload: name, Unit: "M rows/s", Samples: rate})
	}
	if j.bytes != nil {
		f.r.add(Figure{Workload: name, Unit: "MB/s", Samples: speed})
	}
	return nil
}

func onCores(name string, cores int) string { return fmt.Sprintf("%s, %d cores", name, cores) }

// ratio adds how many times as long a takes as b, by the best run of each.
func (f *formats) ratio(a, b string) {
	if f.best[b] > 0 {
		f.r.add(Figure{Workload: fmt.Sprintf("%s : %s", a, b), Unit: "x", Samples: []float64{f.best[a].Seconds() / f.best[b].Seconds()}})
	}
}

// median returns the middle sample of a figure of the report, 0 if there is
// none.
func (f *formats) median(workload, unit string) float64 {
	for i := range f.r.Figures {
		if fig := &f.r.Figures[i]; fig.Workload == workload && fig.Unit == unit {
			return fig.Median()
		}
	}
	return 0
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0 // whoever wrote it has said so
	}
	return info.Size()
}
