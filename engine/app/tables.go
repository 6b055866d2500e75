package app

import (
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Column is a column of a table as it is shown: in source mode the fields
// that a synthetic key stands for are in the table again.
type Column struct {
	Field *model.Field
	codes func(dst []uint32, lo int) // codes of rows lo to lo+len(dst)
}

// columnsDepthMax bounds synthetic keys of synthetic keys.
const columnsDepthMax = 20

// Columns returns the columns of a table, with synthetic keys as they are or
// resolved to the fields that they stand for.
func (d *Data) Columns(t *model.Table, synthetic bool) []Column {
	var out []Column
	for _, col := range t.Table.Columns {
		f := d.Model.Field(col.Field.Name)
		c := Column{Field: f, codes: col.Codes}
		if !synthetic && model.IsSynthetic(f.Name) && !t.Synthetic {
			out = append(out, d.resolve(c, 0)...)
		} else {
			out = append(out, c)
		}
	}
	return out
}

// resolve replaces the column of a synthetic key by the fields behind it.
func (d *Data) resolve(key Column, depth int) (out []Column) {
	home := d.keyTable(key.Field)
	if home == nil || depth > columnsDepthMax {
		return []Column{key}
	}
	rowOf := rowsByCode(home, key.Field)
	for _, col := range home.Table.Columns {
		f := d.Model.Field(col.Field.Name)
		if f == key.Field {
			continue
		}
		c := Column{Field: f, codes: func(dst []uint32, lo int) {
			key.codes(dst, lo)
			for i, code := range dst {
				if r := rowOf[code]; r >= 0 {
					dst[i] = col.Code(int(r))
				} else {
					dst[i] = 0
				}
			}
		}}
		if model.IsSynthetic(f.Name) {
			out = append(out, d.resolve(c, depth+1)...)
		} else {
			out = append(out, c)
		}
	}
	return out
}

// keyTable returns the table of the combinations of a synthetic key: the one
// of its name.
func (d *Data) keyTable(f *model.Field) *model.Table {
	for _, t := range f.Tables {
		if t.Synthetic && t.Name == f.Name+" Table" {
			return t
		}
	}
	return nil
}

// rowsByCode returns the row of each code of a key that is unique in the
// table, -1 where there is none.
func rowsByCode(t *model.Table, f *model.Field) []int32 {
	rows := make([]int32, f.Symbols.Len()+1)
	for i := range rows {
		rows[i] = -1
	}
	col := t.Column(f)
	for r := range t.Rows {
		rows[col.Code(r)] = int32(r)
	}
	rows[0] = -1
	return rows
}

// Codes writes the codes of rows lo to lo+len(dst).
func (c *Column) Codes(dst []uint32, lo int) { c.codes(dst, lo) }

// Values returns the values of rows lo to hi.
func (c *Column) Values(lo, hi int) []dual.Value {
	codes := make([]uint32, hi-lo)
	c.codes(codes, lo)
	out := make([]dual.Value, len(codes))
	for i, code := range codes {
		out[i] = c.Field.Value(code)
	}
	return out
}

// A Profile is what is counted of a column.
type Profile struct {
	NonNulls, Present, Total int // rows with a value; distinct values here and in the field
}

// Profile counts the values of a column of so many rows.
func (c *Column) Profile(rows int) Profile {
	p := Profile{Total: c.Field.Symbols.Len()}
	seen := make([]bool, p.Total+1)
	batch := make([]uint32, min(rows, 1<<16))
	for lo := 0; lo < rows; lo += len(batch) {
		batch = batch[:min(len(batch), rows-lo)]
		c.codes(batch, lo)
		for _, code := range batch {
			if code != 0 {
				p.NonNulls++
			}
			if !seen[code] {
				seen[code] = true
				p.Present++
			}
		}
	}
	if seen[0] {
		p.Present--
	}
	return p
}
