package rules

import "testing"

// TestVerdicts: the table of the three values, no < open < yes, in which of two
// open ones the outer counts, in a conjunction as in a disjunction.
func TestVerdicts(t *testing.T) {
	outer, inner := openAt(1), openAt(4)
	for _, tt := range []struct{ a, b, and, or verdict }{
		{no, no, no, no},
		{no, yes, no, yes},
		{yes, yes, yes, yes},
		{no, outer, no, outer},
		{yes, outer, outer, yes},
		{outer, outer, outer, outer},
		{outer, inner, outer, outer},
		{no, inner, no, inner},
		{yes, inner, inner, yes},
	} {
		for _, pair := range [][2]verdict{{tt.a, tt.b}, {tt.b, tt.a}} {
			if got := pair[0].and(pair[1]); got != tt.and {
				t.Errorf("%d and %d = %d, want %d", pair[0], pair[1], got, tt.and)
			}
			if got := pair[0].or(pair[1]); got != tt.or {
				t.Errorf("%d or %d = %d, want %d", pair[0], pair[1], got, tt.or)
			}
		}
	}
	if outer.not() != outer || no.not() != yes || yes.not() != no {
		t.Error("not of an open verdict is open, of others the other one")
	}
	if !outer.opensBelow(4) || inner.opensBelow(4) || yes.opensBelow(4) || no.opensBelow(4) {
		t.Error("only what is open on a question further out opens below")
	}
}
