package infer

import (
	"slices"
	"sync"

	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// CountsOf returns, for each of the fields, how many of its values have each
// status. The fields of a table are looked at together.
func (e *Engine) CountsOf(st *state.State, fields []*model.Field) []Counts {
	e.Of(st).Find(fields)
	out := make([]Counts, len(fields))
	var wg sync.WaitGroup
	for i, f := range fields {
		if _, ok := st.Field(f.Name); ok { // needs the state without it
			wg.Go(func() { out[i] = e.Counts(st, f) })
		} else {
			out[i] = e.Counts(st, f)
		}
	}
	wg.Wait()
	return out
}

// Find finds the possible values of the fields, those of each table in one pass
// over its alive rows. Afterwards [Result.Possible] only looks them up.
func (r *Result) Find(fields []*model.Field) {
	wanted := make([]bool, len(r.engine.Model.Fields))
	for _, f := range fields {
		wanted[f.ID] = true
	}
	needed := r.neededTables(wanted)
	for _, t := range slices.Backward(r.engine.trees.leavesFirst) {
		if needed[t.ID] {
			r.findIn(t, wanted, needed)
		}
	}
}

// neededTables returns by table ID whether its alive rows are needed: those that
// hold wanted fields, and those on the way to them.
func (r *Result) neededTables(wanted []bool) []bool {
	needed := make([]bool, len(r.engine.Model.Tables))
	for _, t := range r.engine.trees.leavesFirst {
		for _, col := range t.Table.Columns {
			needed[t.ID] = needed[t.ID] || wanted[r.engine.Model.Field(col.Field.Name).ID]
		}
		for _, l := range r.engine.trees.below[t.ID] {
			needed[t.ID] = needed[t.ID] || anyBelow(l, needed)
		}
	}
	return needed
}

// anyBelow reports whether a table behind the link of a parent is needed.
func anyBelow(l *model.Link, needed []bool) bool {
	return slices.ContainsFunc(l.Field.Links, func(o *model.Link) bool { return o != l && needed[o.Table.ID] })
}

// findIn marks the columns of one table: the wanted fields, and the key fields
// that lead to needed tables.
func (r *Result) findIn(t *model.Table, wanted, needed []bool) {
	rows := r.Rows(t)
	if rows == nil {
		return // all values are possible
	}
	var all []*marking
	var found []func()
	for _, col := range t.Table.Columns {
		f := r.engine.Model.Field(col.Field.Name)
		m := &marking{col: col}
		switch l := r.engine.trees.parent(f); {
		case len(f.Links) > 1:
			if l.Table != t || !(wanted[f.ID] || anyBelow(l, needed)) || r.keys[f.ID].met.found.Load() || !r.limitedBut(l) {
				continue
			}
			m.within = r.keyCodes(l)
			found = append(found, func() { r.keys[f.ID].met.set(r.grown(m.seen)) })
		case !wanted[f.ID] || len(f.Tables) != 1 || r.fields[f.ID].found.Load():
			continue
		default:
			if set := r.filters[f.ID]; set != nil {
				m.within = set.Flags()
			}
			found = append(found, func() { r.fields[f.ID].set(newValues(r.grown(m.seen))) })
		}
		all = append(all, m)
	}
	r.markSince(t, rows, all)
	for _, f := range found {
		f()
	}
}

// markSince marks the columns of a table in its alive rows. Where a recent
// result has most of these rows and no others, only the rest is looked at: a
// value more in a selection costs what that value adds. Where it has these rows
// and more, only its values are looked for.
func (r *Result) markSince(t *model.Table, rows *bitset.Set, all []*marking) {
	narrow, wide := r.near(t, rows)
	var since, anew []*marking
	for _, m := range all {
		f := r.engine.Model.Field(m.col.Field.Name)
		if known := narrow.known(f); known != nil {
			m.seen, m.more = slices.Clone(known), true
			since = append(since, m)
			continue
		}
		m.seen = make([]uint8, f.Symbols.Len()+1)
		m.within = both(wide.known(f), m.within)
		anew = append(anew, m)
	}
	if len(since) > 0 {
		more := rows.Clone()
		more.AndNot(narrow.rows[t.ID].v)
		markAll(more, since)
	}
	markAll(rows, anew)
}

// near returns recent results whose alive rows of a table are at least half of
// the given ones and no others, and the same rows and others; nil where there is
// none.
func (r *Result) near(t *model.Table, rows *bitset.Set) (narrow, wide *Result) {
	if t.Rows < scanRowsMin {
		return nil, nil
	}
	n := rows.Count()
	for _, o := range r.engine.kept.last(keptMin) {
		p := &o.rows[t.ID]
		if o == r || !p.found.Load() || p.v == nil {
			continue
		}
		have := p.v.Count()
		if have < n/2 || simd.AndCount(p.v.Words(), rows.Words()) != min(have, n) {
			continue
		}
		if have <= n {
			narrow = o
		} else {
			wide = o
		}
	}
	return narrow, wide
}

// known returns the flags that the column of a field gave in its table, nil if
// they are not known; those of a selected field may not be that.
func (r *Result) known(f *model.Field) []uint8 {
	switch {
	case r == nil:
		return nil
	case len(f.Links) > 1:
		if k := &r.keys[f.ID].met; k.found.Load() {
			return k.v
		}
	case len(f.Tables) == 1 && r.fields[f.ID].found.Load():
		return r.fields[f.ID].v.possible
	}
	return nil
}
