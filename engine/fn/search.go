package fn

import (
	"strings"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/storage/dual"
)

// levenshteinMax bounds the product of lengths LevenshteinDist works on.
const levenshteinMax = 1 << 24

var searchFuncs = []Func{
	{Name: "Index", Min: 2, Max: 3, Eval: strict(indexOf)},
	{Name: "FindOneOf", Min: 2, Max: 3, Eval: strict(findOneOf)},
	{Name: "SubStringCount", Min: 2, Max: 2, Eval: strict(subStringCount)},
	{Name: "LevenshteinDist", Min: 2, Max: 2, Eval: strict(levenshteinDist)},
}

// indexOf is Index(text, sub[, n]): the place of the n-th occurrence, counted
// from the right for negative n. Occurrences may overlap.
func indexOf(c *Context, args []dual.Value) dual.Value {
	s, sub := c.text(args[0]), c.text(args[1])
	n, ok := c.intAt(args, 2, 1)
	if !ok {
		return dual.Value{}
	}
	at := -1
	switch {
	case n > 0 && sub != "":
		at = nthIndex(s, sub, n)
	case n < 0 && sub != "":
		at = nthLastIndex(s, sub, -n)
	}
	if at < 0 {
		return integer(0)
	}
	return integer(utf8.RuneCountInString(s[:at]) + 1)
}

func nthIndex(s, sub string, n int) int {
	from := 0
	for {
		i := strings.Index(s[from:], sub)
		if i < 0 {
			return -1
		}
		if n--; n == 0 {
			return from + i
		}
		from += i + 1
	}
}

func nthLastIndex(s, sub string, n int) int {
	end := len(s)
	for {
		i := strings.LastIndex(s[:end], sub)
		if i < 0 {
			return -1
		}
		if n--; n == 0 {
			return i
		}
		end = i + len(sub) - 1
	}
}

func findOneOf(c *Context, args []dual.Value) dual.Value {
	set := c.text(args[1])
	n, ok := c.intAt(args, 2, 1)
	if !ok {
		return dual.Value{}
	}
	place := 0
	for _, r := range c.text(args[0]) {
		place++
		if strings.ContainsRune(set, r) {
			if n--; n == 0 {
				return integer(place)
			}
		}
	}
	return integer(0)
}

func subStringCount(c *Context, args []dual.Value) dual.Value {
	sub := c.text(args[1])
	if sub == "" {
		return integer(0)
	}
	return integer(strings.Count(c.text(args[0]), sub))
}

// levenshteinDist is the edit distance by the usual two-row table.
func levenshteinDist(c *Context, args []dual.Value) dual.Value {
	a, b := []rune(c.text(args[0])), []rune(c.text(args[1]))
	if len(a)*len(b) > levenshteinMax {
		return dual.Value{}
	}
	row := make([]int, len(b)+1) // row[j] = distance of a[:i] and b[:j]
	for j := range row {
		row[j] = j
	}
	for i, ra := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, rb := range b {
			cost := diagonal
			if ra != rb {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return integer(row[len(b)])
}
