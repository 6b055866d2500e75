package script

import (
	"fmt"

	"github.com/cognate-bi/cognate/storage/dual"
)

// A renaming is old TO new.
type renaming struct{ from, to string }

// mappingAhead reads the name of a mapping table.
func (r *runner) mappingAhead(sc *scanner) (*mapping, error) {
	name, err := sc.name("a mapping table")
	if err != nil {
		return nil, err
	}
	m := r.maps[name]
	if m == nil {
		return nil, fmt.Errorf("mapping table %q not found", name)
	}
	return m, nil
}

// renamings reads old TO new, ... or USING mapping, which is looked up for
// the given names.
func (r *runner) renamings(sc *scanner, names []string) ([]renaming, error) {
	if !sc.accept("USING") {
		return list(sc, func() (renaming, error) {
			from, err := sc.name("a name")
			if err != nil {
				return renaming{}, err
			}
			if err := sc.expectWord("TO"); err != nil {
				return renaming{}, err
			}
			to, err := sc.name("a name")
			return renaming{from, to}, err
		})
	}
	m, err := r.mappingAhead(sc)
	if err != nil {
		return nil, err
	}
	var out []renaming
	for _, name := range names {
		if to, ok := m.find(r.fn, dual.String(name)); ok {
			out = append(out, renaming{name, r.show(to)})
		}
	}
	return out, nil
}

// renameFields is RENAME FIELDS. A name that is taken leaves the field as it
// is.
func (r *runner) renameFields(sc *scanner) error {
	list, err := r.renamings(sc, r.fieldNames())
	if err != nil {
		return err
	}
	for _, x := range list {
		r.section.RenameField(x.from, x.to)
	}
	r.builders = map[string]openBuilder{}
	r.changed()
	return sc.finish()
}

// fieldNames returns the fields that tables have.
func (r *runner) fieldNames() []string {
	var names []string
	seen := map[string]bool{}
	for _, t := range r.section.Tables() {
		for _, name := range t.FieldNames() {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

// renameTables is RENAME TABLES. A name that is taken leaves the table as it
// is.
func (r *runner) renameTables(sc *scanner) error {
	var names []string
	for _, t := range r.section.Tables() {
		names = append(names, t.Name)
	}
	list, err := r.renamings(sc, names)
	if err != nil {
		return err
	}
	for _, x := range list {
		t := r.section.Table(x.from)
		if t == nil || r.section.Table(x.to) != nil {
			continue
		}
		t.Name = x.to
		delete(r.builders, x.from)
		if r.last == x.from {
			r.last = x.to
		}
	}
	r.changed()
	return sc.finish()
}
