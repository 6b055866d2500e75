package fn

import (
	"math"
	"sort"

	"github.com/cognate-bi/cognate/storage/dual"
)

// workdaysMax bounds the days that FirstWorkDate and LastWorkDate go.
const workdaysMax = 1000000

var workdayFuncs = []Func{
	{Name: "NetWorkDays", Min: 2, Max: -1, Format: FormatInteger, Eval: netWorkDays},
	{Name: "LastWorkDate", Min: 2, Max: -1, Eval: workDate(1)},
	{Name: "FirstWorkDate", Min: 2, Max: -1, Eval: workDate(-1)},
}

// holidays returns the different working days among args, in order.
func (c *Context) holidays(args []dual.Value) []float64 {
	var days []float64
	for _, a := range args {
		if x := math.Floor(c.num(a)); math.Abs(x) <= serialMax && isWeekday(x) {
			days = append(days, x)
		}
	}
	sort.Float64s(days)
	n := 0
	for i, d := range days {
		if i == 0 || d != days[i-1] {
			days[n] = d
			n++
		}
	}
	return days[:n]
}

func isWeekday(day float64) bool { return weekRule{}.weekday(day) < 5 }

// weekdaysBefore counts Mondays to Fridays before a day, from a fixed Monday.
func weekdaysBefore(day float64) float64 {
	const monday = 2 // 1900-01-01
	weeks := math.Floor((day - monday) / 7)
	return weeks*5 + math.Min(day-monday-weeks*7, 5)
}

// workdays counts the working days from one day to another, both included.
func workdays(from, to float64, holidays []float64) int {
	if to < from {
		return 0
	}
	off := sort.SearchFloat64s(holidays, to+1) - sort.SearchFloat64s(holidays, from)
	return int(weekdaysBefore(to+1)-weekdaysBefore(from)) - off
}

func netWorkDays(c *Context, args []dual.Value) dual.Value {
	from, to := math.Floor(c.num(args[0])), math.Floor(c.num(args[1]))
	if !(math.Abs(from) <= serialMax && math.Abs(to) <= serialMax) {
		return dual.Value{}
	}
	return integer(workdays(from, to, c.holidays(args[2:])))
}

// workDate finds the nearest day in the direction of step up to which, from
// the given day, there are n working days.
func workDate(step float64) evalFunc {
	return func(c *Context, args []dual.Value) dual.Value {
		day := math.Floor(c.num(args[0]))
		n, ok := c.intAt(args, 1, 0)
		if !ok || n < 1 || n > workdaysMax || !(math.Abs(day) <= serialMax) {
			return dual.Value{}
		}
		holidays := c.holidays(args[2:])
		daysMax := 2*(n+len(holidays)) + 7 // five of seven days are weekdays
		away := sort.Search(daysMax, func(away int) bool {
			end := day + step*float64(away)
			return workdays(min(day, end), max(day, end), holidays) >= n
		})
		return c.date(day + step*float64(away))
	}
}
