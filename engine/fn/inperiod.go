package fn

import (
	"math"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

var inPeriodFuncs = concat(
	inFamily("Week", weekPeriod),
	inFamily("LunarWeek", lunarWeekPeriod),
	inFamily("Month", monthPeriod),
	inFamily("Quarter", quarterPeriod),
	inFamily("Year", yearPeriod),
	[]Func{
		{Name: "InDay", Min: 3, Max: 4, Eval: strict(inPeriod(dayPeriod))},
		{Name: "InDayToTime", Min: 3, Max: 4, Eval: strict(inDayToTime)},
		{Name: "InMonths", Min: 4, Max: 5, Eval: strict(inMonths(inPeriod))},
		{Name: "InMonthsToDate", Min: 4, Max: 5, Eval: strict(inMonths(inPeriodToDate))},
		{Name: "YearToDate", Min: 1, Max: 4, Eval: yearToDate},
		{Name: "Year2Date", Min: 1, Max: 4, Eval: yearToDate},
	},
)

// inFamily is InX and InXToDate of (timestamp, base, n[, option]).
func inFamily(name string, p period) []Func {
	return []Func{
		{Name: "In" + name, Min: 3, Max: 4, Eval: strict(inPeriod(p))},
		{Name: "In" + name + "ToDate", Min: 3, Max: 4, Eval: strict(inPeriodToDate(p))},
	}
}

// inArgs are the arguments all in-period functions have.
type inArgs struct {
	x, base, option float64
	n               int
}

func (c *Context) inArgs(args []dual.Value) (a inArgs, ok bool) {
	a = inArgs{x: c.num(args[0]), base: c.num(args[1]), option: c.numAt(args, 3, math.NaN())}
	a.n, ok = c.intAt(args, 2, 0)
	return a, ok && !math.IsNaN(a.x) && math.Abs(a.base) <= serialMax && a.n > -1e6 && a.n < 1e6
}

// within returns the truth of lo <= x < hi as a value; NULL if a bound is NaN.
func within(x, lo, hi float64) dual.Value {
	if math.IsNaN(lo + hi) {
		return dual.Value{}
	}
	return truth(x >= lo && x < hi)
}

// truth is a Boolean that fields show as an integer.
func truth(b bool) dual.Value {
	v := dual.Bool(b)
	v.Format = FormatInteger
	return v
}

func inPeriod(p period) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		a, ok := c.inArgs(args)
		if !ok {
			return dual.Value{}
		}
		return within(a.x, p.start(c, a.base, a.n, a.option), p.start(c, a.base, a.n+1, a.option))
	}
}

func inPeriodToDate(p period) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		a, ok := c.inArgs(args)
		if !ok {
			return dual.Value{}
		}
		return within(a.x, p.start(c, a.base, a.n, a.option), math.Floor(p.shift(a.base, a.n))+1)
	}
}

func inDayToTime(c *Context, args []dual.Value) dual.Value {
	a, ok := c.inArgs(args)
	if !ok {
		return dual.Value{}
	}
	start := dayPeriod.start(c, a.base, a.n, a.option)
	return truth(a.x >= start && a.x <= a.base+float64(a.n))
}

func inMonths(in func(period) evalFunc) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		p, ok := c.monthsArg(args[0])
		if !ok {
			return dual.Value{}
		}
		return in(p)(c, args[1:])
	}
}

// yearToDate is YearToDate(timestamp[, offset[, startMonth[, reference]]]).
// The reference is the day of the last reload, else today.
func yearToDate(c *Context, args []dual.Value) dual.Value {
	x := c.num(args[0])
	n, ok := c.intAt(args, 1, 0)
	reference := c.numAt(args, 3, c.reloadSerial())
	if !ok || math.IsNaN(x) || !(math.Abs(reference) <= serialMax) || n < -yearsMax || n > yearsMax {
		return dual.Value{}
	}
	start := yearPeriod.start(c, reference, n, c.numAt(args, 2, math.NaN()))
	return within(x, start, math.Floor(yearPeriod.shift(reference, n))+1)
}

// Bounds within which date arithmetic stays exact and finite.
const (
	serialMax = 1e8
	yearsMax  = 10000
)

// reloadSerial is the moment of the last reload, else now.
func (c *Context) reloadSerial() float64 {
	if !c.ReloadTime.IsZero() {
		return serialOf(c.ReloadTime)
	}
	if c.Now == nil {
		return math.NaN()
	}
	return serialOf(c.Now())
}

// dayOf is the serial number of a day, NaN where the calendar ends.
func dayOf(t number.Moment) float64 { return number.DateSerial(t.Year, t.Month, t.Day) }
