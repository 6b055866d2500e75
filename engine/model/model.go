// Package model links the tables of a catalog into the association graph.
//
// Tables that share a field are linked through it. Tables that share several
// fields are linked through a synthetic key, a table of the combinations that
// occur. If the graph of tables and shared fields has a cycle, tables are made
// loosely coupled until it has none. What results is a forest: between two
// tables there is at most one way, and inference by semi-joins is exact.
//
// A Model is immutable; what is computed on demand (indexes of links, ways
// between tables) is computed once and shared by all goroutines.
package model

import (
	"fmt"
	"sync"

	"github.com/cognate-bi/cognate/storage"
)

// A Model is the association graph of a sealed catalog.
type Model struct {
	Catalog *storage.Catalog
	Tables  []*Table
	Fields  []*Field
	// Warnings says which tables were loosened and why.
	Warnings []string
	// Version differs between any two models of a process.
	Version uint64

	byName map[string]*Field
	steps  sync.Map // Step -> []int32, see rowOf
	ways   sync.Map // [2]int{base table, field} -> *Way, nil where there is none
}

// A Table is a node of the graph.
type Table struct {
	*storage.Table
	ID        int
	Synthetic bool // $Syn n Table
	Loose     bool // does not take part in the links
	Tree      int  // number of the connected component
	// Columns by field ID; nil where the table lacks the field.
	columns map[int]*storage.Column
	Links   []*Link // of this table, one for each key field it is linked by
}

// A Field is a field with the tables that hold it.
type Field struct {
	*storage.Field
	ID     int
	Tables []*Table // in load order
	Key    bool     // in more than one table
	Links  []*Link  // of tables that are not loose; empty unless Key
	Tags   []string
}

// A Link is the use of a key field by a table.
type Link struct {
	Table  *Table
	Field  *Field
	Column *storage.Column
	index  linkIndex
}

// Column returns the table's column of a field, nil if it has none.
func (t *Table) Column(f *Field) *storage.Column { return t.columns[f.ID] }

// Link returns the table's link through a field, nil if it has none.
func (t *Table) Link(f *Field) *Link {
	for _, l := range t.Links {
		if l.Field == f {
			return l
		}
	}
	return nil
}

// Field returns the named field, nil if there is none.
func (m *Model) Field(name string) *Field { return m.byName[name] }

// Table returns the named table, nil if there is none.
func (m *Model) Table(name string) *Table {
	for _, t := range m.Tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Home returns the table in which the field's rows are counted: of several
// the one with most rows, the first loaded of equals (data-model.md,
// section 7).
func (f *Field) Home() *Table {
	var home *Table
	for _, t := range f.Tables {
		if !t.Synthetic && (home == nil || t.Rows > home.Rows) {
			home = t
		}
	}
	if home == nil {
		return f.Tables[0]
	}
	return home
}

// Build links the tables of the catalog, which must not be changed
// afterwards. version has to differ from that of every other model alive.
// The catalog gets the tables of the synthetic keys and is sealed.
func Build(c *storage.Catalog, version uint64) (*Model, error) {
	if err := addSyntheticKeys(c); err != nil {
		return nil, fmt.Errorf("synthetic keys: %w", err)
	}
	if err := c.Seal(); err != nil {
		return nil, err
	}
	m := &Model{Catalog: c, Version: version, byName: map[string]*Field{}}
	for i, f := range c.Fields() {
		field := &Field{Field: f, ID: i}
		m.Fields = append(m.Fields, field)
		m.byName[f.Name] = field
	}
	for i, t := range c.Tables() {
		table := &Table{Table: t, ID: i, Loose: t.Loose, Synthetic: isKeyTable(t), columns: map[int]*storage.Column{}}
		for _, col := range t.Columns {
			f := m.byName[col.Field.Name]
			f.Tables = append(f.Tables, table)
			table.columns[f.ID] = col
		}
		m.Tables = append(m.Tables, table)
	}
	for _, f := range m.Fields {
		f.Key = len(f.Tables) > 1
	}
	m.loosenCycles()
	m.link()
	for _, f := range m.Fields {
		f.Tags = tagsOf(f)
	}
	return m, nil
}

// link makes the links of all tables that are not loose and numbers the trees
// of the forest.
func (m *Model) link() {
	for _, f := range m.Fields {
		if !f.Key {
			continue
		}
		for _, t := range f.Tables {
			if t.Loose {
				continue
			}
			l := &Link{Table: t, Field: f, Column: t.columns[f.ID]}
			f.Links = append(f.Links, l)
			t.Links = append(t.Links, l)
		}
	}
	for _, t := range m.Tables {
		t.Tree = -1
	}
	for i, t := range m.Tables {
		if t.Tree < 0 {
			numberTree(t, i)
		}
	}
}

func numberTree(start *Table, number int) {
	open := []*Table{start}
	start.Tree = number
	for len(open) > 0 {
		t := open[len(open)-1]
		open = open[:len(open)-1]
		for _, l := range t.Links {
			for _, o := range l.Field.Links {
				if o.Table.Tree < 0 {
					o.Table.Tree = number
					open = append(open, o.Table)
				}
			}
		}
	}
}
