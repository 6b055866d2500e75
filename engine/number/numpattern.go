package number

import (
	"math"
	"strconv"
	"strings"
)

// decimalsMax bounds what a pattern can ask for.
const decimalsMax = 64

// A numberKey names a compiled number pattern.
type numberKey struct{ pattern, decimal, thousand string }

// A numberPattern is a number format code, compiled: one section for positive
// numbers, and optionally one for negative ones and one for zero.
type numberPattern struct {
	sections          []section
	decimal, thousand string
	abbreviations     string
}

// A section is one part of a format code: literal, digits, literal.
type section struct {
	prefix, suffix string
	intMin         int // digits before the separator that are always shown
	fracMin        int // decimals that are always shown
	fracMax        int
	digits         bool // has digit places at all
	grouped        bool
	percent        bool
	abbreviated    bool
	radix          int // 0 = decimal digits, romanRadix = roman
	upper          bool
}

const romanRadix = -1

func compileNumber(k numberKey, abbreviations string) *numberPattern {
	p := &numberPattern{decimal: k.decimal, thousand: k.thousand, abbreviations: abbreviations}
	for _, part := range splitSections(k.pattern) {
		p.sections = append(p.sections, compileSection(part, k.decimal, k.thousand))
	}
	return p
}

// splitSections cuts at the semicolons outside quotes, into at most three.
func splitSections(pattern string) []string {
	var parts []string
	start, quoted := 0, false
	for i := 0; i < len(pattern) && len(parts) < 2; i++ {
		switch {
		case pattern[i] == '\'' || pattern[i] == '"':
			quoted = !quoted
		case pattern[i] == ';' && !quoted:
			parts = append(parts, pattern[start:i])
			start = i + 1
		}
	}
	return append(parts, pattern[start:])
}

func compileSection(s, decimal, thousand string) section {
	var c section
	if rest, ok := c.radixCode(s); ok {
		s = rest
	}
	first := strings.IndexAny(s, "0#")
	if first < 0 {
		c.prefix = unquote(s)
	} else {
		if decimal != "" && strings.HasSuffix(s[:first], decimal) { // .00
			first -= len(decimal)
		}
		end := c.places(s, first, decimal, thousand)
		c.prefix, c.suffix = unquote(s[:first]), s[end:]
		if strings.HasPrefix(c.suffix, "A") && c.radix == 0 && !(len(c.suffix) > 1 && isLetter(c.suffix[1])) {
			c.abbreviated, c.suffix = true, c.suffix[1:]
		}
		c.suffix = unquote(c.suffix)
	}
	c.percent = strings.Contains(c.prefix, "%") || strings.Contains(c.suffix, "%")
	return c
}

// places reads the digit places of s from at on and returns where they end.
func (c *section) places(s string, at int, decimal, thousand string) int {
	c.digits = true
	frac := false
	i := at
	for i < len(s) {
		switch {
		case s[i] == '0' || s[i] == '#':
			if frac {
				c.fracMax = min(c.fracMax+1, decimalsMax)
				if s[i] == '0' {
					c.fracMin = c.fracMax
				}
			} else if s[i] == '0' || c.intMin > 0 {
				c.intMin = min(c.intMin+1, decimalsMax)
			}
			i++
		case !frac && decimal != "" && strings.HasPrefix(s[i:], decimal):
			frac = true
			i += len(decimal)
		case !frac && thousand != "" && strings.HasPrefix(s[i:], thousand) && isPlace(s, i+len(thousand)):
			c.grouped = true
			i += len(thousand)
		default:
			return i
		}
	}
	return i
}

func isLetter(c byte) bool { return (c|0x20)-'a' <= 25 }

func isPlace(s string, i int) bool { return i < len(s) && (s[i] == '0' || s[i] == '#') }

// radixCode recognises (bin), (oct), (dec), (hex), (rom) and (r02) to (r36) in
// either case and returns the rest of the code.
func (c *section) radixCode(s string) (rest string, ok bool) {
	if len(s) < 5 || s[0] != '(' || s[4] != ')' {
		return s, false
	}
	code := s[1:4]
	var radix int
	switch strings.ToLower(code) {
	case "bin":
		radix = 2
	case "oct":
		radix = 8
	case "dec":
		radix = 10
	case "hex":
		radix = 16
	case "rom":
		radix = romanRadix
	default:
		n, err := strconv.Atoi(code[1:])
		if code[0]|0x20 != 'r' || err != nil || n < 2 || n > 36 {
			return s, false
		}
		radix = n
	}
	c.radix, c.upper = radix, code[0] < 'a'
	return s[5:], true
}

// unquote removes quotes around literal characters.
func unquote(s string) string {
	if !strings.ContainsAny(s, `'"`) {
		return s
	}
	return strings.NewReplacer(`'`, "", `"`, "").Replace(s)
}

// append formats x, which is finite.
func (p *numberPattern) append(dst []byte, x float64) []byte {
	s := &p.sections[0]
	negative := math.Signbit(x) && x != 0
	switch {
	case x == 0 && len(p.sections) > 2:
		s = &p.sections[2]
	case negative && len(p.sections) > 1 && p.sections[1] != (section{}):
		s, negative = &p.sections[1], false
	}
	x = math.Abs(x)
	if s.percent {
		x *= 100
	}
	if s.radix != 0 {
		return s.appendRadix(dst, x, negative)
	}
	if !s.digits {
		return append(dst, s.prefix...)
	}
	unit := ""
	if s.abbreviated {
		x, unit = abbreviate(x, p.abbreviations)
	}
	var buf [48]byte
	digits, point := roundDecimal(buf[:0], x, s.fracMax)
	if negative && len(digits) > 0 {
		dst = append(dst, '-')
	}
	dst = append(dst, s.prefix...)
	dst = p.appendDigits(dst, s, digits, point)
	dst = append(dst, unit...)
	return append(dst, s.suffix...)
}

// appendDigits writes 0.digits * 10^point with the places of s.
func (p *numberPattern) appendDigits(dst []byte, s *section, digits []byte, point int) []byte {
	nInt := max(point, s.intMin)
	frac := s.fracMin
	if len(digits)-point > frac { // digits are free of trailing zeros
		frac = len(digits) - point
	}
	if nInt <= 0 && frac == 0 {
		nInt = 1 // an empty text is no number
	}
	at := func(i int) byte { // i-th digit after the point, negative before it
		if k := point + i; k >= 0 && k < len(digits) {
			return digits[k]
		}
		return '0'
	}
	for i := nInt; i > 0; i-- {
		dst = append(dst, at(-i))
		if s.grouped && i > 1 && (i-1)%3 == 0 {
			dst = append(dst, p.thousand...)
		}
	}
	if frac > 0 {
		dst = append(dst, p.decimal...)
	}
	for i := range frac {
		dst = append(dst, at(i))
	}
	return dst
}

// roundDecimal returns the decimal digits d1 d2 ... of x >= 0 rounded half up
// to the given number of decimals, without leading and trailing zeros, and the
// place of the decimal point: x ≈ 0.d1d2... * 10^point. Zero has no digits.
//
// Half means half of what a reader sees: 15 significant digits are taken
// first, so that 2.675 becomes 2.68 though the double lies just below.
func roundDecimal(buf []byte, x float64, decimals int) (digits []byte, point int) {
	if x == 0 {
		return nil, 0
	}
	if x < 1<<63 && x == math.Trunc(x) {
		buf = strconv.AppendUint(buf, uint64(x), 10) // all digits of an integer
		return trimZeros(buf), len(buf)
	}
	buf = strconv.AppendFloat(buf, x, 'e', 14, 64) // d.dddde±xx
	e := len(buf) - 1
	for buf[e] != 'e' {
		e--
	}
	exp, _ := strconv.Atoi(string(buf[e+1:]))
	copy(buf[1:], buf[2:e])
	buf, point = buf[:e-1], exp+1
	if keep := point + decimals; keep < len(buf) {
		if keep < 0 {
			return nil, 0
		}
		up := buf[keep] >= '5'
		buf = buf[:keep]
		if up {
			return carry(buf, point)
		}
	}
	return trimZeros(buf), point
}

// carry adds one to the last digit of buf.
func carry(buf []byte, point int) ([]byte, int) {
	for i := len(buf) - 1; i >= 0; i-- {
		if buf[i] < '9' {
			buf[i]++
			return buf[:i+1], point
		}
	}
	return append(buf[:0], '1'), point + 1
}

func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// abbreviate scales x by the largest unit of a list like "3:k;6:M;-3:m" that
// does not exceed it (for small x: the largest one below 1).
func abbreviate(x float64, units string) (float64, string) {
	best, unit := 0, ""
	for item := range strings.SplitSeq(units, ";") {
		code, name, ok := strings.Cut(item, ":")
		exp, err := strconv.Atoi(code)
		if !ok || err != nil || exp < -30 || exp > 30 || x == 0 {
			continue
		}
		fits := x >= math.Pow10(exp)
		switch {
		case x >= 1 && exp > 0 && fits && exp > best:
			best, unit = exp, name
		case x < 1 && exp < 0 && (best == 0 || fits && (x < math.Pow10(best) || exp > best)):
			best, unit = exp, name
		}
	}
	return x / math.Pow10(best), unit
}

func (c *section) appendRadix(dst []byte, x float64, negative bool) []byte {
	if x >= 1<<63 {
		return strconv.AppendFloat(dst, x, 'g', 15, 64)
	}
	if negative {
		dst = append(dst, '-')
	}
	n := uint64(math.Floor(x + 0.5))
	var text string
	if c.radix == romanRadix {
		text = roman(n)
	} else {
		text = strconv.FormatUint(n, c.radix)
	}
	if c.upper {
		text = strings.ToUpper(text)
	}
	dst = append(dst, c.prefix...)
	for i := len(text); i < c.intMin; i++ {
		dst = append(dst, '0')
	}
	dst = append(dst, text...)
	return append(dst, c.suffix...)
}

var romanUnits = [...]struct {
	value uint64
	text  string
}{
	{1000, "m"},
	{900, "cm"},
	{500, "d"},
	{400, "cd"},
	{100, "c"},
	{90, "xc"},
	{50, "l"},
	{40, "xl"},
	{10, "x"},
	{9, "ix"},
	{5, "v"},
	{4, "iv"},
	{1, "i"},
}

// roman writes n up to 99 999 in lower-case roman numerals, larger ones in digits.
func roman(n uint64) string {
	if n == 0 || n > 99999 {
		return strconv.FormatUint(n, 10)
	}
	var b strings.Builder
	for _, u := range romanUnits {
		for ; n >= u.value; n -= u.value {
			b.WriteString(u.text)
		}
	}
	return b.String()
}

// parse reads s by the pattern: literals of the sections may stand around the
// number, % divides by 100, radix codes read in their base.
func (p *numberPattern) parse(s string) (float64, bool) {
	s = trim(s)
	for i := range p.sections {
		x, ok := p.sections[i].parse(s, p.decimal, p.thousand)
		if ok && i == 1 {
			x = -x
		}
		if ok {
			return x, true
		}
	}
	return 0, false
}

func (c *section) parse(text, decimal, thousand string) (float64, bool) {
	negative := false
	if strings.HasPrefix(text, "-") {
		negative, text = true, text[1:]
	}
	body, ok := strings.CutPrefix(text, c.prefix)
	if !ok {
		body, ok = strings.CutPrefix(text, trim(c.prefix))
	}
	if ok {
		if body, ok = strings.CutSuffix(body, c.suffix); !ok {
			body, ok = strings.CutSuffix(body, trim(c.suffix))
		}
	}
	body = trim(body)
	if !ok || body == "" {
		return 0, false
	}
	x, ok := c.parseBody(body, decimal, thousand)
	if c.percent {
		x /= 100
	}
	if negative {
		x = -x
	}
	return x, ok
}

func (c *section) parseBody(body, decimal, thousand string) (float64, bool) {
	switch {
	case c.radix == romanRadix:
		return parseRoman(body)
	case c.radix != 0:
		return parseRadix(body, c.radix)
	case !c.digits:
		return 0, false
	}
	return readNumber(body, decimal, thousand)
}

// parseRadix reads digits of a base. More than 64 bits lose precision, as
// numbers do.
func parseRadix(s string, radix int) (float64, bool) {
	x := 0.0
	for i := range len(s) {
		d := 99
		switch c := s[i] | 0x20; {
		case isDigit(s[i]):
			d = int(s[i] - '0')
		case c >= 'a' && c <= 'z':
			d = int(c-'a') + 10
		}
		if d >= radix {
			return 0, false
		}
		x = x*float64(radix) + float64(d)
	}
	return x, !math.IsInf(x, 0)
}

func parseRoman(s string) (float64, bool) {
	rest, n := strings.ToLower(s), uint64(0)
	for _, u := range romanUnits {
		for strings.HasPrefix(rest, u.text) {
			n, rest = n+u.value, rest[len(u.text):]
		}
	}
	return float64(n), rest == "" && s != ""
}
