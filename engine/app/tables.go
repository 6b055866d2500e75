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

// Columns returns the columns of a table, with synthetic keys as they are or
// resolved to the fields that they stand for.
func (d *Data) Columns(t *model.Table, synthetic bool) []Column {
	var out []Column
	for _, col := range t.Table.Columns {
		f := d.Model.Field(col.Field.Name)
		c := Column{Field: f, codes: col.Codes}
		if !synthetic && model.IsSynthetic(f.Name) && !t.Synthetic {
			out = append(out, d.parts(c)...)
		} else {
			out = append(out, c)
		}
	}
	return out
}

// parts returns the columns of the fields that a synthetic key stands for.
func (d *Data) parts(key Column) (out []Column) {
	for _, name := range key.Field.Parts {
		f := d.Model.Field(name)
		if f == nil {
			continue
		}
		through := d.Model.PartCodes(key.Field, f)
		if through == nil {
			continue
		}
		out = append(out, Column{Field: f, codes: func(dst []uint32, lo int) {
			key.codes(dst, lo)
			for i, code := range dst {
				dst[i] = through[code]
			}
		}})
	}
	if out == nil { // a name like that of a key, but none
		return []Column{key}
	}
	return out
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
