package number

import (
	"math"
	"strings"

	"github.com/cognate-bi/cognate/storage/dual"
)

// textMax is the longest text that can be a date or an amount of money.
const textMax = 128

// auto is what automatic interpretation needs, compiled once per Locale.
type auto struct {
	date, time, timestamp *clockPattern
	money                 *numberPattern
	starts                [256]bool // first bytes that a readable text can have
}

func (l *Locale) auto() *auto {
	d := l.own()
	d.once.Do(func() {
		d.auto = auto{
			date:      compileClock(l.DateFormat),
			time:      compileClock(l.TimeFormat),
			timestamp: compileClock(l.TimestampFormat),
			money:     compileNumber(numberKey{l.MoneyFormat, l.MoneyDecimalSep, l.MoneyThousandSep}, ""),
		}
		d.auto.markStarts(l)
	})
	return &d.auto
}

// markStarts finds the bytes a readable text can start with. Most texts are
// words, which one look then tells apart.
func (a *auto) markStarts(l *Locale) {
	mark := func(s string) {
		for i := range len(s) {
			a.starts[s[i]] = true
		}
	}
	mark("0123456789+-")
	mark(l.DecimalSep + l.MoneyDecimalSep)
	for i := range a.money.sections {
		mark(a.money.sections[i].prefix)
	}
	for _, p := range [3]*clockPattern{a.date, a.time, a.timestamp} {
		if len(p.elems) > 0 && !p.elems[0].numeric() { // a name or a literal
			for b := range a.starts {
				a.starts[b] = true
			}
		}
	}
}

// Interpret reads a text that came without type: a number, else a date, a
// time, a timestamp by the settings, an ISO date or timestamp, or money. The
// result keeps the text, without blanks around it. What fits nothing is a
// pure text.
func (l *Locale) Interpret(text string) dual.Value {
	text = trim(text)
	if x, ok := l.read(text); ok {
		return dual.New(text, x)
	}
	return dual.String(text)
}

// read is Interpret without the text; text has no blanks around it.
func (l *Locale) read(text string) (float64, bool) {
	if text == "" {
		return 0, false
	}
	a := l.auto()
	if !a.starts[text[0]] {
		return 0, false
	}
	if x, ok := readNumber(text, l.DecimalSep, l.ThousandSep); ok {
		return x, true
	}
	if len(text) > textMax {
		return 0, false
	}
	for _, p := range [3]*clockPattern{a.date, a.time, a.timestamp} {
		if len(p.elems) == 0 {
			continue
		}
		if x, ok := p.parse(text, l, true); ok {
			return x, true
		}
	}
	if x, ok := readISO(text); ok {
		return x, true
	}
	return a.money.parse(text)
}

// Num returns the numeric reading of v where an operation needs a number: its
// number, or its text read by [Locale.Interpret]. NaN if there is none.
func (l *Locale) Num(v dual.Value) float64 {
	if v.HasNum() {
		return v.Num
	}
	if v.HasText() {
		if x, ok := l.read(trim(v.Text)); ok {
			return x
		}
	}
	return math.NaN()
}

// readISO reads YYYY-MM-DD, optionally with a time of hours and minutes,
// seconds and their fraction after a blank or T, and a Z.
func readISO(s string) (float64, bool) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	y, ny := readDigits(s, 4)
	m, nm := readDigits(s[5:], 2)
	d, nd := readDigits(s[8:], 2)
	if ny != 4 || nm != 2 || nd != 2 || m < 1 || m > 12 || d < 1 || d > DaysIn(y, m) {
		return 0, false
	}
	day := DateSerial(y, m, d)
	if len(s) == 10 {
		return day, true
	}
	if s[10] != ' ' && s[10] != 'T' {
		return 0, false
	}
	t, ok := readISOTime(strings.TrimSuffix(s[11:], "Z"))
	return day + t, ok
}

// readISOTime reads hh:mm, hh:mm:ss or hh:mm:ss.fff as a fraction of a day.
func readISOTime(s string) (float64, bool) {
	if len(s) < 5 || s[2] != ':' {
		return 0, false
	}
	h, nh := readDigits(s, 2)
	mi, nm := readDigits(s[3:], 2)
	if nh != 2 || nm != 2 || h > 23 || mi > 59 {
		return 0, false
	}
	ms := float64(h*3600+mi*60) * 1000
	if s = s[5:]; s != "" {
		sec, n := readDigits(s[1:], 2)
		if s[0] != ':' || n != 2 || sec > 59 {
			return 0, false
		}
		ms += float64(sec) * 1000
		if s = s[3:]; s != "" {
			var c clockParts
			rest, ok := c.readFraction(s[1:], &elem{})
			if s[0] != '.' || !ok || rest != "" {
				return 0, false
			}
			ms += c.millis
		}
	}
	return ms / MillisPerDay, true
}

// trim removes blanks and control characters around s.
func trim(s string) string {
	for s != "" && s[0] <= ' ' {
		s = s[1:]
	}
	for s != "" && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// ParseNum reads text by a number code (Num#). Empty parts mean the settings:
// no pattern reads a number as [Locale.Interpret] does.
func (l *Locale) ParseNum(text, pattern, decimal, thousand string) (float64, bool) {
	decimal, thousand = orElse(decimal, l.DecimalSep), orElse(thousand, l.ThousandSep)
	if pattern == "" {
		return readNumber(trim(text), decimal, thousand)
	}
	return l.number(numberKey{pattern, decimal, thousand}).parse(text)
}

// ParseMoney is ParseNum with the settings of money (Money#).
func (l *Locale) ParseMoney(text, pattern, decimal, thousand string) (float64, bool) {
	k := numberKey{
		orElse(pattern, l.MoneyFormat),
		orElse(decimal, l.MoneyDecimalSep), orElse(thousand, l.MoneyThousandSep),
	}
	return l.number(k).parse(text)
}

// ParseDate reads text by a date, time or timestamp code (Date#, Time#,
// Timestamp#). A pattern without date parts gives a fraction of a day.
func (l *Locale) ParseDate(text, pattern string) (float64, bool) {
	return l.clock(pattern).parse(trim(text), l, false)
}

// ParseInterval reads text as a duration in days (Interval#).
func (l *Locale) ParseInterval(text, pattern string) (float64, bool) {
	return l.clock(orElse(pattern, l.TimeFormat)).parseInterval(trim(text))
}

func (l *Locale) number(k numberKey) *numberPattern {
	return l.own().numbers.Get(k, func() *numberPattern { return compileNumber(k, l.NumericalAbbreviation) })
}

func (l *Locale) clock(pattern string) *clockPattern {
	return l.own().clocks.Get(pattern, func() *clockPattern { return compileClock(pattern) })
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
