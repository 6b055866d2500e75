package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/storage/dual"
)

// appCatCmd writes the rows of a table of an app.
type appCatCmd struct {
	appFile
	Table  string `arg:"" help:"Table of the app."`
	Format string `help:"csv, tsv or jsonl." enum:"csv,tsv,jsonl" default:"csv"`
	Dual   bool   `help:"With jsonl: an array per row, whose cells have all parts of the values."`
}

// Help is shown with the flags.
func (c *appCatCmd) Help() string {
	return `Cells are as in cognate qvd cat. Tables and fields are as they lie in the file;
cognate app info lists them.`
}

// Run writes the rows to the standard output.
func (c *appCatCmd) Run(ctx context.Context, log *slog.Logger) error {
	f, err := c.openFile(log)
	if err != nil {
		return err
	}
	views, _, err := f.Views(number.Default().Text)
	if err != nil {
		return c.hint(err)
	}
	at := slices.IndexFunc(views, func(v qvf.View) bool { return v.Name == c.Table })
	if at < 0 {
		return fmt.Errorf("%s: no table %q; there are: %s", c.File, c.Table, viewNames(views))
	}
	format, err := newTextFormat(c.Format, c.Dual, views[at].Fields, number.Default())
	if err != nil {
		return err
	}
	r, err := newViewReader(&views[at])
	if err != nil {
		return err
	}
	return writeRows(ctx, os.Stdout, r, format, func(*source.Batch) {})
}

func viewNames(views []qvf.View) string {
	names := make([]string, len(views))
	for i, v := range views {
		names[i] = v.Name
	}
	return strings.Join(names, ", ")
}

// A viewReader reads a table as it lies in an app file.
type viewReader struct {
	view    *qvf.View
	columns []*qvf.ViewColumn
	dicts   []*dual.Dict
	next    int
}

var _ source.Reader = (*viewReader)(nil)

func newViewReader(v *qvf.View) (*viewReader, error) {
	r := &viewReader{view: v}
	for i := range v.Fields {
		col, err := v.Column(i)
		if err != nil {
			return nil, err
		}
		r.columns = append(r.columns, col)
		r.dicts = append(r.dicts, &dual.Dict{Vals: col.Values})
	}
	return r, nil
}

// Fields implements [source.Reader].
func (r *viewReader) Fields() []string { return r.view.Fields }

// Next implements [source.Reader].
func (r *viewReader) Next(ctx context.Context) (*source.Batch, error) {
	const batch = 1 << 16
	n := min(batch, r.view.Rows-r.next)
	if n == 0 {
		return nil, io.EOF
	}
	b := &source.Batch{Rows: n, Columns: make([]dual.Vector, len(r.columns))}
	for i, col := range r.columns {
		b.Columns[i] = dual.Coded(col.Codes[r.next:r.next+n], r.dicts[i])
	}
	r.next += n
	return b, ctx.Err()
}

// Close implements [source.Reader].
func (r *viewReader) Close() error { return nil }
