package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// keyPrefix starts the names of keys and their tables.
const keyPrefix = "$Syn "

// syntheticKeysMax bounds the keys of a model; real ones need a handful.
const syntheticKeysMax = 100

// addSyntheticKeys replaces every combination of two or more fields that
// tables share by a key field `$Syn n` and a table `$Syn n Table` of the
// combinations that occur (data-model.md, section 4). A catalog that has its
// keys already gets no more.
//
// Key values are 0, 1, 2 ... in order of first appearance over the tables in
// load order; combinations with some NULL parts count, all-NULL ones do not.
//
// Usually one key after the other is made, the largest combination first. A
// table that takes part in two overlapping combinations is taken apart from
// its partners at once ([makeComposite]): one key after the other would leave
// the fields they have in common in two places, and so a cycle.
func addSyntheticKeys(c *storage.Catalog) error {
	for {
		s := sharingOf(c)
		if x := s.composite(); x != nil {
			if err := makeComposite(c, x); err != nil {
				return err
			}
		} else if best := s.largest(); best != nil {
			if err := makeKey(c, s.fieldsOf(best)); err != nil {
				return err
			}
		} else {
			return nil
		}
		if nextKey(c) > syntheticKeysMax {
			return fmt.Errorf("more than %d are needed: too many tables share too many fields", syntheticKeysMax)
		}
	}
}

// IsSynthetic reports whether a field or table name is one of a synthetic key.
func IsSynthetic(name string) bool { return strings.HasPrefix(name, keyPrefix) }

// isKeyTable reports whether a table is that of a synthetic key, made now or
// in an earlier life of the catalog.
func isKeyTable(t *storage.Table) bool {
	for _, col := range t.Columns {
		if col.Field.Parts != nil && t.Name == tableOf(col.Field.Name) {
			return true
		}
	}
	return false
}

func tableOf(key string) string { return key + " Table" }

// nextKey returns the first free number of a key.
func nextKey(c *storage.Catalog) int {
	n := 1
	for c.Field(keyName(n)) != nil || c.Table(tableOf(keyName(n))) != nil {
		n++
	}
	return n
}

func keyName(n int) string { return keyPrefix + strconv.Itoa(n) }

// keyNumber returns the number in the name of a key, 0 for other names.
func keyNumber(name string) int {
	digits, ok := strings.CutPrefix(name, keyPrefix)
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || name != keyName(n) {
		return 0
	}
	return n
}

// newKey makes the next key field, for a combination of fields.
func newKey(c *storage.Catalog, fields []*storage.Field) *storage.Field {
	key := c.FieldOf(keyName(nextKey(c)))
	for _, f := range fields {
		parts := f.Parts
		if parts == nil {
			parts = []string{f.Name}
		}
		for _, p := range parts {
			if !slices.Contains(key.Parts, p) {
				key.Parts = append(key.Parts, p)
			}
		}
	}
	return key
}

// setValues gives a key its values 0, 1, 2 ... with the codes 1, 2, 3 ...
func setValues(key *storage.Field, n int) error {
	for i := range n {
		if _, err := key.Symbols.Code(dual.Number(float64(i))); err != nil {
			return fmt.Errorf("%s: %w", key.Name, err)
		}
	}
	return nil
}

// makeKey puts a key in place of the fields in all tables that have them all.
func makeKey(c *storage.Catalog, fields []*storage.Field) error {
	key := newKey(c, fields)
	tuples := newTuples(fields)
	for _, t := range c.Tables() {
		if holds(t, fields) {
			c.Put(withKey(t, fields, storage.NewColumn(key, tuples.codes(t))))
		}
	}
	if err := setValues(key, tuples.len()); err != nil {
		return err
	}
	t := &storage.Table{Name: tableOf(key.Name), Rows: tuples.len()}
	t.Columns = append(t.Columns, storage.NewColumn(key, upTo(tuples.len())))
	for i, f := range fields {
		t.Columns = append(t.Columns, storage.NewColumn(f, tuples.part(i)))
	}
	c.Put(t)
	return nil
}

// upTo returns the codes 1..n.
func upTo(n int) []uint32 {
	codes := make([]uint32, n)
	for i := range codes {
		codes[i] = uint32(i + 1)
	}
	return codes
}

func holds(t *storage.Table, fields []*storage.Field) bool {
	for _, f := range fields {
		if t.Column(f.Name) == nil {
			return false
		}
	}
	return true
}

// withKey returns t without the shared fields, the key as its last column.
func withKey(t *storage.Table, shared []*storage.Field, key *storage.Column) *storage.Table {
	out := *t
	out.Columns = nil
	for _, col := range t.Columns {
		if !slices.Contains(shared, col.Field) {
			out.Columns = append(out.Columns, col)
		}
	}
	out.Columns = append(out.Columns, key)
	return &out
}
