package fn

import (
	"math"

	"github.com/cognate-bi/cognate/engine/number"
)

// weekRule says how weeks are numbered (number-formatting: weeks).
type weekRule struct {
	first     int  // first day of the week, 0 = Monday
	broken    bool // week 1 starts on 1 January
	reference int  // January day that is always in week 1, if not broken
}

func (c *Context) weekRule() weekRule {
	return weekRule{first: mod7(c.Locale.FirstWeekDay), broken: c.Locale.BrokenWeeks != 0, reference: c.Locale.ReferenceDay}
}

// weekStart returns the first day of the week that day x is in.
func (r weekRule) weekStart(x float64) float64 {
	day := math.Floor(x)
	return day - float64(r.weekday(x))
}

// weekday counts from the first day of the week.
func (r weekRule) weekday(x float64) int {
	m := math.Mod(math.Floor(x)+5-float64(r.first), 7) // day 0 is a Saturday
	if m < 0 {
		m += 7
	}
	return int(m)
}

// firstWeek returns the start of week 1 of a year.
func (r weekRule) firstWeek(year int) float64 {
	if r.broken {
		return r.weekStart(number.DateSerial(year, 1, 1))
	}
	return r.weekStart(number.DateSerial(year, 1, max(r.reference, 1)))
}

// week returns the week number of the day of t, whose serial is x, and the
// year that week belongs to.
func (r weekRule) week(x float64, t number.Moment) (year, week int) {
	start := r.weekStart(x)
	year = t.Year
	if !r.broken {
		year++
		for year > t.Year-1 && start < r.firstWeek(year) {
			year--
		}
	}
	return year, int((start-r.firstWeek(year))/7) + 1
}

func mod7(n int) int { return ((n % 7) + 7) % 7 }
