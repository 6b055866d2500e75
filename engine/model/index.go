package model

import "sync"

// A linkIndex leads from key codes to the rows of a table. It is built at
// first use.
type linkIndex struct {
	once   sync.Once
	rowOf  []int32  // key code -> row, -1 without; set while no key has two rows
	starts []uint32 // else: rows of key k are rows[starts[k]:starts[k+1]]
	rows   []uint32

	usedOnce sync.Once
	used     []uint8
}

// Used returns a flag for each key code: 1 for those that the table has. Entry
// 0, NULL, is 0. It must not be changed.
func (l *Link) Used() []uint8 {
	x := &l.index
	x.usedOnce.Do(func() {
		n := l.Field.Symbols.Len()
		x.used = make([]uint8, n+1)
		l.Column.Mark(x.used, nil, n+1)
		x.used[0] = 0
	})
	return x.used
}

// Unique reports whether every key value has at most one row in the table.
func (l *Link) Unique() bool {
	l.index.once.Do(l.build)
	return l.index.rowOf != nil
}

// RowOf returns the row of each key code, -1 where there is none; nil unless
// the link is [Link.Unique]. The row of the null code is -1.
func (l *Link) RowOf() []int32 {
	l.index.once.Do(l.build)
	return l.index.rowOf
}

// RowsOf returns the rows that have a key code, in ascending order. The null
// code has none: NULL links nothing.
func (l *Link) RowsOf(key uint32, one []uint32) []uint32 {
	l.index.once.Do(l.build)
	if x := &l.index; x.rowOf == nil {
		return x.rows[x.starts[key]:x.starts[key+1]]
	}
	if r := l.index.rowOf[key]; r >= 0 {
		return append(one[:0], uint32(r))
	}
	return nil
}

// build lists the rows by code; where no code has two, there is one row per code.
func (l *Link) build() {
	n := l.Field.Symbols.Len() + 1
	counts := make([]uint32, n+1)
	l.Column.Count(counts, nil)
	counts[0] = 0
	unique := true
	for _, c := range counts {
		unique = unique && c <= 1
	}
	if unique {
		l.index.rowOf = l.uniqueRows(n)
		return
	}
	starts := counts
	at := uint32(0)
	for i, c := range starts {
		starts[i] = at
		at += c
	}
	rows := make([]uint32, at)
	next := append([]uint32(nil), starts...)
	l.eachCode(func(row int, code uint32) {
		if code != 0 {
			rows[next[code]] = uint32(row)
			next[code]++
		}
	})
	l.index.starts, l.index.rows = starts, rows
}

func (l *Link) uniqueRows(n int) []int32 {
	rowOf := make([]int32, n)
	for i := range rowOf {
		rowOf[i] = -1
	}
	l.eachCode(func(row int, code uint32) {
		if code != 0 {
			rowOf[code] = int32(row)
		}
	})
	return rowOf
}

func (l *Link) eachCode(f func(row int, code uint32)) {
	buf := make([]uint32, 1<<14)
	for lo := 0; lo < l.Table.Rows; lo += len(buf) {
		b := buf[:min(len(buf), l.Table.Rows-lo)]
		l.Column.Codes(b, lo)
		for i, c := range b {
			f(lo+i, c)
		}
	}
}
