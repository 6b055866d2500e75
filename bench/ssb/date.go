package ssb

import "time"

// dateKey is yyyymmdd of a day counted from the first one.
func dateKey(day int) int {
	y, m, d := firstDay.AddDate(0, 0, day).Date()
	return y*10000 + int(m)*100 + d
}

func (g *generator) date(dst []byte, unit int) []byte {
	t := firstDay.AddDate(0, 0, unit)
	tomorrow := t.AddDate(0, 0, 1)
	month := t.Month().String()
	weekday := int(t.Weekday()) // Sunday is 0
	l := line{dst}
	l.int(dateKey(unit))
	l.text(t.Format("January 2 2006"))
	l.text(t.Weekday().String())
	l.text(month)
	l.int(t.Year())
	l.int(t.Year()*100 + int(t.Month()))
	l.text(t.Format("Jan2006"))
	l.int(weekday + 1)
	l.int(t.Day())
	l.int(t.YearDay())
	l.int(int(t.Month()))
	l.int((t.YearDay()-1)/7 + 1)
	l.text(season(t.Month()))
	l.flag(weekday == 6)
	l.flag(tomorrow.Month() != t.Month())
	l.flag(holiday(t))
	l.flag(weekday >= 1 && weekday <= 5)
	return l.end()
}

func (l *line) flag(b bool) {
	if b {
		l.int(1)
	} else {
		l.int(0)
	}
}

func season(m time.Month) string {
	switch m {
	case time.November, time.December:
		return "Christmas"
	case time.June, time.July, time.August:
		return "Summer"
	case time.September, time.October:
		return "Fall"
	case time.March, time.April, time.May:
		return "Spring"
	default:
		return "Winter"
	}
}

func holiday(t time.Time) bool {
	m, d := t.Month(), t.Day()
	return m == time.January && d == 1 || m == time.July && d == 4 || m == time.December && (d == 24 || d == 25 || d == 31) || m == time.November && d == 11
}
