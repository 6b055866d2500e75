package storage

import "math"

// NoRow stands for a row that there is not: its value is NULL.
const NoRow = math.MaxUint32

// A Piece is rows of a column, in any order and number.
type Piece struct {
	Column *Column  // nil: all values are NULL
	Rows   []uint32 // some may be NoRow
	All    bool     // all rows of the column, not Rows
}

func (p *Piece) len() int {
	if p.All {
		return p.Column.rows
	}
	return len(p.Rows)
}

// gatherRows is the number of rows that are moved at a time: their codes stay
// in the cache.
const gatherRows = 1 << 14

// Gather returns a column of the pieces, one behind the other. Their columns
// have the codes of f.
func Gather(f *Field, pieces ...Piece) *Column {
	var b codeBuilder
	for i := range pieces {
		b.expected += pieces[i].len()
	}
	codes := make([]uint32, min(b.expected, gatherRows))
	rows := make([]uint32, len(codes))
	for i := range pieces {
		p := &pieces[i]
		for lo, n := 0, p.len(); lo < n; lo += gatherRows {
			codes = codes[:min(gatherRows, n-lo)]
			p.codes(codes, rows, lo)
			b.append(codes, uint32(f.Symbols.n))
		}
	}
	return b.column(f)
}

// codes writes the codes of the piece's rows from lo on into dst. rows is
// scratch.
func (p *Piece) codes(dst, rows []uint32, lo int) {
	switch {
	case p.Column == nil || p.Column.rows == 0:
		clear(dst)
		return
	case p.All:
		p.Column.Codes(dst, lo)
		return
	}
	part, some := p.Rows[lo:lo+len(dst)], false
	rows = rows[:len(dst)]
	for i, r := range part {
		rows[i] = r
		if r == NoRow {
			rows[i], some = 0, true
		}
	}
	p.Column.CodesAt(dst, rows)
	if !some {
		return
	}
	for i, r := range part {
		if r == NoRow {
			dst[i] = 0
		}
	}
}
