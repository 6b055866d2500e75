package filter

import (
	"strings"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// A Sort is an order whose names are resolved against an entity type.
type Sort struct{ keys []sortKey }

type sortKey struct {
	path       []step
	descending bool
}

// ResolveOrder resolves the names of an order against type t of schema s. A
// path through a list has many values, and is an error.
func ResolveOrder(order []Order, s *schema.Schema, t *schema.Type) (*Sort, error) {
	r := resolver{schema: s, base: schema.BaseFields()}
	out := &Sort{}
	for _, o := range order {
		path, err := r.path(o.Path, t, o.Pos)
		if err != nil {
			return nil, err
		}
		for _, st := range path {
			if f := st.field; f.List || f.Kind == schema.Secret || f.Kind == schema.Any {
				return nil, fail(o.Pos, "%q cannot be an order", strings.Join(o.Path, "."))
			}
		}
		if f := path[len(path)-1].field; f.Kind == schema.Embedded {
			return nil, fail(o.Pos, "%q cannot be an order", strings.Join(o.Path, "."))
		}
		out.keys = append(out.keys, sortKey{path, o.Descending})
	}
	return out, nil
}

// AppendSQL appends the keys of an ORDER BY for the row alias of table entity,
// the time of creation and the id as the last ones, so that pages do not
// overlap. Null comes before every value.
func (s *Sort) AppendSQL(dst []byte, d *Dialect, alias string) []byte {
	w := writer{d: d, sql: dst}
	for _, key := range s.keys {
		expr := w.sortValue(key.path, entitySource(alias))
		if key.descending {
			w.write(expr, " IS NULL, ", expr, " DESC, ")
		} else {
			w.write(expr, " IS NOT NULL, ", expr, ", ")
		}
	}
	w.write(alias, ".created, ", alias, ".id")
	return w.sql
}

// sortValue returns the expression of a value that sorts as the field does.
func (w *writer) sortValue(path []step, from source) string {
	st, rest := path[0], path[1:]
	f := st.field
	switch {
	case f.Kind == schema.Reference:
		id := w.d.member(from.json, append(from.at(f.Name), schema.ID))
		if len(rest) == 0 {
			return w.d.bytewise(id)
		}
		e := w.alias("e")
		return "(SELECT " + w.sortValue(rest, entitySource(e)) + " FROM entity " + e + " WHERE " + e + ".id = " + id + ")"
	case f.Kind == schema.Embedded:
		return w.sortValue(rest, source{entity: from.entity, json: from.json, path: from.at(f.Name)})
	}
	expr := column(st, from)
	switch {
	case expr != "" && f.Kind == schema.Date:
		return expr
	case expr == "":
		expr = w.d.member(from.json, from.at(f.Name))
	}
	if f.Kind == schema.Int || f.Kind == schema.Float {
		return w.d.number(expr)
	}
	return w.d.bytewise(expr)
}
