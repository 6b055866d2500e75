package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/cognate-bi/cognate/qvd"
)

// qvdCmd are the commands on QVD files.
type qvdCmd struct {
	Info    qvdInfoCmd    `cmd:"" help:"Show what the header of a file says."`
	Head    qvdHeadCmd    `cmd:"" help:"Show the first rows as a table."`
	Cat     qvdCatCmd     `cmd:"" help:"Write the rows as CSV, TSV or JSON Lines."`
	Verify  qvdVerifyCmd  `cmd:"" help:"Read files as a whole and say whether they are sound."`
	Convert qvdConvertCmd `cmd:"" help:"Convert between QVD, CSV, TSV, JSON Lines, Parquet and Arrow."`
	Rekey   qvdRekeyCmd   `cmd:"" help:"Give sealed files to other certificates without touching their data."`
}

// Help is shown with the commands.
func (c *qvdCmd) Help() string {
	return `Examples:
  cognate qvd info sales.qvd
  cognate qvd convert sales.csv sales.qvd`
}

// fileFlag is the one file of most commands.
type fileFlag struct {
	File string `arg:"" help:"QVD file."`
}

// readFlags are those of commands that read rows of one file.
type readFlags struct {
	keyFlags
	fileFlag
}

// read calls do with the open file.
func (f *readFlags) read(ctx context.Context, log *slog.Logger, do func(*rowsFile) error) error {
	keys, err := f.open(log)
	if err != nil {
		return err
	}
	rows, err := openRows(ctx, f.File, keys)
	if err == nil {
		defer rows.Close()
		err = do(rows)
	}
	return f.explain(err, &f.keyFlags)
}

// explain adds to an error of a file what a user can do about it.
func (f *fileFlag) explain(err error, keys *keyFlags) error { return explain(f.File, err, keys) }

func explain(path string, err error, keys *keyFlags) error {
	if !errors.Is(err, qvd.ErrNotQVD) {
		return keys.hint(err)
	}
	if head, _ := firstBytes(path); isContainerHead(head) {
		return fmt.Errorf("%w; if it is an app, cognate app info shows it", err)
	}
	as := formatOfName(path)
	if as == "" || as == formatQVD {
		return err
	}
	out := strings.TrimSuffix(path, filepath.Ext(path)) + ".qvd"
	return fmt.Errorf("%w; to make one of it: cognate qvd convert %s %s", err, path, out)
}

// firstBytes returns up to four bytes of a file.
func firstBytes(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 4)
	n, err := f.ReadAt(b, 0)
	if n > 0 {
		err = nil
	}
	return b[:n], err
}

// isContainerHead reports whether a file that begins so is a QVF container.
func isContainerHead(b []byte) bool { return string(b) == "\xff\xff\x01\x00" }
