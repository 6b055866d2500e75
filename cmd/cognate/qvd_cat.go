package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/source"
)

// qvdCatCmd writes rows as text.
type qvdCatCmd struct {
	readFlags
	Format string   `help:"csv, tsv or jsonl." enum:"csv,tsv,jsonl" default:"csv"`
	Dual   bool     `help:"With jsonl: an array per row, whose cells have all parts of the values."`
	Fields []string `help:"Fields to write, in this order; the default is all." placeholder:"FIELD"`
	Rows   string   `help:"Rows lo:hi, counted from 0, without row hi; lo: and :hi work, too." placeholder:"LO:HI"`
}

// Help is shown with the flags.
func (c *qvdCatCmd) Help() string {
	return `Cells of CSV and TSV are what is shown: the text of a value, or its number in the
field's format. NULL is an empty cell.

A line of JSON Lines is an object. A cell is a number if that is all that is
shown, else the text that is shown, or null.

With --dual a line is an array in the order of the fields, and a cell is null or
{"n":number,"t":text} with only the parts that the value has in the file. As
JSON lacks them, the numbers NaN, Infinity and -Infinity are such texts.

Examples:
  cognate qvd cat sales.qvd --fields Region,Amount --rows 0:1000 > sales.csv
  cognate qvd cat sales.qvd --format jsonl --dual`
}

// Run writes the rows to the standard output.
func (c *qvdCatCmd) Run(ctx context.Context, log *slog.Logger) error {
	return c.write(ctx, os.Stdout, log)
}

func (c *qvdCatCmd) write(ctx context.Context, w io.Writer, log *slog.Logger) error {
	rows, err := parseRange(c.Rows)
	if err != nil {
		return err
	}
	return c.read(ctx, log, func(f *rowsFile) error {
		r, err := f.rows(ctx, c.Fields, c.Dual)
		if err != nil {
			return err
		}
		format, err := newTextFormat(c.Format, c.Dual, r.Fields(), number.Default())
		if err != nil {
			return err
		}
		return writeRows(ctx, w, newRangeReader(r, rows), format, func(*source.Batch) {})
	})
}

// writeRows writes all rows of a reader and tells seen of every batch.
func writeRows(ctx context.Context, w io.Writer, r source.Reader, f *textFormat, seen func(*source.Batch)) error {
	out, err := newRowWriter(w, f)
	if err != nil {
		return err
	}
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := out.write(b.Columns); err != nil {
			return err
		}
		seen(b)
	}
}
