package rules

import (
	"errors"
	"strings"
	"testing"
)

// A thing is an entity in memory.
type thing struct {
	typeName, id string
	attrs        map[string][]Value
	related      map[string][]Entity
	backs        map[string]func() []Entity
}

func (e *thing) Type() string                      { return e.typeName }
func (e *thing) ID() string                        { return e.id }
func (e *thing) Attr(name string) ([]Value, error) { return e.attrs[name], nil }
func (e *thing) Back(name string) bool             { return e.backs[name] != nil }
func (e *thing) Related(name string) ([]Entity, error) {
	if who := e.backs[name]; who != nil {
		return who(), nil
	}
	return e.related[name], nil
}

// newThing takes names and what they have: a string, strings, a number,
// an entity or entities.
func newThing(typeName, id string, pairs ...any) *thing {
	e := &thing{typeName: typeName, id: id, attrs: map[string][]Value{}, related: map[string][]Entity{}, backs: map[string]func() []Entity{}}
	for i := 0; i < len(pairs); i += 2 {
		e.put(pairs[i].(string), pairs[i+1])
	}
	return e
}

func (e *thing) put(name string, what any) {
	switch what := what.(type) {
	case string:
		e.attrs[name] = Texts(what)
	case []string:
		e.attrs[name] = Texts(what...)
	case float64:
		e.attrs[name] = []Value{Number(what)}
	case Value:
		e.attrs[name] = []Value{what}
	case *thing:
		e.related[name] = []Entity{what}
	case []Entity:
		e.related[name] = what
	}
}

func newUser(id string, roles ...string) *thing {
	return newThing(typeUser, id, "userid", id, "userdirectory", "DOM", "name", id, "roles", roles)
}

// broken fails on every attribute.
type broken struct{ *thing }

var errAway = errors.New("the database is away")

func (broken) Attr(string) ([]Value, error) { return nil, errAway }

func compileOK(t testing.TB, stored ...Rule) *RuleSet {
	t.Helper()
	s, bad := Compile(stored)
	for _, b := range bad {
		t.Errorf("rule %s: %v", b.Name, b.Err)
	}
	return s
}

func securityRule(name, filter string, actions Action, condition string) Rule {
	return Rule{ID: strings.ToLower(name), Name: name, Category: Security, Filter: filter, Actions: actions, Condition: condition}
}

func allowed(t testing.TB, s *RuleSet, r Request, e Entity, want Action) Action {
	t.Helper()
	a, err := s.Access(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Allowed(e, want)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
