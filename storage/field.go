package storage

import (
	"fmt"
	"math"
	"slices"
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

	whole bool // every value has a row: nothing to drop at Seal
	dict  atomic.Pointer[dual.Dict]
}

// Value returns the value of a code with the field's format.
func (f *Field) Value(code uint32) dual.Value {
	v := f.Symbols.Value(code)
	if v.Kind == dual.Num {
		v.Format = f.Format
	}
	return v
}

// Stored returns the value of a code as it was loaded: a number whose text was
// not kept, being the default one, has it again. Others come without format.
func (f *Field) Stored(code uint32, show func(dual.Value) string) dual.Value {
	v := f.Symbols.Value(code)
	if v.Kind != dual.Num || !f.Symbols.plain {
		return v
	}
	if b := appendInteger(nil, v.Num); b != nil {
		return dual.New(string(b), v.Num)
	}
	return dual.New(show(v), v.Num)
}

// StoredValues returns the values of all codes as they were loaded, code 0
// first.
func (f *Field) StoredValues(show func(dual.Value) string) []dual.Value {
	vals := make([]dual.Value, f.Symbols.Len()+1)
	for code := range vals {
		vals[code] = f.Stored(uint32(code), show)
	}
	return vals
}

// Dict returns all values as a dictionary indexed by code; entry 0 is NULL.
// It is made at first use and kept for as long as no value is added; on a
// sealed catalog any number of goroutines may ask for it, until [Column.Evict].
// Numbers without texts that are not packed cost nothing: the dictionary is the
// symbol table's own slice.
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
	s.ready()
	d := &dual.Dict{Format: f.Format, Distinct: true}
	switch {
	case s.ends != nil:
		d.Vals = make([]dual.Value, s.n+1)
		for c := 1; c <= s.n; c++ {
			d.Vals[c] = f.Value(uint32(c))
		}
	case s.packed.any():
		d.Nums = make([]float64, s.n+1)
		s.numbers(d.Nums, 0)
	case s.nums != nil: // a mapped slice lives as long as the field that keeps this dictionary
		d.Nums = s.nums[: s.n+1 : s.n+1]
	default:
		d.Nums = []float64{math.NaN()}
	}
	return d
}

// dress returns a value as the field keeps it.
//
// A number of the field's format needs no text; one of another format gets
// its text stored, and so does any formatted number beside values that show
// their own text. A text that is just what its number is shown as by default
// is not stored: numbers from text files take no more room than others.
func (f *Field) dress(v dual.Value, d *defaults) dual.Value {
	switch {
	case v.Kind == dual.Both && f.Format == nil && d.isDefault(v):
		f.Symbols.plain = true
		return dual.Number(v.Num)
	case v.Kind != dual.Num || v.Format == nil:
		return v
	case f.Format != nil && *f.Format == *v.Format:
		return v
	case f.Format == nil && f.Symbols.ends == nil && !f.Symbols.plain:
		f.Format = v.Format
		return v
	}
	return dual.New(d.show(v), v.Num)
}

// Add returns the codes of values in the field's symbol table, which gets those
// that are new, each looked up once. Values are taken as they are: which
// numbers have a text of their own, and which text, survives, so that a file
// can be written again as it was read.
//
// It is for one goroutine at a time, before the catalog is sealed.
func (f *Field) Add(vals []dual.Value, show func(dual.Value) string) ([]uint32, error) {
	s := f.Symbols
	a := adder{symbols: s, defaults: defaults{show: show}}
	a.drop = f.Format == nil && (s.plain || s.nums == nil) && !slices.ContainsFunc(vals, isPureNumber)
	add := a.lookUp
	if s.n == 0 && ascending(vals) {
		add = a.addAll
	}
	codes := make([]uint32, len(vals))
	if err := add(codes, vals); err != nil {
		return nil, fmt.Errorf("field %s: %w", f.Name, err)
	}
	return codes, nil
}

// An adder adds values to a symbol table.
type adder struct {
	symbols *Symbols
	defaults
	drop bool // texts that are the default ones are not kept
}

// stored returns a value as it is kept.
func (a *adder) stored(v dual.Value) dual.Value {
	if a.drop && v.Kind == dual.Both && a.isDefault(v) {
		a.symbols.plain = true
		return dual.Number(v.Num)
	}
	return v
}

// addAll adds ascending values to an empty symbol table, as keys and dates of
// a sorted table are: no two are the same, so nothing has to be hashed. The
// index comes with the first look-up, and after a mere load there is none.
func (a *adder) addAll(codes []uint32, vals []dual.Value) error {
	s := a.symbols
	if len(vals) > 0 && vals[len(vals)-1].HasNum() { // all have: texts come last
		s.nums = append(make([]float64, 0, len(vals)+1), math.NaN())
	}
	for i := range vals {
		codes[i] = uint32(i + 1)
		if v := &vals[i]; v.Kind == dual.Num && s.nums != nil && s.ends == nil && s.n < symbolsMax {
			s.nums = append(s.nums, v.Num) // what add does, without copies of the value
			s.n++
			continue
		}
		if err := s.add(a.stored(vals[i])); err != nil {
			return err
		}
	}
	return nil
}

// lookUp finds the codes of values and adds those that are new.
func (a *adder) lookUp(codes []uint32, vals []dual.Value) error {
	a.symbols.reserve(len(vals))
	var block [warmBlock]dual.Value
	for lo := 0; lo < len(vals); lo += warmBlock {
		part := block[:copy(block[:], vals[lo:])]
		for i, v := range part {
			part[i] = a.stored(v)
		}
		a.symbols.warm(part)
		for i := range part {
			code, err := a.symbols.Code(part[i])
			if err != nil {
				return err
			}
			codes[lo+i] = code
		}
	}
	return nil
}

func isPureNumber(v dual.Value) bool { return v.Kind == dual.Num }
