// Package infer computes what a selection leaves possible.
//
// Terms: a table's rows are *alive* if some combination of rows over the
// links satisfies all selections and contains them; a key field carries
// *allowed* codes. The association graph is a forest, so exact reachability
// takes two passes over each tree (Yannakakis, "Algorithms for acyclic
// database schemes", 1981): from the leaves to the root every table tells its
// parent which key codes its alive rows have, and back down.
//
// The combination of rows is a full outer join: a part of the tree in which
// nothing is selected says nothing, so rows without a partner there stay
// alive; as soon as something is selected in it, a partner is needed.
package infer

import (
	"bytes"
	"container/list"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// An Engine answers for one model. Its results are shared by all sessions
// that have the same selections.
type Engine struct {
	Model *model.Model
	trees *plan
	kept  kept
	scans scans
}

// Bounds of what is kept per model: results, and rows that met constraints.
const (
	keptBytes  = 256 << 20
	scansBytes = 64 << 20
)

// New returns an engine for the model.
func New(m *model.Model) *Engine {
	return &Engine{
		Model: m, trees: newPlan(m),
		kept:  kept{sizeMax: keptBytes, byHash: map[uint64]*list.Element{}},
		scans: scans{sizeMax: scansBytes},
	}
}

// Of returns what the state's selections leave possible. Parts are computed
// when they are asked for, once, however many ask. Selections in unknown fields
// are ignored.
func (e *Engine) Of(st *state.State) *Result {
	return e.kept.of(st, func() *Result { return newResult(e, st) }).ready()
}

// A Result is what one set of selections leaves possible. Any number of
// goroutines may use it.
type Result struct {
	State *state.State

	engine  *Engine
	size    int64 // bytes of the parts, guarded by engine.kept
	once    sync.Once
	filters []*simd.CodeSet     // by field ID: selected codes; nil without selection
	up      []upward            // by table ID
	rows    []part[*bitset.Set] // by table ID: alive rows, nil = all
	keys    []keyed             // by field ID
	fields  []part[values]      // by field ID
}

// upward is what a table knows from itself and from below.
type upward struct {
	rows    *bitset.Set // nil = all
	limited bool        // something is selected here or below
}

// keyed is a key field as the node between tables.
type keyed struct {
	below []uint8       // allowed by own selection and the tables below; nil = all
	met   part[[]uint8] // had by alive rows of the table above
}

// values are the possible values of a field.
type values struct {
	possible []uint8 // one flag per code, 0 for NULL
	count    int
}

func newValues(possible []uint8) values { return values{possible, simd.CountFlags(possible)} }

// A part of a result is found when it is first asked for, or beside others.
type part[T any] struct {
	mu    sync.Mutex
	found atomic.Bool
	v     T
}

// get returns the part, made by find if it is not known.
func (p *part[T]) get(find func() T) T {
	if p.found.Load() {
		return p.v
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.found.Load() {
		p.v = find()
		p.found.Store(true)
	}
	return p.v
}

// set makes the part known.
func (p *part[T]) set(v T) { p.get(func() T { return v }) }

func newResult(e *Engine, st *state.State) *Result {
	m := e.Model
	return &Result{
		State: st, engine: e,
		filters: make([]*simd.CodeSet, len(m.Fields)),
		up:      make([]upward, len(m.Tables)),
		rows:    make([]part[*bitset.Set], len(m.Tables)),
		keys:    make([]keyed, len(m.Fields)),
		fields:  make([]part[values], len(m.Fields)),
	}
}

// ready makes what every part needs, once: the way up.
func (r *Result) ready() *Result {
	r.once.Do(func() {
		for _, name := range r.State.Fields() {
			if f := r.engine.Model.Field(name); f != nil {
				sel, _ := r.State.Field(name)
				r.filters[f.ID] = simd.NewCodeSet(sel.Codes.Flags())
			}
		}
		for _, t := range r.engine.trees.leavesFirst {
			r.passUp(t)
		}
	})
	return r
}

// passUp filters a table by what is selected in it and below it.
func (r *Result) passUp(t *model.Table) {
	var all []constraint
	for _, col := range t.Table.Columns {
		f := r.engine.Model.Field(col.Field.Name)
		if set := r.filters[f.ID]; set != nil && !linked(t, f) {
			all = append(all, constraint{col, set})
		}
	}
	for _, l := range r.engine.trees.below[t.ID] {
		if allowed := r.passKey(l); allowed != nil {
			all = append(all, constraint{l.Column, simd.NewCodeSet(allowed)})
		}
	}
	if len(all) > 0 {
		rows := r.engine.scans.meet(all)
		r.engine.kept.grow(r, 8*len(rows.Words()))
		r.up[t.ID] = upward{rows, true}
	}
}

// linked reports whether a selection in f reaches t over the node of f.
func linked(t *model.Table, f *model.Field) bool {
	return len(f.Links) > 1 && t.Link(f) != nil
}

// passKey combines what the tables below a key field, and a selection in the
// field itself, allow. l is the link of the table above.
func (r *Result) passKey(l *model.Link) []uint8 {
	k := &r.keys[l.Field.ID]
	if set := r.filters[l.Field.ID]; set != nil {
		k.below = set.Flags()
	}
	for _, o := range l.Field.Links {
		if o == l || !r.up[o.Table.ID].limited {
			continue
		}
		seen := mark(o.Column, r.up[o.Table.ID].rows, l.Field.Symbols.Len())
		k.below = both(k.below, seen)
	}
	return k.below
}

// both returns the codes in a and b; nil is all.
func both(a, b []uint8) []uint8 {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	out := slices.Clone(a)
	simd.AndFlags(out, b)
	return out
}

// Rows returns the alive rows of a table, nil for all of them.
func (r *Result) Rows(t *model.Table) *bitset.Set {
	return r.rows[t.ID].get(func() *bitset.Set {
		rows := r.up[t.ID].rows
		l := r.engine.trees.above[t.ID]
		if l == nil || !r.limitedAbove(l) {
			return rows
		}
		allowed := constraint{l.Column, simd.NewCodeSet(r.allowed(l.Field))}
		if rows == nil {
			rows = allowed.rows()
		} else {
			rows = rows.Clone()
			allowed.and(rows)
		}
		r.engine.kept.grow(r, 8*len(rows.Words()))
		return rows
	})
}

// limitedAbove reports whether anything is selected on the far side of a
// link: in the key field itself, in its other tables, or above it.
func (r *Result) limitedAbove(l *model.Link) bool {
	if r.filters[l.Field.ID] != nil {
		return true
	}
	parent := r.engine.trees.parent(l.Field)
	for _, o := range l.Field.Links {
		if o != l && o.Table != parent.Table && r.up[o.Table.ID].limited {
			return true
		}
	}
	return r.limitedBut(parent)
}

// limitedBut reports whether anything is selected in the link's table or
// anywhere behind it, the link's own field and what is below that left out.
func (r *Result) limitedBut(l *model.Link) bool {
	t := l.Table
	for _, col := range t.Table.Columns {
		f := r.engine.Model.Field(col.Field.Name)
		if r.filters[f.ID] != nil && !linked(t, f) {
			return true
		}
	}
	for _, b := range r.engine.trees.below[t.ID] {
		if b != l && r.keys[b.Field.ID].below != nil {
			return true
		}
	}
	above := r.engine.trees.above[t.ID]
	return above != nil && r.limitedAbove(above)
}

// allowed returns the codes of a key field that satisfy everything; nil = all.
func (r *Result) allowed(f *model.Field) []uint8 {
	parent := r.engine.trees.parent(f)
	if !r.limitedBut(parent) {
		return r.keys[f.ID].below
	}
	return r.LinkCodes(parent)
}

// LinkCodes returns a flag per code of a key field: 1 for those that the alive
// rows of the link's table have. It must not be changed.
func (r *Result) LinkCodes(l *model.Link) []uint8 {
	rows := r.Rows(l.Table)
	switch {
	case rows == nil:
		return l.Used()
	case l != r.engine.trees.parent(l.Field):
		return mark(l.Column, rows, l.Field.Symbols.Len())
	}
	return r.keys[l.Field.ID].met.get(func() []uint8 {
		m := marking{col: l.Column, seen: make([]uint8, l.Field.Symbols.Len()+1), within: r.keyCodes(l)}
		markAll(rows, []*marking{&m})
		return r.grown(m.seen)
	})
}

// Joined reports whether every alive row of the tables behind a link has a
// partner among the alive rows of the link's table: something is selected on
// that side. It may report false where they have, too.
func (r *Result) Joined(l *model.Link) bool {
	return l == r.engine.trees.parent(l.Field) && r.limitedBut(l)
}

// keyCodes returns the only codes that alive rows can have in the link of a
// parent.
func (r *Result) keyCodes(parent *model.Link) []uint8 {
	return both(r.keys[parent.Field.ID].below, parent.Used())
}

// Possible returns one flag per code of the field: 1 for values of which some
// combination of rows satisfies all selections. Entry 0, NULL, is 0.
func (r *Result) Possible(f *model.Field) []uint8 { return r.valuesOf(f).possible }

// PossibleCount returns the number of possible values of a field.
func (r *Result) PossibleCount(f *model.Field) int { return r.valuesOf(f).count }

func (r *Result) valuesOf(f *model.Field) values {
	return r.fields[f.ID].get(func() values { return newValues(r.grown(r.possible(f))) })
}

// grown counts flags as part of the result.
func (r *Result) grown(flags []uint8) []uint8 {
	r.engine.kept.grow(r, len(flags))
	return flags
}

func (r *Result) possible(f *model.Field) []uint8 {
	n := f.Symbols.Len()
	if len(f.Links) > 1 {
		if a := r.allowed(f); a != nil {
			return a
		}
		return all(n)
	}
	if seen := r.soon(f); seen != nil {
		return seen
	}
	var seen []uint8
	for _, t := range f.Tables {
		if len(f.Links) == 1 && t.Loose { // its values are shown by those of the linked table
			continue
		}
		rows := r.Rows(t)
		if rows == nil {
			return all(n)
		}
		seen = either(seen, mark(t.Column(f), rows, n))
	}
	return seen
}

func all(n int) []uint8 {
	flags := bytes.Repeat([]byte{1}, n+1)
	flags[0] = 0
	return flags
}

func either(a, b []uint8) []uint8 {
	if a != nil {
		simd.OrFlags(b, a)
	}
	return b
}
