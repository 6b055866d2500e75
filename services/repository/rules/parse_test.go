package rules

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "false"},
		{"!user.IsAnonymous()", "!user.IsAnonymous()"},
		{`((user.roles="ContentAdmin"))`, `user.roles = "ContentAdmin"`},
		{`user.a="1" or user.b="2" && !resource.c.empty()`, `user.a = "1" or user.b = "2" and !resource.c.Empty()`},
		{`(user.a="1" || user.b="2") AND TRUE`, `(user.a = "1" or user.b = "2") and true`},
		{`!user.a = "1"`, `!(user.a = "1")`},
		{`user.name = “Ann”`, `user.name = "Ann"`},
		{`user.name = ‘a"b’`, `user.name = 'a"b'`},
		{`user.name == "it’s"`, `user.name == "it’s"`},
		{`Resource.App.stream.hasprivilege('READ')`, `resource.App.stream.HasPrivilege("read")`},
		{`user.roles={"A","B"}`, `user.roles = {"A", "B"}`},
		{`resource.owner = user`, `resource.owner = user`},
		{`user.level>=-1.50`, `user.level >= -1.50`},
		{`user.userId like "sa_*" and user.x matches "a|b"`, `user.userId like "sa_*" and user.x matches "a|b"`},
		{`resource.matches like 'x'`, `resource.matches like "x"`},
	} {
		c, err := Parse(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if got := c.String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.text, got, tt.want)
		}
		if again, err := Parse(c.String()); err != nil || again.String() != c.String() {
			t.Errorf("%s comes back as %v, %v", c, again, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		text string
		pos  int
	}{
		{`user.a`, 7},
		{`user.a = `, 10},
		{`user.a = "x`, 10},
		{`é user`, 1},
		{`user.Foo()`, 6},
		{`resource.HasPrivilege("fly")`, 23},
		{`resource.HasPrivilege("all")`, 23},
		{`(true`, 6},
		{`true)`, 5},
		{`true true`, 6},
		{`"a" = "a"`, 1},
		{`node = "a"`, 1},
		{`user.@a.b = "x"`, 9},
		{`user.a matches "("`, 16},
		{`user.a matches "a)|(b"`, 16},
		{`user.a like user.b`, 13},
		{`user.a = {}`, 11},
		{`user.a # "x"`, 8},
		{`user.@ = "x"`, 6},
		{`user.a "=" "x"`, 8},
		{strings.Repeat("(", 65) + "true" + strings.Repeat(")", 65), 65},
		{strings.Repeat(" ", 2049), 2049},
	} {
		c, err := Parse(tt.text)
		var syntax *SyntaxError
		if c != nil || !errors.As(err, &syntax) || syntax.Pos != tt.pos {
			t.Errorf("%.40s: %v, %v, want character %d", tt.text, c, err, tt.pos)
		}
	}
}
