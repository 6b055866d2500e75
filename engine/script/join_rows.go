package script

import (
	"fmt"

	"github.com/cognate-bi/cognate/storage"
)

// keys are numbers of the rows of two tables, equal for rows that match, below
// n. 0 matches nothing: a part of the key is NULL, or the other table does not
// have it.
type keys struct {
	left, right []uint32
	n           int
}

// joinKeys returns the keys of two tables. They share the symbol tables of
// their fields, so codes are compared, not values. Without common fields all
// rows match.
func joinKeys(left, right *storage.Table) keys {
	k := keys{make([]uint32, left.Rows), make([]uint32, right.Rows), 2}
	common := commonFields(left, right)
	if len(common) == 0 {
		fill(k.left, 1)
		fill(k.right, 1)
		return k
	}
	for i, name := range common {
		a, b := left.Column(name), right.Column(name)
		if i == 0 {
			a.Codes(k.left, 0)
			b.Codes(k.right, 0)
			k.n = a.Field.Symbols.Len() + 1
			continue
		}
		k.combine(a, b)
	}
	return k
}

// combine makes the columns a part of the keys: these become the numbers of the
// pairs of key and code. Pairs are numbered by the table of fewer rows; of the
// other one, pairs that it does not have match nothing anyway.
func (k *keys) combine(left, right *storage.Column) {
	few, fewCodes, many, manyCodes := k.left, left, k.right, right
	if len(few) > len(many) {
		few, fewCodes, many, manyCodes = many, manyCodes, few, fewCodes
	}
	var pairs pairTable
	number := func(keys []uint32, c *storage.Column, number func(at, codes []uint32)) {
		codes := make([]uint32, min(len(keys), batchRows))
		for lo := 0; lo < len(keys); lo += batchRows {
			part := keys[lo:min(lo+batchRows, len(keys))]
			codes = codes[:len(part)]
			c.Codes(codes, lo)
			nullPairs(part, codes)
			number(part, codes)
			for i, code := range codes {
				if code == 0 {
					part[i] = 0
				}
			}
		}
	}
	number(few, fewCodes, func(at, codes []uint32) {
		pairs.number(at, codes)
		for i := range at {
			at[i]++ // 0 is free for what matches nothing
		}
	})
	number(many, manyCodes, pairs.find)
	k.n = pairs.n + 1
}

// nullPairs makes both parts of a pair 0 if one is.
func nullPairs(at, codes []uint32) {
	for i, code := range codes {
		if code == 0 || at[i] == 0 {
			at[i], codes[i] = 0, 0
		}
	}
}

func fill(s []uint32, x uint32) {
	for i := range s {
		s[i] = x
	}
}

// partnered returns the rows, by their keys, whose key others have.
func (k *keys) partnered(keys, others []uint32) []uint32 {
	there := make([]uint64, (k.n+63)/64)
	for _, key := range others {
		there[key>>6] |= 1 << (key & 63)
	}
	there[0] &^= 1 // matches nothing
	rows, n := make([]uint32, len(keys)), 0
	for i, key := range keys {
		rows[n] = uint32(i)
		n += int(there[key>>6] >> (key & 63) & 1)
	}
	return rows[:n]
}

// joinedRows are the pairs of rows that a join is made of: first those with a
// left row, then right rows without a partner.
type joinedRows struct {
	left  []uint32 // nil: all, in their order
	nLeft int      // how many have a left row
	right []uint32 // storage.NoRow where there is none
}

// joinRows returns the pairs of rows of a join.
func joinRows(k keys, kind joinKind, rowsMax int) (*joinedRows, error) {
	first, next := k.chains()
	j := &joinedRows{}
	switch {
	case next != nil:
		if err := j.follow(k.left, first, next, kind, rowsMax); err != nil {
			return nil, err
		}
	case kind.keepsLeft(): // each left row once
		j.right = make([]uint32, len(k.left))
		for i, key := range k.left {
			j.right[i] = first[key] - 1
		}
	default:
		j.matches(k.left, first)
	}
	j.nLeft = len(j.right)
	if kind.keepsRight() {
		j.right = append(j.right, lonely(j.right, len(k.right))...)
	}
	if len(j.right) > rowsMax {
		return nil, errJoin(rowsMax)
	}
	return j, nil
}

func errJoin(rowsMax int) error { return fmt.Errorf("the join makes more than %d rows", rowsMax) }

// chains returns the first right row of every key and, of every right row, the
// next one of the same key, all + 1; 0 is none. next is nil if there are none.
func (k *keys) chains() (first, next []uint32) {
	first = make([]uint32, k.n)
	for i := len(k.right) - 1; i >= 0; i-- {
		key := k.right[i]
		if first[key] != 0 && key != 0 {
			if next == nil {
				next = make([]uint32, len(k.right))
			}
			next[i] = first[key]
		}
		first[key] = uint32(i + 1)
	}
	first[0] = 0
	return first, next
}

// follow adds the pairs of left rows with all their partners.
func (j *joinedRows) follow(keys, first, next []uint32, kind joinKind, rowsMax int) error {
	j.left, j.right = make([]uint32, 0, len(keys)), make([]uint32, 0, len(keys))
	for i, key := range keys {
		at := first[key]
		if at == 0 && kind.keepsLeft() {
			j.left, j.right = append(j.left, uint32(i)), append(j.right, storage.NoRow)
		}
		for ; at != 0; at = next[at-1] {
			j.left, j.right = append(j.left, uint32(i)), append(j.right, at-1)
		}
		if len(j.left) > rowsMax {
			return errJoin(rowsMax)
		}
	}
	return nil
}

// matches adds the pairs of left rows that have a partner, which is one.
func (j *joinedRows) matches(keys, first []uint32) {
	left, right, n := make([]uint32, len(keys)), make([]uint32, len(keys)), 0
	for i, key := range keys {
		at := first[key]
		left[n], right[n] = uint32(i), at-1
		if at != 0 {
			n++
		}
	}
	j.left, j.right = left[:n], right[:n]
}

// lonely returns the rows, of n, that are not in used.
func lonely(used []uint32, n int) []uint32 {
	there := make([]bool, n)
	for _, row := range used {
		if row != storage.NoRow {
			there[row] = true
		}
	}
	var rows []uint32
	for row, is := range there {
		if !is {
			rows = append(rows, uint32(row))
		}
	}
	return rows
}

// pick returns the column of joined rows: from left where there is a left row,
// else from right. Either may be nil.
func (j *joinedRows) pick(left, right *storage.Column) *storage.Column {
	rest := j.right[j.nLeft:]
	switch {
	case left == nil:
		return storage.Gather(right.Field, storage.Piece{Column: right, Rows: j.right})
	case j.left == nil && len(rest) == 0:
		return left
	}
	return storage.Gather(left.Field,
		storage.Piece{Column: left, Rows: j.left, All: j.left == nil},
		storage.Piece{Column: right, Rows: rest})
}
