package search

import (
	"strings"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

func match(t *testing.T, s string, mode Mode, v dual.Value) bool {
	t.Helper()
	loc := number.Default()
	x, err := Parse(s, mode, loc)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return x.Match(loc.Text(v), v)
}

func TestKindsOfSearch(t *testing.T) {
	text, num := dual.String, dual.Number
	for _, tt := range []struct {
		search string
		mode   Mode
		value  dual.Value
		want   bool
		why    string
	}{
		// Normal: each term begins a word, case does not matter.
		{"nor", Interactive, text("Great North"), true, "begins the second word"},
		{"nor gre", Interactive, text("Great North"), true, "terms in any order"},
		{"nor x", Interactive, text("Great North"), false, "every term has to match"},
		{"orth", Interactive, text("North"), false, "inside of a word"},
		{"tail", Interactive, text("detail, tail"), true, "not at the first place, but at the second"},
		{"b", Interactive, text("a-b"), true, "a sign ends a word"},
		{"É", Interactive, text("été"), true, "case of other letters"},
		{"", Interactive, text("x"), false, "nothing matches nothing"},
		{"  ", Interactive, text("x"), false, "spaces are nothing"},
		{"12", Interactive, num(12), true, "the number it reads as"},
		{"12", Interactive, num(123), true, "the beginning of its text"},
		{"12,000.0", Interactive, num(12), false, "another number"},
		{"nor", Interactive, dual.Value{}, false, "NULL matches nothing"},
		// In set analysis: the whole text.
		{"nor", SetElement, text("North"), false, "a part"},
		{"NORTH", SetElement, text("North"), true, "without case"},
		{"12.0", SetElement, num(12), true, "the number it reads as"},
		{"12", SetElement, text("12"), true, "a text that looks like a number"},
		{"", SetElement, text(""), true, "the empty text"},
		// Wildcards.
		{"n*h", Interactive, text("North"), true, "any characters"},
		{"n?rth", Interactive, text("North"), true, "one character"},
		{"*ort", Interactive, text("North"), false, "the whole text has to match"},
		{"*", SetElement, text(""), true, "the empty text too"},
		{"*", SetElement, dual.Value{}, false, "but not NULL"},
		{"?", SetElement, text("é"), true, "a character, not a byte"},
		{"Great ^no*", Interactive, text("Great ^North"), true, "beside * a ^ is a character"},
		{"^nor", Interactive, text("Great North"), true, "the start of a word"},
		{"^rth", Interactive, text("Great North"), false, "not inside of one"},
		{"gr^nor", Interactive, text("Great North"), true, "after a beginning"},
		// Numbers.
		{">10", Interactive, num(10), false, "open bound"},
		{">=10", Interactive, num(10), true, "closed bound"},
		{">=10<20", Interactive, num(19.5), true, "range"},
		{">=10<20", Interactive, num(20), false, "behind the range"},
		{"< 0", Interactive, num(-1), true, "space before the number"},
		{">1e3", Interactive, num(1001), true, "exponent"},
		{">10", Interactive, text("zwanzig"), false, "a text is not in a range"},
		{">10", Interactive, dual.New("zwanzig", 20), true, "a dual is, by its number"},
		{">x", SetElement, text(">x"), true, "no number: the text itself"},
		{"<>", SetElement, text("<>"), true, "no number at all"},
		// Compounds.
		{"(no|so)", Interactive, text("South"), true, "or"},
		{"(n*|s*)", Interactive, text("West"), false, "none of them"},
		{"(>10&<20)", Interactive, num(15), true, "and"},
		{"(>10&<20)", Interactive, num(25), false, "one fails"},
		{"((a*|b*)&*z)", Interactive, text("bz"), true, "nested"},
		{"((a*|b*)&*z)", Interactive, text("az "), false, "nested, the and fails"},
		{"(a)", SetElement, text("(a)"), true, "brackets without | and & are text"},
		{"(a|(b)", SetElement, text("(b"), true, "an open bracket inside is text"},
		{")|(", SetElement, text(")|("), true, "and those the wrong way round"},
	} {
		if got := match(t, tt.search, tt.mode, tt.value); got != tt.want {
			t.Errorf("%q, mode %d, %v: %v, want %v: %s", tt.search, tt.mode, tt.value, got, tt.want, tt.why)
		}
	}
}

func TestExpressionSearch(t *testing.T) {
	x, err := Parse(" =Sum(a) > 10", Interactive, number.Default())
	if err != nil || x.Expr != "Sum(a) > 10" {
		t.Fatalf("%+v, %v; want the expression", x, err)
	}
	if x.Match("10", dual.Number(10)) {
		t.Error("an expression search matches nothing by itself")
	}
}

func TestSearchErrors(t *testing.T) {
	for why, s := range map[string]string{
		"too long":               strings.Repeat("x", sizeMax+1),
		"nested too deep":        strings.Repeat("(a|", depthMax+2) + "a" + strings.Repeat(")", depthMax+2),
		"fuzzy search is off":    "~nroth",
		"fuzzy inside compounds": "(a|~b)",
	} {
		if x, err := Parse(s, Interactive, number.Default()); err == nil || x != nil {
			t.Errorf("%s: %v, %v; want an error", why, x, err)
		}
	}
}

// Strings made to take long take no long time: patterns on a long text that
// nearly matches, thousands of alternatives.
func TestHostileSearch(t *testing.T) {
	loc := number.Default()
	text := strings.Repeat("ab ", 20_000)
	for _, s := range []string{
		strings.Repeat("*a", 5000) + "c",
		strings.Repeat("?*", 5000) + "c",
		strings.Repeat("^a", 5000) + "c",
		strings.Repeat("a ", 500) + "c",
		"(" + strings.Repeat("x|", 20_000) + "x)",
		strings.Repeat("(", 60_000),
		strings.Repeat(">1", 30_000),
		"\xff\xfe*\x00?^",
	} {
		start := time.Now()
		x, err := Parse(s, Interactive, loc)
		if err == nil {
			x.Match(text, dual.String(text))
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%.20q of %d bytes took %v", s, len(s), took)
		}
	}
}
