package filter

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"  ", ""},
		{"name eq 'x'", "name eq 'x'"},
		{"name EQ \"x\"", "name eq 'x'"},
		{"name eq'x'", "name eq 'x'"},
		{"name eq 'night''s'", "name eq 'night''s'"},
		{`name eq 'night\'s'`, "name eq 'night''s'"},
		{`name eq 'C:\'`, `name eq 'C:\'`},
		{`(name eq 'C:\') and name eq 'b'`, `name eq 'C:\' and name eq 'b'`},
		{`name eq '\\host\share'`, `name eq '\\host\share'`},
		{`name eq "it's ""so"""`, `name eq 'it''s "so"'`},
		{"name eq ''", "name eq ''"},
		{"a eq 1 or b eq 2 and c eq 3", "a eq 1 or b eq 2 and c eq 3"},
		{"(a eq 1 or b eq 2) AND c eq 3", "(a eq 1 or b eq 2) and c eq 3"},
		{"((a eq 1) and ((b eq 2) and c eq 3))", "a eq 1 and b eq 2 and c eq 3"},
		{"@Department eq 'x'", "@Department eq 'x'"},
		{"id eq 5B0F1F1E-7A52-4C3C-9C92-D1CFD9A3A001", "id eq 5B0F1F1E-7A52-4C3C-9C92-D1CFD9A3A001"},
		{"operational.lastExecutionResult.status ne FinishedFail", "operational.lastExecutionResult.status ne FinishedFail"},
		{"(isCentral eq false) and (engineEnabled eq true)", "isCentral eq false and engineEnabled eq true"},
	} {
		n, err := Parse(tt.text)
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		got := ""
		if n != nil {
			got = n.String()
		}
		if got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		text string
		pos  int
	}{
		{"name", 4},
		{"name eq", 7},
		{"name is 'x'", 5},
		{"name eq 'x", 8},
		{"name eq 'x' name", 12},
		{"(name eq 'x'", 12},
		{"name eq 'x')", 11},
		{"name eq 'x' and", 15},
		{"'name' eq 'x'", 0},
		{"na-me eq 'x'", 0},
		{"a..b eq 'x'", 0},
		{"not name eq 'x'", 4},
		{"name eq \xff", 0},
		{strings.Repeat("a.", 8) + "a eq 1", 0},
		{strings.Repeat("(", 65) + "a eq 1" + strings.Repeat(")", 65), 64},
		{strings.Repeat("a eq 1 or ", 256) + "a eq 1", 2560},
		{"name eq '" + strings.Repeat("x", maxLen) + "'", maxLen},
	} {
		n, err := Parse(tt.text)
		var e *Error
		if !errors.As(err, &e) || e.Pos != tt.pos || n != nil {
			t.Errorf("%.40q: %v, %v; want an error at %d", tt.text, n, err, tt.pos)
		}
	}
}

func TestParseOrder(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"name", "name asc"},
		{"name ASC", "name asc"},
		{"stream.name desc, modifiedDate", "stream.name desc, modifiedDate asc"},
		{"name down", "error"},
		{"name,", "error"},
		{"'name'", "error"},
	} {
		list, err := ParseOrder(tt.text)
		var parts []string
		for _, o := range list {
			parts = append(parts, o.String())
		}
		got := strings.Join(parts, ", ")
		if err != nil {
			got = "error"
		}
		if got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}
