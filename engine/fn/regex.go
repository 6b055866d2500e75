package fn

import (
	"regexp"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/storage/dual"
)

// matchesMax bounds the matches looked for in one text.
const matchesMax = 1 << 16

// A compiledRegexp is nil if the expression is not valid.
type compiledRegexp struct{ re *regexp.Regexp }

// Each function has a twin ending in I that ignores case. Expressions are
// those of package regexp, which take linear time.
var regexFuncs = concat(
	bothCases("IsRegEx", "IsRegExI", 1, 2, isRegEx),
	bothCases("MatchRegEx", "MatchRegExI", 2, -1, matchRegEx),
	bothCases("CountRegEx", "CountRegExI", 2, 2, countRegEx),
	bothCases("IndexRegEx", "IndexRegExI", 2, 3, indexRegEx(-1)),
	bothCases("IndexRegExGroup", "IndexRegExGroupI", 3, 4, indexRegEx(2)),
	bothCases("ExtractRegEx", "ExtractRegExI", 2, 3, extractRegEx(-1)),
	bothCases("ExtractRegExGroup", "ExtractRegExGroupI", 3, 4, extractRegEx(2)),
	bothCases("ReplaceRegEx", "ReplaceRegExI", 3, 4, replaceRegEx(-1)),
	bothCases("ReplaceRegExGroup", "ReplaceRegExGroupI", 4, 5, replaceRegEx(3)),
	bothCases("SubFieldRegEx", "SubFieldRegExI", 2, 3, subFieldRegEx),
)

// A regexEval is a function that reads its expressions with the given flags.
type regexEval func(c *Context, flags string, args []dual.Value) dual.Value

func bothCases(name, nameI string, argsMin, argsMax int, f regexEval) []Func {
	with := func(flags string) evalFunc {
		return strict(func(c *Context, args []dual.Value) dual.Value { return f(c, flags, args) })
	}
	return []Func{
		{Name: name, Min: argsMin, Max: argsMax, Eval: with("")},
		{Name: nameI, Min: argsMin, Max: argsMax, Eval: with("(?i)")},
	}
}

func (c *Context) regexp(flags string, v dual.Value) *regexp.Regexp {
	text := flags + c.text(v)
	return c.regexps.Get(text, func() compiledRegexp {
		re, err := regexp.Compile(text)
		if err != nil {
			return compiledRegexp{}
		}
		return compiledRegexp{re}
	}).re
}

func isRegEx(c *Context, flags string, args []dual.Value) dual.Value {
	return dual.Bool(c.regexp(flags, args[0]) != nil)
}

func matchRegEx(c *Context, flags string, args []dual.Value) dual.Value {
	for i, a := range args[1:] {
		if re := c.regexp(flags, a); re != nil && re.MatchString(c.text(args[0])) {
			return integer(i + 1)
		}
	}
	return integer(0)
}

// matches returns text and places of the matches of args[1] in args[0].
func (c *Context) matches(flags string, args []dual.Value) (s string, places [][]int, ok bool) {
	re := c.regexp(flags, args[1])
	if re == nil {
		return "", nil, false
	}
	s = c.text(args[0])
	return s, re.FindAllStringSubmatchIndex(s, matchesMax), true
}

// groupOf returns match number n (from 1, negative from the end), group g.
func groupOf(places [][]int, n, g int) (lo, hi int, ok bool) {
	if n < 0 {
		n += len(places) + 1
	}
	if n < 1 || n > len(places) || g < 0 || 2*g+1 >= len(places[n-1]) || places[n-1][2*g] < 0 {
		return 0, 0, false
	}
	return places[n-1][2*g], places[n-1][2*g+1], true
}

func countRegEx(c *Context, flags string, args []dual.Value) dual.Value {
	_, places, ok := c.matches(flags, args)
	return integerIf(len(places), ok)
}

// groupArgs reads the group, if the function has one at place at, and the
// number of the match behind it.
func (c *Context) groupArgs(args []dual.Value, at int) (group, n int, ok bool) {
	next, ok := 2, true
	if at >= 0 {
		group, ok = c.intAt(args, at, 0)
		next = at + 1
	}
	n, okN := c.intAt(args, next, 1)
	return group, n, ok && okN
}

// onGroup gives what take makes of the place of a group, lo to hi of s, or none
// where nothing matches.
func onGroup(groupAt int, none dual.Value, take func(c *Context, s string, lo, hi int) dual.Value) regexEval {
	return func(c *Context, flags string, args []dual.Value) dual.Value {
		s, places, ok := c.matches(flags, args)
		group, n, okArgs := c.groupArgs(args, groupAt)
		if !ok || !okArgs {
			return dual.Value{}
		}
		lo, hi, found := groupOf(places, n, group)
		if !found {
			return none
		}
		return take(c, s, lo, hi)
	}
}

func indexRegEx(groupAt int) regexEval {
	return onGroup(groupAt, integer(0), func(_ *Context, s string, lo, _ int) dual.Value {
		return integer(utf8.RuneCountInString(s[:lo]) + 1)
	})
}

func extractRegEx(groupAt int) regexEval {
	return onGroup(groupAt, dual.Value{}, func(c *Context, s string, lo, hi int) dual.Value {
		return c.textValue(s[lo:hi])
	})
}

// replaceRegEx is (text, regex, to[, group][, occurrence]); without an
// occurrence all matches are replaced.
func replaceRegEx(groupAt int) regexEval {
	return func(c *Context, flags string, args []dual.Value) dual.Value {
		s, places, ok := c.matches(flags, args)
		group, okGroup, next := 0, true, 3
		if groupAt >= 0 {
			group, okGroup = c.intAt(args, groupAt, 0)
			next = groupAt + 1
		}
		only, okOnly := c.intAt(args, next, 0)
		if !ok || !okGroup || !okOnly {
			return dual.Value{}
		}
		if only < 0 {
			only += len(places) + 1
		}
		to, out, end := c.text(args[2]), []byte(nil), 0
		for i := range places {
			lo, hi, found := groupOf(places, i+1, group)
			if !found || only != 0 && only != i+1 || len(out)+len(to) > textMax {
				continue
			}
			out = append(append(out, s[end:lo]...), to...)
			end = hi
		}
		return c.textValue(string(append(out, s[end:]...)))
	}
}

func subFieldRegEx(c *Context, flags string, args []dual.Value) dual.Value {
	re := c.regexp(flags, args[1])
	n, ok := c.intAt(args, 2, 0)
	if re == nil || !ok || n == 0 {
		return dual.Value{}
	}
	part, ok := partOf(re.Split(c.text(args[0]), matchesMax), n)
	if !ok {
		return dual.Value{}
	}
	return c.textValue(part)
}
