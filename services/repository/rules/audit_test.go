package rules

import (
	"reflect"
	"testing"
)

func TestAudit(t *testing.T) {
	s := compileOK(t, securityRule("A", "App_*", Read, `user.roles = "X"`), securityRule("B", "App*", Update|Delete, `resource.HasPrivilege("read")`))
	users := []Entity{newUser("u1", "X"), newUser("u2")}
	resources := []Entity{newThing("App", "a1"), newThing("Stream", "s1")}
	preview := securityRule("A", "App_*", Read, "true")
	bad := securityRule("A", "App_*", Read, "tru")
	both := []AppliedRule{{"a", Read}, {"b", Update | Delete}}
	for _, tt := range []struct {
		name    string
		options AuditOptions
		want    []AuditCell
	}{
		{"granting", AuditOptions{}, []AuditCell{{"u1", "a1", Read | Update | Delete, both}}},
		{"all", AuditOptions{IncludeNonGranting: true}, []AuditCell{
			{"u1", "a1", Read | Update | Delete, both},
			{"u2", "a1", None, []AppliedRule{{"a", None}, {"b", None}}},
		}},
		{"preview", AuditOptions{Preview: &preview}, []AuditCell{{"u1", "a1", Read | Update | Delete, both}, {"u2", "a1", Read | Update | Delete, both}}},
	} {
		got, err := s.Audit(t.Context(), users, resources, tt.options)
		if err != nil || !reflect.DeepEqual(got.Cells, tt.want) {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	if _, err := s.Audit(t.Context(), users, resources, AuditOptions{Preview: &bad}); err == nil {
		t.Error("a preview that cannot be read")
	}
}

func TestAuditAgrees(t *testing.T) {
	for seed := range uint64(40) {
		w := newRandomWorld(seed)
		s := compileOK(t, w.rules...)
		for _, e := range w.resources {
			for _, u := range w.users {
				got, err := s.Audit(t.Context(), []Entity{u}, []Entity{e}, AuditOptions{IncludeNonGranting: true})
				if err != nil {
					t.Fatal(err)
				}
				granted := None
				for _, cell := range got.Cells {
					granted |= cell.Granted
				}
				if want := allowed(t, s, Request{User: u}, e, All); granted != want {
					t.Fatalf("seed %d: %s, want %s\n%+v", seed, granted, want, w.rules)
				}
			}
		}
	}
}

func TestNodesAndLicences(t *testing.T) {
	stored := append(Defaults(),
		Rule{ID: "l", Name: "l", Category: License, Filter: "License.ProfessionalAccessGroup_g1", Actions: Allow, Condition: `user.group = "Sales"`})
	s := compileOK(t, stored...)
	nodes := []Entity{newThing("ServerNodeConfiguration", "n1", "iscentral", Bool(true)), newThing("ServerNodeConfiguration", "n2", "iscentral", Bool(false)), newThing("ServerNodeConfiguration", "n3")}
	got, err := s.Nodes(newThing("App", "a1"), nodes)
	if err != nil || !reflect.DeepEqual(got, nodes[:2]) {
		t.Errorf("%v, %v", got, err)
	}
	for group, want := range map[string]bool{"Sales": true, "HR": false} {
		ok, err := s.Licensed(Request{User: newUser("u1"), Session: Attributes{"group": Texts(group)}}, newThing("License.ProfessionalAccessGroup", "g1"))
		if err != nil || ok != want {
			t.Errorf("%s: %v, %v", group, ok, err)
		}
	}
}
