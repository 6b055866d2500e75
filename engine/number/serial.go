package number

import "math"

// Serial numbers of well-known days and the units of time.
const (
	UnixEpoch    = 25569 // 1970-01-01
	MillisPerDay = 86400000

	serialMax = 1e8 // |serial| beyond this is not a date (about 270 000 years)
	yearMax   = 250000
)

// A Moment is a serial number taken apart. Weekday is 0 for Monday.
type Moment struct {
	Year, Month, Day             int
	Hour, Minute, Second, Millis int
	Weekday                      int
}

// DateSerial returns the serial number of a day of the proleptic Gregorian
// calendar. Months and days out of range carry over (month 13 is January of
// the next year, day 0 the last of the month before). Years beyond ±250 000,
// and months and days that far out, give NaN.
func DateSerial(y, m, d int) float64 {
	if y < -yearMax || y > yearMax || m < -yearMax || m > yearMax || d < -serialMax || d > serialMax {
		return math.NaN()
	}
	y += floorDiv(m-1, 12)
	m = floorMod(m-1, 12) + 1
	return float64(daysFromCivil(y, m) + d - 1)
}

// SplitSerial takes a serial number apart, rounded to milliseconds. It reports
// false for NaN and for numbers too large to be a date.
func SplitSerial(x float64) (Moment, bool) {
	if !(math.Abs(x) <= serialMax) { // also NaN
		return Moment{}, false
	}
	day := math.Floor(x)
	ms := int(math.Floor((x-day)*MillisPerDay + 0.5))
	days := int(day)
	if ms >= MillisPerDay {
		days, ms = days+1, ms-MillisPerDay
	}
	var t Moment
	t.Year, t.Month, t.Day = civilFromDays(days)
	t.Weekday = floorMod(days+5, 7) // day 0 is a Saturday
	t.Hour, t.Minute, t.Second, t.Millis = ms/3600000, ms/60000%60, ms/1000%60, ms%1000
	return t, true
}

// DaysIn returns the length of a month, 1 to 12.
func DaysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysFromCivil returns the serial of the first of month m of year y, by
// Hinnant's days_from_civil: years start in March, so that the leap day is the
// last one, and 400 years are 146 097 days.
func daysFromCivil(y, m int) int {
	if m <= 2 {
		y--
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	doy := (153*floorMod(m+9, 12) + 2) / 5
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468 + UnixEpoch
}

// civilFromDays is the inverse of daysFromCivil, for any day.
func civilFromDays(serial int) (y, m, d int) {
	z := serial - UnixEpoch + 719468
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = floorMod(mp+2, 12) + 1
	y = yoe + era*400
	if m <= 2 {
		y++
	}
	return y, m, d
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func floorMod(a, b int) int { return a - b*floorDiv(a, b) }
