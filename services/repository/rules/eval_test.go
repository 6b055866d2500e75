package rules

import (
	"errors"
	"testing"
	"time"
)

func TestConditions(t *testing.T) {
	ann := newThing(typeUser, "u1", "userid", "ann", "userdirectory", "DOM", "roles", []string{"Editor", "Author"}, "@region", []string{"North", "South"}, "level", "10")
	stream := newThing("Stream", "s1", "name", "Sales", "@region", "south")
	app := newThing("App", "a1", "name", "Budget 2026", "stream", stream, "owner", ann, "size", 12.5,
		"created", Date(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)), "published", Bool(true), "note", "")
	request := Request{
		User:        ann,
		Session:     Attributes{"group": Texts("G1", "G2"), "roles": Texts("RootAdmin")},
		Environment: Attributes{"ip": Texts("10.0.0.1")},
	}
	for _, tt := range []struct {
		condition string
		want      bool
		why       string
	}{
		{`user.roles = "editor"`, true, "any element, without case"},
		{`user.roles == "editor"`, false, "== sees case"},
		{`user.roles != "editor"`, false, "!= is true if no element fits, not if some element differs"},
		{`user.roles !== "editor"`, true, ""},
		{`user.roles = {"X", "author"}`, true, "a set"},
		{`user.roles = "RootAdmin"`, false, "a session does not make administrators"},
		{`user.group = "g2"`, true, "attributes of the session"},
		{`user.environment.ip = "10.0.0.1"`, true, ""},
		{`resource.stream.@Region = user.@region`, true, "lists on both sides"},
		{`resource.none = "x"`, false, "missing"},
		{`resource.none != "x"`, true, "missing"},
		{`resource.none.Empty() and resource.note.Empty()`, true, "no value, or an empty text"},
		{`resource.stream.Empty()`, false, "a relation"},
		{`resource.owner = user and resource.IsOwned()`, true, "entities compare by id"},
		{`resource = user`, false, ""},
		{`!user.IsAnonymous()`, true, ""},
		{`resource.name like "bud*20*"`, true, ""},
		{`resource.name like "get"`, false, "like is over the whole text"},
		{`resource.name matches "budget \d+"`, true, ""},
		{`resource.name matches "budget"`, false, "so is matches"},
		{`resource.size = "12.50"`, true, "numbers compare as numbers"},
		{`resource.size > 9 and resource.size <= 12.5`, true, ""},
		{`user.level > 9`, true, "texts that read as numbers"},
		{`resource.name > 1`, false, "not a number"},
		{`resource.created >= "2026-03-01" and resource.created < "2026-03-02"`, true, "dates"},
		{`resource.published = "TRUE"`, true, ""},
		{`resource.resourcetype = "app" and resource.id = "A1"`, true, ""},
		{`node.name = "x"`, false, "no node in this request"},
		{``, false, "blank is false"},
		{`true or false and false`, true, "and binds closer"},
	} {
		s := compileOK(t, securityRule("r", "*", Read, tt.condition))
		if got := allowed(t, s, request, app, Read) == Read; got != tt.want {
			t.Errorf("%s: %v: %s", tt.condition, got, tt.why)
		}
	}
}

func TestPrivileges(t *testing.T) {
	stream := newThing("Stream", "s1")
	app := newThing("App", "a1", "stream", stream)
	for _, tt := range []struct {
		name       string
		read, edit string
		want       Action
	}{
		{"one asks the other", `true`, `resource.HasPrivilege("read")`, Read | Update},
		{"a loop grants nothing", `resource.HasPrivilege("update")`, `resource.HasPrivilege("read")`, None},
		{"nor does a negated one", `!resource.HasPrivilege("update")`, `resource.HasPrivilege("read")`, None},
		{"a denial that is no loop", `false`, `!resource.HasPrivilege("read")`, Update},
		{"over a relation", `resource.stream.HasPrivilege("delete")`, `false`, Read},
	} {
		s := compileOK(t, securityRule("read", "App_*", Read, tt.read), securityRule("edit", "App_*", Update, tt.edit), securityRule("s", "Stream_*", Delete, "true"))
		if got := allowed(t, s, Request{User: newUser("u1")}, app, All); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestFailsClosed(t *testing.T) {
	s, bad := Compile([]Rule{
		securityRule("syntax", "*", All, "true or"),
		securityRule("filter", "**", All, "true"),
		{ID: "category", Category: "Other", Filter: "*", Actions: All, Condition: "true"},
		securityRule("lacking", "App_*", Read, `resource.x != "y"`),
	})
	if len(bad) != 3 {
		t.Errorf("bad rules: %v", bad)
	}
	user := Request{User: newUser("u1")}
	if got := allowed(t, s, user, newThing("Stream", "s1"), All); got != None {
		t.Errorf("bad rules grant %s", got)
	}
	a, err := s.Access(user)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.Allowed(broken{newThing("App", "a1")}, Read); got != None || !errors.Is(err, errAway) {
		t.Errorf("an attribute that cannot be read: %s, %v", got, err)
	}
	if _, err := s.Access(Request{}); !errors.Is(err, ErrNoUser) {
		t.Errorf("no user: %v", err)
	}
}

func TestSections(t *testing.T) {
	s := compileOK(t, securityRule("r", "QmcSection_App", Read, "true"),
		securityRule("audit", "*", Update, `!(resource.resourcetype = "TransientObject" and resource.name like "QmcSection_*")`))
	user := Request{User: newUser("u1")}
	for section, want := range map[Section]Action{"QmcSection_App": Read, "QmcSection_Tag": None, "HubSection_Home": Update} {
		if got := allowed(t, s, user, section, All); got != want {
			t.Errorf("%s: %s, want %s", section, got, want)
		}
	}
}
