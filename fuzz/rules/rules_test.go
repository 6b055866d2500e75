// Package rules fuzzes conditions and filters of security rules.
package rules

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/services/repository/rules"
)

// lengthMax is how long a condition may be, in characters.
const lengthMax = 2048

// FuzzCondition: no panic; nothing beside an error; the canonical spelling of
// a condition is read back to itself; a filter does the same.
func FuzzCondition(f *testing.F) {
	for _, s := range []string{
		"", "true", "!user.IsAnonymous()", `user.roles = "RootAdmin"`, `user.roles = {"A","B"} || user.x != 'y'`,
		`user.roles = "AuditAdmin" and !(resource.resourcetype = "TransientObject" and resource.name like "QmcSection_*")`,
		`!resource.App.stream.Empty() and resource.App.HasPrivilege("read")`, `resource.owner = user`, `user.@Department = resource.stream.@Department`,
		"user.name = “Ann”", "user.name == ‘a\"b’", `resource.x matches "(a|b)+"`, `resource.size >= -1.5`, "!!!(true)", "((((", "user.a = {", "\xff", "user.é = \"\xff\"",
	} {
		f.Add(s, "App*, Stream_aaec8d41-5201-43ab-809f-3063750dfafd")
	}
	f.Add(`(user.a = "1" or user.b = "2") and (resource.c = "3" or !user.IsAnonymous())`, "*")
	f.Add("node.isCentral = \"true\"", "*,QmcSection_App.Object,App")
	f.Fuzz(func(t *testing.T, condition, filter string) {
		checkCondition(t, condition)
		parsed, err := rules.ParseFilter(filter)
		if err != nil {
			if parsed != nil {
				t.Fatal("a filter beside an error")
			}
			return
		}
		again, err := rules.ParseFilter(parsed.String())
		if len(parsed.String()) <= 1024 && (err != nil || again.String() != parsed.String()) {
			t.Fatalf("%q is read back as %v, %v", parsed, again, err)
		}
	})
}

func checkCondition(t *testing.T, text string) {
	parsed, err := rules.Parse(text)
	if err != nil {
		var syntax *rules.SyntaxError
		if parsed != nil || !errors.As(err, &syntax) || syntax.Pos < 1 || syntax.Pos > utf8.RuneCountInString(text)+1 {
			t.Fatalf("%q: %v, %v", text, parsed, err)
		}
		return
	}
	if form, err := parsed.Form(); (form == nil) == (err == nil) {
		t.Fatalf("%q: the form %v, %v", text, form, err)
	}
	canonical := parsed.String()
	if utf8.RuneCountInString(canonical) > lengthMax {
		return // brackets and blanks were added
	}
	again, err := rules.Parse(canonical)
	if err != nil || again.String() != canonical {
		t.Fatalf("%q: %q is read back as %v, %v", text, canonical, again, err)
	}
	rule := rules.Rule{Category: rules.Security, Filter: "*", Actions: rules.All, Condition: text}
	set, bad := rules.Compile([]rules.Rule{rule})
	if len(bad) > 0 {
		t.Fatalf("%q: %v", text, bad)
	}
	access, err := set.Access(rules.Request{User: rules.Section("u")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := access.Allowed(rules.Section("QmcSection_App"), rules.Read); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
}
