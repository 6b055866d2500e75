package fn

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/storage/dual"
)

// textMax is the longest text that Repeat and Replace make, in bytes.
const textMax = 1 << 24

var stringFuncs = []Func{
	text1("Upper", strings.ToUpper),
	text1("Lower", strings.ToLower),
	text1("Capitalize", capitalize),
	text1("Trim", func(s string) string { return strings.Trim(s, " ") }),
	text1("LTrim", func(s string) string { return strings.TrimLeft(s, " ") }),
	text1("RTrim", func(s string) string { return strings.TrimRight(s, " ") }),
	{Name: "Len", Min: 1, Max: 1, Eval: func(c *Context, args []dual.Value) dual.Value {
		return integer(utf8.RuneCountInString(c.text(args[0]))) // 0 for NULL
	}},
	{Name: "Left", Min: 2, Max: 2, Eval: strict(left)},
	{Name: "Right", Min: 2, Max: 2, Eval: strict(right)},
	{Name: "Mid", Min: 2, Max: 3, Eval: strict(mid)},
	{Name: "Replace", Min: 3, Max: 3, Eval: strict(replace)},
	{Name: "Repeat", Min: 2, Max: 2, Eval: strict(repeat)},
	{Name: "KeepChar", Min: 2, Max: 2, Eval: strict(func(c *Context, args []dual.Value) dual.Value {
		return c.textValue(filterChars(c.text(args[0]), c.text(args[1]), true))
	})},
	{Name: "PurgeChar", Min: 2, Max: 2, Eval: strict(func(c *Context, args []dual.Value) dual.Value {
		return c.textValue(filterChars(c.text(args[0]), c.text(args[1]), false))
	})},
	{Name: "SubField", Min: 2, Max: 3, Eval: strict(subField)},
	{Name: "TextBetween", Min: 3, Max: 4, Eval: strict(textBetween)},
	{Name: "Chr", Min: 1, Max: 1, Eval: strict(chr)},
	{Name: "Ord", Min: 1, Max: 1, Eval: strict(ord)},
}

// textValue returns the text that a function made. It counts as a number where
// it reads as one, as a quoted text does: IsNum(Left('1a',1)) is true, and
// Sum(SubField(...)) adds. Text() alone makes texts that do not.
func (c *Context) textValue(s string) dual.Value { return Literal(c.Locale, s) }

// text1 is a function of one text.
func text1(name string, f func(string) string) Func {
	return Func{Name: name, Min: 1, Max: 1, Eval: strict(func(c *Context, args []dual.Value) dual.Value {
		return c.textValue(f(c.text(args[0])))
	})}
}

func capitalize(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		was := inWord
		inWord = unicode.IsLetter(r) || unicode.IsDigit(r) || r == '\''
		if was {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

// charOffset returns the byte offset of character n of s, len(s) past its end.
func charOffset(s string, n int) int {
	for i := range s {
		if n <= 0 {
			return i
		}
		n--
	}
	return len(s)
}

func left(c *Context, args []dual.Value) dual.Value {
	n, ok := c.intAt(args, 1, 0)
	if !ok {
		return dual.Value{}
	}
	s := c.text(args[0])
	return c.textValue(s[:charOffset(s, n)])
}

func right(c *Context, args []dual.Value) dual.Value {
	n, ok := c.intAt(args, 1, 0)
	if !ok {
		return dual.Value{}
	}
	s := c.text(args[0])
	i := len(s)
	for ; n > 0 && i > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
	}
	return c.textValue(s[i:])
}

func mid(c *Context, args []dual.Value) dual.Value {
	start, okStart := c.intAt(args, 1, 1)
	count, okCount := c.intAt(args, 2, math.MaxInt32)
	if !okStart || !okCount {
		return dual.Value{}
	}
	s := c.text(args[0])
	s = s[charOffset(s, start-1):]
	return c.textValue(s[:charOffset(s, count)])
}

func replace(c *Context, args []dual.Value) dual.Value {
	s, from, to := c.text(args[0]), c.text(args[1]), c.text(args[2])
	if from == "" {
		return c.textValue(s)
	}
	if len(to) > 0 && strings.Count(s, from) > textMax/len(to) {
		return dual.Value{}
	}
	return c.textValue(strings.ReplaceAll(s, from, to))
}

func repeat(c *Context, args []dual.Value) dual.Value {
	s := c.text(args[0])
	n, ok := c.intAt(args, 1, 0)
	switch {
	case !ok || len(s) > 0 && n > textMax/len(s):
		return dual.Value{}
	case n <= 0:
		return c.textValue("")
	}
	return c.textValue(strings.Repeat(s, n))
}

func filterChars(s, set string, keep bool) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(set, r) == keep {
			return r
		}
		return -1
	}, s)
}

// subField is SubField(text, delimiter, n); the form without n multiplies
// records, which is not the work of a scalar function, and gives NULL.
func subField(c *Context, args []dual.Value) dual.Value {
	n, ok := c.intAt(args, 2, 0)
	if !ok || n == 0 {
		return dual.Value{}
	}
	part, ok := SubField(c.text(args[0]), c.text(args[1]), n)
	if !ok {
		return dual.Value{}
	}
	return c.textValue(part)
}

// SubField returns part n (from 1, negative from the end) of s, and whether
// there is one. An empty delimiter cuts between all characters.
func SubField(s, delimiter string, n int) (string, bool) {
	if delimiter == "" {
		return partOf(strings.Split(s, ""), n)
	}
	if n < 0 {
		return partOf(strings.Split(s, delimiter), n)
	}
	for ; n > 1; n-- {
		_, rest, ok := strings.Cut(s, delimiter)
		if !ok {
			return "", false
		}
		s = rest
	}
	s, _, _ = strings.Cut(s, delimiter)
	return s, true
}

func partOf(parts []string, n int) (string, bool) {
	if n < 0 {
		n += len(parts) + 1
	}
	if n < 1 || n > len(parts) {
		return "", false
	}
	return parts[n-1], true
}

// textBetween returns the text between the n-th begin and the next end.
func textBetween(c *Context, args []dual.Value) dual.Value {
	s, begin, end := c.text(args[0]), c.text(args[1]), c.text(args[2])
	n, ok := c.intAt(args, 3, 1)
	if !ok || n < 1 {
		return dual.Value{}
	}
	for ; n > 0; n-- {
		if _, s, ok = strings.Cut(s, begin); !ok || begin == "" && n > 1 {
			return dual.Value{}
		}
	}
	if end == "" {
		return c.textValue(s)
	}
	if s, _, ok = strings.Cut(s, end); !ok {
		return dual.Value{}
	}
	return c.textValue(s)
}

func chr(c *Context, args []dual.Value) dual.Value {
	n, ok := c.intAt(args, 0, 0)
	if !ok || n < 0 || n > unicode.MaxRune || !utf8.ValidRune(rune(n)) {
		return dual.Value{}
	}
	return c.textValue(string(rune(n)))
}

func ord(c *Context, args []dual.Value) dual.Value {
	s := c.text(args[0])
	if s == "" {
		return dual.Value{}
	}
	r, _ := utf8.DecodeRuneInString(s)
	return integer(int(r))
}
