// Package oracle is the naive reference of the associative engine: it joins
// all tables of a small model into one universe of tuples, row by row, and
// answers every question by looking at each of them. It shares no code with
// the engine but the model it is given.
package oracle

import (
	"fmt"
	"math/rand/v2"

	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/bitset"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Tuple is one combination of rows: by table ID the row, -1 for none.
type Tuple []int

// Universe is the full outer natural join of each tree of a model.
type Universe struct {
	Model  *model.Model
	Tuples [][]Tuple // by tree
}

// Join makes the universe.
func Join(m *model.Model) *Universe {
	u := &Universe{Model: m}
	done := map[int]bool{}
	for _, t := range m.Tables {
		if !done[t.Tree] {
			done[t.Tree] = true
			u.Tuples = append(u.Tuples, u.joinTree(t))
		}
	}
	return u
}

func (u *Universe) blank() Tuple {
	t := make(Tuple, len(u.Model.Tables))
	for i := range t {
		t[i] = -1
	}
	return t
}

func (u *Universe) joinTree(start *model.Table) []Tuple {
	var tuples []Tuple
	for r := range start.Rows {
		t := u.blank()
		t[start.ID] = r
		tuples = append(tuples, t)
	}
	joined := map[*model.Table]bool{start: true}
	for {
		t, f := u.next(joined)
		if t == nil {
			return tuples
		}
		joined[t] = true
		tuples = u.fullOuter(tuples, t, f)
	}
}

// next returns a table that shares a key field with those joined so far.
func (u *Universe) next(joined map[*model.Table]bool) (*model.Table, *model.Field) {
	for _, f := range u.Model.Fields {
		some := false
		for _, l := range f.Links {
			some = some || joined[l.Table]
		}
		if !some {
			continue
		}
		for _, l := range f.Links {
			if !joined[l.Table] {
				return l.Table, f
			}
		}
	}
	return nil, nil
}

func (u *Universe) fullOuter(tuples []Tuple, t *model.Table, f *model.Field) (out []Tuple) {
	matched := make([]bool, t.Rows)
	for _, tup := range tuples {
		code := u.Code(tup, f)
		n := 0
		for r := range t.Rows {
			if code != 0 && t.Column(f).Code(r) == code {
				with := append(Tuple(nil), tup...)
				with[t.ID] = r
				out = append(out, with)
				matched[r] = true
				n++
			}
		}
		if n == 0 {
			out = append(out, tup)
		}
	}
	for r, m := range matched {
		if !m {
			alone := u.blank()
			alone[t.ID] = r
			out = append(out, alone)
		}
	}
	return out
}

// Code returns the code of a field in a tuple, 0 for NULL.
func (u *Universe) Code(tup Tuple, f *model.Field) uint32 {
	for _, t := range f.Tables {
		if r := tup[t.ID]; r >= 0 && !t.Loose {
			if c := t.Column(f).Code(r); c != 0 {
				return c
			}
		}
	}
	return 0
}

// Included returns the tuples of a tree that satisfy all selections in its
// fields.
func (u *Universe) Included(tree int, st *state.State) (out []Tuple) {
	for _, tup := range u.Tuples[tree] {
		if u.Satisfies(tree, tup, st) {
			out = append(out, tup)
		}
	}
	return out
}

// Satisfies reports whether a tuple satisfies the selections in the fields of
// its tree.
func (u *Universe) Satisfies(tree int, tup Tuple, st *state.State) bool {
	for _, name := range st.Fields() {
		f := u.Model.Field(name)
		if f == nil || u.TreeOf(f) != tree {
			continue
		}
		sel, _ := st.Field(name)
		if c := u.Code(tup, f); c == 0 || !sel.Codes.Has(int(c)) {
			return false
		}
	}
	return true
}

// TreeOf returns the index into Tuples of the field's tree.
func (u *Universe) TreeOf(f *model.Field) int { return u.TreeOfTable(f.Tables[0]) }

// TreeOfTable returns the index into Tuples of the table's tree.
func (u *Universe) TreeOfTable(t *model.Table) int {
	n, seen := 0, map[int]bool{}
	for _, o := range u.Model.Tables {
		if o.Tree == t.Tree {
			return n
		}
		if !seen[o.Tree] {
			seen[o.Tree] = true
			n++
		}
	}
	panic("oracle: BUG: table of no tree")
}

// Possible returns which codes of a field some included tuple has.
func (u *Universe) Possible(st *state.State, f *model.Field) map[uint32]bool {
	out := map[uint32]bool{}
	for _, tup := range u.Included(u.TreeOf(f), st) {
		if c := u.Code(tup, f); c != 0 {
			out[c] = true
		}
	}
	return out
}

// RandomModel makes a small model: tables in one or two trees, linked by keys
// with NULLs, missing partners and many-to-many relations. Every table has
// one or two fields of its own: a<t> with whole numbers, b<t> with a mix.
func RandomModel(rng *rand.Rand, maxRows int) (*model.Model, error) {
	c := storage.NewCatalog(func(v dual.Value) string { return fmt.Sprint(v.Num) })
	var keys []string
	for t := range 1 + rng.IntN(5) {
		fields := []string{fmt.Sprint("a", t)}
		if rng.IntN(2) == 0 {
			fields = append(fields, fmt.Sprint("b", t))
		}
		if len(keys) > 0 && rng.IntN(6) > 0 {
			fields = append(fields, keys[rng.IntN(len(keys))])
		}
		if rng.IntN(3) > 0 {
			k := fmt.Sprint("k", t)
			keys = append(keys, k)
			fields = append(fields, k)
		}
		if err := randomTable(rng, c, fmt.Sprint("T", t), fields, rng.IntN(maxRows+1)); err != nil {
			return nil, err
		}
	}
	return model.Build(c, rng.Uint64())
}

func randomTable(rng *rand.Rand, c *storage.Catalog, name string, fields []string, rows int) error {
	batch := make([]dual.Vector, len(fields))
	for i, f := range fields {
		vals := make([]dual.Value, rows)
		span := 1 + rng.IntN(6)
		for r := range vals {
			switch x := rng.IntN(span + 1); {
			case rng.IntN(8) == 0: // NULL
			case f[0] == 'b' && x%2 == 0:
				vals[r] = dual.String(string(rune('p' + x)))
			default:
				vals[r] = dual.Number(float64(x))
			}
		}
		if f[0] == 'k' && rng.IntN(3) == 0 { // a unique key
			for r := range vals {
				vals[r] = dual.Number(float64(r))
			}
		}
		batch[i] = dual.Vals(vals)
	}
	b := c.NewBuilder(name, fields)
	if err := b.Append(batch); err != nil {
		return err
	}
	c.Put(b.Table())
	return nil
}

// RandomState selects random values in up to n random fields.
func RandomState(rng *rand.Rand, m *model.Model, n int) *state.State {
	var st *state.State
	for range rng.IntN(n + 1) {
		f := m.Fields[rng.IntN(len(m.Fields))]
		if f.Symbols.Len() == 0 {
			continue
		}
		codes := bitset.New(f.Symbols.Len() + 1)
		for c := 1; c <= f.Symbols.Len(); c++ {
			if rng.IntN(2) == 0 {
				codes.Add(c)
			}
		}
		st = st.With(f.Name, state.Selection{Codes: codes})
	}
	return st
}
