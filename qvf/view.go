package qvf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A View is a table as it lies in a file, of ours or not: with the fields and
// tables of synthetic keys, without system tables.
type View struct {
	Name   string
	Rows   int
	Fields []string
	load   func(i int) (*ViewColumn, error)
}

// Column reads column i.
func (v *View) Column(i int) (*ViewColumn, error) { return v.load(i) }

// A ViewColumn is a column of a [View]: the value of row r is
// Values[Codes[r]], and Values[0] is NULL. Numbers and texts are those that
// the file stores.
type ViewColumn struct {
	Values []dual.Value
	Codes  []uint32
}

// Count returns how many different values the rows have, and how many have
// none.
func (c *ViewColumn) Count() (distinct, nulls int) {
	seen := make([]bool, len(c.Values))
	for _, code := range c.Codes {
		switch {
		case code == 0:
			nulls++
		case !seen[code]:
			seen[code] = true
			distinct++
		}
	}
	return distinct, nulls
}

// Views returns the tables of the file. Texts of numbers that are not stored,
// being the default ones, are made by show.
func (f *File) Views(show func(dual.Value) string) ([]View, []Problem, error) {
	if f.Own() {
		c, err := f.Data(show)
		if err != nil {
			return nil, nil, err
		}
		return f.views(c, show), nil, nil
	}
	if IsOldQVD(f.Container) {
		c := storage.NewCatalog(show)
		problems, err := readOldQVD(f.Container, c)
		return f.views(c, show), problems, err
	}
	d, err := OpenData(f.Container)
	if err != nil {
		return nil, nil, err
	}
	var views []View
	for _, t := range d.Tables {
		if strings.HasPrefix(t.Name, systemTable) {
			continue
		}
		v := View{Name: t.Name, Rows: t.Rows, load: func(i int) (*ViewColumn, error) { return d.view(t, i) }}
		for i := range t.Columns {
			v.Fields = append(v.Fields, d.fieldName(t.Columns[i].Field))
		}
		views = append(views, v)
	}
	return views, d.Problems, nil
}

func (f *File) views(c *storage.Catalog, show func(dual.Value) string) []View {
	views := make([]View, len(c.Tables()))
	for k, t := range c.Tables() {
		views[k] = View{Name: t.Name, Rows: t.Rows, Fields: t.FieldNames(), load: func(i int) (*ViewColumn, error) {
			col := t.Columns[i]
			if err := viewable(t.Rows, f.Size()); err != nil {
				return nil, fmt.Errorf("qvf: %s: table %s: %w", f.Name(), t.Name, err)
			}
			v := &ViewColumn{Values: make([]dual.Value, col.Field.Symbols.Len()+1), Codes: make([]uint32, t.Rows)}
			col.Codes(v.Codes, 0)
			for code := range v.Values {
				v.Values[code] = withFormat(col.Field.Stored(uint32(code), show), col.Field.Format)
			}
			if err := c.Damage(); err != nil {
				return nil, fmt.Errorf("qvf: %s: %w", f.Name(), err)
			}
			return v, nil
		}}
	}
	return views
}

// Rows of one value take no room in a file: how many a view shows is bounded
// by the file's size all the same. 4 bytes of a code are proven by 1/256 byte.
const (
	viewFirst   = 64 << 20
	viewPerByte = packMax
)

func viewable(rows int, fileBytes int64) error {
	if int64(rows) > viewFirst+viewPerByte*fileBytes {
		return fmt.Errorf("%d rows are more than a file of %d bytes may show", rows, fileBytes)
	}
	return nil
}

// view reads a column of a foreign file.
func (d *Data) view(t *DataTable, i int) (*ViewColumn, error) {
	col := &t.Columns[i]
	if err := viewable(t.Rows, d.c.Size()); err != nil {
		return nil, &FormatError{File: d.c.Name(), Stream: t.Stream, Err: err}
	}
	f, err := d.openField(col.Field)
	if err != nil {
		return nil, err
	}
	v := &ViewColumn{Values: []dual.Value{{}}}
	if err := f.symbols(func(batch []dual.Value) error { v.Values = append(v.Values, batch...); return nil }); err != nil {
		return nil, err
	}
	for i := range v.Values {
		v.Values[i] = withFormat(v.Values[i], f.format)
	}
	n := len(v.Values) - 1
	if col.Width == 0 {
		if col.Bias >= n && t.Rows > 0 {
			return nil, d.outOfRange(t, col, 0, n)
		}
		v.Codes = slices.Repeat([]uint32{uint32(max(col.Bias+1, 0))}, t.Rows)
		return v, nil
	}
	v.Codes = make([]uint32, t.Rows)
	err = d.eachIndexes(t, col, n, func(lo int, indexes []int32) {
		for i, index := range indexes {
			v.Codes[lo+i] = uint32(max(index+1, 0))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	return v, nil
}

func withFormat(v dual.Value, f *dual.Format) dual.Value {
	if v.Kind == dual.Num {
		v.Format = f
	}
	return v
}
