package query

import (
	"context"
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/engine/expr"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/search"
	"github.com/cognate-bi/cognate/storage/bitset"
	"github.com/cognate-bi/cognate/storage/dual"
)

// elements returns the codes of f that an element expression denotes.
func (x *setter) elements(e *expr.Elems, f *model.Field) (*bitset.Set, error) {
	switch e.Op {
	case "":
		return x.list(e.List, f)
	case "~":
		codes, err := x.elements(e.L, f)
		if err != nil {
			return nil, err
		}
		return operate('-', allCodes(f), codes), nil
	case "field":
		return x.copied(e, f)
	case "p", "e":
		return x.possible(e, f)
	}
	l, err := x.elements(e.L, f)
	if err != nil {
		return nil, err
	}
	r, err := x.elements(e.R, f)
	if err != nil {
		return nil, err
	}
	return operate(e.Op[0], l, r), nil
}

// copied returns the values selected in another field, looked up by value in
// f; without a selection there, its possible values.
func (x *setter) copied(e *expr.Elems, f *model.Field) (*bitset.Set, error) {
	from := x.c.model().Field(e.Field)
	if from == nil {
		return nil, &expr.Error{At: e.At, Msg: fmt.Sprintf("unknown field %s", e.Field)}
	}
	st := x.c.current()
	if e.State != "" {
		var ok bool
		if st, ok = x.c.History.Now().State(e.State); !ok {
			return nil, &expr.Error{At: e.At, Msg: fmt.Sprintf("no alternate state %q", e.State)}
		}
	}
	codes := bitset.FromFlags(x.c.Infer.Of(st).Possible(from))
	if sel, ok := st.Field(from.Name); ok {
		codes = sel.Codes
	}
	return carry(codes, from, f), nil
}

// carry looks the values of codes in from up in to.
func carry(codes *bitset.Set, from, to *model.Field) *bitset.Set {
	if from == to {
		return codes.Clone()
	}
	out := bitset.New(to.Symbols.Len() + 1)
	for c := range codes.All() {
		if t := to.Symbols.Find(from.Symbols.Value(uint32(c))); t != 0 {
			out.Add(int(t))
		}
	}
	return out
}

// possible is P() and E().
func (x *setter) possible(e *expr.Elems, f *model.Field) (*bitset.Set, error) {
	from := f
	if e.Field != "" {
		if from = x.c.model().Field(e.Field); from == nil {
			return nil, &expr.Error{At: e.At, Msg: fmt.Sprintf("unknown field %s", e.Field)}
		}
	}
	s, err := x.scope(e.Set, natural(x.c.current()))
	if err != nil {
		return nil, err
	}
	if !s.natural() {
		return nil, &expr.Error{At: e.At, Msg: strings.ToUpper(e.Op) + "() needs a set that selections describe"}
	}
	codes := bitset.New(from.Symbols.Len() + 1)
	if !s.none {
		codes = bitset.FromFlags(x.c.Infer.Of(s.st).Possible(from))
	}
	if e.Op == "e" {
		codes = operate('-', allCodes(from), codes)
	}
	return carry(codes, from, f), nil
}

func (x *setter) list(list []expr.Element, f *model.Field) (*bitset.Set, error) {
	codes := bitset.New(f.Symbols.Len() + 1)
	for i := range list {
		if err := x.element(&list[i], f, codes); err != nil {
			return nil, err
		}
	}
	return codes, nil
}

// element adds the values that match one element to codes.
func (x *setter) element(e *expr.Element, f *model.Field, codes *bitset.Set) error {
	loc := x.c.Fn.Locale
	switch e.Kind {
	case expr.Number:
		if c := f.Symbols.Find(dual.Number(e.Num)); c != 0 {
			codes.Add(int(c))
		}
		return nil
	case expr.Exact:
		x.exact(e.Text, f, codes)
		return nil
	}
	if e.Kind == expr.Word {
		// without case, whole text: the search string quoted against wildcards
		n := loc.Num(loc.Interpret(e.Text))
		each(f, func(c uint32, v dual.Value) {
			if strings.EqualFold(loc.Text(v), e.Text) || (n == n && v.HasNum() && v.Num == n) {
				codes.Add(int(c))
			}
		})
		return nil
	}
	found, err := x.c.matching(x, e.Text, search.SetElement, f)
	if err != nil {
		return &expr.Error{At: e.At, Msg: err.Error()}
	}
	codes.Or(found)
	return nil
}

func (x *setter) exact(text string, f *model.Field, codes *bitset.Set) {
	loc := x.c.Fn.Locale
	found := f.Symbols.Find(dual.String(text))
	if n := loc.Num(loc.Interpret(text)); found == 0 && n == n {
		found = f.Symbols.Find(dual.Number(n))
	}
	if found != 0 {
		codes.Add(int(found))
		return
	}
	each(f, func(c uint32, v dual.Value) { // duals whose text is no reading of their number
		if loc.Text(v) == text {
			codes.Add(int(c))
		}
	})
}

func each(f *model.Field, do func(code uint32, v dual.Value)) {
	for c := uint32(1); c <= uint32(f.Symbols.Len()); c++ {
		do(c, f.Value(c))
	}
}

// matching returns the values of f that match a search string. An expression
// search is evaluated for each value as if f were the dimension, in the current
// selections; f's own count too.
func (c *Context) matching(x *setter, text string, mode search.Mode, f *model.Field) (*bitset.Set, error) {
	s, err := search.Parse(text, mode, c.Fn.Locale)
	if err != nil {
		return nil, err
	}
	codes := bitset.New(f.Symbols.Len() + 1)
	if s.Expr == "" {
		each(f, func(code uint32, v dual.Value) {
			if s.Match(c.Fn.Locale.Text(v), v) {
				codes.Add(int(code))
			}
		})
		return codes, nil
	}
	if x.depth > expandDepthMax {
		return nil, fmt.Errorf("searches are nested more than %d deep", expandDepthMax)
	}
	node, err := c.parse(x.ctx, s.Expr, x.depth+1)
	if err != nil {
		return nil, err
	}
	g, err := c.grid(x.ctx, []DimDef{{Field: f.Name}}, []expr.Node{node}, x.depth+1)
	if err != nil {
		return nil, err
	}
	vals, err := g.Measures(nil)
	if err != nil {
		return nil, err
	}
	for row := range g.N {
		if code := g.Code(0, row); code != 0 && vals[0].At(row).True() {
			codes.Add(int(code))
		}
	}
	return codes, nil
}

// Search returns the codes of a field that match an interactive search
// string, in the context's selections.
func (c *Context) Search(ctx context.Context, text string, f *model.Field) (*bitset.Set, error) {
	return c.matching(&setter{ctx: ctx, c: c}, text, search.Interactive, f)
}
