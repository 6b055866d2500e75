package fn

import (
	"math"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

var dateFuncs = []Func{
	part("Year", func(t number.Moment) int { return t.Year }),
	part("Day", func(t number.Moment) int { return t.Day }),
	part("Hour", func(t number.Moment) int { return t.Hour }),
	part("Minute", func(t number.Moment) int { return t.Minute }),
	part("Second", func(t number.Moment) int { return t.Second }),
	{Name: "Month", Min: 1, Max: 1, Eval: month},
	{Name: "WeekDay", Min: 1, Max: 2, Eval: strict(weekDay)},
	{Name: "Week", Min: 1, Max: 4, Format: FormatInteger, Eval: strict(func(c *Context, args []dual.Value) dual.Value {
		_, week, ok := c.weekArgs(args)
		return integerIf(week, ok)
	})},
	{Name: "WeekYear", Min: 1, Max: 4, Format: FormatInteger, Eval: strict(func(c *Context, args []dual.Value) dual.Value {
		year, _, ok := c.weekArgs(args)
		return integerIf(year, ok)
	})},
	{Name: "DayNumberOfYear", Min: 1, Max: 2, Format: FormatInteger, Eval: strict(dayNumber(12))},
	{Name: "DayNumberOfQuarter", Min: 1, Max: 2, Format: FormatInteger, Eval: strict(dayNumber(3))},
	{Name: "MakeDate", Min: 1, Max: 3, Eval: strict(makeDate)},
	{Name: "MakeTime", Min: 1, Max: 3, Eval: strict(makeTime)},
	{Name: "MakeWeekDate", Min: 1, Max: 6, Eval: strict(makeWeekDate)},
	{Name: "AddMonths", Min: 2, Max: 3, Eval: strict(func(c *Context, args []dual.Value) dual.Value {
		n, ok := c.intAt(args, 1, 0)
		if !ok {
			return dual.Value{}
		}
		return c.date(addMonths(c.num(args[0]), n, c.numAt(args, 2, 0) == 1))
	})},
	{Name: "AddYears", Min: 2, Max: 2, Eval: strict(func(c *Context, args []dual.Value) dual.Value {
		n, ok := c.intAt(args, 1, 0)
		if !ok || n < -yearsMax || n > yearsMax {
			return dual.Value{}
		}
		return c.date(addMonths(c.num(args[0]), 12*n, false))
	})},
	{Name: "SetDateYear", Min: 2, Max: 2, Eval: strict(setDate)},
	{Name: "SetDateYearMonth", Min: 3, Max: 3, Eval: strict(setDate)},
	{Name: "Age", Min: 2, Max: 2, Format: FormatInteger, Eval: strict(age)},
}

// part is a function that takes one part of a moment.
func part(name string, f func(number.Moment) int) Func {
	return num1As(name, FormatInteger, func(x float64) float64 {
		t, ok := number.SplitSerial(x)
		if !ok {
			return math.NaN()
		}
		return float64(f(t))
	})
}

func integerIf(n int, ok bool) dual.Value {
	if !ok {
		return dual.Value{}
	}
	return integer(n)
}

func month(c *Context, args []dual.Value) dual.Value {
	t, ok := number.SplitSerial(c.num(args[0]))
	if !ok {
		return dual.Value{}
	}
	return dual.New(c.monthName(t.Month), float64(t.Month))
}

func weekDay(c *Context, args []dual.Value) dual.Value {
	t, ok := number.SplitSerial(c.num(args[0]))
	if !ok {
		return dual.Value{}
	}
	n := mod7(t.Weekday - c.weekRuleOf(c.numAt(args, 1, math.NaN())).first)
	if names := c.Locale.DayNames; t.Weekday < len(names) {
		return dual.New(names[t.Weekday], float64(n))
	}
	return integer(n)
}

// weekArgs reads (timestamp[, first[, broken[, reference]]]).
func (c *Context) weekArgs(args []dual.Value) (year, week int, ok bool) {
	x := c.num(args[0])
	t, ok := number.SplitSerial(x)
	if !ok {
		return 0, 0, false
	}
	year, week = c.weekRuleArgs(args, 1).week(x, t)
	return year, week, true
}

// weekRuleArgs reads first, broken and reference day from args[i:].
func (c *Context) weekRuleArgs(args []dual.Value, i int) weekRule {
	rule := c.weekRuleOf(c.numAt(args, i, math.NaN()))
	if i+1 < len(args) {
		rule.broken = c.True(args[i+1])
	}
	if ref := c.numAt(args, i+2, math.NaN()); ref >= 1 && ref <= 7 {
		rule.reference = int(ref)
	}
	return rule
}

// dayNumber counts days of a calendar that always has 29 February, from the
// first day of the year or quarter; the argument says the first month.
func dayNumber(k int) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		t, ok := number.SplitSerial(c.num(args[0]))
		if !ok {
			return dual.Value{}
		}
		since := floorMod(t.Month-c.firstMonth(c.numAt(args, 1, math.NaN())), k)
		const leap = 2000
		start := number.DateSerial(leap, t.Month-since, 1)
		if t.Month-since <= 0 { // began in the year before, which must be leap too
			start = number.DateSerial(leap, t.Month-since+12, 1) - 366
		}
		return integer(int(number.DateSerial(leap, t.Month, t.Day)-start) + 1)
	}
}

func makeDate(c *Context, args []dual.Value) dual.Value {
	y, okY := c.intAt(args, 0, 0)
	m, okM := c.intAt(args, 1, 1)
	d, okD := c.intAt(args, 2, 1)
	if !okY || !okM || !okD || y < 0 || y > 9999 || m < 1 || m > 12 || d < 1 || d > number.DaysIn(y, m) {
		return dual.Value{}
	}
	return c.date(number.DateSerial(y, m, d))
}

func makeTime(c *Context, args []dual.Value) dual.Value {
	h, mi, s := c.numAt(args, 0, 0), c.numAt(args, 1, 0), c.numAt(args, 2, 0)
	if !(h >= 0 && h < 24 && mi >= 0 && mi < 60 && s >= 0 && s < 60) {
		return dual.Value{}
	}
	return c.clock((math.Trunc(h)*3600+math.Trunc(mi)*60+s)/86400, dual.Time, "")
}

// makeWeekDate is MakeWeekDate(year[, week[, weekday[, first[, broken[, reference]]]]]).
func makeWeekDate(c *Context, args []dual.Value) dual.Value {
	year, okY := c.intAt(args, 0, 0)
	week, okW := c.intAt(args, 1, 1)
	day, okD := c.intAt(args, 2, 0)
	if !okY || !okW || !okD || year < 0 || year > 9999 || week < 1 || week > 54 || day < 0 || day > 6 {
		return dual.Value{}
	}
	return c.date(c.weekRuleArgs(args, 3).firstWeek(year) + float64(7*(week-1)+day))
}

// setDate replaces the year, and with three arguments the month; the day is
// clipped to the month.
func setDate(c *Context, args []dual.Value) dual.Value {
	x := c.num(args[0])
	t, ok := number.SplitSerial(x)
	y, okY := c.intAt(args, 1, 0)
	m, okM := c.intAt(args, 2, t.Month)
	if !ok || !okY || !okM || y < 0 || y > 9999 || m < 1 || m > 12 {
		return dual.Value{}
	}
	t.Year, t.Month, t.Day = y, m, min(t.Day, number.DaysIn(y, m))
	return c.date(dayOf(t) + x - math.Floor(x))
}

// age returns completed years: the birthday itself completes one.
func age(c *Context, args []dual.Value) dual.Value {
	t, ok := number.SplitSerial(c.num(args[0]))
	born, okBorn := number.SplitSerial(c.num(args[1]))
	if !ok || !okBorn {
		return dual.Value{}
	}
	years := t.Year - born.Year
	if t.Month < born.Month || t.Month == born.Month && t.Day < born.Day {
		years--
	}
	return integer(years)
}
