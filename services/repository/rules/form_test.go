package rules

import (
	"fmt"
	"testing"
)

func TestForm(t *testing.T) {
	for _, tt := range []struct{ condition, resource, user, typeName, err string }{
		{`user.roles = "A" and resource.name like "x*"`, `[[{resource.name like x*}]]`, `[[{user.roles = A}]]`, "", ""},
		{`(user.roles = "A" or user.group = {"B","C"}) and !user.IsAnonymous()`, `[]`, `[[{user.roles = A} {user !IsAnonymous }] [{user.group = {"B", "C"}} {user !IsAnonymous }]]`, "", ""},
		{`resource.resourcetype = "App" and resource.stream.HasPrivilege("read")`, `[[{resource.resourcetype = App} {resource.stream HasPrivilege read}]]`, `[]`, "App", ""},
		{`user.@dep = resource.@dep`, `[]`, `[[{user.@dep = resource.@dep}]]`, "", ""},
		{`user.name = "a" or resource.name = "b"`, "", "", "", errMixed.Error()},
		{`!(user.name = "a")`, "", "", "", errNegated.Error()},
		{`true`, "", "", "", errConstant.Error()},
	} {
		c, err := Parse(tt.condition)
		if err != nil {
			t.Fatal(err)
		}
		f, err := c.Form()
		switch {
		case tt.err != "":
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s: %v, want %s", tt.condition, err, tt.err)
			}
		case err != nil:
			t.Errorf("%s: %v", tt.condition, err)
		case fmt.Sprint(f.Resource) != tt.resource || fmt.Sprint(f.User) != tt.user || f.ResourceType != tt.typeName:
			t.Errorf("%s: %v, %v, %q", tt.condition, f.Resource, f.User, f.ResourceType)
		}
	}
	long := "user.a = \"1\""
	for range 7 {
		long = "(" + long + " or user.b = \"2\") and (user.c = \"3\" or user.d = \"4\")"
	}
	c, err := Parse(long)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Form(); err != errTooMany {
		t.Errorf("%v", err)
	}
}
