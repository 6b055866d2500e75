package script

import (
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A resident load is a projection of a loaded table: its columns, or the codes
// of its rows, become those of the new table.
type resident struct {
	table *storage.Table
	plan  *projection
}

// planResident returns how to load from a table by codes, nil if that is not
// possible.
func (r *runner) planResident(l *load, label string) (*resident, error) {
	if r.single || l.source.kind != fromTable || !l.isProjection() {
		return nil, nil
	}
	t := r.section.Table(l.source.path)
	if t == nil {
		return nil, nil
	}
	plan, err := r.planProjection(l, label, t.FieldNames())
	if plan == nil || len(plan.picks) > r.limits.MaxFields {
		return nil, err
	}
	return &resident{t, plan}, nil
}

// loadResident runs a load from a table by codes, if it allows that.
func (r *runner) loadResident(l *load, label string) (bool, error) {
	p, err := r.planResident(l, label)
	if p == nil || err != nil {
		return false, err
	}
	rows, err := p.rows()
	if err != nil {
		return false, err
	}
	picks := make([]storage.Pick, len(p.plan.picks))
	for i, x := range p.plan.picks {
		picks[i] = storage.Pick(x)
	}
	t, err := r.section.Project(label, p.table, picks, rows)
	if err != nil {
		return false, err
	}
	name, old, err := r.target(l, label, t.FieldNames())
	if err != nil {
		return false, err
	}
	return true, r.storeTable(name, old, t, "")
}

// rows returns the rows that the conditions are true for, nil for all.
func (p *resident) rows() ([]uint32, error) {
	if len(p.plan.where) == 0 {
		return nil, nil
	}
	tests := make([]storage.Test, len(p.plan.where))
	for i, c := range p.plan.where {
		column := p.table.Column(c.field)
		allow, err := c.allow(column)
		if err != nil {
			return nil, err
		}
		tests[i] = storage.Test{Column: column, Allow: allow}
	}
	return storage.Filter(p.table.Rows, tests), nil
}

// allow asks a condition for the values that rows of a column have.
func (c *condition) allow(column *storage.Column) ([]uint8, error) {
	allow := make([]uint8, column.Field.Symbols.Len()+1)
	if c.prog == nil { // the table is loaded: all its values exist, but NULL does nowhere
		allow[0] = 1
		return allow, nil
	}
	used, dict := column.Used(), column.Field.Dict()
	for len(used) > 0 {
		codes := used[:min(len(used), batchRows)]
		used = used[len(codes):]
		v, err := c.prog.run.Vector(len(codes), []dual.Vector{dual.Coded(codes, dict)})
		if err != nil {
			return nil, err
		}
		for i, code := range codes {
			if isTrue(v.Num(i)) {
				allow[code] = 1
			}
		}
	}
	return allow, nil
}
