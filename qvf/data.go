package qvf

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/qvf/container"
)

// Data is the data part of a foreign file as it lies in its streams: fields
// with symbols, tables with columns of indexes, the system tables and
// synthetic keys included. [ReadData] makes a model of it.
type Data struct {
	// Fields are the names in index order; nil if the file has no data.
	Fields []string
	// Tables are those that can be read, in index order.
	Tables []*DataTable
	// Problems are the streams that cannot.
	Problems []Problem

	c      *container.Container
	budget *budget
}

// Prefixes of names in the data part.
const (
	systemTable   = "$$SysTable"
	syntheticName = "$Syn "

	fieldStream = "/data/field_"
	tableStream = "/data/table_"
)

// OpenData reads the names of the fields and the heads of the tables.
//
// Table streams are kept as they lie in the file, compressed.
func OpenData(c *container.Container) (*Data, error) {
	d := &Data{c: c, budget: newBudget(c.Size())}
	raw, err := c.Read(streamData)
	if errors.Is(err, container.ErrNotFound) {
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	if err := d.header(raw); err != nil {
		return nil, err
	}
	for _, i := range numbered(c, tableStream) {
		t, err := d.openTable(tableStream + strconv.Itoa(i))
		if err != nil {
			d.problem(tableStream+strconv.Itoa(i), err)
			continue
		}
		d.Tables = append(d.Tables, t)
	}
	return d, nil
}

// header reads the stream qvapp_data:
//
//	str "1.0", u32 0, u32 n, n str: the fields' names; what follows is not needed
func (d *Data) header(raw []byte) error {
	c := d.cursor(streamData, "", raw)
	version := c.str("version")
	if c.err == nil && version != "1.0" {
		c.fail("version", "%q, want \"1.0\": encrypted or unknown", version)
	}
	c.u32("zero")
	n := c.count(int(c.u32("number of fields")), 1, "fields")
	seen := map[string]bool{}
	for i := range n {
		name := c.str("field name")
		if c.err == nil && seen[name] {
			c.fail("field name", "field %d is named %q like one before", i, name)
		}
		seen[name] = true
		d.Fields = append(d.Fields, name)
	}
	return c.err
}

// numbered returns the numbers i of the streams prefix + i, ascending.
func numbered(c *container.Container, prefix string) []int {
	var out []int
	for _, e := range c.Entries() {
		digits, ok := strings.CutPrefix(e.Path, prefix)
		if i, err := strconv.Atoi(digits); ok && err == nil && !e.Dir && strconv.Itoa(i) == digits {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out
}

func (d *Data) cursor(stream, block string, b []byte) *cursor {
	return &cursor{file: d.c.Name(), stream: stream, block: block, buf: b}
}

func (d *Data) problem(stream string, err error) {
	d.Problems = append(d.Problems, Problem{Stream: stream, Err: err})
}

// rowsOf returns how many rows the tables with a field have together.
func (d *Data) rowsOf(field int) (rows int) {
	for _, t := range d.Tables {
		if t.column(field) != nil {
			rows += t.Rows
		}
	}
	return rows
}

// synthetic returns the table that says what a field stands for, nil for
// fields that are no synthetic keys.
func (d *Data) synthetic(field int) *DataTable {
	name := d.Fields[field]
	if !strings.HasPrefix(name, syntheticName) {
		return nil
	}
	for _, t := range d.Tables {
		if t.Name == name+" Table" && t.column(field) != nil {
			return t
		}
	}
	return nil
}

// loaded reports whether a table was loaded by the script: it is neither the
// system's nor that of a synthetic key.
func (d *Data) loaded(t *DataTable) bool {
	if strings.HasPrefix(t.Name, systemTable) {
		return false
	}
	for _, col := range t.Columns {
		if d.synthetic(col.Field) == t {
			return false
		}
	}
	return true
}

func fieldStreamOf(field int) string { return fmt.Sprint(fieldStream, field) }
