package source

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// An xlsxReader streams the rows of a worksheet.
//
// Excelize, which writes workbooks for us, hands out the rows of a stream as
// texts only; here the type and the number format of each cell matter, so the
// parts of the file are read directly (ECMA-376 part 1, section 18).
//
// An empty cell is NULL, an error value too. Rows without content between
// others are rows of NULL; those at the end do not count.
type xlsxReader struct {
	file    *zip.ReadCloser
	part    io.ReadCloser
	rows    *sheetRows
	book    *workbook
	fields  []string
	needed  []bool
	from    int        // column of the sheet that is the first field
	pending []xlsxCell // a row that was read ahead
	row     int        // number of the next row to deliver
	size    int64      // stored bytes of the sheet that no batch has accounted for
}

func openXLSX(path string, s Spec, loc *number.Locale) (r Reader, err error) {
	f, err := zip.OpenReader(path)
	if errors.Is(err, zip.ErrFormat) {
		err = fmt.Errorf("%w: not a workbook (xlsx): %w", ErrFormat, err)
	}
	if err != nil {
		return nil, err
	}
	x := &xlsxReader{file: f}
	if err := x.open(&s, loc); err != nil {
		x.Close()
		return nil, err
	}
	return x, nil
}

func (r *xlsxReader) open(s *Spec, loc *number.Locale) (err error) {
	if r.book, err = openWorkbook(&r.file.Reader, loc); err != nil {
		return err
	}
	sheet, err := r.book.sheet(s.Table)
	if err != nil {
		return err
	}
	part, err := openPart(&r.file.Reader, sheet)
	if err != nil {
		return err
	}
	r.part = part
	r.size = part.stored
	r.rows = &sheetRows{d: xml.NewDecoder(part)}
	return r.labels(s)
}

// labels reads the first row, which has the names or tells the width.
func (r *xlsxReader) labels(s *Spec) error {
	row, cells, err := r.rows.next()
	for err == nil && (row <= s.HeaderLines || len(cells) == 0) {
		row, cells, err = r.rows.next()
	}
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return err
	}
	cells = slices.Clone(cells)
	width := cells[len(cells)-1].column + 1
	labels := make([]string, width)
	r.from = cells[0].column
	for i := range labels {
		labels[i] = columnName(i)
	}
	if s.Labels == LabelsNone {
		r.pending, r.row = cells, row
		r.from = 0
	} else {
		for _, c := range cells {
			if text := strings.TrimSpace(r.book.label(c)); text != "" {
				labels[c.column] = text
			}
		}
		r.row = row + 1
	}
	r.fields = fieldNames(labels[r.from:])
	for _, f := range r.fields {
		r.needed = append(r.needed, s.needs(f))
	}
	return nil
}

// Fields implements [Reader].
func (r *xlsxReader) Fields() []string { return r.fields }

// Next implements [Reader].
func (r *xlsxReader) Next(ctx context.Context) (*Batch, error) {
	if len(r.fields) == 0 {
		return nil, io.EOF
	}
	columns := make([]cellColumn, len(r.fields))
	limit := min(rowsMax, cellsMax/len(columns))
	rows := 0
	for rows < limit {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		number, cells, err := r.nextRow()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if gap := number - r.row; gap > 0 {
			if rows+gap >= limit { // deliver the gap in pieces
				r.pending = slices.Clone(cells)
				r.rows.row = number
				r.row += limit - rows
				rows = limit
				break
			}
			rows += gap
		}
		for _, c := range cells {
			if at := c.column - r.from; at >= 0 && at < len(columns) && r.needed[at] {
				columns[at].add(rows, c, r.book)
			}
		}
		rows++
		r.row = number + 1
	}
	if rows == 0 {
		return nil, io.EOF
	}
	b := &Batch{Rows: rows, Columns: make([]dual.Vector, len(columns)), Bytes: r.size}
	r.size = 0
	for i := range columns {
		b.Columns[i] = columns[i].vector(rows)
	}
	return b, nil
}

// nextRow returns the next row that has content.
func (r *xlsxReader) nextRow() (row int, cells []xlsxCell, err error) {
	if r.pending != nil {
		cells, r.pending = r.pending, nil
		return r.rows.row, cells, nil
	}
	for len(cells) == 0 {
		if row, cells, err = r.rows.next(); err != nil {
			return 0, nil, err
		}
	}
	return max(row, r.row), cells, nil
}

// Close implements [Reader].
func (r *xlsxReader) Close() error {
	if r.part != nil {
		r.part.Close()
	}
	return r.file.Close()
}

// A cellColumn collects the cells of a column as codes, entry 0 being NULL.
type cellColumn struct {
	codes []uint32
	vals  []dual.Value
	index map[string]uint32
}

func (c *cellColumn) add(row int, cell xlsxCell, book *workbook) {
	if len(c.codes) > row { // a cell given twice
		return
	}
	if c.index == nil {
		c.index, c.vals = map[string]uint32{}, []dual.Value{{}}
	}
	for len(c.codes) < row {
		c.codes = append(c.codes, 0)
	}
	key := cell.kind + "\x00" + strconv.Itoa(cell.style) + "\x00" + cell.text
	code, ok := c.index[key]
	if !ok {
		if v := book.value(cell); !v.IsNull() {
			code = uint32(len(c.vals))
			c.vals = append(c.vals, v)
		}
		c.index[key] = code
	}
	c.codes = append(c.codes, code)
}

func (c *cellColumn) vector(rows int) dual.Vector {
	if c.index == nil {
		return dual.Constant(dual.Value{}, rows)
	}
	for len(c.codes) < rows {
		c.codes = append(c.codes, 0)
	}
	return dual.Coded(c.codes, &dual.Dict{Vals: c.vals})
}

// columnName returns the letters of a column, counted from 0.
func columnName(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}
