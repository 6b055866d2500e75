package session

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cognate-bi/cognate/engine/access"
	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/state"
	"github.com/cognate-bi/cognate/storage/dual"
)

// KeepState returns the current selections of all states as a bookmark holds
// them: values, not codes, which change with every reload.
//
//	{"states": [{"name": "$", "fields": [{"field": f, "locked": true, "values": [{"t": text, "n": number}, ...]}]}],
//	 "variables": [{"name": v, "definition": d}]}
func (s *Session) KeepState(withVariables bool) *tree.Node {
	set := s.history.Now()
	var states []*tree.Node
	for _, name := range append([]string{state.Default}, set.Names()...) {
		st, _ := set.State(name)
		states = append(states, tree.NewObject(
			tree.Member{Key: "name", Value: tree.NewString(name)}, tree.Member{Key: "fields", Value: s.keepFields(st)}))
	}
	out := tree.NewObject(tree.Member{Key: "states", Value: tree.NewArray(states...)})
	if !withVariables {
		return out
	}
	var vars []*tree.Node
	for _, it := range s.app.Items.All(object.Variable) {
		vars = append(vars, tree.NewObject(
			tree.Member{Key: "name", Value: tree.NewString(it.Name())},
			tree.Member{Key: "definition", Value: tree.NewString(it.Props.Get("qDefinition").Str())}))
	}
	return out.With("variables", tree.NewArray(vars...))
}

func (s *Session) keepFields(st *state.State) *tree.Node {
	var fields []*tree.Node
	for _, name := range st.Fields() {
		f := s.data.Model.Field(name)
		if f == nil {
			continue
		}
		sel, _ := st.Field(name)
		var values []*tree.Node
		for code := range sel.Codes.All() {
			values = append(values, valueTree(f.Value(uint32(code)), s.Text(f, code)))
		}
		n := tree.NewObject(tree.Member{Key: "field", Value: tree.NewString(name)}, tree.Member{Key: "values", Value: tree.NewArray(values...)})
		if sel.Locked {
			n = n.With("locked", tree.NewBool(true))
		}
		fields = append(fields, n)
	}
	return tree.NewArray(fields...)
}

func valueTree(v dual.Value, text string) *tree.Node {
	n := tree.NewObject(tree.Member{Key: "t", Value: tree.NewString(text)})
	if v.HasNum() && !math.IsInf(v.Num, 0) {
		n = n.With("n", tree.NewFloat(v.Num))
	}
	return n
}

// stateOf turns kept selections into a set of states of the current data.
// missing counts the values that do not exist any more.
func (s *Session) stateOf(kept *tree.Node) (set state.Set, missing int) {
	set = s.history.Now()
	for _, k := range kept.Get("states").Items() {
		name := k.Get("name").Str()
		if _, ok := set.State(name); !ok {
			continue
		}
		var st *state.State
		for _, kf := range k.Get("fields").Items() {
			f := s.data.Model.Field(kf.Get("field").Str())
			if f == nil {
				missing += kf.Get("values").Len()
				continue
			}
			codes := s.CodesOf(f, keptValues(kf))
			missing += kf.Get("values").Len() - codes.Count()
			st = st.With(f.Name, state.Selection{Codes: codes, Locked: kf.Get("locked").Truth()})
		}
		set = set.With(name, st)
	}
	return set, missing
}

func keptValues(field *tree.Node) []dual.Value {
	var out []dual.Value
	for _, v := range field.Get("values").Items() {
		out = append(out, keptValue(v))
	}
	return out
}

func keptValue(v *tree.Node) dual.Value {
	if n := v.Get("n"); n != nil {
		return dual.New(v.Get("t").Str(), n.Float())
	}
	return dual.String(v.Get("t").Str())
}

// hides reports whether section access has left out a field.
func (s *Session) hides(field string) bool {
	return s.data != s.whole && s.data.Model.Field(field) == nil
}

// ShownValues returns the values that a bookmark keeps of a field. Of those of
// others, section access may hide some.
func (s *Session) ShownValues(field *tree.Node) []*tree.Node {
	values := field.Get("values").Items()
	if s.data == s.whole {
		return values
	}
	f := s.data.Model.Field(field.Get("field").Str())
	if f == nil {
		return nil
	}
	texts := map[string]bool{}
	for code := range s.CodesOf(f, keptValues(field)).All() {
		texts[s.Text(f, code)] = true
	}
	return slices.DeleteFunc(slices.Clone(values), func(v *tree.Node) bool {
		return f.Symbols.Find(keptValue(v)) == 0 && !texts[v.Get("t").Str()]
	})
}

// Apply selects what a bookmark keeps, as one step; missing is the number of
// its values that do not exist. Variables that the user may not change stay as
// they are.
func (s *Session) Apply(kept *tree.Node) (missing int, err error) {
	if kept == nil {
		return 0, fmt.Errorf("%w: no such bookmark", object.ErrNotFound)
	}
	s.acceptModal()
	set, missing := s.stateOf(kept)
	s.setSet(s.keepLocked(set))
	for _, v := range kept.Get("variables").Items() {
		if it := s.VariableItem(v.Get("name").Str()); it != nil {
			if err := s.SetDefinition(it.ID, v.Get("definition").Str()); err != nil && !errors.Is(err, access.ErrDenied) {
				return missing, err
			}
		}
	}
	return missing, nil
}

// keepLocked lets locked fields stay as they are: a bookmark is a selection
// like others.
func (s *Session) keepLocked(set state.Set) state.Set {
	now := s.history.Now()
	for _, name := range append(set.Names(), state.Default) {
		old, _ := now.State(name)
		st, _ := set.State(name)
		for _, f := range old.Fields() {
			if sel, _ := old.Field(f); sel.Locked {
				st = st.With(f, sel)
			}
		}
		set = set.With(name, st)
	}
	return set
}

// Bookmark returns the selections that a bookmark keeps in a state: for set
// expressions, by id or title.
func (s *Session) Bookmark(name, stateName string) (*state.State, bool) {
	all := s.Items(object.Bookmark)
	i := slices.IndexFunc(all, func(it *object.Item) bool { return it.ID == name })
	if i < 0 {
		i = slices.IndexFunc(all, func(it *object.Item) bool { return it.Props.Get("qMetaDef").Get("title").Str() == name })
	}
	if i < 0 {
		return nil, false
	}
	set, _ := s.stateOf(all[i].State)
	st, _ := set.State(stateName)
	return st, true
}

// temporaryMax bounds the temporary bookmarks of a session.
const temporaryMax = 1000

// KeepTemporary stores selections for the time of the session.
func (s *Session) KeepTemporary(withVariables bool) (id string) {
	if len(s.temporary) >= temporaryMax {
		clear(s.temporary)
	}
	id = app.NewID()
	s.temporary[id] = s.KeepState(withVariables)
	return id
}

// Temporary returns a temporary bookmark, nil if there is none.
func (s *Session) Temporary(id string) *tree.Node { return s.temporary[id] }

// SetDefinition changes the definition of a variable.
func (s *Session) SetDefinition(id, definition string) error {
	it := s.Item(id)
	if it == nil {
		return fmt.Errorf("%w: %s", object.ErrNotFound, id)
	}
	return s.SetProperties(id, it.Props.With("qDefinition", tree.NewString(definition)))
}

// Restore selects a kept state without touching locks: it was one.
func (s *Session) Restore(kept *tree.Node) {
	s.acceptModal()
	set, _ := s.stateOf(kept)
	s.setSet(set)
}
