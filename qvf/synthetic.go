package qvf

import (
	"errors"
	"fmt"
	"slices"
)

// A synthetic key $Syn k stands in several tables for the fields that they
// share. Its own table "$Syn k Table" has a row for each of its values with
// the values of those fields, some of which may be synthetic keys again. We
// put the fields back: the model finds what tables share by itself.

// syntheticDepthMax bounds how deep synthetic keys stand for each other.
const syntheticDepthMax = 16

// synthetic returns the fields that a synthetic key stands for. Their codes
// are by the key's index.
func (l *loader) synthetic(key, depth int) ([]part, error) {
	if depth > syntheticDepthMax {
		return nil, errors.New("synthetic keys stand for each other")
	}
	if parts, ok := l.parts[key]; ok {
		return parts, nil
	}
	t := l.d.synthetic(key)
	rows, err := l.rowsByIndex(t, key)
	if err != nil {
		return nil, err
	}
	var parts []part
	for i := range t.Columns {
		col := &t.Columns[i]
		if col.Field == key {
			continue
		}
		of, err := l.partsOf(t, col, rows, depth)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		parts = append(parts, of...)
	}
	l.parts[key] = parts
	return parts, nil
}

// rowsByIndex returns the row of the key's table for each index of the key, -1
// for none.
func (l *loader) rowsByIndex(t *DataTable, key int) ([]int32, error) {
	if err := l.fields[key].err; err != nil {
		return nil, err
	}
	n := l.fields[key].symbols
	if err := l.d.budget.take(4 * int64(n)); err != nil {
		return nil, err
	}
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = -1
	}
	indexes, err := l.indexes(t, t.column(key))
	if err != nil {
		return nil, err
	}
	for row, i := range indexes {
		if i >= 0 {
			rows[i] = int32(row)
		}
	}
	return rows, nil
}

// indexes returns the indexes of all rows.
func (l *loader) indexes(t *DataTable, col *DataColumn) ([]int32, error) {
	symbols := l.fields[col.Field].symbols
	if err := l.d.budget.take(4 * int64(t.Rows)); err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	out := make([]int32, t.Rows)
	if col.Width > 0 {
		return out, l.d.eachIndexes(t, col, symbols, func(lo int, indexes []int32) { copy(out[lo:], indexes) })
	}
	if col.Bias >= symbols && t.Rows > 0 {
		return nil, l.d.outOfRange(t, col, 0, symbols)
	}
	for i := range out {
		out[i] = int32(max(col.Bias, -1))
	}
	return out, nil
}

// partsOf returns what a column of a key's table gives: its field, or, if it
// is a key itself, the fields of that.
func (l *loader) partsOf(t *DataTable, col *DataColumn, rows []int32, depth int) ([]part, error) {
	f := &l.fields[col.Field]
	if f.err != nil {
		return nil, f.err
	}
	indexes, err := l.indexes(t, col)
	if err != nil {
		return nil, err
	}
	inner := []part{{field: f.field, codeMap: f.codes}}
	if f.field == nil {
		if inner, err = l.synthetic(col.Field, depth+1); err != nil {
			return nil, err
		}
	}
	parts := make([]part, len(inner))
	for i, p := range inner {
		if err := l.d.budget.take(4 * int64(len(rows))); err != nil {
			return nil, err
		}
		parts[i] = through(p, rows, indexes)
	}
	return parts, nil
}

// through returns the part by the key's index: index → row → index → code.
func through(p part, rows, indexes []int32) part {
	codes := make([]uint32, len(rows), len(rows)+1)
	for i, row := range rows {
		if row >= 0 && indexes[row] >= 0 {
			codes[i] = p.code(indexes[row])
		}
	}
	return part{field: p.field, codeMap: codeMap{codes: codes}, top: slices.Max(append(codes, 0))}
}
