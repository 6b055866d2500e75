package rules

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	user := newThing(typeUser, "u1", "name", "Ann", "@dep", "Sales", "roles", "X")
	app := newThing("App", "a1", "name", "Budget", "@dep", "HR")
	disabled := securityRule("Off", "App_*", Delete, "true")
	disabled.Disabled = true
	console := securityRule("Console", "App_*", Export, "true")
	console.Context = ContextConsole
	s, _ := Compile([]Rule{
		securityRule("Dep", "App_*", Read|Update, `user.roles = "X" and user.@dep = resource.@dep`),
		securityRule("Role", "App*", Update, `user.roles = "X"`),
		disabled, console,
	})
	for _, tt := range []struct {
		action  Action
		allowed bool
		want    string
	}{
		{Update, true, `"Ann" may update App "Budget" because rule "Role" grants it: user.roles = "X".`},
		{Read, false, `"Ann" may not read App "Budget": the closest rule is "Dep", but user.@dep = resource.@dep is false (left is "Sales", right is "HR").`},
		{Delete, false, `"Ann" may not delete App "Budget": rule "Off" would grant it but is disabled.`},
		{Export, false, `"Ann" may not export App "Budget": rule "Console" would grant it but counts in another context only.`},
		{Publish, false, `"Ann" may not publish App "Budget": no rule in force gives this action on App.`},
	} {
		x, err := s.Explain(Request{User: user, Context: ContextHub}, app, tt.action)
		if err != nil || x.Allowed != tt.allowed || x.Sentence != tt.want {
			t.Errorf("%s: %+v, %v; want %s", tt.action, x, err, tt.want)
			continue
		}
		if text, err := json.Marshal(x); err != nil || !strings.Contains(string(text), `"sentence"`) {
			t.Errorf("%s, %v", text, err)
		}
	}
	if _, err := s.Explain(Request{User: user}, app, Read|Update); err == nil {
		t.Error("two actions at once are explained")
	}
}

func TestExplainAgrees(t *testing.T) {
	for seed := range uint64(40) {
		w := newRandomWorld(seed)
		s := compileOK(t, w.rules...)
		for range 20 {
			r, e := w.request(), w.resources[w.IntN(len(w.resources))]
			x, err := s.Explain(r, e, Read)
			if err != nil || x.Allowed != (allowed(t, s, r, e, Read) != 0) {
				t.Fatalf("seed %d: %+v, %v\n%+v", seed, x, err, w.rules)
			}
		}
	}
}
