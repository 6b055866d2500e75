package rules

import (
	"maps"
	"slices"
	"strings"
)

// A RuleSet is all rules, compiled. It does not change, but for the scores by
// which rules are ordered; any number of goroutines may use it.
type RuleSet struct {
	rules  []*rule
	slots  int
	names  []string // of user attributes that conditions read, sorted
	around []string // of environment attributes
	steps  map[string]bool
	index  map[Category]*typeIndex
}

// A BadRule is a stored rule that never matches, and why.
type BadRule struct {
	ID, Name string
	Err      error
}

// Compile compiles stored rules. Bad ones are reported and never match.
func Compile(stored []Rule) (*RuleSet, []BadRule) {
	c := &compiler{}
	s := &RuleSet{index: map[Category]*typeIndex{}}
	var bad []BadRule
	for i := range stored {
		copied := stored[i]
		r, err := compileRule(&copied, c)
		if err != nil {
			bad = append(bad, BadRule{ID: copied.ID, Name: copied.Name, Err: err})
		}
		r.index = i
		s.rules = append(s.rules, r)
	}
	s.slots, s.steps = c.slots, c.steps
	s.names = slices.Sorted(maps.Keys(c.userNames))
	s.around = slices.Sorted(maps.Keys(c.environment))
	for _, category := range []Category{Security, License, LoadBalancing} {
		s.index[category] = newTypeIndex(s.of(category))
	}
	return s, bad
}

// With returns a set with one more rule, or with another in place of the one
// with its id: for previews.
func (s *RuleSet) With(r Rule) (*RuleSet, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	stored := s.Rules()
	if i := slices.IndexFunc(stored, func(old Rule) bool { return old.ID == r.ID }); i >= 0 {
		stored[i] = r
	} else {
		stored = append(stored, r)
	}
	with, _ := Compile(stored)
	return with, nil
}

// Follows reports whether a path of any rule has a step of this name, in lower
// case.
func (s *RuleSet) Follows(name string) bool { return s.steps[name] }

// Rules returns the rules as stored.
func (s *RuleSet) Rules() []Rule {
	stored := make([]Rule, len(s.rules))
	for i, r := range s.rules {
		stored[i] = *r.Rule
	}
	return stored
}

func (s *RuleSet) of(c Category) []*rule {
	var rules []*rule
	for _, r := range s.rules {
		if strings.EqualFold(string(r.Category), string(c)) {
			rules = append(rules, r)
		}
	}
	return rules
}
