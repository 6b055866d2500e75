package agg

import (
	"github.com/cognate-bi/cognate/engine/fn"
	"github.com/cognate-bi/cognate/storage/dual"
)

var onlyFamily = []aggregation{
	{name: "Only", argsMin: 1, argsMax: 1, ownDistinct: true, make: func(*fn.Context, Spec) Aggregator { return &only{} }},
}

// only is the value that all rows agree on; NULL does not take part.
type only struct{ groups []sole }

// A sole is one value, or the mark that there are several.
type sole struct {
	value   dual.Value
	several bool
	dict    *dual.Dict // where value was seen last, to compare codes first
	entry   int
}

func (s *sole) add(v dual.Value) {
	switch {
	case s.several || v.IsNull():
	case s.value.IsNull():
		s.value = v
	case !dual.Same(s.value, v):
		s.several = true
	}
}

func (a *only) Grow(nGroups int) { a.groups = grown(a.groups, nGroups) }

func (a *only) Add(groups []uint32, args []dual.Vector) {
	v := &args[0]
	for i := range v.N {
		s := &a.groups[groupOf(groups, i)]
		if s.several {
			if groups == nil {
				return
			}
			continue
		}
		e := v.Entry(i)
		if s.dict == v.Dict && s.entry == e {
			continue
		}
		s.add(v.Dict.At(e))
		s.dict, s.entry = v.Dict, e
	}
}

func (a *only) Merge(o Aggregator, to []uint32) {
	for g, s := range o.(*only).groups {
		mine := &a.groups[to[g]]
		mine.add(s.value)
		mine.several = mine.several || s.several
		mine.dict = nil
	}
}

func (a *only) Result(g int) dual.Value {
	if a.groups[g].several {
		return dual.Value{}
	}
	return a.groups[g].value
}
