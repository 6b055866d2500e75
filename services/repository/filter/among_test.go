package filter_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// TestProgramNodes: each database finds what Matches finds, for the nodes that
// have no text.
func TestProgramNodes(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		s := open(t, cfg)
		w := newWorld(t, s, rand.New(rand.NewPCG(9, 1)))
		g := generator{world: w, rng: rand.New(rand.NewPCG(9, 2))}
		found := 0
		for range 400 {
			n := g.node(2)
			p, err := filter.Resolve(n, s.Schema(), s.Schema().Type("App"))
			if err != nil {
				t.Fatalf("%s: %v", n, err)
			}
			var want, got []string
			for _, app := range w.apps {
				if p.Matches(w.docs[app], func(id string) map[string]any { return w.docs[id] }) {
					want = append(want, app)
				}
			}
			list, err := s.List(t.Context(), "App", store.Query{Where: n})
			if err != nil {
				t.Fatalf("%s: %v", n, err)
			}
			for _, e := range list {
				got = append(got, e.ID)
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("%s: found %d, want %d", n, len(got), len(want))
			}
			if len(got) > 0 && len(got) < len(w.apps) {
				found++
			}
		}
		if found < 100 {
			t.Errorf("only %d filters told entities apart", found)
		}
	})
}

// compound makes a filter of those that kid makes; sometimes, and at the depth 0,
// none.
func (g *generator) compound(depth int, kid func(depth int) filter.Node) filter.Node {
	if depth == 0 {
		return nil
	}
	switch a, b := kid(depth-1), kid(depth-1); g.rng.IntN(4) {
	case 0:
		return filter.All(a, b)
	case 1:
		return filter.Any(a, b)
	case 2:
		return &filter.Not{Node: a}
	}
	return nil
}

// node makes a filter of nodes without text, and some with one.
func (g *generator) node(depth int) filter.Node {
	if n := g.compound(depth, g.node); n != nil {
		return n
	}
	switch g.rng.IntN(9) {
	case 7:
		return &filter.Behind{Path: g.pick("owner", "stream", "tags"), Node: g.target(2)}
	case 8:
		return &filter.Behind{Path: "stream", Node: &filter.Behind{Path: "owner", Node: g.target(1)}}
	case 0:
		return filter.Constant(g.rng.IntN(2) == 0)
	case 1:
		return filter.Equal("published", "true")
	case 2:
		return &filter.Among{Path: g.pick("owner", "stream", "tags", "id"), Texts: []string{g.id(), g.id(), g.id(), g.id(), g.id(), g.id()}}
	}
	a := &filter.Among{Path: g.pick("name", "description", "description", "@P1", "@p2"), Texts: []string{}}
	for range g.rng.IntN(6) {
		word := g.pick(words...)
		if a.Path == "name" {
			word = "x" + word
		}
		if _, ok := filter.Alike(word); ok {
			a.Texts = append(a.Texts, word)
		}
	}
	return a
}

// target makes a filter of what all types of entities have that apps refer to.
func (g *generator) target(depth int) filter.Node {
	if n := g.compound(depth, g.target); n != nil {
		return n
	}
	switch g.rng.IntN(4) {
	case 0:
		return filter.Constant(g.rng.IntN(2) == 0)
	case 1:
		return &filter.Among{Path: "id", Texts: []string{g.id(), g.id(), g.id(), g.id(), g.id(), g.id()}}
	case 2:
		return &filter.Comparison{Path: []string{"name"}, Op: filter.So, Value: filter.Value{Text: g.pick(words...), Quoted: true}}
	}
	return &filter.Among{Path: "name", Texts: []string{"x" + g.pick("a", "s", "b"), g.pick("a", "stream", "s")}}
}

// TestAlike: texts that strings.EqualFold takes for equal are alike.
func TestAlike(t *testing.T) {
	letters := []string{"s", "S", "ſ", "k", "K", "å", "Å", "Å", "ς", "σ", "Σ", "µ", "μ", "İ", "i", "I", "ı", "ß", "ẞ", "x", "1", "Б", "б"}
	for _, a := range letters {
		for _, b := range letters {
			x, okX := filter.Alike(a + "q")
			y, okY := filter.Alike(b + "q")
			if !okX || !okY {
				continue
			}
			if strings.EqualFold(a, b) && x != y {
				t.Errorf("%q and %q are equal, and %q and %q are not", a, b, x, y)
			}
		}
	}
	// Of all letters only İ is alike what it does not equal.
	for c := rune(1); c <= unicode.MaxRune; c++ {
		lower := unicode.ToLower(c)
		if !strings.EqualFold(string(c), string(lower)) && filter.Exact(string(c)) {
			t.Errorf("%q is folded to %q, which it does not equal", c, lower)
		}
	}
	if _, ok := filter.Alike("Σ"); ok {
		t.Error("a sigma has two small forms, and is looked for")
	}
	if _, ok := filter.Alike("Sales in K"); !ok {
		t.Error("texts of ASCII are not looked for")
	}
}
