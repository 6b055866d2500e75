package qvf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// Early builds wrote QVD files as a container with one table:
//
//	/vid              "1.0"
//	/<table>          JSON header
//	/<table>/symbol_i symbols as in a QVD, one after the other
//	/<table>/data_i   bits column-wise as in an app's table, not compressed
const (
	oldQVDVersion = "/vid"
	oldQVDHeader  = "tableheader" // Type of the header's stream
)

// IsOldQVD reports whether a container is one table, not an app.
func IsOldQVD(c *container.Container) bool {
	_, vid := c.Entry(oldQVDVersion)
	_, app := c.Entry(streamHeader)
	return vid && !app
}

type oldHeader struct {
	Name   string `json:"qTableName"`
	Rows   int64  `json:"qNoOfRecords"`
	Fields []struct {
		Name    string `json:"qFieldName"`
		Width   int    `json:"qBitWidth"`
		Bias    int    `json:"qBias"`
		Symbols int    `json:"qNoOfSymbols"`
	} `json:"qFields"`
}

// readOldQVD puts the one table of an old QVD into the catalog.
func readOldQVD(c *container.Container, catalog *storage.Catalog) ([]Problem, error) {
	o := &oldQVD{c: c}
	if err := o.header(); err != nil {
		return nil, err
	}
	t := &storage.Table{Name: o.head.Name, Rows: int(o.head.Rows)}
	for i, f := range o.head.Fields {
		field := catalog.FieldOf(f.Name)
		if t.Column(f.Name) != nil {
			return nil, o.errorf(o.path, "field %q is there twice", f.Name)
		}
		col, err := o.column(i, field, catalog.Show)
		if err != nil {
			return nil, err
		}
		t.Columns = append(t.Columns, col)
	}
	catalog.Put(t)
	return nil, nil
}

type oldQVD struct {
	c    *container.Container
	path string // of the header
	head oldHeader
}

func (o *oldQVD) header() error {
	for _, e := range o.c.Entries() {
		if !e.Dir && e.Attributes.Text(container.AttrType) == oldQVDHeader {
			o.path = e.Path
		}
	}
	if o.path == "" {
		return o.errorf("/", "no table in it")
	}
	raw, err := o.c.Read(o.path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(trimJSON(raw), &o.head); err != nil {
		return o.errorf(o.path, "%w", err)
	}
	if o.head.Rows < 0 || o.head.Rows > storage.RowsMax {
		return o.errorf(o.path, "%d rows", o.head.Rows)
	}
	return nil
}

func (o *oldQVD) column(i int, field *storage.Field, show func(dual.Value) string) (*storage.Column, error) {
	f, rows := o.head.Fields[i], int(o.head.Rows)
	vals, err := o.symbols(i)
	if err != nil {
		return nil, err
	}
	codes, err := field.Add(vals, show)
	if err != nil {
		return nil, o.errorf(o.path, "%w", err)
	}
	path := fmt.Sprintf("%s/data_%d", o.path, i)
	var data []byte
	if f.Width > 0 {
		if data, err = o.c.Read(path); err != nil {
			return nil, err
		}
	}
	if need := (int64(rows)*int64(f.Width) + 7) / 8; f.Width < 0 || f.Width > widthMax || int64(len(data)) < need {
		return nil, o.errorf(path, "%d bytes, %d rows of %d bits", len(data), rows, f.Width)
	}
	if f.Width == 0 {
		return o.constant(field, path, codes, rows, f.Bias)
	}
	data = append(data, make([]byte, loadSlack)...)
	indexes := make([]int32, rows)
	if bad := unpack(indexes, data, 0, f.Width, int64(f.Bias), int64(len(codes))); bad >= 0 {
		return nil, o.errorf(path, "row %d: index out of range, the field has %d symbols", bad, len(codes))
	}
	out := make([]uint32, rows)
	for row, index := range indexes {
		if index >= 0 {
			out[row] = codes[index]
		}
	}
	return storage.NewColumn(field, out), nil
}

func (o *oldQVD) constant(field *storage.Field, path string, codes []uint32, rows, index int) (*storage.Column, error) {
	switch {
	case rows > 0 && index >= len(codes):
		return nil, o.errorf(path, "index %d out of range, the field has %d symbols", index, len(codes))
	case rows == 0 || index < 0:
		return storage.ConstantColumn(field, rows, 0), nil
	}
	return storage.ConstantColumn(field, rows, codes[index]), nil
}

// symbols reads a symbol table: u8 type, then i32, f64 or both, then the text
// up to a NUL.
func (o *oldQVD) symbols(i int) ([]dual.Value, error) {
	path := fmt.Sprintf("%s/symbol_%d", o.path, i)
	raw, err := o.c.Read(path)
	if err != nil {
		return nil, err
	}
	c := &cursor{file: o.c.Name(), stream: path, buf: raw}
	n := c.count(o.head.Fields[i].Symbols, symBytesMin, "symbols")
	vals := make([]dual.Value, 0, n)
	for range n {
		vals = append(vals, c.oldSymbol())
	}
	if c.err == nil && c.left() > 0 {
		c.fail("symbols", "%d bytes are left over", c.left())
	}
	return vals, c.err
}

func (c *cursor) oldSymbol() dual.Value {
	number := math.NaN()
	t := c.u8("type of symbol")
	switch t {
	case symInt, symIntText:
		number = float64(c.i32("symbol"))
	case symNum, symNumText:
		number = c.f64("symbol")
	case symText:
	default:
		c.off = max(c.off-1, 0)
		c.fail("symbol", "type %d", t)
	}
	if c.err != nil || t == symInt || t == symNum {
		return dual.Number(number)
	}
	n := bytes.IndexByte(c.buf[c.off:], 0)
	if n < 0 {
		c.fail("symbol", "text without an end")
	}
	text := string(c.take(n, "symbol"))
	c.take(1, "symbol")
	return dual.New(text, number)
}

func (o *oldQVD) errorf(stream, format string, args ...any) error {
	return &FormatError{File: o.c.Name(), Stream: stream, Err: fmt.Errorf(format, args...)}
}
