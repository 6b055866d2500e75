// Package filter fuzzes the filter language of the repository interface.
package filter

import (
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
)

// FuzzFilter: no panic; nothing beside an error; a filter that is written and
// parsed again is the same one, with the same SQL and as many placeholders as
// arguments.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		"name eq 'x'", "a eq 1 or (b eq 2 and c.d ne null)", `name eq 'night\'s'`, `name ew 'C:\'`, `name so "a""b"`, "@dept eq 'hr'",
		"tags.name ne 'a' and stream.owner.name sw 'b'", "modifiedDate ge '2026/01/01'", "customProperties.definition.name eq g",
		"availabilityStatus gt NotSynced or fileSize lt 1e3", "((((", "name eq '", "customProperties.value so '%?_'",
	} {
		f.Add(s)
	}
	s, err := schema.Load()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := filter.Parse(text)
		if err != nil && n != nil {
			t.Fatal("a filter beside an error")
		}
		if n == nil {
			return
		}
		written := n.String()
		again, err := filter.Parse(written)
		if err != nil {
			// Quotes that are doubled may make a filter too long.
			if len(written) <= 8<<10 {
				t.Fatalf("%q is written as %q: %v", text, written, err)
			}
			return
		}
		if again.String() != written {
			t.Fatalf("%q is written as %q, and that as %q", text, written, again)
		}
		p, err := filter.Resolve(n, s, s.Type("App"))
		q, err2 := filter.Resolve(again, s, s.Type("App"))
		if (err == nil) != (err2 == nil) || err != nil && p != nil {
			t.Fatalf("%q: %v; %q: %v", text, err, written, err2)
		}
		if err != nil {
			return
		}
		for _, d := range []*filter.Dialect{filter.SQLite(), filter.Postgres()} {
			sql, args := p.AppendSQL(nil, nil, d, "e")
			sql2, args2 := q.AppendSQL(nil, nil, d, "e")
			if string(sql) != string(sql2) || !slices.EqualFunc(args, args2, func(a, b any) bool { return a == b }) {
				t.Fatalf("%q: %s %v; %q: %s %v", text, sql, args, written, sql2, args2)
			}
			if n := placeholders(string(sql)); n != len(args) {
				t.Fatalf("%s: %d placeholders, %d arguments", sql, n, len(args))
			}
		}
		p.Matches(map[string]any{"name": text}, func(string) map[string]any { return nil })
	})
}

// placeholders counts the question marks outside quotes.
func placeholders(sql string) (n int) {
	quoted := false
	for _, c := range sql {
		switch {
		case c == '\'':
			quoted = !quoted
		case c == '?' && !quoted:
			n++
		}
	}
	return n
}
