package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage/crypt"
)

// qvdVerifyCmd reads files as a whole.
type qvdVerifyCmd struct {
	keyFlags
	Files []string `arg:"" help:"QVD files." name:"file"`
}

// Help is shown with the flags.
func (c *qvdVerifyCmd) Help() string {
	return `Reads every symbol and every record and prints a line per file. Warnings are about
what no engine would write, but can be read. The exit code is 1 if a file is bad.

Examples:
  cognate qvd verify sales.qvd
  cognate qvd verify --keys ./keys data/*.qvd`
}

// Run verifies all files.
func (c *qvdVerifyCmd) Run(ctx context.Context, log *slog.Logger) error {
	keys, err := c.open(log)
	if err != nil {
		return err
	}
	bad := 0
	for _, path := range c.Files {
		line, warnings, err := verifyFile(ctx, path, keys)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			bad++
			line = "BAD: " + explain(path, err, &c.keyFlags).Error()
		}
		fmt.Printf("%s: %s\n", path, line)
		for _, w := range warnings {
			fmt.Printf("  warning: %s\n", w)
		}
	}
	switch {
	case bad == 0:
		return nil
	case len(c.Files) == 1:
		return errors.New("the file is bad")
	}
	return fmt.Errorf("%d of %d files are bad", bad, len(c.Files))
}

// verifyFile returns what there is to say of a good file.
func verifyFile(ctx context.Context, path string, keys crypt.Keys) (string, []qvd.Warning, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", nil, err
	}
	if !info.Mode().IsRegular() {
		return "", nil, errors.New("not a regular file")
	}
	m := newMeter(os.Stderr, path, info.Size())
	defer func() { m.stop() }()
	f, err := qvd.NewFile(filepath.Base(path), &countingReader{file, &m.done}, info.Size(), qvd.OpenOptions{Keys: keys})
	if errors.Is(err, qvd.ErrNotQVD) {
		t, containerErr := readContainer(ctx, path)
		if errors.Is(containerErr, qvd.ErrNotQVD) {
			return "", nil, err
		}
		if containerErr != nil {
			return "", nil, containerErr
		}
		return fmt.Sprintf("ok: %s, %s, an early file in a container", plural(int64(t.Rows), "row"), plural(int64(len(t.Columns)), "field")), nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	report, err := f.Verify(ctx)
	if err != nil {
		return "", nil, err
	}
	line := fmt.Sprintf("ok: %s, %s, %s", plural(report.Rows, "row"), plural(int64(len(f.Header().Fields)), "field"), plural(report.Symbols, "symbol"))
	if f.Encrypted() {
		line += ", sealed"
	}
	if n := int64(len(report.Warnings)); n > 0 {
		line += ", " + plural(n, "warning")
	}
	return line, report.Warnings, nil
}
