package ssb

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

// unitsPerPiece is what a goroutine generates at a time: about a megabyte.
const unitsPerPiece = 1 << 12

// WriteFiles writes name.csv for every table into a folder, which it makes.
// Files of an earlier run with the same Config are kept.
func (c Config) WriteFiles(ctx context.Context, folder string) error {
	if err := c.Validate(); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	stamp := filepath.Join(folder, "generated")
	state := fmt.Sprintf("ssb %v %d\n", c.ScaleFactor, c.Seed)
	if old, err := os.ReadFile(stamp); err == nil && string(old) == state {
		return nil
	}
	if err := os.RemoveAll(stamp); err != nil {
		return err
	}
	for _, t := range c.Tables() {
		if err := writeFile(ctx, filepath.Join(folder, t.Name+".csv"), t); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return os.WriteFile(stamp, []byte(state), 0o644)
}

func writeFile(ctx context.Context, path string, t *Table) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := t.WriteCSV(ctx, w); err != nil {
		return err
	}
	return w.Flush()
}

// WriteCSV writes the table with its names, generated on all cores.
func (t *Table) WriteCSV(ctx context.Context, w io.Writer) error {
	if _, err := io.WriteString(w, strings.Join(t.Columns, ",")+"\n"); err != nil {
		return err
	}
	workers := runtime.GOMAXPROCS(0)
	bufs := make([][]byte, workers)
	for lo := 0; lo < t.Units; lo += workers * unitsPerPiece {
		if err := ctx.Err(); err != nil {
			return err
		}
		var g errgroup.Group
		for i := range bufs {
			from := min(lo+i*unitsPerPiece, t.Units)
			to := min(from+unitsPerPiece, t.Units)
			g.Go(func() error {
				bufs[i] = t.Append(bufs[i][:0], from, to)
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		for _, b := range bufs {
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
	}
	return nil
}
