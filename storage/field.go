package storage

import (
	"math"
	"sync/atomic"

	"github.com/cognate-bi/cognate/storage/dual"
)

// A Field is a name with its symbol table, shared by all tables that have a
// column of that name.
type Field struct {
	Name    string
	Symbols *Symbols
	// Format shows the numbers that have no text of their own; nil = default.
	Format  *dual.Format
	Tags    []string
	Comment string
	// Parts are the fields whose combinations a synthetic key stands for; nil
	// for fields that were loaded.
	Parts []string

	dict atomic.Pointer[dual.Dict]
}

// Value returns the value of a code with the field's format.
func (f *Field) Value(code uint32) dual.Value {
	v := f.Symbols.Value(code)
	if v.Kind == dual.Num {
		v.Format = f.Format
	}
	return v
}

// Dict returns all values as a dictionary indexed by code; entry 0 is NULL.
// It is made at first use and kept for as long as no value is added; on a
// sealed catalog any number of goroutines may ask for it. A field of numbers
// only costs nothing: the dictionary is the symbol table's own slice.
func (f *Field) Dict() *dual.Dict {
	if d := f.dict.Load(); d != nil && d.Len() == f.Symbols.n+1 && d.Format == f.Format {
		return d
	}
	d := f.makeDict()
	f.dict.Store(d) // two goroutines may both make it; either result serves
	return d
}

func (f *Field) makeDict() *dual.Dict {
	s := f.Symbols
	d := &dual.Dict{Format: f.Format}
	switch {
	case s.ends != nil:
		d.Vals = make([]dual.Value, s.n+1)
		for c := 1; c <= s.n; c++ {
			d.Vals[c] = f.Value(uint32(c))
		}
	case s.nums != nil:
		d.Nums = s.nums[: s.n+1 : s.n+1]
	default:
		d.Nums = []float64{math.NaN()}
	}
	return d
}

// setFormat decides how a new number without own text is kept in the field,
// and returns it with a text where the field's format does not say it.
func (f *Field) setFormat(v dual.Value, show func(dual.Value) string) dual.Value {
	if v.Kind != dual.Num || v.Format == nil {
		return v
	}
	switch {
	case f.Format != nil && *f.Format == *v.Format:
		return v
	case f.Format == nil && f.Symbols.ends == nil:
		f.Format = v.Format
		return v
	default: // the field shows its values otherwise: the text is stored
		return dual.New(show(v), v.Num)
	}
}
