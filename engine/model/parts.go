package model

import (
	"slices"

	"github.com/cognate-bi/cognate/storage"
)

// KeyTable returns the table that was made with a synthetic key, nil for
// other fields. Several keys share a table if they were made together; its
// rows then repeat some combinations.
func (m *Model) KeyTable(key *Field) *Table {
	n := keyNumber(key.Name)
	if key.Parts == nil || n == 0 {
		return nil
	}
	// Keys without a table of their own come right before the one that has it.
	for ; n <= syntheticKeysMax; n++ {
		if t := m.Table(tableOf(keyName(n))); t != nil && t.Synthetic {
			return t
		}
	}
	return nil
}

// PartCodes returns, for each code of a synthetic key, the code that one of
// its parts has in the combination; nil if the field is none of them. It
// costs a look at each row of the key's table.
func (m *Model) PartCodes(key, part *Field) []uint32 {
	home := m.KeyTable(key)
	if home == nil || !slices.Contains(key.Parts, part.Name) {
		return nil
	}
	w := partSearch{model: m, seen: map[*Table]bool{home: true}, steps: partStepsMax}
	return w.through(home, key, part)
}

// SourceTable returns a table as the script has loaded it: in place of a
// synthetic key it has the columns of the fields that the key stands for.
func (m *Model) SourceTable(t *Table) *storage.Table {
	out := *t.Table
	out.Columns = nil
	for _, c := range t.Table.Columns {
		key := m.byName[c.Field.Name]
		if !IsSynthetic(key.Name) || key.Parts == nil {
			out.Columns = append(out.Columns, c)
			continue
		}
		for _, name := range key.Parts {
			part := m.byName[name]
			if part == nil {
				continue
			}
			if through := m.PartCodes(key, part); through != nil {
				codes := make([]uint32, t.Rows)
				c.Through(codes, 0, through)
				out.Columns = append(out.Columns, storage.NewColumn(part.Field, codes))
			}
		}
	}
	return &out
}

// SourceTables returns all tables as the script has loaded them.
func (m *Model) SourceTables() []*storage.Table {
	var out []*storage.Table
	for _, t := range m.Tables {
		if !t.Synthetic {
			out = append(out, m.SourceTable(t))
		}
	}
	return out
}

// partStepsMax bounds the tables looked into; a model read from a file may
// have been made to lead round in circles.
const partStepsMax = 10 * syntheticKeysMax

// A partSearch follows keys of keys.
type partSearch struct {
	model *Model
	seen  map[*Table]bool // on the way to where the search is
	steps int             // that are left
}

// through returns for each code of a key the code of a field in the same rows
// of a table; nil if one of them is not to be found.
func (s *partSearch) through(t *Table, key, field *Field) []uint32 {
	keys, codes := s.rowCodes(t, key), s.rowCodes(t, field)
	if keys == nil || codes == nil {
		return nil
	}
	out := make([]uint32, key.Symbols.Len()+1)
	for row, k := range keys {
		if k != 0 {
			out[k] = codes[row]
		}
	}
	return out
}

// rowCodes returns the codes of a field in the rows of a table: those of its
// column, or, if a later key has taken that out of the table, what is behind
// the key.
func (s *partSearch) rowCodes(t *Table, f *Field) []uint32 {
	codes := make([]uint32, t.Rows)
	if col := t.Column(f); col != nil {
		col.Codes(codes, 0)
		return codes
	}
	for _, col := range t.Table.Columns {
		key := s.model.Field(col.Field.Name)
		home := s.model.KeyTable(key)
		if home == nil || s.seen[home] || !determines(key, f) || s.steps == 0 {
			continue
		}
		s.steps--
		s.seen[home] = true
		to := s.through(home, key, f)
		delete(s.seen, home)
		if to != nil {
			col.Through(codes, 0, to)
			return codes
		}
	}
	return nil
}

// determines reports whether all of f is part of a key.
func determines(key, f *Field) bool {
	parts := f.Parts
	if parts == nil {
		parts = []string{f.Name}
	}
	for _, p := range parts {
		if !slices.Contains(key.Parts, p) {
			return false
		}
	}
	return true
}
