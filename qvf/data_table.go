package qvf

import (
	"encoding/binary"
	"fmt"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
)

// A DataTable is a table of the data part.
//
//	str name, str source, 8 bytes 0
//	u32 columns, u32 rows, i32 -1, 8 bytes
//	columns × 27 bytes:  u32 0, u32 field, i32 bias, u32 0, u32 bit offset, u32 width, 3 bytes 0
//	i32 -987
//	for each column with width > 0:  u32 size, u32 z, z bytes of zlib
type DataTable struct {
	Stream  string
	Name    string
	Source  string // file that it was loaded from, "" = none
	Rows    int
	Columns []DataColumn
}

// A DataColumn holds a number of width bits for each row, row 0 in the lowest
// bits. Number plus bias is the index of the field's symbol; below 0 it is
// NULL. At width 0 every row has index bias.
type DataColumn struct {
	Field int // index into Data.Fields
	Bias  int
	Width int // 0 to 32 bits

	packed []byte // zlib
	size   int    // bytes that packed inflates to
}

const (
	columnBytes = 27
	columnsMark = -987
	widthMax    = 32
	fieldNone   = -1
)

func (t *DataTable) column(field int) *DataColumn {
	for i := range t.Columns {
		if t.Columns[i].Field == field {
			return &t.Columns[i]
		}
	}
	return nil
}

// openTable reads the head of a table and finds its columns' data.
func (d *Data) openTable(stream string) (*DataTable, error) {
	raw, err := d.c.Read(stream)
	if err != nil {
		return nil, err
	}
	c := d.cursor(stream, "", raw)
	t := &DataTable{Stream: stream, Name: c.str("name"), Source: c.str("source")}
	c.take(8, "zeros")
	n, rows := int(c.u32("number of columns")), c.u32("number of rows")
	if mark := c.i32("mark"); c.err == nil && mark != -1 {
		c.fail("mark", "%d, want -1: encrypted or unknown", mark)
	}
	if c.err == nil && rows > storage.RowsMax {
		c.fail("number of rows", "%d, limit is %d", rows, storage.RowsMax)
	}
	c.take(8, "flags")
	if c.err == nil && rows == 0 && c.left() < n*columnBytes {
		return t, nil // an empty table can do without columns
	}
	t.Rows = int(rows)
	d.columns(c, t, n)
	return t, c.err
}

// columns reads the heads of n columns and where their data lies.
func (d *Data) columns(c *cursor, t *DataTable, n int) {
	t.Columns = make([]DataColumn, c.count(n, columnBytes, "columns"))
	seen := make(map[int]bool, len(t.Columns))
	for i := range t.Columns {
		col := d.columnHead(c, i)
		if c.err == nil && seen[col.Field] {
			c.fail("column", "column %d is of field %d like one before", i, col.Field)
		}
		seen[col.Field] = true
		t.Columns[i] = col
	}
	if t.Rows == 0 || c.err != nil {
		return
	}
	if mark := c.i32("mark"); c.err == nil && mark != columnsMark {
		c.fail("mark", "%d, want %d", mark, columnsMark)
	}
	for i := range t.Columns {
		if col := &t.Columns[i]; col.Width > 0 && c.err == nil {
			d.columnData(c, t, col)
		}
	}
}

func (d *Data) columnHead(c *cursor, i int) DataColumn {
	c.take(4, "column")
	field := c.u32("field")
	bias := c.i32("bias")
	c.take(8, "bit offset")
	width := c.u32("width")
	c.take(3, "column")
	switch {
	case c.err != nil:
		return DataColumn{Field: fieldNone}
	case int64(field) >= int64(len(d.Fields)):
		c.fail("column", "column %d is of field %d, there are %d", i, field, len(d.Fields))
	case width > widthMax:
		c.fail("column", "column %d is %d bits wide, limit is %d", i, width, widthMax)
	}
	return DataColumn{Field: int(field), Bias: int(bias), Width: int(width)}
}

func (d *Data) columnData(c *cursor, t *DataTable, col *DataColumn) {
	col.size = int(c.u32("column size"))
	need := (int64(t.Rows)*int64(col.Width) + 7) / 8
	if c.err == nil && int64(col.size) < need {
		c.fail("column size", "%d bytes for %s, %d rows of %d bits need %d", col.size, d.Fields[col.Field], t.Rows, col.Width, need)
	}
	col.packed = c.take(int(c.u32("zlib size")), "column "+d.fieldName(col.Field))
}

func (d *Data) fieldName(field int) string {
	if field < 0 || field >= len(d.Fields) {
		return fmt.Sprint(field)
	}
	return d.Fields[field]
}

// loadSlack is behind the inflated data, so that 8 bytes can be loaded at any
// of its bytes.
const loadSlack = 8

// inflate returns the column's data, and loadSlack bytes 0 behind it.
func (d *Data) inflate(t *DataTable, col *DataColumn) ([]byte, error) {
	wrong := func(err error) error {
		return &FormatError{File: d.c.Name(), Stream: t.Stream, Block: "column " + d.Fields[col.Field], Err: err}
	}
	if err := d.budget.take(int64(col.size)); err != nil {
		return nil, wrong(err)
	}
	b, err := container.Inflate(nil, col.packed, int64(col.size))
	if err != nil {
		return nil, wrong(err)
	}
	return append(b, make([]byte, loadSlack)...), nil
}

// indexBatch is how many rows are unpacked at once.
const indexBatch = 1 << 12

// eachIndexes hands over the indexes of all rows in batches; NULL is -1. Rows
// lie below storage.RowsMax and indexes below n, the number of symbols, which
// an index that is not makes an error.
func (d *Data) eachIndexes(t *DataTable, col *DataColumn, n int, each func(lo int, indexes []int32)) error {
	if col.Width == 0 {
		panic("qvf: BUG: a column of width 0 has no data")
	}
	data, err := d.inflate(t, col)
	if err != nil {
		return err
	}
	var batch [indexBatch]int32
	for lo := 0; lo < t.Rows; lo += indexBatch {
		part := batch[:min(indexBatch, t.Rows-lo)]
		if bad := unpack(part, data, lo, col.Width, int64(col.Bias), int64(n)); bad >= 0 {
			return d.outOfRange(t, col, lo+bad, n)
		}
		each(lo, part)
	}
	return nil
}

// unpack writes the indexes of rows lo, lo+1 ... into dst. It stops at an index
// that is not below n and returns its place in dst, or -1. data has loadSlack
// bytes behind the last one with bits in it.
func unpack(dst []int32, data []byte, lo, width int, bias, n int64) int {
	mask := uint64(1)<<width - 1
	bit := uint64(lo) * uint64(width)
	for i := range dst {
		stored := binary.LittleEndian.Uint64(data[bit>>3:]) >> (bit & 7) & mask
		bit += uint64(width)
		index := int64(stored) + bias
		if index >= n {
			return i
		}
		dst[i] = int32(max(index, -1))
	}
	return -1
}

func (d *Data) outOfRange(t *DataTable, col *DataColumn, row, n int) error {
	return &FormatError{
		File: d.c.Name(), Stream: t.Stream, Block: "column " + d.Fields[col.Field],
		Offset: int64(row) * int64(col.Width) / 8, Err: fmt.Errorf("row %d: index out of range, the field has %d symbols", row, n),
	}
}
