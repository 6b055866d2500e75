package script

import (
	"slices"

	"github.com/cognate-bi/cognate/storage"
)

// Kept is what an app has when it is reloaded in part: its tables as scripts
// have loaded them, in their order, and those of its access section.
type Kept struct {
	Tables []*storage.Table
	Access []*storage.Table
}

// partialMode says what becomes of a load in a partial reload.
type partialMode uint8

const (
	partialSkip    partialMode = iota // its table stays as it is
	partialAdd                        // its rows are added, as in any reload
	partialReplace                    // its table is dropped first
)

// derivedTag marks fields that DERIVE has made.
const derivedTag = "$derived"

// takeKept starts a partial reload with what the app has. Derived fields are made
// anew: DERIVE is no load, and runs again.
func (r *runner) takeKept() error {
	if r.opt.Kept == nil {
		return nil
	}
	if err := r.copyTables(r.catalog, withoutDerived(r.opt.Kept.Tables)); err != nil {
		return err
	}
	if r.opt.Kept.Access != nil {
		r.access = storage.NewCatalog(r.show)
		if err := r.copyTables(r.access, r.opt.Kept.Access); err != nil {
			return err
		}
	}
	r.changed()
	return r.checkMemory(0)
}

func withoutDerived(tables []*storage.Table) []*storage.Table {
	out := slices.Clone(tables)
	for i, t := range out {
		kept := *t
		kept.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c *storage.Column) bool { return slices.Contains(c.Field.Tags, derivedTag) })
		out[i] = &kept
	}
	return out
}

// takesPart reports whether a load runs in this reload.
func (r *runner) takesPart(l *load) bool {
	if r.opt.Kept == nil {
		return !l.prefix.only
	}
	return l.prefix.partial != partialSkip
}

// leaveOut has the table of a load that does not run be the last one, which
// CONCATENATE and JOIN without a name mean.
func (r *runner) leaveOut(l *load) {
	for _, name := range []string{l.prefix.table, l.label} {
		if r.opt.Kept != nil && name != "" && r.section.Table(name) != nil {
			r.last = name
			return
		}
	}
}

// replace drops the table that a REPLACE load makes anew.
func (r *runner) replace(l, bottom *load) {
	if r.opt.Kept == nil || l.prefix.partial != partialReplace || l.prefix.mapping {
		return
	}
	name := l.label
	if name == "" {
		name = r.defaultName(&bottom.source)
	}
	if r.section.Drop(name) {
		delete(r.builders, name)
		r.changed()
	}
}
