package number

import (
	"math"
	"strings"
	"unicode/utf8"
)

// A clockPattern is a date, time, timestamp or interval code, compiled.
type clockPattern struct {
	elems   []elem
	top     byte // largest unit present among D h m s f, for intervals
	hasDate bool // any of Y M D
	half    bool // TT or tt: hours are 1 to 12
}

// An elem is one code or literal of a clock pattern. Kinds: Y M D W h m s f,
// 'T' (AM/PM) and 'L' (literal).
type elem struct {
	kind     byte
	width    int
	lit      string // of 'L'
	lower    bool   // tt
	optional bool   // inside [ ]: shown only if the fraction is not zero
	fixed    bool   // next to another number: exactly width digits
}

// numeric reports whether e is written with digits.
func (e *elem) numeric() bool {
	switch e.kind {
	case 'L', 'T':
		return false
	case 'M', 'W':
		return e.width <= 2
	}
	return true
}

func compileClock(pattern string) *clockPattern {
	p := &clockPattern{}
	optional := false
	for i := 0; i < len(pattern); {
		c := pattern[i]
		if c == '[' || c == ']' {
			optional = c == '['
			i++
			continue
		}
		e, next := readElem(pattern, i)
		e.optional = optional
		p.add(e)
		i = next
	}
	p.markFixed()
	return p
}

// readElem reads the code or literal of pattern at i.
func readElem(pattern string, i int) (e elem, next int) {
	c := pattern[i]
	if c == '\'' || c == '"' {
		if end := strings.IndexByte(pattern[i+1:], c); end >= 0 {
			return elem{kind: 'L', lit: pattern[i+1 : i+1+end]}, i + end + 2
		}
	}
	run := i + 1
	for run < len(pattern) && pattern[run] == c {
		run++
	}
	width := run - i
	switch c {
	case 'y', 'd', 'w':
		return elem{kind: c - 'a' + 'A', width: width}, run
	case 'H':
		return elem{kind: 'h', width: width}, run
	case 'Y', 'M', 'D', 'W', 'h', 'm', 's', 'f':
		return elem{kind: c, width: width}, run
	case 'T', 't':
		if width >= 2 {
			return elem{kind: 'T', width: width, lower: c == 't'}, run
		}
	}
	_, size := utf8.DecodeRuneInString(pattern[i:])
	return elem{kind: 'L', lit: pattern[i : i+size]}, i + size
}

func (p *clockPattern) add(e elem) {
	if n := len(p.elems); e.kind == 'L' && n > 0 && p.elems[n-1].kind == 'L' && p.elems[n-1].optional == e.optional {
		p.elems[n-1].lit += e.lit
		return
	}
	switch e.kind {
	case 'Y', 'M', 'D':
		p.hasDate = true
	case 'T':
		p.half = true
	}
	if unit := strings.IndexByte("fsmhD", e.kind); unit >= 0 && unit >= strings.IndexByte("fsmhD", p.top) {
		p.top = e.kind
	}
	p.elems = append(p.elems, e)
}

func (p *clockPattern) markFixed() {
	for i := range p.elems {
		e := &p.elems[i]
		after := i > 0 && p.elems[i-1].numeric()
		before := i+1 < len(p.elems) && p.elems[i+1].numeric()
		e.fixed = e.numeric() && (after || before)
	}
}

// append formats the moment of serial x.
func (p *clockPattern) append(dst []byte, x float64, l *Locale) ([]byte, bool) {
	t, ok := SplitSerial(x)
	if !ok {
		return dst, false
	}
	for i := range p.elems {
		e := &p.elems[i]
		if e.optional && t.Millis == 0 {
			continue
		}
		dst = p.appendElem(dst, e, &t, l)
	}
	return dst, true
}

func (p *clockPattern) appendElem(dst []byte, e *elem, t *Moment, l *Locale) []byte {
	switch e.kind {
	case 'L':
		return append(dst, e.lit...)
	case 'Y':
		return appendYear(dst, t.Year, e.width)
	case 'M':
		return appendNamed(dst, t.Month, t.Month-1, e.width, l.MonthNames, l.LongMonthNames)
	case 'D':
		return appendPadded(dst, t.Day, e.width)
	case 'W':
		return appendNamed(dst, t.Weekday, t.Weekday, e.width, l.DayNames, l.LongDayNames)
	case 'h':
		h := t.Hour
		if p.half {
			h = (h+11)%12 + 1
		}
		return appendPadded(dst, h, e.width)
	case 'm':
		return appendPadded(dst, t.Minute, e.width)
	case 's':
		return appendPadded(dst, t.Second, e.width)
	case 'f':
		return appendFraction(dst, t.Millis, e.width)
	}
	return append(dst, halfDay(t.Hour >= 12, e.lower)...)
}

func halfDay(pm, lower bool) string {
	switch {
	case pm && lower:
		return "pm"
	case pm:
		return "PM"
	case lower:
		return "am"
	}
	return "AM"
}

func appendPadded(dst []byte, n, width int) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	digits := 1
	for p := n; p >= 10; p /= 10 {
		digits++
	}
	for ; digits < width; width-- {
		dst = append(dst, '0')
	}
	return appendInt(dst, n)
}

func appendInt(dst []byte, n int) []byte {
	if n >= 10 {
		dst = appendInt(dst, n/10)
	}
	return append(dst, byte('0'+n%10))
}

func appendYear(dst []byte, year, width int) []byte {
	if width >= 4 {
		return appendPadded(dst, year, 4)
	}
	return appendPadded(dst, floorMod(year, int(pow10[width])), width)
}

// appendNamed writes a number (width 1, 2), a short name (3) or a long one.
func appendNamed(dst []byte, n, index, width int, short, long []string) []byte {
	if width <= 2 {
		return appendPadded(dst, n, width)
	}
	names := short
	if width > 3 {
		names = long
	}
	if index >= len(names) {
		return appendPadded(dst, n, 1)
	}
	return append(dst, names[index]...)
}

func appendFraction(dst []byte, millis, width int) []byte {
	for i, unit := 0, 100; i < width; i, unit = i+1, unit/10 {
		if unit == 0 {
			dst = append(dst, '0')
			unit = 0
			continue
		}
		dst = append(dst, byte('0'+millis/unit%10))
	}
	return dst
}

// appendInterval formats x as a duration: the largest unit present takes all.
func (p *clockPattern) appendInterval(dst []byte, x float64) ([]byte, bool) {
	if !(math.Abs(x) <= serialMax) {
		return dst, false
	}
	ms := int(math.Floor(math.Abs(x)*MillisPerDay + 0.5))
	if x < 0 && ms > 0 {
		dst = append(dst, '-')
	}
	fraction := ms % 1000
	for i := range p.elems {
		e := &p.elems[i]
		if e.optional && fraction == 0 || e.kind == 'T' {
			continue
		}
		switch e.kind {
		case 'L':
			if i+1 < len(p.elems) && p.elems[i+1].kind == 'T' && strings.TrimSpace(e.lit) == "" {
				continue // the blank before a TT that a duration has not
			}
			dst = append(dst, e.lit...)
		case 'f':
			dst = appendFraction(dst, fraction, e.width)
		case 'D', 'h', 'm', 's':
			dst = appendPadded(dst, p.unitOf(e.kind, ms), e.width)
		}
	}
	return dst, true
}

// unitOf returns the count of a unit in ms, below the next larger unit unless
// it is the pattern's top one.
func (p *clockPattern) unitOf(kind byte, ms int) int {
	size, next := unitMillis(kind)
	if kind == p.top || next == 0 {
		return ms / size
	}
	return ms / size % next
}

// unitMillis returns the length of a unit and how many make the next larger.
func unitMillis(kind byte) (ms, perNext int) {
	switch kind {
	case 'D':
		return MillisPerDay, 0
	case 'h':
		return 3600000, 24
	case 'm':
		return 60000, 60
	default:
		return 1000, 60
	}
}
