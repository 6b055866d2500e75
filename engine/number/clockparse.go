package number

import (
	"math"
	"strings"
	"unicode/utf8"
)

// clockParts is what a parse collects. A negative year, month or day is absent.
type clockParts struct {
	year, month, day     int
	hour, minute, second int
	millis               float64
	pm, am               bool
	shortYear            bool
}

// parse reads all of s by the pattern. Where parts are separated, leading
// zeros may be missing or added and a year may have two digits. With
// lenient, trailing time parts of the pattern may be missing too.
func (p *clockPattern) parse(s string, l *Locale, lenient bool) (float64, bool) {
	c := clockParts{year: -1, month: -1, day: -1}
	for i := 0; i < len(p.elems); i++ {
		e := &p.elems[i]
		if e.optional && !p.groupStarts(s, i) {
			continue
		}
		if s == "" && p.restMayMiss(i, lenient) {
			break
		}
		rest, ok := c.read(s, e, l)
		if !ok {
			return 0, false
		}
		s = rest
	}
	if s != "" {
		return 0, false
	}
	return c.serial(p)
}

// groupStarts reports whether the bracketed group that elem i belongs to is
// present: its first literal is there, and digits follow.
func (p *clockPattern) groupStarts(s string, i int) bool {
	e := &p.elems[i]
	if e.kind == 'L' {
		return len(s) > len(e.lit) && strings.HasPrefix(s, e.lit) && isDigit(s[len(e.lit)])
	}
	return s != "" && isDigit(s[0])
}

// restMayMiss reports whether a text may end before elem i: only AM/PM is
// left, or, when lenient, only parts of a time after its minutes.
func (p *clockPattern) restMayMiss(i int, lenient bool) bool {
	for ; i < len(p.elems); i++ {
		e := &p.elems[i]
		switch {
		case e.optional, e.kind == 'T', e.kind == 'L' && strings.Trim(e.lit, " :.") == "":
		case e.kind == 's' && lenient, e.kind == 'f' && lenient:
		default:
			return false
		}
	}
	return true
}

// read reads one element from the front of s.
func (c *clockParts) read(s string, e *elem, l *Locale) (rest string, ok bool) {
	switch e.kind {
	case 'L':
		return strings.CutPrefix(s, e.lit)
	case 'T':
		return c.readHalf(s)
	case 'f':
		return c.readFraction(s, e)
	case 'M':
		if e.width > 2 {
			c.month, rest = matchName(s, l.MonthNames, l.LongMonthNames)
			c.month++
			return rest, c.month > 0
		}
	case 'W':
		if e.width > 2 {
			day, rest := matchName(s, l.DayNames, l.LongDayNames)
			return rest, day >= 0
		}
	}
	digitsMax := 2
	if e.kind == 'Y' {
		digitsMax = max(e.width, 4)
	}
	if e.fixed {
		digitsMax = e.width
	}
	n, digits := readDigits(s, digitsMax)
	if digits == 0 || e.fixed && digits != e.width {
		return s, false
	}
	return s[digits:], c.set(e, n, digits)
}

// set stores a number read for e and checks its range.
func (c *clockParts) set(e *elem, n, digits int) bool {
	switch e.kind {
	case 'Y':
		c.year, c.shortYear = n, digits <= 2
		return digits == 2 || digits >= 4
	case 'M':
		c.month = n
		return n >= 1 && n <= 12
	case 'D':
		c.day = n
		return n >= 1 && n <= 31
	case 'h':
		c.hour = n
		return n <= 23
	case 'm':
		c.minute = n
		return n <= 59
	case 's':
		c.second = n
		return n <= 59
	}
	return n <= 6 // W
}

func (c *clockParts) readHalf(s string) (rest string, ok bool) {
	if len(s) < 2 || s[1]|0x20 != 'm' {
		return s, false
	}
	c.am, c.pm = s[0]|0x20 == 'a', s[0]|0x20 == 'p'
	return s[2:], c.am || c.pm
}

func (c *clockParts) readFraction(s string, e *elem) (rest string, ok bool) {
	unit, i := 100.0, 0
	for ; i < len(s) && isDigit(s[i]) && (!e.fixed || i < e.width); i++ {
		c.millis += unit * float64(s[i]-'0')
		unit /= 10
	}
	return s[i:], i > 0
}

// serial puts the parts together. A text without any part of a date is a time
// of day; missing parts of a date are the first of their kind.
func (c *clockParts) serial(p *clockPattern) (float64, bool) {
	hour := c.hour
	if c.am || c.pm {
		if hour < 1 || hour > 12 {
			return 0, false
		}
		if hour %= 12; c.pm {
			hour += 12
		}
	}
	t := (float64(hour*3600+c.minute*60+c.second)*1000 + c.millis) / MillisPerDay
	if !p.hasDate {
		return t, true
	}
	y, m, d := c.year, max(c.month, 1), max(c.day, 1)
	if y < 0 {
		y = 1900
	} else if c.shortYear {
		y = fullYear(y)
	}
	if d > DaysIn(y, m) {
		return 0, false
	}
	return DateSerial(y, m, d) + t, true
}

// fullYear places a two-digit year: 00 to 49 in this century, 50 to 99 in the last.
func fullYear(y int) int {
	if y < 50 {
		return y + 2000
	}
	return y + 1900
}

func readDigits(s string, digitsMax int) (n, digits int) {
	for digits < len(s) && digits < digitsMax && digits < 9 && isDigit(s[digits]) {
		n = n*10 + int(s[digits]-'0')
		digits++
	}
	return n, digits
}

// matchName finds the longest name, long or short, that s starts with,
// without case, and returns its index, or -1.
func matchName(s string, short, long []string) (index int, rest string) {
	index, rest = -1, s
	best := 0
	for _, names := range [2][]string{long, short} {
		for i, name := range names {
			if n := prefixFold(s, name); n > best {
				index, rest, best = i, s[n:], n
			}
		}
	}
	return index, rest
}

// prefixFold returns how many bytes of s equal name without case, 0 if s does
// not start with it.
func prefixFold(s, name string) int {
	n := 0
	for range name {
		if n >= len(s) {
			return 0
		}
		_, size := utf8.DecodeRuneInString(s[n:])
		n += size
	}
	if !strings.EqualFold(s[:n], name) {
		return 0
	}
	return n
}

// parseInterval reads a duration: the largest unit may have any number.
func (p *clockPattern) parseInterval(s string) (float64, bool) {
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	ms := 0.0
	for i := range p.elems {
		e := &p.elems[i]
		if e.optional && !p.groupStarts(s, i) {
			continue
		}
		if s == "" && p.restMayMiss(i, false) {
			break
		}
		var ok bool
		switch e.kind {
		case 'L':
			s, ok = strings.CutPrefix(s, e.lit)
		case 'f':
			var c clockParts
			s, ok = c.readFraction(s, e)
			ms += c.millis
		case 'D', 'h', 'm', 's':
			digitsMax := 9
			if e.fixed {
				digitsMax = e.width
			}
			n, digits := readDigits(s, digitsMax)
			size, perNext := unitMillis(e.kind)
			ok = digits > 0 && (e.kind == p.top || perNext == 0 || n < perNext)
			s, ms = s[digits:], ms+float64(n)*float64(size)
		}
		if !ok {
			return 0, false
		}
	}
	if negative {
		ms = -ms
	}
	return ms / MillisPerDay, s == "" && !math.IsInf(ms, 0)
}
