package qix

import (
	"strings"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
)

// docSearch are the searches over all fields.
var docSearch = map[string]method{
	"SearchSuggest":      on("qOptions:o qTerms:a", searchSuggest),
	"SearchResults":      on("qOptions:o qTerms:a qPage:o", searchResults),
	"SearchAssociations": on("qOptions:o qTerms:a qPage:o", searchAssociations),
	"SelectAssociations": on("qOptions:o qTerms:a qMatchIx:i qSoftLock:b", selectAssociations),
}

// suggestionsMax is how many words are suggested.
const suggestionsMax = 10

func searchSuggest(c *call) error {
	var items []*tree.Node
	for t, term := range c.strings("qTerms") {
		words, err := c.s.Suggest(c.ctx, c.arg("qOptions").Get("qSearchFields").Strings(), term, suggestionsMax)
		if err != nil {
			return err
		}
		for _, w := range words {
			items = append(items, obj(text("qValue", w), integer("qTerm", t)))
		}
	}
	c.putNode("qResult", obj(node("qSuggestions", tree.NewArray(items...)), node("qFieldNames", tree.NewArray())))
	return nil
}

// within reads a SearchContextType; locked fields are its default.
func within(n *tree.Node) session.Within {
	if n.Kind() == tree.Number {
		return session.Within(min(max(n.Int(), 0), 2))
	}
	switch s := strings.ToLower(n.Str()); {
	case strings.HasSuffix(s, "cleared"):
		return session.Anywhere
	case strings.HasSuffix(s, "currentselections") || strings.HasSuffix(s, "current_selections"):
		return session.CurrentSelection
	}
	return session.LockedFields
}

func (c *call) groups() ([][]session.FieldMatch, error) {
	o := c.arg("qOptions")
	return c.s.SearchAll(c.ctx, o.Get("qSearchFields").Strings(), c.strings("qTerms"), within(o.Get("qContext")))
}

// window returns the part of n things that a page asks for.
func window(page *tree.Node, n, most int) (lo, hi int) {
	lo = min(max(page.Get("qOffset").Int(), 0), n)
	count := page.Get("qCount").IntOr(most)
	if count <= 0 {
		count = most
	}
	return lo, min(n, lo+count)
}

func searchResults(c *call) error {
	groups, err := c.groups()
	if err != nil {
		return err
	}
	lo, hi := window(c.arg("qPage"), len(groups), 100)
	most := c.arg("qPage").Get("qMaxNbrFieldMatches").IntOr(-1)
	if most <= 0 {
		most = 100
	}
	var list []*tree.Node
	for i, g := range groups[lo:hi] {
		var items []*tree.Node
		var terms []*tree.Node
		for _, m := range g {
			items = append(items, c.matchItem(m, most))
			terms = append(terms, termsOf(m)...)
		}
		list = append(list, obj(integer("qId", lo+i), text("qGroupType", "DATASET_GROUP"), node("qSearchTermsMatched", tree.NewArray(terms...)),
			integer("qTotalNumberOfItems", len(items)), node("qItems", tree.NewArray(items...))))
	}
	c.putNode("qResult", obj(node("qSearchTerms", c.arg("qTerms")), integer("qTotalNumberOfGroups", len(groups)),
		node("qSearchGroupArray", tree.NewArray(list...))))
	return nil
}

func termsOf(m session.FieldMatch) (out []*tree.Node) {
	for _, t := range m.Terms {
		out = append(out, tree.NewInt(t))
	}
	return out
}

func (c *call) matchItem(m session.FieldMatch, most int) *tree.Node {
	terms := c.strings("qTerms")
	var matches []*tree.Node
	for code := range m.Codes.All() {
		if len(matches) == most {
			break
		}
		shown := c.s.Text(m.Field, code)
		var ranges []*tree.Node
		for _, t := range m.Terms {
			if at := strings.Index(strings.ToLower(shown), strings.ToLower(terms[t])); at >= 0 && at <= len(shown) {
				ranges = append(ranges, obj(integer("qCharPos", utf8.RuneCountInString(shown[:at])), integer("qCharCount", utf8.RuneCountInString(terms[t])), integer("qTerm", t)))
			}
		}
		matches = append(matches, obj(text("qText", shown), node("qRanges", tree.NewArray(ranges...)), node("qAttributes", tree.NewArray())))
	}
	return obj(text("qItemType", "FIELD"), integer("qTotalNumberOfMatches", m.Codes.Count()), text("qIdentifier", m.Field.Name),
		node("qItemMatches", tree.NewArray(matches...)), node("qSearchTermsMatched", tree.NewArray(termsOf(m)...)))
}

func searchAssociations(c *call) error {
	groups, err := c.groups()
	if err != nil {
		return err
	}
	lo, hi := window(c.arg("qPage"), len(groups), 100)
	var names []string
	var combos []*tree.Node
	for i, g := range groups[lo:hi] {
		var fields []*tree.Node
		for _, m := range g {
			fields = append(fields, obj(integer("qField", len(names)), node("qValues", tree.NewArray()), node("qTerms", tree.NewArray(termsOf(m)...)),
				integer("qNoOfMatches", m.Codes.Count())))
			names = append(names, m.Field.Name)
		}
		combos = append(combos, obj(integer("qId", lo+i), node("qFieldMatches", tree.NewArray(fields...))))
	}
	c.putNode("qResults", obj(node("qFieldNames", tree.NewStrings(names...)), node("qSearchTerms", c.arg("qTerms")), node("qFieldDictionaries", tree.NewArray()),
		node("qSearchTermsMatched", tree.NewArray(obj(node("qSearchMatchCombinations", tree.NewArray(combos...))))), integer("qTotalSearchResults", len(groups))))
	return nil
}

func selectAssociations(c *call) error {
	groups, err := c.groups()
	if err != nil {
		return err
	}
	at := c.int("qMatchIx")
	if at < 0 || at >= len(groups) {
		return &Error{codeInvalid, "qMatchIx", "No such match"}
	}
	_, err = c.s.SelectMatches(groups[at], session.Pick{SoftLock: c.bool("qSoftLock")})
	return err
}
