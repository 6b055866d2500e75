package script

import (
	"fmt"
	"math"
	"slices"

	"github.com/cognate-bi/cognate/storage"
)

// joinKind says which rows without a partner a join keeps.
type joinKind uint8

const (
	joinOuter joinKind = iota
	joinInner
	joinLeft
	joinRight
)

func (k joinKind) keepsLeft() bool  { return k == joinOuter || k == joinLeft }
func (k joinKind) keepsRight() bool { return k == joinOuter || k == joinRight }

// noKey is the key of rows that match nothing: a part of it is NULL.
const noKey = math.MaxUint32

// storeJoined joins the rows of in to a table, or reduces both tables (KEEP).
func (r *runner) storeJoined(l *load, label string, in reader) error {
	left, err := r.prefixTarget(l)
	if err != nil {
		return err
	}
	o, err := r.newOutput(label, nil, in.Fields())
	if err != nil {
		return err
	}
	before := r.loading
	r.loading = o
	err = o.read(r.ctx, in)
	r.loading = before
	r.changed()
	if err != nil {
		return err
	}
	right := o.builder.Table()
	if l.prefix.mode == storeKeep {
		return r.keep(left, right, l.prefix.join, label)
	}
	t, err := join(left, right, l.prefix.join, r.limits.MaxRows)
	if err != nil {
		return err
	}
	if err := r.checkMemory(t.Memory()); err != nil {
		return err
	}
	r.section.Put(t)
	delete(r.builders, t.Name)
	r.last = t.Name
	r.event(Event{Kind: TableFinished, Table: t.Name, Rows: t.Rows})
	return nil
}

// keep reduces the tables to rows that have partners and stores both.
func (r *runner) keep(left, right *storage.Table, kind joinKind, label string) error {
	leftKeys, rightKeys := joinKeys(left, right)
	if kind != joinRight {
		right = right.Select(partnered(rightKeys, leftKeys))
	}
	if kind != joinLeft {
		reduced := left.Select(partnered(leftKeys, rightKeys))
		r.section.Put(reduced)
		delete(r.builders, left.Name)
	}
	right.Name = r.freeName(label)
	r.section.Put(right)
	r.last = right.Name
	r.changed()
	r.event(Event{Kind: TableFinished, Table: right.Name, Rows: right.Rows})
	return nil
}

// partnered returns the rows of keys that occur in others.
func partnered(keys, others []uint32) []uint32 {
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

// commonFields returns the fields that both tables have, in the order of the
// left one.
func commonFields(left, right *storage.Table) []string {
	var common []string
	for _, c := range left.Columns {
		if right.Column(c.Field.Name) != nil {
			common = append(common, c.Field.Name)
		}
	}
	return common
}

// joinKeys returns a number for each row, equal for rows that match. Tables
// share the symbol tables of their fields, so codes are compared, not values.
// Without common fields all rows match.
func joinKeys(left, right *storage.Table) (l, r []uint32) {
	l, r = make([]uint32, left.Rows), make([]uint32, right.Rows)
	for i, name := range commonFields(left, right) {
		a, b := make([]uint32, left.Rows), make([]uint32, right.Rows)
		left.Column(name).Codes(a, 0)
		right.Column(name).Codes(b, 0)
		if i == 0 {
			l, r = nullKeys(a), nullKeys(b)
			continue
		}
		pairs := map[uint64]uint32{}
		combine(l, a, pairs)
		combine(r, b, pairs)
	}
	return l, r
}

// nullKeys turns code 0 into noKey.
func nullKeys(codes []uint32) []uint32 {
	for i, c := range codes {
		if c == 0 {
			codes[i] = noKey
		}
	}
	return codes
}

// combine replaces keys by the numbers of the pairs (key, code).
func combine(keys, codes []uint32, pairs map[uint64]uint32) {
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

// join returns the natural join of the tables under the left one's name: key
// fields first, then the other fields of the left table, then those of the
// right one. Rows come in the order of the left table, with the partners of a
// row in the order of the right one; right rows without a partner follow.
func join(left, right *storage.Table, kind joinKind, rowsMax int) (*storage.Table, error) {
	leftRows, rightRows, err := joinRows(left, right, kind, rowsMax)
	if err != nil {
		return nil, err
	}
	out := *left
	out.Rows, out.Columns = len(leftRows), nil
	common := commonFields(left, right)
	for _, name := range common {
		out.Columns = append(out.Columns, pick(left.Column(name), right.Column(name), leftRows, rightRows))
	}
	for _, c := range left.Columns {
		if !slices.Contains(common, c.Field.Name) {
			out.Columns = append(out.Columns, pick(c, nil, leftRows, rightRows))
		}
	}
	for _, c := range right.Columns {
		if !slices.Contains(common, c.Field.Name) {
			out.Columns = append(out.Columns, pick(nil, c, leftRows, rightRows))
		}
	}
	return &out, nil
}

// joinRows returns the pairs of rows of a join; -1 is no row.
func joinRows(left, right *storage.Table, kind joinKind, rowsMax int) (leftRows, rightRows []int32, err error) {
	leftKeys, rightKeys := joinKeys(left, right)
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

// pick returns the column of joined rows: from left where there is a left
// row, else from right. Either may be nil.
func pick(left, right *storage.Column, leftRows, rightRows []int32) *storage.Column {
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
