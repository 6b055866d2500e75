package qvf

import (
	"slices"

	"github.com/cognate-bi/cognate/storage/dual"
)

// A ColumnInfo is what a column of the data part holds, as it lies there.
type ColumnInfo struct {
	Field    string
	Width    int // bits
	Bias     int
	Symbols  int // of the field
	Distinct int // that the rows have
	Nulls    int
	First    []dual.Value // of the first rows
}

// Inspect looks at every row of a column and returns up to first values. It
// costs the memory of all symbols of the field.
func (d *Data) Inspect(t *DataTable, column, first int) (ColumnInfo, error) {
	col := &t.Columns[column]
	info := ColumnInfo{Field: d.Fields[col.Field], Width: col.Width, Bias: col.Bias}
	f, err := d.openField(col.Field)
	if err != nil {
		return info, err
	}
	var vals []dual.Value
	err = f.symbols(func(batch []dual.Value) error { vals = append(vals, batch...); return nil })
	if err != nil {
		return info, err
	}
	info.Symbols = len(vals)
	seen := make([]bool, len(vals))
	note := func(row int, index int32) {
		if index < 0 {
			info.Nulls++
		} else if !seen[index] {
			seen[index] = true
			info.Distinct++
		}
		if row < first && index >= 0 {
			info.First = append(info.First, vals[index])
		} else if row < first {
			info.First = append(info.First, dual.Value{})
		}
	}
	if col.Width > 0 {
		return info, d.eachIndexes(t, col, len(vals), func(lo int, indexes []int32) {
			for i, index := range indexes {
				note(lo+i, index)
			}
		})
	}
	return info, d.inspectConstant(t, col, vals, &info, first)
}

func (d *Data) inspectConstant(t *DataTable, col *DataColumn, vals []dual.Value, info *ColumnInfo, first int) error {
	if t.Rows == 0 {
		return nil
	}
	if col.Bias >= len(vals) {
		return d.outOfRange(t, col, 0, len(vals))
	}
	v := dual.Value{}
	if col.Bias < 0 {
		info.Nulls = t.Rows
	} else {
		v, info.Distinct = vals[col.Bias], 1
	}
	info.First = slices.Repeat([]dual.Value{v}, min(first, t.Rows))
	return nil
}
