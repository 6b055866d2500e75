package storage

import (
	"fmt"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cognate-bi/cognate/storage/dual"
)

// RowsMax is the largest number of rows of a table: row numbers are 32 bits.
const RowsMax = math.MaxInt32

// A Catalog is a set of tables and the fields that they share.
type Catalog struct {
	// Show makes the text of a number that has a format; fields need it when
	// formatted numbers meet values with own text.
	Show func(dual.Value) string
	// Workers bounds the goroutines of one operation; 0 = all processors.
	Workers int

	tables []*Table
	fields map[string]*Field
	order  []*Field
	sealed bool
	damage *Damage // of what was restored and is read later; nil for others
}

// Damage tells what was found wrong with data that are read when they are
// first asked for.
func (c *Catalog) Damage() error { return c.damage.Err() }

// Verify loads all that is still to be loaded, looks whether two symbols of a
// field are the same, and returns the first thing that is wrong.
func (c *Catalog) Verify() error {
	for _, f := range c.order {
		f.Symbols.Find(dual.Number(0))
	}
	for _, t := range c.tables {
		for _, col := range t.Columns {
			col.ready()
		}
	}
	return c.Damage()
}

// NewCatalog returns an empty catalog.
func NewCatalog(show func(dual.Value) string) *Catalog {
	return &Catalog{Show: show, fields: map[string]*Field{}}
}

func (c *Catalog) workers() int {
	if c.Workers > 0 {
		return c.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// Tables returns the tables in load order.
func (c *Catalog) Tables() []*Table { return c.tables }

// Fields returns the fields in order of creation. Before Seal it may hold
// fields that no table uses.
func (c *Catalog) Fields() []*Field { return c.order }

// Field returns the named field, nil if there is none.
func (c *Catalog) Field(name string) *Field { return c.fields[name] }

// FieldOf returns the named field and creates it if needed.
func (c *Catalog) FieldOf(name string) *Field {
	if f := c.fields[name]; f != nil {
		return f
	}
	f := &Field{Name: name, Symbols: &Symbols{}}
	c.fields[name] = f
	c.order = append(c.order, f)
	return f
}

// Table returns the named table, nil if there is none.
func (c *Catalog) Table(name string) *Table {
	for _, t := range c.tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Put adds a table, or replaces the one of the same name in its place.
func (c *Catalog) Put(t *Table) {
	for i, old := range c.tables {
		if old.Name == t.Name {
			c.tables[i] = t
			return
		}
	}
	c.tables = append(c.tables, t)
}

// Drop removes a table and reports whether it was there.
func (c *Catalog) Drop(name string) bool {
	n := len(c.tables)
	c.tables = slices.DeleteFunc(c.tables, func(t *Table) bool { return t.Name == name })
	return len(c.tables) < n
}

// RenameField renames a field in all tables. It reports false, and changes
// nothing, if there is no such field or the new name is taken.
func (c *Catalog) RenameField(from, to string) bool {
	f := c.fields[from]
	if f == nil || (c.fields[to] != nil && c.uses(to)) {
		return false
	}
	if stale := c.fields[to]; stale != nil { // only values of dropped tables
		c.order = slices.DeleteFunc(c.order, func(o *Field) bool { return o == stale })
	}
	delete(c.fields, from)
	f.Name = to
	c.fields[to] = f
	return true
}

func (c *Catalog) uses(field string) bool {
	for _, t := range c.tables {
		if t.Column(field) != nil {
			return true
		}
	}
	return false
}

// Seal removes fields and values that no table uses any more, gives back
// spare memory and ends the time of changes.
func (c *Catalog) Seal() error {
	if c.sealed {
		return nil
	}
	c.sealed = true
	used := map[*Field]bool{}
	for _, t := range c.tables {
		for _, col := range t.Columns {
			if col.Rows() != t.Rows {
				return fmt.Errorf("table %s: field %s has %d rows of %d", t.Name, col.Field.Name, col.Rows(), t.Rows)
			}
			used[col.Field] = true
		}
	}
	c.order = slices.DeleteFunc(c.order, func(f *Field) bool {
		if !used[f] {
			delete(c.fields, f.Name)
		}
		return !used[f]
	})
	places := map[*Field][]place{}
	for _, t := range c.tables {
		for i, col := range t.Columns {
			places[col.Field] = append(places[col.Field], place{t, i})
		}
	}
	c.dropIndexes()
	var g errgroup.Group
	g.SetLimit(c.workers())
	for _, f := range c.order {
		g.Go(func() error {
			compact(f, places[f])
			f.Symbols.trim()
			replace(places[f], func(c *Column) *Column { return c.pack(uint32(f.Symbols.n)) })
			f.dict.Store(nil) // made while loading, of numbers as they lay then
			return nil
		})
	}
	return g.Wait()
}

// dropIndexes frees the memory that loading needed, before arrays are copied
// into such that fit.
func (c *Catalog) dropIndexes() {
	bytes := int64(0)
	for _, f := range c.order {
		if !f.Symbols.trimmed {
			bytes += f.Symbols.indexBytes()
			f.Symbols.dropIndex()
		}
	}
	if bytes > garbageBytes {
		runtime.GC()
	}
}

// A place is where a field is used: a column of a table by number.
type place struct {
	table *Table
	at    int
}

// replace puts what is made of a column in its place. A column of several
// tables ([Catalog.Project]) stays one.
func replace(places []place, made func(*Column) *Column) {
	done := make(map[*Column]*Column, len(places))
	for _, p := range places {
		at := &p.table.Columns[p.at]
		if done[*at] == nil {
			done[*at] = made(*at)
		}
		*at = done[*at]
	}
}

// compact drops the values of f that no row has. The order of the others, and
// so the load order, stays. It touches only the columns of f.
func compact(f *Field, places []place) {
	if f.whole {
		return
	}
	f.whole = true
	for _, p := range places {
		if int(p.table.Columns[p.at].covers) == f.Symbols.Len() {
			return
		}
	}
	seen := make([]uint8, f.Symbols.Len()+1)
	seen[0] = 1
	open := f.Symbols.Len()
	for _, p := range places {
		open = p.table.Columns[p.at].Mark(seen, nil, open)
	}
	if open == 0 {
		return
	}
	symbols, to := f.Symbols.keep(seen)
	replace(places, func(c *Column) *Column {
		codes := make([]uint32, c.Rows())
		c.Through(codes, 0, to)
		return NewColumn(f, codes)
	})
	f.Symbols = symbols
	f.dict.Store(nil)
}
