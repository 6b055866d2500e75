package expr

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

// vars is an Expander over a map; Eval knows whole-number sums only.
type vars map[string]string

func (v vars) Variable(name string) (Expansion, bool) {
	s, ok := v[name]
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		x = math.NaN()
	}
	return Expansion{Text: s, Num: x}, ok
}

func (v vars) Eval(source, format string) (Expansion, error) {
	sum := 0
	for part := range strings.SplitSeq(source, "+") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return Expansion{}, err
		}
		sum += n
	}
	return Expansion{Text: strconv.Itoa(sum) + format, Num: float64(sum)}, nil
}

func TestExpand(t *testing.T) {
	x := vars{
		"a": "1", "b": "$(a)+2", "f": "$1*$2", "name": "a", "q": "it's", "half": "0.5", "vX.Min": "7",
		"deep": "$(deep)", "grow": strings.Repeat("$(one)", 2000), "one": strings.Repeat("x", 20_000),
	}
	for _, tt := range []struct{ src, want, why string }{
		{"x$(a)y", "x1y", "plain"},
		{"$(b)", "1+2", "variables are expanded again"},
		{"$($(name))", "1", "inner first"},
		{"$(f(3, 4))", "3*4", "parameters"},
		{"$(f(3))", "3*$2", "a missing parameter stays"},
		{"$(f($(a),'x,)y'))", "1*'x,)y'", "quoted commas and brackets"},
		{"$(=1+2)", "3", "evaluated"},
		{"$(=$(b)+4, '#')", "7#", "evaluated with format"},
		{"$(#half) $(#q) $(#nix)", "0.5 0 0", "number literals"},
		{"[$(nix)]", "[]", "an unknown variable is nothing"},
		{"$(q)$(a)", "it's1", "an apostrophe is not a quote"},
		{"a $( b", "a $( b", "no closing bracket"},
		{"$( vX.Min )", "7", "blanks around the name"},
	} {
		if got, err := Expand(tt.src, x); err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v; want %q: %s", tt.src, got, err, tt.want, tt.why)
		}
	}
	for _, src := range []string{"$(deep)", "$(grow)", "$(=x)"} {
		if got, err := Expand(src, x); err == nil {
			t.Errorf("%s: got %d bytes, want an error", src, len(got))
		}
	}
}
