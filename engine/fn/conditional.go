package fn

import (
	"math"
	"strings"

	"github.com/cognate-bi/cognate/storage/dual"
)

var conditionalFuncs = []Func{
	{Name: "If", Min: 2, Max: 3, Eval: ifThenElse},
	{Name: "Alt", Min: 1, Max: -1, Eval: alt},
	{Name: "Coalesce", Min: 1, Max: -1, Eval: coalesce},
	{Name: "Pick", Min: 1, Max: -1, Eval: pick},
	{Name: "Match", Min: 1, Max: -1, Eval: match(func(c *Context, text, mask dual.Value) bool { return c.Compare(text, mask) == 0 })},
	{Name: "FastMatch", Min: 1, Max: -1, Eval: match(func(c *Context, text, mask dual.Value) bool { return c.Compare(text, mask) == 0 })},
	{Name: "MixMatch", Min: 1, Max: -1, Eval: match(mixMatch)},
	{Name: "WildMatch", Min: 1, Max: -1, Eval: match(func(c *Context, text, mask dual.Value) bool {
		return WildMatch(c.text(mask), c.text(text))
	})},
	{Name: "WildMatch5", Min: 1, Max: -1, Eval: match(func(c *Context, text, mask dual.Value) bool {
		return WildMatch(c.text(mask), c.text(text))
	})},
	{Name: "Class", Min: 2, Max: 4, Eval: class},
	{Name: "IsNull", Min: 1, Max: 1, Eval: test(dual.Value.IsNull)},
	{Name: "IsNum", Min: 1, Max: 1, Eval: test(dual.Value.HasNum)},
	{Name: "IsText", Min: 1, Max: 1, Eval: test(func(v dual.Value) bool { return v.Kind == dual.Text })},
	{Name: "EmptyIsNull", Min: 1, Max: 1, Eval: func(c *Context, args []dual.Value) dual.Value {
		if args[0].HasText() && args[0].Text == "" {
			return dual.Value{}
		}
		return args[0]
	}},
	constant("Null", dual.Value{}),
	constant("True", dual.Bool(true)),
	constant("False", dual.Bool(false)),
}

func test(f func(dual.Value) bool) evalFunc {
	return func(_ *Context, args []dual.Value) dual.Value { return dual.Bool(f(args[0])) }
}

func ifThenElse(c *Context, args []dual.Value) dual.Value {
	switch {
	case c.True(args[0]):
		return args[1]
	case len(args) > 2:
		return args[2]
	}
	return dual.Value{}
}

func alt(_ *Context, args []dual.Value) dual.Value {
	for _, a := range args {
		if a.HasNum() {
			return a
		}
	}
	return args[len(args)-1]
}

func coalesce(_ *Context, args []dual.Value) dual.Value {
	for _, a := range args {
		if !a.IsNull() {
			return a
		}
	}
	return dual.Value{}
}

func pick(c *Context, args []dual.Value) dual.Value {
	n := math.Trunc(c.num(args[0]))
	if n >= 1 && n < float64(len(args)) {
		return args[int(n)]
	}
	return dual.Value{}
}

// match finds the first of args[1:] that equals args[0]; NULL equals nothing.
func match(equal func(c *Context, text, mask dual.Value) bool) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		for i, mask := range args[1:] {
			if !args[0].IsNull() && !mask.IsNull() && equal(c, args[0], mask) {
				return integer(i + 1)
			}
		}
		return integer(0)
	}
}

func mixMatch(c *Context, text, mask dual.Value) bool {
	return c.Compare(text, mask) == 0 || strings.EqualFold(c.text(text), c.text(mask))
}

// class is Class(x, width[, label[, offset]]): the bucket of x.
func class(c *Context, args []dual.Value) dual.Value {
	x, width := c.num(args[0]), c.num(args[1])
	label := c.textAt(args, 2, "x")
	offset := c.numAt(args, 3, 0)
	if math.IsNaN(x+width+offset) || width <= 0 {
		return dual.Value{}
	}
	lower := math.Floor((x-offset)/width)*width + offset
	text := c.Locale.AppendNum(nil, lower)
	text = append(text, " <= "+label+" < "...)
	text = c.Locale.AppendNum(text, lower+width)
	return dual.New(string(text), lower)
}
