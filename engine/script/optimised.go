package script

import (
	"fmt"
	"sync"

	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// An optimised load is a projection of a QVD file: symbols are mapped to those
// of the table once, and codes go from the file into the columns without a look
// at values. Conditions are asked once per symbol.
type optimised struct {
	file  *qvd.File
	plan  *projection
	asked sync.Mutex
	err   error // of a condition
}

// loadOptimised runs a load in the optimised way, if it allows that.
func (r *runner) loadOptimised(l *load, label string) (bool, error) {
	if r.single || l.source.kind != fromFile || !l.isProjection() || !source.IsQVD(r.file.full, l.source.spec.Spec) {
		return false, nil
	}
	f, err := r.openQVD(r.file.full)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // what was read is what counts
	plan, err := r.planProjection(l, label, qvdFields(f))
	if plan == nil || err != nil {
		return false, err
	}
	o := &optimised{file: f, plan: plan}
	return true, o.run(r, l, label)
}

func (r *runner) openQVD(path string) (*qvd.File, error) {
	f, err := source.OpenQVD(path, source.Spec{Keys: r.opt.Keys})
	if err != nil {
		return nil, errorWithoutPath(err)
	}
	return f, nil
}

// filters makes the filters of the conditions. The reader asks several at a
// time, which programs and tables of a script do not stand.
func (o *optimised) filters(r *runner) []qvd.Filter {
	var out []qvd.Filter
	for _, c := range o.plan.where {
		allow := o.ask(c.prog)
		if c.prog == nil {
			// The rows that this load stores count, too.
			allow = func(v dual.Value) bool { return !r.exists(c.field, v) }
		}
		out = append(out, qvd.Filter{Field: c.field, Once: c.prog == nil, Allow: func(v dual.Value) bool {
			o.asked.Lock()
			defer o.asked.Unlock()
			return allow(v)
		}})
	}
	return out
}

// ask returns the answer of a condition for one value.
func (o *optimised) ask(p *program) func(dual.Value) bool {
	return func(v dual.Value) bool {
		x, err := p.run.Vector(1, []dual.Vector{dual.Constant(v, 1)})
		if err != nil {
			o.err = err
			return false
		}
		return plainTrue(&x)
	}
}

// run loads the table and puts it where the load says.
func (o *optimised) run(r *runner, l *load, label string) error {
	if n := o.file.Header().Rows; len(o.plan.where) == 0 && n > int64(r.limits.MaxRows) {
		return errTooManyRows(label, r.limits.MaxRows)
	}
	t, err := o.file.Table(r.ctx, r.section, qvd.Projection{Name: label, Fields: o.plan.picks, Where: o.filters(r)})
	if err == nil {
		err = o.err
	}
	if err != nil {
		return err
	}
	name, old, err := r.target(l, label, t.FieldNames())
	if err != nil {
		return err
	}
	return r.storeTable(name, old, t, noteOptimised)
}

// storeTable puts a table whose columns are ready, or its rows behind those of
// the table old. note is on how the rows came.
func (r *runner) storeTable(name string, old, t *storage.Table, note string) error {
	if old == nil && len(r.section.Tables()) >= r.limits.MaxTables {
		return fmt.Errorf("more than %d tables", r.limits.MaxTables)
	}
	rows := t.Rows
	if old != nil {
		rows += old.Rows
	}
	if rows > r.limits.MaxRows {
		return errTooManyRows(name, r.limits.MaxRows)
	}
	if old != nil {
		o, err := r.newOutput(name, old, t.FieldNames())
		if err != nil {
			return err
		}
		if err := o.builder.AppendTable(t); err != nil {
			return err
		}
		o.note = note
		r.put(o, old, false)
		return r.checkMemory(0)
	}
	t.Name = name
	r.section.Put(t)
	r.last = name
	r.changed()
	r.event(Event{Kind: TableFinished, Table: name, Rows: t.Rows, Text: note})
	return r.checkMemory(0)
}

// noteOptimised is what the log says of a table that was loaded this way.
const noteOptimised = "QVD optimized"

func errTooManyRows(table string, n int) error {
	return fmt.Errorf("table %s has more than %d rows", table, n)
}

// qvdFields returns the names of the fields of a file.
func qvdFields(f *qvd.File) []string {
	names := make([]string, len(f.Header().Fields))
	for i, f := range f.Header().Fields {
		names[i] = f.Name
	}
	return names
}
