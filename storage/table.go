package storage

import "sync"

// A Table is a list of columns of equal length. Its columns are not changed
// once it is in a catalog: an operation on it makes a new table.
type Table struct {
	Name    string
	Columns []*Column
	Rows    int
	// Loose tables do not pass selections on (LOOSEN TABLE, cycles).
	Loose bool
	// Distinct tables were loaded with DISTINCT; rows added later are
	// deduplicated together with the rest.
	Distinct bool
	Comment  string
	Tags     []string
}

// Column returns the column of the named field, nil if there is none.
func (t *Table) Column(name string) *Column {
	for _, c := range t.Columns {
		if c.Field.Name == name {
			return c
		}
	}
	return nil
}

// FieldNames returns the names of the columns in order.
func (t *Table) FieldNames() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Field.Name
	}
	return names
}

// SameFields reports whether the table has exactly these fields, in any
// order.
func (t *Table) SameFields(names []string) bool {
	if len(names) != len(t.Columns) {
		return false
	}
	for _, n := range names {
		if t.Column(n) == nil {
			return false
		}
	}
	return true
}

// Select returns a table of the given rows of t, in that order.
func (t *Table) Select(rows []uint32) *Table {
	out := *t
	out.Rows = len(rows)
	out.Columns = make([]*Column, len(t.Columns))
	var wg sync.WaitGroup
	for i, c := range t.Columns {
		wg.Go(func() { out.Columns[i] = Gather(c.Field, Piece{c, rows, false}) })
	}
	wg.Wait()
	return &out
}
