package model

import (
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// sharing says which table has which fields. A combination of fields is the
// set of their numbers in order of creation.
type sharing struct {
	tables []*storage.Table
	fields []*storage.Field
	has    []*bitset.Set // by table
}

func sharingOf(c *storage.Catalog) *sharing {
	s := &sharing{tables: c.Tables(), fields: c.Fields()}
	number := make(map[*storage.Field]int, len(s.fields))
	for i, f := range s.fields {
		number[f] = i
	}
	for _, t := range s.tables {
		has := bitset.New(len(s.fields))
		for _, col := range t.Columns {
			has.Add(number[col.Field])
		}
		s.has = append(s.has, has)
	}
	return s
}

// common returns the combination that two tables share, nil if it is less
// than two fields.
func (s *sharing) common(a, b int) *bitset.Set {
	both := s.has[a].Clone()
	both.And(s.has[b])
	if both.Count() < 2 {
		return nil
	}
	return both
}

// largest returns the largest combination that two tables share, the earliest
// of equals; nil if no two tables share more than one field.
func (s *sharing) largest() (best *bitset.Set) {
	for a := range s.tables {
		for b := a + 1; b < len(s.tables); b++ {
			if both := s.common(a, b); both != nil && (best == nil || both.Count() > best.Count()) {
				best = both
			}
		}
	}
	return best
}

func (s *sharing) fieldsOf(set *bitset.Set) (fields []*storage.Field) {
	for i := range set.All() {
		fields = append(fields, s.fields[i])
	}
	return fields
}

// within reports whether part is a subset of whole.
func within(part, whole *bitset.Set) bool {
	rest := part.Clone()
	rest.AndNot(whole)
	return rest.Empty()
}

// meet reports whether two combinations have a field in common.
func meet(a, b *bitset.Set) bool {
	both := a.Clone()
	both.And(b)
	return !both.Empty()
}
