package fn

import (
	"fmt"
	"math"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// lastMillis is the distance of the last millisecond of a period from the next.
const lastMillis = 1.0 / number.MillisPerDay

// A period finds the start of the period n places after the one x is in.
// option is the last argument of its functions (first month of the year, first
// day of the week, start of the day), NaN if it is not given.
type period struct {
	start func(c *Context, x float64, n int, option float64) float64
	// shift moves a day by n periods, for the functions "to date".
	shift func(x float64, n int) float64
	// name is the text of XName; start is the first millisecond.
	name func(c *Context, start float64, option float64) string
	// stamp says that starts and ends are shown as timestamps.
	stamp bool
}

var (
	dayPeriod = period{
		start: func(_ *Context, x float64, n int, option float64) float64 {
			offset := orZero(option)
			return math.Floor(x-offset) + offset + float64(n)
		},
		shift: func(x float64, n int) float64 { return x + float64(n) },
		name:  func(c *Context, start, _ float64) string { return c.text(c.date(start)) },
		stamp: true,
	}
	weekPeriod = period{
		start: func(c *Context, x float64, n int, option float64) float64 {
			return c.weekRuleOf(option).weekStart(x) + 7*float64(n)
		},
		shift: func(x float64, n int) float64 { return x + 7*float64(n) },
		name: func(c *Context, start, option float64) string {
			rule := c.weekRuleOf(option)
			t, _ := number.SplitSerial(start)
			year, week := rule.week(start, t)
			return fmt.Sprintf("%04d/%02d", year, week)
		},
	}
	lunarWeekPeriod = period{
		start: func(_ *Context, x float64, n int, option float64) float64 {
			t, ok := number.SplitSerial(x)
			if !ok {
				return math.NaN()
			}
			origin := number.DateSerial(t.Year, 1, 1) + orZero(option)
			return origin + 7*math.Floor((math.Floor(x)-origin)/7) + 7*float64(n)
		},
		shift: func(x float64, n int) float64 { return x + 7*float64(n) },
		name: func(_ *Context, start, option float64) string {
			t, _ := number.SplitSerial(start)
			week := math.Floor((start-number.DateSerial(t.Year, 1, 1)-orZero(option))/7) + 1
			return fmt.Sprintf("%04d/%02.0f", t.Year, week)
		},
	}
	monthPeriod   = months(1)
	quarterPeriod = months(3)
	yearPeriod    = months(12)
)

// months is the period of k months counted from the first month of the year.
func months(k int) period {
	return period{
		start: func(c *Context, x float64, n int, option float64) float64 {
			t, ok := number.SplitSerial(x)
			if !ok {
				return math.NaN()
			}
			since := floorMod(t.Month-c.firstMonth(option), k)
			return number.DateSerial(t.Year, t.Month-since+n*k, 1)
		},
		shift: func(x float64, n int) float64 { return addMonths(x, n*k, false) },
		name:  func(c *Context, start, _ float64) string { return monthsName(c, start, k) },
	}
}

// monthsName is Jan 2024, Jan-Mar 2024, 2024 or 2023-2024.
func monthsName(c *Context, start float64, k int) string {
	from, _ := number.SplitSerial(start)
	to, _ := number.SplitSerial(number.DateSerial(from.Year, from.Month+k-1, 1))
	switch {
	case k == 1:
		return fmt.Sprintf("%s %d", c.monthName(from.Month), from.Year)
	case k == 12 && from.Year != to.Year:
		return fmt.Sprintf("%d-%d", from.Year, to.Year)
	case k == 12:
		return fmt.Sprint(from.Year)
	}
	return fmt.Sprintf("%s-%s %d", c.monthName(from.Month), c.monthName(to.Month), from.Year)
}

func (c *Context) monthName(month int) string {
	if names := c.Locale.MonthNames; month >= 1 && month <= len(names) {
		return names[month-1]
	}
	return fmt.Sprint(month)
}

// firstMonth returns the option or the setting, 1 to 12.
func (c *Context) firstMonth(option float64) int {
	if option >= 1 && option <= 12 {
		return int(option)
	}
	if m := c.Locale.FirstMonthOfYear; m >= 1 && m <= 12 {
		return m
	}
	return 1
}

func (c *Context) weekRuleOf(first float64) weekRule {
	rule := c.weekRule()
	if first >= 0 && first <= 6 {
		rule.first = int(first)
	}
	return rule
}

func orZero(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x
}

func floorMod(a, b int) int { return ((a % b) + b) % b }

// addMonths shifts a date and keeps the time of day. The day is clipped to the
// target month; with fromEnd, days from the 28th on keep their distance to the
// end of the month.
func addMonths(x float64, n int, fromEnd bool) float64 {
	t, ok := number.SplitSerial(x)
	if !ok || n < -1e6 || n > 1e6 {
		return math.NaN()
	}
	first := number.DateSerial(t.Year, t.Month+n, 1)
	target, ok := number.SplitSerial(first)
	if !ok {
		return math.NaN()
	}
	length := number.DaysIn(target.Year, target.Month)
	day := min(t.Day, length)
	if fromEnd && t.Day >= 28 {
		day = length - (number.DaysIn(t.Year, t.Month) - t.Day)
	}
	return first + float64(day-1) + x - math.Floor(x)
}

var periodFuncs = concat(
	periodFamily("Day", dayPeriod),
	periodFamily("Week", weekPeriod),
	periodFamily("LunarWeek", lunarWeekPeriod),
	periodFamily("Month", monthPeriod),
	periodFamily("Quarter", quarterPeriod),
	periodFamily("Year", yearPeriod),
	[]Func{
		{Name: "MonthsStart", Min: 2, Max: 4, Eval: strict(ofMonths(periodStart))},
		{Name: "MonthsEnd", Min: 2, Max: 4, Eval: strict(ofMonths(periodEnd))},
		{Name: "MonthsName", Min: 2, Max: 4, Eval: strict(ofMonths(periodName))},
	},
)

func concat(families ...[]Func) (all []Func) {
	for _, f := range families {
		all = append(all, f...)
	}
	return all
}

// periodFamily is XStart, XEnd and XName of (date[, n[, option]]). WeekName
// takes the rules of weeks as further arguments.
func periodFamily(name string, p period) []Func {
	argsMax := 3
	if name == "Week" {
		argsMax = 5
	}
	return []Func{
		{Name: name + "Start", Min: 1, Max: 3, Eval: strict(ofPeriod(p, periodStart))},
		{Name: name + "End", Min: 1, Max: 3, Eval: strict(ofPeriod(p, periodEnd))},
		{Name: name + "Name", Min: 1, Max: argsMax, Eval: strict(ofPeriod(p, periodName))},
	}
}

// A periodResult makes a value of one period.
type periodResult func(c *Context, p *period, x float64, n int, option float64) dual.Value

func ofPeriod(p period, result periodResult) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		x := c.num(args[0])
		n, ok := c.intAt(args, 1, 0)
		if !ok || !(math.Abs(x) <= serialMax) || n < -1e6 || n > 1e6 {
			return dual.Value{}
		}
		return result(c, &p, x, n, c.numAt(args, 2, math.NaN()))
	}
}

// ofMonths is the form with the number of months in front.
func ofMonths(result periodResult) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		p, ok := c.monthsArg(args[0])
		if !ok {
			return dual.Value{}
		}
		return ofPeriod(p, result)(c, args[1:])
	}
}

func (c *Context) monthsArg(v dual.Value) (period, bool) {
	switch k := c.num(v); k {
	case 1, 2, 3, 4, 6, 12:
		return months(int(k)), true
	}
	return period{}, false
}

func periodStart(c *Context, p *period, x float64, n int, option float64) dual.Value {
	return p.show(c, p.start(c, x, n, option))
}

func periodEnd(c *Context, p *period, x float64, n int, option float64) dual.Value {
	return p.show(c, p.start(c, x, n+1, option)-lastMillis)
}

func (p *period) show(c *Context, x float64) dual.Value {
	if p.stamp {
		return c.clock(x, dual.Timestamp, "")
	}
	return c.date(x)
}

func periodName(c *Context, p *period, x float64, n int, option float64) dual.Value {
	start := p.start(c, x, n, option)
	if math.IsNaN(start) {
		return dual.Value{}
	}
	return dual.New(p.name(c, start, option), start)
}
