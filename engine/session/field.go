package session

import (
	"context"
	"strings"

	"github.com/cognate-bi/cognate/engine/infer"
	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/storage/bitset"
	"github.com/cognate-bi/cognate/storage/dual"
)

// FieldName returns the name in a reference as clients write it: plain, in
// brackets, in quotes, or after an equals sign.
func FieldName(ref string) string {
	t := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(ref), "="))
	if n := len(t); n >= 2 {
		switch {
		case t[0] == '[' && t[n-1] == ']':
			return strings.ReplaceAll(t[1:n-1], "]]", "]")
		case t[0] == '"' && t[n-1] == '"':
			return strings.ReplaceAll(t[1:n-1], `""`, `"`)
		}
	}
	return t
}

// FieldOf returns the named field, nil if there is none.
func (s *Session) FieldOf(ref string) *model.Field {
	if f := s.data.Model.Field(ref); f != nil {
		return f
	}
	return s.data.Model.Field(FieldName(ref))
}

// OpenField returns a handle of a field in a state, nil if there is no such
// field.
func (s *Session) OpenField(ref, name string) (*Ref, error) {
	if _, err := s.State(name); err != nil {
		return nil, err
	}
	f := s.FieldOf(ref)
	if f == nil {
		return nil, nil
	}
	return s.handles.open(Ref{Class: Field, ID: f.Name, State: stateName(name)}, refDeps(0, nil)), nil
}

// Text returns the display text of a value of a field.
func (s *Session) Text(f *model.Field, code int) string {
	return s.data.Locale.Text(f.Value(uint32(code)))
}

// CodesOf returns the codes of values: those with a number match by number,
// others by their display text.
func (s *Session) CodesOf(f *model.Field, values []dual.Value) *bitset.Set {
	out := bitset.New(f.Symbols.Len() + 1)
	var texts map[string]bool
	for _, v := range values {
		if c := f.Symbols.Find(v); c != 0 {
			out.Add(int(c))
		} else if v.HasText() {
			if texts == nil {
				texts = map[string]bool{}
			}
			texts[v.Text] = true
		}
	}
	if texts == nil {
		return out
	}
	for code := 1; code <= f.Symbols.Len(); code++ {
		if texts[s.Text(f, code)] {
			out.Add(code)
		}
	}
	return out
}

// Elements returns the codes of element numbers, which are codes less one.
// What is out of range is left out.
func Elements(f *model.Field, elements []int) *bitset.Set {
	out := bitset.New(f.Symbols.Len() + 1)
	for _, e := range elements {
		if e >= 0 && e < f.Symbols.Len() {
			out.Add(e + 1)
		}
	}
	return out
}

// Search returns the codes of the values that match a search string.
func (s *Session) Search(ctx context.Context, f *model.Field, name, text string) (*bitset.Set, error) {
	if text == "" {
		return bitset.New(f.Symbols.Len() + 1), nil
	}
	return s.Context(name).Search(ctx, text, f)
}

// Status is which values of a field a bulk selection takes.
type Status uint8

// The bulk selections.
const (
	Everything Status = iota
	Possible
	Alternative
	Excluded
)

// WithStatus returns the codes of the values of a field by their state.
func (s *Session) WithStatus(f *model.Field, name string, want Status) (*bitset.Set, error) {
	st, err := s.State(name)
	if err != nil {
		return nil, err
	}
	out := bitset.New(f.Symbols.Len() + 1)
	for i, status := range s.data.Infer.States(st, f) {
		if want.takes(status) {
			out.Add(i + 1)
		}
	}
	return out, nil
}

func (w Status) takes(s infer.Status) bool {
	switch w {
	case Everything:
		return true
	case Possible:
		return s == infer.Optional || s == infer.Selected || s == infer.Locked
	case Alternative:
		return s == infer.Alternative
	default: // what is not possible: the inverse of the selection
		return s == infer.Excluded || s == infer.SelectedExcluded || s == infer.LockedExcluded
	}
}
