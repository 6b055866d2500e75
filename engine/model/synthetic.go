package model

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// addSyntheticKeys replaces every combination of two or more fields that
// tables share by a key field `$Syn n` and a table `$Syn n Table` of the
// combinations that occur. It returns the names of the tables made.
//
// Key values are 0, 1, 2 ... in order of first appearance over the tables in
// load order; combinations with some NULL parts count, all-NULL ones do not
// (data-model.md, section 4).
func addSyntheticKeys(c *storage.Catalog) (map[string]bool, error) {
	made := map[string]bool{}
	const rounds = 100 // each round makes one key; real models need a handful
	for n := 1; n <= rounds; n++ {
		fields, tables := sharedCombination(c)
		if fields == nil {
			return made, nil
		}
		key := fmt.Sprintf("$Syn %d", n)
		if err := makeSyntheticKey(c, key, fields, tables); err != nil {
			return nil, err
		}
		made[key+" Table"] = true
	}
	return nil, fmt.Errorf("more than %d are needed: too many tables share too many fields", rounds)
}

// sharedCombination returns the largest combination of fields that two tables
// share, the earliest of equals, and all tables that hold it; nil if no two
// tables share more than one field.
func sharedCombination(c *storage.Catalog) ([]*storage.Field, []*storage.Table) {
	var best []*storage.Field
	tables := c.Tables()
	for i, a := range tables {
		for _, b := range tables[i+1:] {
			if common := intersect(c, a, b); len(common) >= 2 && len(common) > len(best) {
				best = common
			}
		}
	}
	if best == nil {
		return nil, nil
	}
	var holders []*storage.Table
	for _, t := range tables {
		if holds(t, best) {
			holders = append(holders, t)
		}
	}
	return best, holders
}

func intersect(c *storage.Catalog, a, b *storage.Table) (common []*storage.Field) {
	for _, f := range c.Fields() { // in order of creation
		if a.Column(f.Name) != nil && b.Column(f.Name) != nil {
			common = append(common, f)
		}
	}
	return common
}

func holds(t *storage.Table, fields []*storage.Field) bool {
	for _, f := range fields {
		if t.Column(f.Name) == nil {
			return false
		}
	}
	return true
}

func makeSyntheticKey(c *storage.Catalog, key string, fields []*storage.Field, tables []*storage.Table) error {
	keyField := c.FieldOf(key)
	number := map[string]uint32{} // combination of codes -> code of the key
	var combinations [][]uint32
	tuple := make([]uint32, len(fields))
	raw := make([]byte, 4*len(fields))
	for _, t := range tables {
		columns := make([]*storage.Column, len(fields))
		for i, f := range fields {
			columns[i] = t.Column(f.Name)
		}
		codes := make([]uint32, t.Rows)
		for row := range codes {
			some := uint32(0)
			for i, col := range columns {
				tuple[i] = col.Code(row)
				some |= tuple[i]
				binary.LittleEndian.PutUint32(raw[4*i:], tuple[i])
			}
			if some == 0 {
				continue
			}
			code, ok := number[string(raw)]
			if !ok {
				var err error
				if code, err = keyField.Symbols.Code(dual.Number(float64(len(combinations)))); err != nil {
					return fmt.Errorf("%s: %w", key, err)
				}
				number[string(raw)] = code
				combinations = append(combinations, append([]uint32(nil), tuple...))
			}
			codes[row] = code
		}
		c.Put(withKey(t, fields, storage.NewColumn(keyField, codes)))
	}
	c.Put(combinationTable(key, keyField, fields, combinations))
	return nil
}

// withKey returns t without the shared fields, the key as its last column.
func withKey(t *storage.Table, shared []*storage.Field, key *storage.Column) *storage.Table {
	out := *t
	out.Columns = nil
	for _, col := range t.Columns {
		keep := true
		for _, f := range shared {
			keep = keep && col.Field != f
		}
		if keep {
			out.Columns = append(out.Columns, col)
		}
	}
	out.Columns = append(out.Columns, key)
	return &out
}

func combinationTable(key string, keyField *storage.Field, fields []*storage.Field, combinations [][]uint32) *storage.Table {
	t := &storage.Table{Name: key + " Table", Rows: len(combinations)}
	codes := make([]uint32, len(combinations))
	for i := range codes {
		codes[i] = uint32(i + 1)
	}
	t.Columns = append(t.Columns, storage.NewColumn(keyField, codes))
	for i, f := range fields {
		for row, tuple := range combinations {
			codes[row] = tuple[i]
		}
		t.Columns = append(t.Columns, storage.NewColumn(f, codes))
	}
	return t
}

// IsSynthetic reports whether a field or table name is one of a synthetic key.
func IsSynthetic(name string) bool { return strings.HasPrefix(name, "$Syn ") }
