package bench

import (
	"context"
	"fmt"
	"strings"

	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage/bitset"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A namedSelection is a state by values.
type namedSelection struct {
	name   string
	fields []fieldSelection
}

// A fieldSelection selects values of a field by their texts, or numbers from
// lo to hi where there are no texts.
type fieldSelection struct {
	field  string
	texts  []string
	lo, hi float64
}

// state returns the selection over a model.
func (s *namedSelection) state(m *model.Model) (*state.State, error) {
	var st *state.State
	for _, sel := range s.fields {
		f := m.Field(sel.field)
		if f == nil {
			return nil, fmt.Errorf("selection %s: no field %s", s.name, sel.field)
		}
		codes := bitset.New(f.Symbols.Len() + 1)
		n := 0
		for code := uint32(1); code <= uint32(f.Symbols.Len()); code++ {
			if sel.matches(f.Value(code)) {
				codes.Add(int(code))
				n++
			}
		}
		if n == 0 {
			return nil, fmt.Errorf("selection %s: no such value in %s", s.name, sel.field)
		}
		st = st.With(sel.field, state.Selection{Codes: codes})
	}
	return st, nil
}

func (s *fieldSelection) matches(v dual.Value) bool {
	if s.texts == nil {
		return v.HasNum() && v.Num >= s.lo && v.Num <= s.hi
	}
	for _, t := range s.texts {
		if number.Default().Text(v) == t {
			return true
		}
	}
	return false
}

// clicks measures the state of all values of all fields after a selection.
// The answer is the number of values that are possible.
func clicks(ctx context.Context, c *Config, d *dataset, m *model.Model, r *Report) error {
	for i := range d.selections {
		s := &d.selections[i]
		st, err := s.state(m)
		if err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		err = repeat(ctx, c, d, r, "click "+s.name+" ("+s.describe()+")", func() (string, error) {
			return possible(infer.New(m), st), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *namedSelection) describe() string {
	var parts []string
	for _, f := range s.fields {
		if f.texts == nil {
			parts = append(parts, fmt.Sprintf("%s=%v..%v", f.field, f.lo, f.hi))
		} else {
			parts = append(parts, f.field+"="+strings.Join(f.texts, "|"))
		}
	}
	return strings.Join(parts, ", ")
}
