package script

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// An optimised load is a load from a QVD file that takes fields as they are,
// under their own or other names: symbols are mapped to those of the table
// once, and codes go from the file into the columns without a look at values.
// Conditions of WHERE that depend on one field each are asked once per symbol.
type optimised struct {
	file  *qvd.File
	picks []qvd.Pick
	where []qvd.Filter
	asked sync.Mutex
	err   error // of a condition
}

// loadOptimised runs a load in the optimised way, if it allows that.
func (r *runner) loadOptimised(l *load, label string) (bool, error) {
	if r.single || !l.isProjection() || !source.IsQVD(r.file.full, l.source.spec.Spec) {
		return false, nil
	}
	f, err := r.openQVD(r.file.full)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // what was read is what counts
	o := &optimised{file: f}
	ok, err := o.plan(r, l, label)
	if !ok || err != nil {
		return false, err
	}
	return true, o.run(r, l, label)
}

func (r *runner) openQVD(path string) (*qvd.File, error) {
	f, err := source.OpenQVD(path, source.Spec{Keys: r.opt.Keys})
	if err != nil {
		return nil, errorWithoutPath(err)
	}
	return f, nil
}

// isProjection reports whether a load does nothing but choose and rename
// fields and rows of a file.
func (l *load) isProjection() bool {
	p := &l.prefix
	switch {
	case l.source.kind != fromFile, l.distinct, l.while != nil, len(l.groupBy) > 0, len(l.orderBy) > 0,
		p.mapping, p.generic, len(p.transforms) > 0, p.first != nil, p.sample != nil, p.mode == storeJoin, p.mode == storeKeep:
		return false
	}
	for _, f := range l.fields {
		if _, ok := f.node.(*expr.Field); !ok && !f.star {
			return false
		}
	}
	return true
}

// plan finds out which fields and rows to load. It reports false if the load
// needs to look at values.
func (o *optimised) plan(r *runner, l *load, label string) (bool, error) {
	in := &qvdFields{file: o.file}
	fields, err := outputFields(l, in)
	if err != nil {
		return false, err
	}
	if r.section != r.catalog { // access tables are in upper case
		return false, nil
	}
	stored := map[string]string{} // name in the file by name in the table
	for _, f := range fields {
		from := f.node.(*expr.Field).Name
		as := r.rules.stored(label, f.name)
		if o.file.Header().Field(from) < 0 || r.rules.memo(r, f.name) != nil || stored[as] != "" {
			return false, nil // the slow way knows what to do, or to say
		}
		stored[as] = from
		o.picks = append(o.picks, qvd.Pick{From: from, As: as})
	}
	if l.where == nil {
		return true, nil
	}
	r.outputs, r.outputsStar = map[string]bool{}, false
	for as := range stored {
		r.outputs[as] = true
	}
	return o.conditions(r, in, l.where, stored)
}

// conditions makes filters of the parts of a WHERE that AND connects.
func (o *optimised) conditions(r *runner, in reader, n expr.Node, stored map[string]string) (bool, error) {
	if and, ok := n.(*expr.Binary); ok && and.Op == "and" {
		left, err := o.conditions(r, in, and.L, stored)
		if !left || err != nil {
			return false, err
		}
		return o.conditions(r, in, and.R, stored)
	}
	if field := notExists(n); field != "" && stored[field] == field {
		// The rows that this load stores count, too.
		o.filter(qvd.Filter{Field: field, Once: true, Allow: func(v dual.Value) bool { return !r.exists(field, v) }})
		return true, nil
	}
	f, err := newFeed(r, &load{}, in, true)
	if err != nil {
		return false, err
	}
	p, err := f.compile(n, phaseWhere)
	if err != nil {
		return false, err
	}
	if len(f.cols) != 1 || f.cols[0].kind != colSource || f.needs || !isSteady(n) {
		return false, nil
	}
	name := in.Fields()[f.cols[0].src]
	for _, field := range f.exists {
		// What exists may only grow by values that exist already.
		if stored[field] != "" && (stored[field] != name || field != name || !isExists(n)) {
			return false, nil
		}
	}
	o.filter(qvd.Filter{Field: name, Allow: o.ask(p)})
	return true, nil
}

// isSteady reports whether a condition has one answer for a value throughout
// the load: besides Exists it calls functions of its arguments only.
func isSteady(n expr.Node) bool {
	steady := true
	expr.Walk(n, func(n expr.Node) bool {
		if c, ok := n.(*expr.Call); ok && !strings.EqualFold(c.Name, "Exists") {
			known := fn.Lookup(c.Name)
			steady = steady && known != nil && !known.Volatile
		}
		return steady
	})
	return steady
}

// filter adds a filter. The reader asks several at a time, which programs and
// tables of a script do not stand.
func (o *optimised) filter(f qvd.Filter) {
	allow := f.Allow
	f.Allow = func(v dual.Value) bool {
		o.asked.Lock()
		defer o.asked.Unlock()
		return allow(v)
	}
	o.where = append(o.where, f)
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

// notExists returns the field of NOT Exists(field), else "".
func notExists(n expr.Node) string {
	not, ok := n.(*expr.Unary)
	if !ok || not.Op != "not" {
		return ""
	}
	return existsField(not.X)
}

// isExists reports whether the condition is Exists(field).
func isExists(n expr.Node) bool { return existsField(n) != "" }

// existsField returns the field of Exists(field) and Exists(field, field).
func existsField(n expr.Node) string {
	c, ok := n.(*expr.Call)
	if !ok || !strings.EqualFold(c.Name, "Exists") {
		return ""
	}
	field := ""
	for i, a := range c.Args {
		f, ok := a.(*expr.Field)
		if l, text := a.(*expr.Literal); i == 0 && text && !l.Value.HasNum() {
			f, ok = &expr.Field{Name: l.Value.Text}, true
		}
		if !ok || (i > 0 && f.Name != field) {
			return ""
		}
		field = f.Name
	}
	return field
}

// run loads the table and puts it where the load says.
func (o *optimised) run(r *runner, l *load, label string) error {
	if n := o.file.Header().Rows; len(o.where) == 0 && n > int64(r.limits.MaxRows) {
		return errTooManyRows(label, r.limits.MaxRows)
	}
	t, err := o.file.Table(r.ctx, r.section, qvd.Projection{Name: label, Fields: o.picks, Where: o.where})
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
	return r.storeTable(name, old, t)
}

// storeTable puts a table whose columns are ready, or its rows behind those of
// the table old.
func (r *runner) storeTable(name string, old, t *storage.Table) error {
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
		o.note = noteOptimised
		r.put(o, old, false)
		return r.checkMemory(0)
	}
	t.Name = name
	r.section.Put(t)
	r.last = name
	r.changed()
	r.event(Event{Kind: TableFinished, Table: name, Rows: t.Rows, Text: noteOptimised})
	return r.checkMemory(0)
}

// noteOptimised is what the log says of a table that was loaded this way.
const noteOptimised = "QVD optimized"

func errTooManyRows(table string, n int) error {
	return fmt.Errorf("table %s has more than %d rows", table, n)
}

// qvdFields is a reader that has fields and no rows: for compiling.
type qvdFields struct{ file *qvd.File }

var _ reader = (*qvdFields)(nil)

// Next implements [source.Reader].
func (q *qvdFields) Next(context.Context) (*source.Batch, error) { return nil, io.EOF }

// Close implements [source.Reader].
func (q *qvdFields) Close() error { return nil }

// Fields implements [source.Reader].
func (q *qvdFields) Fields() []string {
	names := make([]string, len(q.file.Header().Fields))
	for i, f := range q.file.Header().Fields {
		names[i] = f.Name
	}
	return names
}
