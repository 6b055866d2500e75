package filter

import (
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// AppendSQL appends p as a condition on the row alias of table entity, with ?
// for each argument (Dialect.Placeholders), and its arguments to args. All that
// came with the filter is an argument.
func (p *Predicate) AppendSQL(dst []byte, args []any, d *Dialect, alias string) ([]byte, []any) {
	if p == nil {
		return append(dst, "TRUE"...), args
	}
	w := writer{d: d, sql: dst, args: args}
	w.predicate(p, entitySource(alias))
	return w.sql, w.args
}

// writer writes one condition.
type writer struct {
	d     *Dialect
	sql   []byte
	args  []any
	names int // aliases given so far
}

// A source is where a step of a path starts.
type source struct {
	entity string   // alias of a row of table entity; empty inside a list
	json   string   // its document, or an item of a list
	path   []string // down to an embedded object
}

func entitySource(alias string) source { return source{entity: alias, json: alias + ".folded"} }

func (s source) at(name string) []string {
	return append(s.path[:len(s.path):len(s.path)], name)
}

func (w *writer) write(parts ...string) {
	for _, s := range parts {
		w.sql = append(w.sql, s...)
	}
}

func (w *writer) arg(v any) { w.args = append(w.args, v) }

func (w *writer) alias(prefix string) string {
	w.names++
	return prefix + strconv.Itoa(w.names)
}

func (w *writer) predicate(p *Predicate, from source) {
	switch {
	case p.not != nil: // of null, too
		w.write("((")
		w.predicate(p.not, from)
		w.write(") IS NOT TRUE)")
		return
	case p.always != nil:
		w.write(map[bool]string{true: "TRUE", false: "FALSE"}[*p.always])
		return
	case p.behind != nil:
		w.links([]*Predicate{p}, from)
		return
	case p.among != nil:
		w.among(p, from)
		return
	}
	kids, word := p.and, " AND "
	if p.or != nil {
		kids, word = p.or, " OR "
	}
	if kids == nil {
		w.path(p, p.path, from)
		return
	}
	w.write("(")
	var links []*Predicate
	if p.or != nil {
		if links, kids = takeLinks(kids); links != nil {
			w.links(links, from)
		}
	}
	for i, kid := range kids {
		if i > 0 || links != nil {
			w.write(word)
		}
		w.predicate(kid, from)
	}
	w.write(")")
}

// path writes that what the rest of p's path leads to fits.
func (w *writer) path(p *Predicate, path []step, from source) {
	st, rest := path[0], path[1:]
	last := len(rest) == 0
	switch f := st.field; {
	case st.custom != "":
		w.custom(p, st, rest, from)
	case f.Kind == schema.Reference && !last && from.entity != "" && !p.value.fitsNull(p.op):
		w.hop(p, st, rest, from)
	case f.List:
		w.list(p, st, rest, from)
	case f.Kind == schema.Reference:
		w.reference(p, st, rest, w.d.member(from.json, append(from.at(f.Name), schema.ID)))
	case f.Kind == schema.Embedded && !last:
		w.path(p, rest, source{entity: from.entity, json: from.json, path: from.at(f.Name)})
	default:
		w.leaf(p, st, from)
	}
}

// hop goes from an entity over the table of references, which has an index for
// either direction. It cannot say that there is no reference.
func (w *writer) hop(p *Predicate, st step, rest []step, from source) {
	e, r := w.alias("e"), w.alias("r")
	w.write(from.entity, ".id IN (SELECT ", r, ".source FROM reference ", r, " JOIN entity ", e, " ON ", e, ".id = ", r, ".target WHERE ", r, ".field = ? AND ")
	w.arg(strings.Join(from.at(st.field.Name), "."))
	w.types(e, st.types)
	w.path(p, rest, entitySource(e))
	w.write(")")
}

// types bounds an entity to types, so that their index serves.
func (w *writer) types(alias string, types []string) {
	w.write(TypeIn(alias, types), " AND ")
}

// TypeIn is the condition that the row alias of table entity has one of types.
// They must come from a schema: they are no arguments, so that an index of the
// entities of one type serves.
func TypeIn(alias string, types []string) string {
	if len(types) == 1 {
		return alias + ".type = '" + types[0] + "'"
	}
	return alias + ".type IN ('" + strings.Join(types, "', '") + "')"
}

// reference goes from the id of a reference to its entity.
func (w *writer) reference(p *Predicate, st step, rest []step, id string) {
	if len(rest) == 0 {
		w.compare(p, id)
		return
	}
	e := w.alias("e")
	w.write("(")
	if p.value.fitsNull(p.op) {
		w.write(id, " IS NULL OR ")
	}
	w.write(id, " IN (SELECT ", e, ".id FROM entity ", e, " WHERE ")
	w.types(e, st.types)
	w.path(p, rest, entitySource(e))
	w.write("))")
}

// list writes that an item of a list fits.
func (w *writer) list(p *Predicate, st step, rest []step, from source) {
	j := w.items(st, from)
	switch f := st.field; {
	case f.Kind == schema.Reference:
		w.reference(p, st, rest, w.d.member(j+".value", []string{schema.ID}))
	case len(rest) > 0:
		w.path(p, rest, source{json: j + ".value"})
	default:
		w.compare(p, w.d.element(j+".value"))
	}
	w.write(")")
}

// items opens the condition that a list has an item.
func (w *writer) items(st step, from source) (alias string) {
	alias = w.alias("j")
	w.write("EXISTS (SELECT 1 FROM ", w.d.elements(from.json, from.at(st.field.Name)), " AS ", alias, " WHERE ")
	return alias
}

// custom writes that a value of a custom property fits.
func (w *writer) custom(p *Predicate, st step, rest []step, from source) {
	j := w.items(st, from)
	w.write(w.d.member(j+".value", []string{"definition", schema.ID}), " IN (SELECT id FROM entity WHERE type = 'CustomPropertyDefinition' AND name = ?) AND ")
	w.arg(st.custom)
	w.path(p, rest, source{json: j + ".value"})
	w.write(")")
}

// leaf compares a field of an entity or embedded object. Some fields of an
// entity are columns.
func (w *writer) leaf(p *Predicate, st step, from source) {
	name := st.field.Name
	if column := column(st, from); column != "" && st.field.Kind == schema.Date {
		w.compareTime(p, column)
	} else if column != "" {
		w.compare(p, column)
	} else {
		w.compare(p, w.d.member(from.json, from.at(name)))
	}
}

// column returns the column that a field is, or nothing.
func column(st step, from source) string {
	if from.entity == "" || len(from.path) > 0 {
		return ""
	}
	switch {
	case st.base && st.field.Name == schema.ID:
		return from.entity + ".id"
	case st.base && st.field.Name == schema.CreatedDate:
		return from.entity + ".created"
	case st.base && st.field.Name == schema.ModifiedDate:
		return from.entity + ".modified"
	case st.field.Name == "name" && st.field.Kind == schema.Text && !st.field.List:
		return from.entity + ".name"
	}
	return ""
}

var sqlOps = [...]string{Eq: " = ", Ne: " <> ", Gt: " > ", Ge: " >= ", Lt: " < ", Le: " <= "}

// compareTime compares a column of milliseconds, which is never null.
func (w *writer) compareTime(p *Predicate, column string) {
	if p.value.null {
		w.write(map[bool]string{true: "FALSE", false: "TRUE"}[p.op == Eq])
		return
	}
	w.write(column, sqlOps[p.op], "?")
	w.arg(p.value.time.UnixMilli())
}

// compare compares a value with p's literal.
func (w *writer) compare(p *Predicate, expr string) {
	switch lit := &p.value; {
	case lit.null:
		w.compareNull(p.op, lit, expr)
	case p.op >= Sw:
		w.like(p.op, lit, expr)
	case p.op == Ne:
		w.write("(", expr, " IS NULL OR ")
		w.compareValue(p.op, lit, expr)
		w.write(")")
	default:
		w.compareValue(p.op, lit, expr)
	}
}

func (w *writer) compareNull(op Op, lit *literal, expr string) {
	switch {
	case lit.kind == schema.Date && op == Eq:
		w.write("(", expr, " IS NULL OR ", expr, " = '"+schema.NullDate+"')")
	case lit.kind == schema.Date:
		w.write(expr, " <> '"+schema.NullDate+"'")
	case op == Eq:
		w.write(expr, " IS NULL")
	default:
		w.write(expr, " IS NOT NULL")
	}
}

func (w *writer) compareValue(op Op, lit *literal, expr string) {
	switch lit.kind {
	case schema.Int:
		w.write(w.d.number(expr), sqlOps[op], w.d.number("?"))
		w.arg(w.d.numberArg(lit))
	case schema.Bool:
		w.write(expr, sqlOps[op], "?")
		w.arg(w.d.boolArg(lit.truth))
	case schema.Date:
		w.write(w.d.bytewise(expr), sqlOps[op], "?")
		w.arg(lit.text)
	default:
		w.write(expr, sqlOps[op], "?")
		w.arg(lit.text)
	}
}

// like writes a comparison with a part of a text.
func (w *writer) like(op Op, lit *literal, expr string) {
	pattern := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(lit.text)
	if op != Sw {
		pattern = "%" + pattern
	}
	if op != Ew {
		pattern += "%"
	}
	w.write(expr, ` LIKE ? ESCAPE '\'`)
	w.arg(pattern)
}
