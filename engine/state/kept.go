package state

import "github.com/cognate-bi/cognate/storage/bitset"

// A kept set is a step of a history that is not the current one. Steps are
// many and seldom visited, so their codes are held compressed.
type kept struct{ states map[string]keptState }

// A keptState is a state in a kept set.
type keptState struct {
	fields map[string]keptSelection
	order  []string
}

// A keptSelection is a selection in a kept set.
type keptSelection struct {
	codes             bitset.Packed
	locked, oneAlways bool
}

func keep(s Set) kept {
	k := kept{states: make(map[string]keptState, len(s.states))}
	for name, st := range s.states {
		ks := keptState{order: st.Fields(), fields: map[string]keptSelection{}}
		for _, f := range ks.order {
			sel, _ := st.Field(f)
			ks.fields[f] = keptSelection{sel.Codes.Pack(), sel.Locked, sel.OneAlways}
		}
		k.states[name] = ks
	}
	return k
}

// set returns the selections again.
func (k kept) set() Set {
	if len(k.states) == 0 {
		return Set{}
	}
	s := Set{states: make(map[string]*State, len(k.states))}
	for name, ks := range k.states {
		fields := make(map[string]Selection, len(ks.fields))
		for f, sel := range ks.fields {
			fields[f] = Selection{Codes: sel.codes.Unpack(), Locked: sel.locked, OneAlways: sel.oneAlways}
		}
		s.states[name] = build(fields, ks.order)
	}
	return s
}
