package script

import (
	"fmt"
	"math"
	"slices"

	"github.com/cognate-bi/cognate/storage"
)

// What follows is what joins and DISTINCT have to agree with: maps and one row
// at a time.

// noKey is the key of rows that match nothing: a part of it is NULL.
const noKey = math.MaxUint32

// partneredNaively returns the rows of keys that occur in others.
func partneredNaively(keys, others []uint32) []uint32 {
	there := map[uint32]bool{}
	for _, k := range others {
		there[k] = k != noKey
	}
	rows := []uint32{}
	for i, k := range keys {
		if there[k] {
			rows = append(rows, uint32(i))
		}
	}
	return rows
}

// joinKeysNaively returns a number for each row, equal for rows that match. Tables
// share the symbol tables of their fields, so codes are compared, not values.
// Without common fields all rows match.
func joinKeysNaively(left, right *storage.Table) (l, r []uint32) {
	l, r = make([]uint32, left.Rows), make([]uint32, right.Rows)
	for i, name := range commonFields(left, right) {
		a, b := make([]uint32, left.Rows), make([]uint32, right.Rows)
		left.Column(name).Codes(a, 0)
		right.Column(name).Codes(b, 0)
		if i == 0 {
			l, r = nullKeysNaively(a), nullKeysNaively(b)
			continue
		}
		pairs := map[uint64]uint32{}
		combineNaively(l, a, pairs)
		combineNaively(r, b, pairs)
	}
	return l, r
}

// nullKeysNaively turns code 0 into noKey.
func nullKeysNaively(codes []uint32) []uint32 {
	for i, c := range codes {
		if c == 0 {
			codes[i] = noKey
		}
	}
	return codes
}

// combineNaively replaces keys by the numbers of the pairs (key, code).
func combineNaively(keys, codes []uint32, pairs map[uint64]uint32) {
	for i, k := range keys {
		if k == noKey || codes[i] == 0 {
			keys[i] = noKey
			continue
		}
		pair := uint64(k)<<32 | uint64(codes[i])
		id, ok := pairs[pair]
		if !ok {
			id = uint32(len(pairs))
			pairs[pair] = id
		}
		keys[i] = id
	}
}

// joinNaively returns the natural join of the tables under the left one's name: key
// fields first, then the other fields of the left table, then those of the
// right one. Rows come in the order of the left table, with the partners of a
// row in the order of the right one; right rows without a partner follow.
func joinNaively(left, right *storage.Table, kind joinKind, rowsMax int) (*storage.Table, error) {
	leftRows, rightRows, err := joinRowsNaively(left, right, kind, rowsMax)
	if err != nil {
		return nil, err
	}
	out := *left
	out.Rows, out.Columns = len(leftRows), nil
	common := commonFields(left, right)
	for _, name := range common {
		out.Columns = append(out.Columns, pickNaively(left.Column(name), right.Column(name), leftRows, rightRows))
	}
	for _, c := range left.Columns {
		if !slices.Contains(common, c.Field.Name) {
			out.Columns = append(out.Columns, pickNaively(c, nil, leftRows, rightRows))
		}
	}
	for _, c := range right.Columns {
		if !slices.Contains(common, c.Field.Name) {
			out.Columns = append(out.Columns, pickNaively(nil, c, leftRows, rightRows))
		}
	}
	return &out, nil
}

// joinRowsNaively returns the pairs of rows of a join; -1 is no row.
func joinRowsNaively(left, right *storage.Table, kind joinKind, rowsMax int) (leftRows, rightRows []int32, err error) {
	leftKeys, rightKeys := joinKeysNaively(left, right)
	first := make(map[uint32]int32, min(len(rightKeys), 1<<20)) // key → its first right row
	next := make([]int32, len(rightKeys))                       // right row → the next one of the same key
	for i := len(rightKeys) - 1; i >= 0; i-- {
		next[i] = -1
		if k := rightKeys[i]; k != noKey {
			if f, ok := first[k]; ok {
				next[i] = f
			}
			first[k] = int32(i)
		}
	}
	used := make([]bool, len(rightKeys))
	for i, k := range leftKeys {
		at, ok := first[k]
		if !ok || k == noKey {
			if kind.keepsLeft() {
				leftRows, rightRows = append(leftRows, int32(i)), append(rightRows, -1)
			}
			continue
		}
		for ; at >= 0; at = next[at] {
			used[at] = true
			leftRows, rightRows = append(leftRows, int32(i)), append(rightRows, at)
		}
		if len(leftRows) > rowsMax {
			return nil, nil, fmt.Errorf("the join makes more than %d rows", rowsMax)
		}
	}
	if kind.keepsRight() {
		for i, u := range used {
			if !u {
				leftRows, rightRows = append(leftRows, -1), append(rightRows, int32(i))
			}
		}
	}
	return leftRows, rightRows, nil
}

// pickNaively returns the column of joined rows: from left where there is a left
// row, else from right. Either may be nil.
func pickNaively(left, right *storage.Column, leftRows, rightRows []int32) *storage.Column {
	codes := make([]uint32, len(leftRows))
	field := (*storage.Field)(nil)
	if right != nil {
		field = right.Field
		for i, row := range rightRows {
			if row >= 0 {
				codes[i] = right.Code(int(row))
			}
		}
	}
	if left != nil {
		field = left.Field
		for i, row := range leftRows {
			if row >= 0 {
				codes[i] = left.Code(int(row))
			}
		}
	}
	return storage.NewColumn(field, codes)
}

// distinctRowsNaively returns the rows of t that differ from all rows before them.
func distinctRowsNaively(t *storage.Table) []uint32 {
	ids := make([]uint32, t.Rows)
	codes := make([]uint32, t.Rows)
	n := 1
	for i, c := range t.Columns {
		c.Codes(codes, 0)
		if i == 0 {
			copy(ids, codes)
			n = c.Field.Symbols.Len() + 1
			continue
		}
		pairs := make(map[uint64]uint32, n)
		for i := range ids {
			pair := uint64(ids[i])<<32 | uint64(codes[i])
			id, ok := pairs[pair]
			if !ok {
				id = uint32(len(pairs))
				pairs[pair] = id
			}
			ids[i] = id
		}
		n = len(pairs)
	}
	seen := make([]bool, n)
	rows := make([]uint32, 0, n)
	for i, id := range ids {
		if !seen[id] {
			seen[id] = true
			rows = append(rows, uint32(i))
		}
	}
	return rows
}
