package fn

import "github.com/cognate-bi/cognate/storage/dual"

var interpretFuncs = []Func{
	{Name: "Num#", Min: 1, Max: 4, Eval: interpret(func(c *Context, text string, args []dual.Value) (float64, bool) {
		return c.Locale.ParseNum(text, c.textAt(args, 1, ""), c.textAt(args, 2, ""), c.textAt(args, 3, ""))
	})},
	{Name: "Money#", Min: 1, Max: 4, Eval: interpret(func(c *Context, text string, args []dual.Value) (float64, bool) {
		return c.Locale.ParseMoney(text, c.textAt(args, 1, ""), c.textAt(args, 2, ""), c.textAt(args, 3, ""))
	})},
	{Name: "Date#", Min: 1, Max: 2, Eval: interpret(func(c *Context, text string, args []dual.Value) (float64, bool) {
		return c.Locale.ParseDate(text, orElse(c.textAt(args, 1, ""), c.Locale.DateFormat))
	})},
	{Name: "Time#", Min: 1, Max: 2, Eval: interpret(func(c *Context, text string, args []dual.Value) (float64, bool) {
		return c.Locale.ParseDate(text, orElse(c.textAt(args, 1, ""), c.Locale.TimeFormat))
	})},
	{Name: "Timestamp#", Min: 1, Max: 2, Eval: interpret(func(c *Context, text string, args []dual.Value) (float64, bool) {
		return c.Locale.ParseDate(text, orElse(c.textAt(args, 1, ""), c.Locale.TimestampFormat))
	})},
	{Name: "Interval#", Min: 1, Max: 2, Eval: interpret(func(c *Context, text string, args []dual.Value) (float64, bool) {
		return c.Locale.ParseInterval(text, c.textAt(args, 1, ""))
	})},
}

// interpret gives the text with the number read from it, or the pure text.
func interpret(read func(c *Context, text string, args []dual.Value) (float64, bool)) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		if args[0].IsNull() {
			return dual.Value{}
		}
		text := c.text(args[0])
		if x, ok := read(c, text, args); ok {
			return dual.New(text, x)
		}
		return dual.String(text)
	}
}
