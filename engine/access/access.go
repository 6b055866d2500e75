// Package access is section access: which rows and fields of an app a user
// may see.
//
// The tables of the script's access section are read as one list of rows,
// joined over their common fields. The rows that match a user give the union
// of their rights: values of reduction fields, and fields to leave out. The
// reduced app is a catalog of its own, so that nothing an expression, a
// search or a statistic asks can reach what was left out.
package access

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/bitset"
	"github.com/cognate-bi/cognate/storage/dual"
)

// ErrDenied says that a user may not open an app.
var ErrDenied = errors.New("access denied by section access")

// A User is who opens an app. Names are compared without case.
type User struct {
	ID     string // DIRECTORY\USER
	Groups []string
	Email  string
}

// Rules is the access section of an app. The nil Rules let everybody see
// everything.
type Rules struct {
	fields []string // in order of appearance
	rows   []row
}

// A row has the text of each field it has a value in; a field of a table that
// the row does not come from is missing.
type row map[string]string

// rowsMax bounds the join of security tables.
const rowsMax = 1_000_000

// Read makes the rules of the tables of an access section; nil without one.
func Read(c *storage.Catalog) (*Rules, error) {
	if c == nil || len(c.Tables()) == 0 {
		return nil, nil
	}
	r := &Rules{rows: []row{{}}}
	for _, t := range c.Tables() {
		var err error
		if r.rows, err = join(r.rows, r.fields, t, c.Show); err != nil {
			return nil, err
		}
		for _, f := range t.FieldNames() {
			if !slices.Contains(r.fields, f) {
				r.fields = append(r.fields, f)
			}
		}
	}
	return r, nil
}

// join is the natural join of the rows so far with a table.
func join(rows []row, fields []string, t *storage.Table, show func(dual.Value) string) ([]row, error) {
	var out []row
	for _, have := range rows {
		for i := range t.Rows {
			with := maps.Clone(have)
			fits := true
			for _, col := range t.Columns {
				text := strings.ToUpper(show(col.Field.Value(col.Code(i))))
				if old, ok := with[col.Field.Name]; ok && slices.Contains(fields, col.Field.Name) && old != text {
					fits = false
				}
				with[col.Field.Name] = text
			}
			if !fits {
				continue
			}
			if out = append(out, with); len(out) > rowsMax {
				return nil, fmt.Errorf("section access: its tables join to more than %d rows", rowsMax)
			}
		}
	}
	return out, nil
}

// system are the fields of the access section that are no reduction fields.
var system = []string{"ACCESS", "USERID", "GROUP", "USER.EMAIL", "USER.NAME", "NTNAME", "PASSWORD", "SERIAL", "OMIT"}

// matches reports whether a row is about the user. An identity cell that is
// empty or * is about everybody, but some identity has to be asked for.
func (r row) matches(u User) bool {
	if a := r["ACCESS"]; a != "ADMIN" && a != "USER" {
		return false
	}
	identified := false
	is := func(field string, names ...string) bool {
		want, ok := r[field]
		if !ok {
			return true
		}
		identified = true
		return want == "" || want == "*" || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, want) })
	}
	fits := is("USERID", u.ID) && is("GROUP", u.Groups...) && is("USER.EMAIL", u.Email) && is("NTNAME", append([]string{u.ID}, u.Groups...)...)
	return fits && identified
}

// Admin reports whether a user is an administrator of the access section: who may
// take its app over as a whole.
func (r *Rules) Admin(u User) bool {
	return r == nil || slices.ContainsFunc(r.rows, func(row row) bool { return row["ACCESS"] == "ADMIN" && row.matches(u) })
}

// A Reduction is what the matching rows of a user allow.
type Reduction struct {
	// Omit are the fields to leave out, in upper case.
	Omit []string
	// Any are the alternatives: the values allowed by reduction field, of
	// each matching row. Empty: nothing is reduced.
	Any []map[string][]string
}

// Key identifies the reduction: users with equal keys see the same.
func (r *Reduction) Key() string { return fmt.Sprintf("%q", []any{r.Omit, r.Any}) }

// For returns what a user may see, [ErrDenied] if it is nothing.
func (r *Rules) For(u User) (*Reduction, error) {
	if r == nil {
		return &Reduction{}, nil
	}
	red := &Reduction{}
	matched := false
	free := false // some row restricts nothing
	for _, row := range r.rows {
		if !row.matches(u) {
			continue
		}
		matched = true
		if o := row["OMIT"]; o != "" && !slices.Contains(red.Omit, o) {
			red.Omit = append(red.Omit, o)
		}
		allowed := r.allowed(row)
		free = free || len(allowed) == 0
		red.Any = append(red.Any, allowed)
	}
	if !matched {
		return nil, ErrDenied
	}
	if free {
		red.Any = nil
	}
	slices.Sort(red.Omit)
	return red, nil
}

// allowed returns the values of the reduction fields of a row. A * stands for
// the values that the rows list; an empty cell leaves an ADMIN unrestricted
// and a USER without any value.
func (r *Rules) allowed(one row) map[string][]string {
	out := map[string][]string{}
	for _, f := range r.fields {
		cell, ok := one[f]
		switch {
		case slices.Contains(system, f) || !ok, cell == "" && one["ACCESS"] == "ADMIN":
		case cell == "":
			out[f] = nil // not the empty text, which data may hold
		case cell == "*":
			out[f] = r.listed(f)
		default:
			out[f] = []string{cell}
		}
	}
	return out
}

func (r *Rules) listed(field string) (values []string) {
	for _, row := range r.rows {
		if v := row[field]; v != "" && v != "*" && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values
}

// Reduce returns the catalog of what the reduction leaves of a model; the
// model's own if nothing is left out.
func Reduce(e *infer.Engine, red *Reduction, show func(dual.Value) string) (*storage.Catalog, error) {
	rows, err := alive(e, red, show)
	if err != nil {
		return nil, err
	}
	if rows == nil && len(red.Omit) == 0 {
		return e.Model.Catalog, nil
	}
	keep := func(t *storage.Table) *bitset.Set {
		if rows == nil {
			return nil
		}
		return rows[t.Name]
	}
	// Keys for several fields are made anew of what is left: theirs would tell of
	// rows that went, and keep what is omitted.
	omit := func(f *storage.Field) bool { return f.Parts != nil || red.omits(e.Model, f) }
	return e.Model.Catalog.Subset(e.Model.SourceTables(), keep, omit)
}

// omits reports whether a field is left out, or derived from one that is: its name
// then begins with that of the other one, and a dot.
func (r *Reduction) omits(m *model.Model, f *storage.Field) bool {
	if slices.Contains(r.Omit, strings.ToUpper(f.Name)) {
		return true
	}
	if !slices.Contains(f.Tags, "$derived") {
		return false
	}
	return slices.ContainsFunc(m.Fields, func(from *model.Field) bool {
		return strings.HasPrefix(f.Name, from.Name+".") && slices.Contains(r.Omit, strings.ToUpper(from.Name))
	})
}

// alive unites the rows that each alternative allows; nil is all of them.
// Values that the data does not have are ignored, but if a field has none of
// those that are allowed, the alternative allows nothing (strict exclusion).
func alive(e *infer.Engine, red *Reduction, show func(dual.Value) string) (map[string]*bitset.Set, error) {
	var rows map[string]*bitset.Set
	some, restricted := false, false
	for _, alternative := range combined(e, red.Any) {
		st, ok, restricts := stateOf(e, alternative, show)
		restricted = restricted || restricts
		if !ok {
			continue
		}
		some = true
		if !restricts { // no field of the app is reduced by it
			return nil, nil
		}
		if rows == nil {
			rows = map[string]*bitset.Set{}
		}
		for _, t := range e.Model.Tables {
			set := e.Of(st).Rows(t)
			if set == nil {
				set = bitset.Full(t.Rows)
			}
			if old := rows[t.Name]; old != nil {
				set = set.Clone()
				set.Or(old)
			}
			rows[t.Name] = set
		}
	}
	if restricted && !some {
		return nil, ErrDenied
	}
	return rows, nil
}

// combined unites alternatives that restrict one and the same field only, the
// usual case, so that they are one selection.
func combined(e *infer.Engine, alternatives []map[string][]string) []map[string][]string {
	field := ""
	for _, a := range alternatives {
		if !restricts(e, a) { // it allows everything
			return alternatives
		}
		for f := range a {
			if e.Model.Field(f) == nil {
				continue
			}
			if field != "" && field != f {
				return alternatives
			}
			field = f
		}
	}
	if field == "" || len(alternatives) < 2 {
		return alternatives
	}
	var values []string
	for _, a := range alternatives {
		values = append(values, a[field]...)
	}
	return []map[string][]string{{field: values}}
}

// restricts reports whether an alternative reduces a field of the app.
func restricts(e *infer.Engine, alternative map[string][]string) bool {
	for f := range alternative {
		if e.Model.Field(f) != nil {
			return true
		}
	}
	return false
}

// stateOf turns an alternative into selections; some = false if it restricts
// no field of the app, ok = false if it leaves nothing.
func stateOf(e *infer.Engine, alternative map[string][]string, show func(dual.Value) string) (st *state.State, ok, some bool) {
	for _, name := range slices.Sorted(maps.Keys(alternative)) {
		f := e.Model.Field(name)
		if f == nil {
			continue
		}
		some = true
		codes := bitset.New(f.Symbols.Len() + 1)
		for c := 1; c <= f.Symbols.Len(); c++ {
			if slices.Contains(alternative[name], show(f.Value(uint32(c)))) {
				codes.Add(c)
			}
		}
		if codes.Empty() {
			return nil, false, true
		}
		st = st.With(name, state.Selection{Codes: codes})
	}
	return st, true, some
}
