package script

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/engine/source"
	"github.com/cognate-bi/cognate/qvd"
)

// A projection is what a load takes from its source that takes fields as they
// are, under their own or other names, and leaves out rows by conditions that
// depend on one field each. It can be run on codes, without a look at the values
// of rows: [optimised] does so for QVD files, [resident] for loaded tables.
type projection struct {
	in    fieldNames
	picks []qvd.Pick
	where []condition
}

// A condition is a part of a WHERE that AND connects: one that has one answer
// for a value of the field throughout the load.
type condition struct {
	field string   // of the source
	prog  *program // nil: NOT Exists(field), of a field that the load stores as it is
}

// isProjection reports whether a load does nothing but choose and rename
// fields and rows of its source.
func (l *load) isProjection() bool {
	p := &l.prefix
	switch {
	case l.distinct, l.while != nil, len(l.groupBy) > 0, len(l.orderBy) > 0,
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

// planProjection finds out which fields and rows of a source of the given
// fields to load. It returns nil if the load needs to look at values.
func (r *runner) planProjection(l *load, label string, in fieldNames) (*projection, error) {
	fields, err := outputFields(l, in)
	if err != nil {
		return nil, err
	}
	if r.section != r.catalog { // access tables are in upper case
		return nil, nil
	}
	p := &projection{in: in}
	stored := map[string]string{} // name in the source by name in the table
	for _, f := range fields {
		from := f.node.(*expr.Field).Name
		as := r.rules.stored(label, f.name)
		if !slices.Contains(in, from) || r.rules.memo(r, f.name) != nil || stored[as] != "" {
			return nil, nil // the slow way knows what to do, or to say
		}
		stored[as] = from
		p.picks = append(p.picks, qvd.Pick{From: from, As: as})
	}
	if l.where == nil {
		return p, nil
	}
	r.outputs, r.outputsStar = map[string]bool{}, false
	for as := range stored {
		r.outputs[as] = true
	}
	if ok, err := p.conditions(r, l.where, stored); !ok || err != nil {
		return nil, err
	}
	return p, nil
}

// conditions takes a WHERE apart. It reports false if a part of it depends on
// more than the value of a field.
func (p *projection) conditions(r *runner, n expr.Node, stored map[string]string) (bool, error) {
	if and, ok := n.(*expr.Binary); ok && and.Op == "and" {
		left, err := p.conditions(r, and.L, stored)
		if !left || err != nil {
			return false, err
		}
		return p.conditions(r, and.R, stored)
	}
	if field := notExists(n); field != "" && stored[field] == field {
		p.where = append(p.where, condition{field: field})
		return true, nil
	}
	f, err := newFeed(r, &load{}, p.in, true)
	if err != nil {
		return false, err
	}
	prog, err := f.compile(n, phaseWhere)
	if err != nil {
		return false, fmt.Errorf("WHERE: %w", err)
	}
	if len(f.cols) != 1 || f.cols[0].kind != colSource || f.needs || !isSteady(n) {
		return false, nil
	}
	name := p.in[f.cols[0].src]
	for _, field := range f.exists {
		// What exists may only grow by values that exist already.
		if stored[field] != "" && (stored[field] != name || field != name || !isExists(n)) {
			return false, nil
		}
	}
	p.where = append(p.where, condition{name, prog})
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

// fieldNames is a reader that has fields and no rows: for compiling.
type fieldNames []string

var _ reader = fieldNames(nil)

// Next implements [source.Reader].
func (fieldNames) Next(context.Context) (*source.Batch, error) { return nil, io.EOF }

// Close implements [source.Reader].
func (fieldNames) Close() error { return nil }

// Fields implements [source.Reader].
func (f fieldNames) Fields() []string { return f }
