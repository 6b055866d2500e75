package script

import (
	"fmt"
	"slices"

	"github.com/cognate-bi/cognate/storage"
)

// dropTables is DROP TABLES name, ...
func (r *runner) dropTables(sc *scanner) error {
	names, err := sc.names("a table")
	if err != nil {
		return err
	}
	for _, name := range names {
		if r.maps[name] != nil && r.section.Table(name) == nil {
			delete(r.maps, name)
			continue
		}
		if !r.section.Drop(name) {
			return fmt.Errorf("table %q not found", name)
		}
		delete(r.builders, name)
	}
	r.changed()
	return sc.finish()
}

// dropFields is DROP FIELDS name, ... [FROM table, ...].
func (r *runner) dropFields(sc *scanner) error {
	names, err := sc.names("a field")
	if err != nil {
		return err
	}
	tables := r.section.Tables()
	if sc.accept("FROM") {
		from, err := sc.names("a table")
		if err != nil {
			return err
		}
		tables = nil
		for _, name := range from {
			t := r.section.Table(name)
			if t == nil {
				return fmt.Errorf("table %q not found", name)
			}
			tables = append(tables, t)
		}
	}
	if err := sc.finish(); err != nil {
		return err
	}
	found := map[string]bool{}
	for _, t := range slices.Clone(tables) {
		r.withoutFields(t, names, found)
	}
	r.changed()
	for _, name := range names {
		if !found[name] {
			return fmt.Errorf("field %q not found", name)
		}
	}
	return nil
}

// withoutFields replaces t by a table without the named fields; a table that
// has no field left goes.
func (r *runner) withoutFields(t *storage.Table, names []string, found map[string]bool) {
	out := *t
	out.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c *storage.Column) bool {
		drop := slices.Contains(names, c.Field.Name)
		if drop {
			found[c.Field.Name] = true
		}
		return drop
	})
	switch len(out.Columns) {
	case len(t.Columns):
		return
	case 0:
		r.section.Drop(t.Name)
	default:
		r.section.Put(&out)
	}
	delete(r.builders, t.Name)
}
