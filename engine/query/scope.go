package query

import (
	"context"
	"fmt"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// A scope is a set of records: a natural one, which a selection describes, or
// the result of set operators on scopes. op is 0 for a natural scope, else
// + - * / or ~ (complement of l).
type scope struct {
	op   byte
	l, r *scope
	st   *state.State
	none bool // natural, but no record: an empty element set
}

func natural(st *state.State) *scope { return &scope{st: st} }

func (s *scope) natural() bool { return s.op == 0 }

// key identifies the scope for sharing results.
func (s *scope) key() string {
	switch {
	case s.none:
		return "0"
	case s.op == 0:
		return fmt.Sprintf("%x", s.st.Hash())
	case s.op == '~':
		return "~(" + s.l.key() + ")"
	default:
		return "(" + s.l.key() + string(s.op) + s.r.key() + ")"
	}
}

// fields returns the names of all fields that some part of the scope selects
// in.
func (s *scope) fields() []string {
	switch {
	case s.op == 0:
		return s.st.Fields()
	case s.op == '~':
		return s.l.fields()
	default:
		return append(append([]string(nil), s.l.fields()...), s.r.fields()...)
	}
}

// rows returns the records of a table in scope, nil for all of them.
//
// For a compound scope it is exact only if every field selected in depends on
// the table's row (see [scan]): then the operators work row by row.
func (c *Context) rows(s *scope, t *model.Table) *bitset.Set {
	switch {
	case s.none:
		return bitset.New(t.Rows)
	case s.op == 0:
		return c.Infer.Of(s.st).Rows(t)
	}
	full := func(b *bitset.Set) *bitset.Set {
		if b == nil {
			return bitset.Full(t.Rows)
		}
		return b.Clone()
	}
	l := full(c.rows(s.l, t))
	if s.op == '~' {
		l.Not()
		return l
	}
	return operate(s.op, l, full(c.rows(s.r, t)))
}

// holds reports whether a record with the given field codes is in the scope.
func (s *scope) holds(code func(field string) (uint32, bool)) bool {
	switch {
	case s.none:
		return false
	case s.op == '~':
		return !s.l.holds(code)
	case s.op == 0:
		for _, f := range s.st.Fields() {
			sel, _ := s.st.Field(f)
			if c, ok := code(f); ok && (c == 0 || !sel.Codes.Has(int(c))) {
				return false
			}
		}
		return true
	}
	l, r := s.l.holds(code), s.r.holds(code)
	switch s.op {
	case '+':
		return l || r
	case '-':
		return l && !r
	case '*':
		return l && r
	default:
		return l != r
	}
}

// A setter turns set expressions into scopes.
type setter struct {
	ctx   context.Context //nolint:containedctx // lives as long as one resolution
	c     *Context
	depth int
}

// scope resolves a set expression in a context.
func (x *setter) scope(e *expr.SetExpr, within *scope) (*scope, error) {
	if e == nil {
		return within, nil
	}
	switch e.Op {
	case "":
		base, err := x.entity(e, within)
		if err != nil || !e.HasMod {
			return base, err
		}
		return x.modify(e, base)
	case "~":
		l, err := x.scope(e.L, within)
		return &scope{op: '~', l: l}, err
	}
	l, err := x.scope(e.L, within)
	if err != nil {
		return nil, err
	}
	r, err := x.scope(e.R, within)
	return &scope{op: e.Op[0], l: l, r: r}, err
}

// entity returns the scope that a set expression starts from.
func (x *setter) entity(e *expr.SetExpr, within *scope) (*scope, error) {
	h := x.c.History
	at := func(n int) *scope {
		st, _ := h.At(n).State(state.Default)
		return natural(st)
	}
	switch e.Entity.Kind {
	case expr.Context:
		return within, nil
	case expr.All:
		return natural(nil), nil
	case expr.Nothing:
		return &scope{none: true}, nil
	case expr.Current:
		return at(0), nil
	case expr.Back:
		return at(e.Entity.Step), nil
	case expr.Forward:
		return at(-e.Entity.Step), nil
	}
	if st, ok := h.Now().State(e.Entity.Name); ok {
		return natural(st), nil
	}
	if x.c.Bookmark != nil {
		if st, ok := x.c.Bookmark(e.Entity.Name); ok {
			return natural(st), nil
		}
	}
	return nil, &expr.Error{At: e.At, Msg: fmt.Sprintf("no bookmark or alternate state %q", e.Entity.Name)}
}

// modify replaces selections of a natural scope.
func (x *setter) modify(e *expr.SetExpr, base *scope) (*scope, error) {
	if !base.natural() {
		return nil, &expr.Error{At: e.At, Msg: "a set made by operators takes no modifier"}
	}
	out := &scope{st: base.st, none: base.none}
	for i := range e.Mods {
		mod := &e.Mods[i]
		f := x.c.model().Field(mod.Field)
		if f == nil {
			continue // unknown fields are ignored
		}
		if mod.Elems == nil {
			out.st = out.st.Without(f.Name)
			continue
		}
		codes, err := x.elements(mod.Elems, f)
		if err != nil {
			return nil, err
		}
		codes = combine(mod.Op, base.st, f, codes)
		if codes.Empty() {
			out.none = true
			continue
		}
		out.st = out.st.With(f.Name, state.Selection{Codes: codes})
	}
	return out, nil
}

// combine applies an implicit set operator. A field without selection counts
// as if all its values were selected.
func combine(op string, st *state.State, f *model.Field, codes *bitset.Set) *bitset.Set {
	if op == "=" || op == "" {
		return codes
	}
	old := allCodes(f)
	if sel, ok := st.Field(f.Name); ok {
		old = sel.Codes.Clone()
	}
	return operate(op[0], old, codes)
}

// operate returns a op b; it may change a.
func operate(op byte, a, b *bitset.Set) *bitset.Set {
	switch op {
	case '+':
		a.Or(b)
	case '-':
		a.AndNot(b)
	case '*':
		a.And(b)
	case '/':
		both := a.Clone()
		both.And(b)
		a.Or(b)
		a.AndNot(both)
	}
	return a
}

func allCodes(f *model.Field) *bitset.Set {
	s := bitset.Full(f.Symbols.Len() + 1)
	s.Remove(0)
	return s
}
