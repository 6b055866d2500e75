package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/storage/dual"
)

// qvdHeadCmd shows the first rows.
type qvdHeadCmd struct {
	readFlags
	N      int      `short:"n" help:"Number of rows." default:"10"`
	Fields []string `help:"Fields to show, in this order; the default is all." placeholder:"FIELD"`
	Width  int      `help:"Longest cell in characters; 0 = no limit." default:"40"`
}

// Help is shown with the flags.
func (c *qvdHeadCmd) Help() string {
	return `Numbers stand on the right, texts on the left; NULL is -.

Examples:
  cognate qvd head sales.qvd
  cognate qvd head sales.qvd -n 100 --fields Region,Amount`
}

// Run prints a table.
func (c *qvdHeadCmd) Run(ctx context.Context, log *slog.Logger) error {
	if c.N < 0 || c.Width < 0 {
		return errors.New("-n and --width are not negative")
	}
	return c.read(ctx, log, func(f *rowsFile) error {
		r, err := f.head(ctx, c.Fields, c.N)
		if err != nil {
			return err
		}
		t := newTextTable(r.Fields(), c.Width)
		if err := t.read(ctx, r); err != nil {
			return err
		}
		return t.print(os.Stdout)
	})
}

// A textTable is a table in columns of characters.
type textTable struct {
	width   int // of the longest cell; 0 = no limit
	rows    [][]string
	columns []textColumn
}

type textColumn struct {
	name  string
	width int
	text  bool // a cell is no number: cells stand on the left
}

func newTextTable(fields []string, width int) *textTable {
	t := &textTable{width: width}
	for _, name := range fields {
		name = t.cut(name)
		t.columns = append(t.columns, textColumn{name: name, width: utf8.RuneCountInString(name)})
	}
	return t
}

// read takes the rows of a reader.
func (t *textTable) read(ctx context.Context, r source.Reader) error {
	loc := number.Default()
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for row := range b.Rows {
			cells := make([]string, len(b.Columns))
			for i := range b.Columns {
				cells[i] = t.columns[i].add(t, b.Columns[i].At(row), loc)
			}
			t.rows = append(t.rows, cells)
		}
	}
}

// add returns the cell of a value.
func (c *textColumn) add(t *textTable, v dual.Value, loc *number.Locale) string {
	cell := "-"
	if !v.IsNull() {
		cell = t.cut(loc.Text(v))
		c.text = c.text || !v.HasNum()
	}
	c.width = max(c.width, utf8.RuneCountInString(cell))
	return cell
}

// cut returns a text in one line of at most the table's width.
func (t *textTable) cut(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if t.width == 0 || utf8.RuneCountInString(s) <= t.width {
		return s
	}
	return string([]rune(s)[:t.width-1]) + "…"
}

func (t *textTable) print(w io.Writer) error {
	b := bufio.NewWriter(w)
	line := func(cell func(i int) string) {
		var text strings.Builder
		for i, c := range t.columns {
			if i > 0 {
				text.WriteString("  ")
			}
			cell := cell(i)
			pad := strings.Repeat(" ", c.width-utf8.RuneCountInString(cell))
			if c.text {
				text.WriteString(cell + pad)
			} else {
				text.WriteString(pad + cell)
			}
		}
		fmt.Fprintln(b, strings.TrimRight(text.String(), " "))
	}
	line(func(i int) string { return t.columns[i].name })
	line(func(i int) string { return strings.Repeat("-", t.columns[i].width) })
	for _, row := range t.rows {
		line(func(i int) string { return row[i] })
	}
	return b.Flush()
}
