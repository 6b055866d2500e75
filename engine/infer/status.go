package infer

import (
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/simd"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// A Status is the state of a value, as the letters of the QIX protocol.
type Status uint8

// The statuses of a value (data-model.md, section 5).
const (
	Optional         Status = iota // O: possible, nothing selected in the field
	Selected                       // S
	Alternative                    // A: possible but for the field's own selection
	Excluded                       // X
	SelectedExcluded               // XS
	Locked                         // L
	LockedExcluded                 // XL
)

// String returns the letters.
func (s Status) String() string {
	return [...]string{"O", "S", "A", "X", "XS", "L", "XL"}[s]
}

// Counts is the number of values by status.
type Counts [LockedExcluded + 1]int

// States returns the status of every value of a field under the state, by
// code-1.
func (e *Engine) States(st *state.State, f *model.Field) []Status {
	out := make([]Status, f.Symbols.Len())
	possible := e.Of(st).Possible(f)
	sel, ok := st.Field(f.Name)
	if !ok {
		for i := range out {
			if possible[i+1] == 0 {
				out[i] = Excluded
			}
		}
		return out
	}
	without := e.Of(st.Without(f.Name)).Possible(f)
	in, inExcluded := Selected, SelectedExcluded
	if sel.Locked {
		in, inExcluded = Locked, LockedExcluded
	}
	for i := range out {
		code := i + 1
		switch {
		case sel.Codes.Has(code) && possible[code] != 0:
			out[i] = in
		case sel.Codes.Has(code):
			out[i] = inExcluded
		case without[code] != 0:
			out[i] = Alternative
		default:
			out[i] = Excluded
		}
	}
	return out
}

// Counts returns how many values of a field have each status.
func (e *Engine) Counts(st *state.State, f *model.Field) (n Counts) {
	r := e.Of(st)
	possible := r.PossibleCount(f)
	sel, ok := st.Field(f.Name)
	if !ok {
		n[Optional] = possible
		n[Excluded] = f.Symbols.Len() - possible
		return n
	}
	words, selected := bitset.FromFlags(r.Possible(f)).Words(), sel.Codes.Words()
	in, inExcluded := Selected, SelectedExcluded
	if sel.Locked {
		in, inExcluded = Locked, LockedExcluded
	}
	n[in] = simd.AndCount(selected, words)
	n[inExcluded] = sel.Codes.Count() - n[in]
	without := e.Of(st.Without(f.Name)).valuesOf(f)
	n[Alternative] = without.count - simd.AndCount(selected, bitset.FromFlags(without.possible).Words())
	n[Excluded] = f.Symbols.Len() - sel.Codes.Count() - n[Alternative]
	return n
}

// Frequency returns for every code of a field the number of alive rows that
// hold it, in the field's home table. Entry 0 counts the rows with NULL.
func (e *Engine) Frequency(st *state.State, f *model.Field) []uint32 {
	t := f.Home()
	counts := make([]uint32, f.Symbols.Len()+1)
	var words []uint64
	if rows := e.Of(st).Rows(t); rows != nil {
		words = rows.Words()
	}
	t.Column(f).Count(counts, words)
	return counts
}
