// Package search fuzzes search strings.
package search

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/engine/search"
	"github.com/cognate-bi/cognate/storage/dual"
)

// FuzzSearch: no panic and no endless match; NULL never matches; a plain
// string of a set element matches itself, and a compound is what it says.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{
		"nor", "*or*", "n?rth", ">=10<20", "<x", "=Sum(a)>1", "~nroth", "(a|b)", "((a*|b)&c)", "^so ^no", "12,5", "", "İ*", "\xff?", "ß", "(>1&<3)",
	} {
		f.Add(s, "Great North", 12.5)
		f.Add(s, s, math.Inf(1))
	}
	loc := number.Default()
	f.Fuzz(func(t *testing.T, s, text string, x float64) {
		if len(s) > 2000 || len(text) > 2000 {
			t.Skip("longer strings take longer")
		}
		start := time.Now()
		values := []dual.Value{dual.String(text), dual.New(text, x), dual.Number(x), {}}
		for _, mode := range []search.Mode{search.Interactive, search.SetElement} {
			one, err := search.Parse(s, mode, loc)
			if err != nil {
				if one != nil {
					t.Fatal("a search beside an error")
				}
				continue
			}
			if one.Expr != "" {
				continue
			}
			either := compound(mode, loc, s, '|')
			both := compound(mode, loc, s, '&')
			for _, v := range values {
				got := one.Match(loc.Text(v), v)
				if got && v.IsNull() {
					t.Fatalf("%q matches NULL", s)
				}
				for _, c := range []*search.Search{either, both} {
					if c != nil && c.Match(loc.Text(v), v) != got {
						t.Fatalf("%q matches %q: %v; with itself in a compound not so", s, loc.Text(v), got)
					}
				}
			}
			if plain := !strings.ContainsAny(s, "*?^<>=~()"); mode == search.SetElement && plain && !one.Match(s, dual.String(s)) {
				t.Fatalf("%q does not match itself", s)
			}
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Fatalf("%v", took)
		}
	})
}

// compound returns s with itself in brackets, nil where that is another
// search: brackets, signs or spaces of s itself change its meaning.
func compound(mode search.Mode, loc *number.Locale, s string, sep byte) *search.Search {
	if strings.ContainsAny(s, "()|&=") || strings.TrimSpace(s) != s {
		return nil
	}
	c, err := search.Parse("("+s+string(sep)+s+")", mode, loc)
	if err != nil {
		return nil
	}
	return c
}
