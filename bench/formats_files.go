package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cognate-bi/cognate/engine/script"
	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/arrowio"
	"github.com/cognate-bi/cognate/storage/safefile"
)

// Names of the measured writes and loads.
const (
	writeQVD    = "write QVD"
	writeSealed = "write sealed QVD"
	tableQVD    = "QVD into a table"
	loadQVD     = "LOAD QVD (optimised)"
	loadSealed  = "LOAD sealed QVD (optimised)"
	loadParquet = "LOAD Parquet"
	loadCSV     = "LOAD CSV"
)

// files writes the table in all formats. That of the QVD is measured with the
// way to the disk left out: writes go to the page cache of a file.
func (f *formats) files(ctx context.Context) error {
	if err := safefile.Write(f.path("sales.csv"), func(w io.Writer) error { return writeCSV(w, f.table, f.locale.Text) }); err != nil {
		return err
	}
	err := safefile.Write(f.path("sales.parquet"), func(w io.Writer) error {
		return arrowio.WriteParquet(ctx, w, f.table, arrowio.WriteOptions{Show: f.locale.Text})
	})
	if err != nil {
		return err
	}
	for _, j := range []job{{name: writeQVD, times: 5}, {name: writeSealed, times: 3}} {
		path := f.path("sales.qvd")
		o := qvd.WriteOptions{Show: f.locale.Text}
		if j.name == writeSealed {
			path, o.Recipients = f.path("sealed.qvd"), f.key.recipients()
		}
		j.rows, j.bytes = f.table.Rows, func() int64 { return fileSize(path) }
		for _, j.cores = range cores() {
			o.Workers = j.cores
			j.run = func() error { return writeFile(path, func(w io.Writer) error { return qvd.Write(ctx, w, f.table, o) }) }
			j.check = func() (string, error) { return fmt.Sprintf("%d bytes", fileSize(path)), nil } // the loads look into it
			if err := f.measure(ctx, j); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{"sales.csv", "sales.parquet", "sales.qvd"} {
		f.r.add(Figure{Workload: "size of " + name, Unit: "MB", Samples: []float64{float64(fileSize(f.path(name))) / 1e6}})
	}
	return nil
}

// writeFile writes a file anew without waiting for the disk.
func writeFile(path string, write func(io.Writer) error) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(out), out.Close())
}

// sources are the loads of the table from files.
var sources = []struct {
	name, file, spec string
	times            int
}{
	{loadQVD, "sales.qvd", "(qvd)", 7},
	{loadSealed, "sealed.qvd", "(qvd)", 5},
	{loadParquet, "sales.parquet", "(parquet)", 2},
	{loadCSV, "sales.csv", "(txt, utf8, embedded labels, delimiter is ',', msq)", 2},
}

// loads measures the reader of QVD files alone, and load scripts.
func (f *formats) loads(ctx context.Context) error {
	for _, n := range cores() {
		if err := f.readTable(ctx, n); err != nil {
			return err
		}
	}
	for _, s := range sources {
		text := fmt.Sprintf("SET DateFormat='%s'; SET ThousandSep=''; SET DecimalSep='.'; SET NullInterpret=%s;\nSales:\nLOAD * FROM [lib://bench/%s] %s;", isoDate, csvNull, s.file, s.spec)
		for _, n := range cores() {
			var result *script.Result
			optimised := false
			o := script.Options{Folders: map[string]string{"bench": f.dir}, Keys: f.key}
			o.Progress = func(e script.Event) { optimised = optimised || e.Kind == script.TableFinished && e.Text != "" }
			err := f.measure(ctx, job{
				name: s.name, cores: n, times: s.times, rows: f.table.Rows,
				bytes: func() int64 { return fileSize(f.path(s.file)) },
				run: func() (err error) {
					result = nil // or it would be in memory beside the next one
					result, err = script.Run(ctx, text, o)
					return err
				},
				check: func() (string, error) {
					if want := s.spec == "(qvd)"; optimised != want {
						return "", fmt.Errorf("optimised: %v", optimised)
					}
					return f.answer(result.Catalog.Table("Sales"))
				},
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// readTable measures the reader without a script around it.
func (f *formats) readTable(ctx context.Context, cores int) error {
	var t *storage.Table
	return f.measure(ctx, job{
		name: tableQVD, cores: cores, times: 7, rows: f.table.Rows,
		bytes: func() int64 { return fileSize(f.path("sales.qvd")) },
		run: func() error {
			t = nil
			file, err := qvd.Open(f.path("sales.qvd"), qvd.OpenOptions{Workers: cores})
			if err != nil {
				return err
			}
			t, err = file.Table(ctx, storage.NewCatalog(f.locale.Text), qvd.Projection{})
			return errors.Join(err, file.Close())
		},
		check: func() (string, error) { return f.answer(t) },
	})
}

// answer compares a table that was read with the one that was written.
func (f *formats) answer(t *storage.Table) (string, error) {
	if t == nil {
		return "", errors.New("there is no table Sales")
	}
	if got := contentOf(t); got != f.content {
		return "", fmt.Errorf("the table is\n%s\nand not\n%s", got, f.content)
	}
	return fmt.Sprintf("%d rows, values, NULLs and sums of %d fields", t.Rows, len(t.Columns)), nil
}

// fileRatios says what the figures mean: how much faster the QVD is than the
// other formats, and how much of the memory's bandwidth it takes.
func (f *formats) fileRatios(context.Context) error {
	for _, n := range cores() {
		for _, pair := range [][2]string{{loadCSV, loadQVD}, {loadParquet, loadQVD}, {loadSealed, loadQVD}, {loadQVD, tableQVD}, {writeSealed, writeQVD}} {
			f.ratio(onCores(pair[0], n), onCores(pair[1], n))
		}
		read := f.median(fmt.Sprintf("read bandwidth, %d threads", n), "GB/s") * 1e9
		size := float64(fileSize(f.path("sales.qvd")))
		for _, name := range []string{loadQVD, writeQVD} {
			name = onCores(name, n)
			f.r.add(Figure{Workload: name + ", of read bandwidth", Unit: "%", Samples: []float64{100 * size / f.best[name].Seconds() / read}})
		}
	}
	if all := cores(); len(all) > 1 {
		f.ratio(onCores(loadQVD, all[0]), onCores(loadQVD, all[1]))
	}
	return nil
}
