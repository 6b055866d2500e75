package session

import (
	"context"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/engine/model"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage/bitset"
)

// Within says which selections limit a search over all fields.
type Within uint8

// The contexts of a search.
const (
	Anywhere         Within = iota // all values
	LockedFields                   // what locked fields leave possible
	CurrentSelection               // what is possible now
)

// A FieldMatch is the values of a field that hold a search term.
type FieldMatch struct {
	Field *model.Field
	Codes *bitset.Set
	Terms []int // by position
}

// groupsMax bounds the combinations of fields that a search answers.
const groupsMax = 200

// SearchAll looks for terms in the texts of all fields, or the named ones.
// Each group is a set of fields that match all terms together.
func (s *Session) SearchAll(ctx context.Context, fields, terms []string, within Within) ([][]FieldMatch, error) {
	perTerm := make([][]FieldMatch, len(terms))
	for t, term := range terms {
		for _, f := range s.searchable(fields) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			codes, err := s.holding(f, term, within)
			if err != nil {
				return nil, err
			}
			if !codes.Empty() {
				perTerm[t] = append(perTerm[t], FieldMatch{f, codes, []int{t}})
			}
		}
	}
	groups := [][]FieldMatch{nil}
	for _, matches := range perTerm {
		groups = extend(groups, matches)
	}
	if len(terms) == 0 {
		return nil, nil
	}
	return groups, nil
}

// searchable returns the fields that a search looks into.
func (s *Session) searchable(names []string) (out []*model.Field) {
	for _, f := range s.data.Model.Fields {
		named := slices.ContainsFunc(names, func(n string) bool { return n != "" && (n == f.Name || n == "*" || FieldName(n) == f.Name) })
		all := len(names) == 0 || len(names) == 1 && names[0] == ""
		if !model.IsSynthetic(f.Name) && !slices.Contains(f.Tags, "$hidden") && (named || all) {
			out = append(out, f)
		}
	}
	return out
}

// holding returns the values whose text holds a term, without case.
func (s *Session) holding(f *model.Field, term string, within Within) (*bitset.Set, error) {
	codes := bitset.New(f.Symbols.Len() + 1)
	if term == "" {
		return codes, nil
	}
	var possible []uint8
	if within != Anywhere {
		st, err := s.State("")
		if err != nil {
			return nil, err
		}
		if within == LockedFields {
			st = st.Keep(func(_ string, sel state.Selection) bool { return sel.Locked })
		}
		possible = s.data.Infer.Of(st).Possible(f)
	}
	lower := strings.ToLower(term)
	for code := 1; code <= f.Symbols.Len(); code++ {
		if (possible == nil || possible[code] != 0) && strings.Contains(strings.ToLower(s.Text(f, code)), lower) {
			codes.Add(code)
		}
	}
	return codes, nil
}

// extend adds the matches of one more term to every group.
func extend(groups [][]FieldMatch, matches []FieldMatch) (out [][]FieldMatch) {
	for _, g := range groups {
		for _, m := range matches {
			if len(out) == groupsMax {
				return out
			}
			i := slices.IndexFunc(g, func(o FieldMatch) bool { return o.Field == m.Field })
			if i < 0 {
				out = append(out, append(slices.Clone(g), m))
				continue
			}
			both := slices.Clone(g)
			codes := g[i].Codes.Clone()
			codes.Or(m.Codes)
			both[i] = FieldMatch{m.Field, codes, append(slices.Clone(g[i].Terms), m.Terms...)}
			out = append(out, both)
		}
	}
	return out
}

// SelectMatches selects what a group of a search has found.
func (s *Session) SelectMatches(group []FieldMatch, how Pick) (ok bool, err error) {
	for _, m := range group {
		done, err := s.Select(m.Field, m.Codes, how)
		if err != nil {
			return false, err
		}
		ok = ok || done
	}
	return ok, nil
}

// Suggest returns words of the data that begin with a term.
func (s *Session) Suggest(ctx context.Context, fields []string, term string, most int) (words []string, err error) {
	lower := strings.ToLower(term)
	if lower == "" {
		return nil, nil
	}
	for _, f := range s.searchable(fields) {
		for code := 1; code <= f.Symbols.Len() && len(words) < most; code++ {
			if code%65536 == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			for _, w := range strings.Fields(s.Text(f, code)) {
				if strings.HasPrefix(strings.ToLower(w), lower) && !slices.Contains(words, w) {
					words = append(words, w)
				}
			}
		}
	}
	return words[:min(len(words), most)], nil
}
