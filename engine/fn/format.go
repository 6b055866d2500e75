package fn

import (
	"math"
	"strings"

	"github.com/cognate-bi/cognate/storage/dual"
)

var formatFuncs = []Func{
	{Name: "Num", Min: 1, Max: 4, Eval: formatNum},
	{Name: "Money", Min: 1, Max: 4, Eval: formatMoney},
	{Name: "Date", Min: 1, Max: 2, Eval: formatClock(dual.Date)},
	{Name: "Time", Min: 1, Max: 2, Eval: formatClock(dual.Time)},
	{Name: "Timestamp", Min: 1, Max: 2, Eval: formatClock(dual.Timestamp)},
	{Name: "Interval", Min: 1, Max: 2, Eval: formatClock(dual.Interval)},
	{Name: "Dual", Min: 2, Max: 2, Eval: func(c *Context, args []dual.Value) dual.Value {
		x := c.num(args[1])
		if args[0].IsNull() || math.IsNaN(x) {
			return dual.Value{}
		}
		return dual.New(c.text(args[0]), x)
	}},
	{Name: "Text", Min: 1, Max: 1, Eval: strict(func(c *Context, args []dual.Value) dual.Value {
		return dual.String(c.text(args[0]))
	})},
}

func formatNum(c *Context, args []dual.Value) dual.Value {
	x := c.num(args[0])
	pattern := c.textAt(args, 1, "")
	if pattern == "" {
		return dual.Formatted(x, FormatReal)
	}
	decimal, thousand := c.textAt(args, 2, ""), c.textAt(args, 3, "")
	kind := dual.Integer
	if strings.Contains(pattern, orElse(decimal, c.Locale.DecimalSep)) {
		kind = dual.Fix
	}
	return dual.Formatted(x, c.Locale.Format(kind, pattern, decimal, thousand))
}

func formatMoney(c *Context, args []dual.Value) dual.Value {
	pattern := orElse(c.textAt(args, 1, ""), c.Locale.MoneyFormat)
	decimal, thousand := c.textAt(args, 2, ""), c.textAt(args, 3, "")
	return dual.Formatted(c.num(args[0]), c.Locale.Format(dual.Money, pattern, decimal, thousand))
}

func formatClock(t dual.FormatType) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		return c.clock(c.num(args[0]), t, c.textAt(args, 1, ""))
	}
}

// clock returns a number shown as a date, time, timestamp or interval by the
// pattern, or by the setting of that type.
func (c *Context) clock(x float64, t dual.FormatType, pattern string) dual.Value {
	if pattern == "" {
		switch t {
		case dual.Date:
			pattern = c.Locale.DateFormat
		case dual.Timestamp:
			pattern = c.Locale.TimestampFormat
		default:
			pattern = c.Locale.TimeFormat
		}
	}
	return dual.Formatted(x, c.Locale.Format(t, pattern, "", ""))
}

func (c *Context) date(x float64) dual.Value { return c.clock(x, dual.Date, "") }

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
