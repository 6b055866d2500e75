package number

import (
	"math"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/storage/dual"
)

// realPattern is the pattern the language gives to results of arithmetic. It
// stands for the default text of a number, decimals included.
const realPattern = "##############"

// A presentation is a dual.Format made ready: exactly one of its parts is set,
// or none for the default number text.
type presentation struct {
	number   *numberPattern
	clock    *clockPattern
	interval bool
}

// Text returns the display text of v: its own, else its number by its format,
// else the default text of the number. NULL gives "".
func (l *Locale) Text(v dual.Value) string {
	if v.HasText() {
		return v.Text
	}
	if v.IsNull() {
		return ""
	}
	return l.FormatNum(v.Num, v.Format)
}

// AppendText appends what [Locale.Text] returns.
func (l *Locale) AppendText(dst []byte, v dual.Value) []byte {
	if v.HasText() {
		return append(dst, v.Text...)
	}
	if v.IsNull() {
		return dst
	}
	return l.appendFormat(dst, v.Num, v.Format)
}

// FormatNum returns the text of x by f, or the default text if f is nil. NaN
// gives "", and what is no date is shown as a number.
func (l *Locale) FormatNum(x float64, f *dual.Format) string {
	var buf [64]byte
	return string(l.appendFormat(buf[:0], x, f))
}

func (l *Locale) appendFormat(dst []byte, x float64, f *dual.Format) []byte {
	if f == nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return l.AppendNum(dst, x)
	}
	return l.appendShown(dst, x, l.own().byFormat.Get(f, func() *presentation { return l.present(f) }))
}

func (l *Locale) appendShown(dst []byte, x float64, p *presentation) []byte {
	ok := false
	switch {
	case p.number != nil:
		return p.number.append(dst, x)
	case p.clock != nil && p.interval:
		dst, ok = p.clock.appendInterval(dst, x)
	case p.clock != nil:
		dst, ok = p.clock.append(dst, x, l)
	}
	if !ok {
		return l.AppendNum(dst, x)
	}
	return dst
}

// A Presenter shows numbers by one format. Any number of goroutines may use it.
type Presenter struct {
	l *Locale
	p *presentation
}

// Presenter returns what shows numbers by f as [Locale.FormatNum] does. It is
// for formats that live as long as a chart: those of FormatNum are remembered.
func (l *Locale) Presenter(f *dual.Format) *Presenter { return &Presenter{l, l.present(f)} }

// Append appends the text of x.
func (p *Presenter) Append(dst []byte, x float64) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return p.l.AppendNum(dst, x)
	}
	return p.l.appendShown(dst, x, p.p)
}

// present decides how f shows numbers.
func (l *Locale) present(f *dual.Format) *presentation {
	switch f.Type {
	case dual.Date:
		return &presentation{clock: l.clock(orElse(f.Pattern, l.DateFormat))}
	case dual.Time:
		return &presentation{clock: l.clock(orElse(f.Pattern, l.TimeFormat))}
	case dual.Timestamp:
		return &presentation{clock: l.clock(orElse(f.Pattern, l.TimestampFormat))}
	case dual.Interval:
		return &presentation{clock: l.clock(orElse(f.Pattern, l.TimeFormat)), interval: true}
	case dual.Money:
		return &presentation{number: l.number(numberKey{
			orElse(f.Pattern, l.MoneyFormat),
			orElse(f.Decimal, l.MoneyDecimalSep), orElse(f.Thousand, l.MoneyThousandSep),
		})}
	}
	pattern := f.Pattern
	switch {
	case pattern == "" && f.Type == dual.Integer:
		pattern = "###0"
	case pattern == "" && f.Type == dual.Fix:
		pattern = "###0.00"
	case pattern == "" || strings.Trim(pattern, "#") == "" && len(pattern) >= len(realPattern):
		return &presentation{}
	}
	return &presentation{number: l.number(numberKey{
		pattern, orElse(f.Decimal, l.DecimalSep), orElse(f.Thousand, l.ThousandSep),
	})}
}

// AppendNum appends the default text of x: up to 15 significant digits, no
// thousands separators, an exponent below 1e-4 and from 1e15 on. NaN gives
// nothing.
func (l *Locale) AppendNum(dst []byte, x float64) []byte {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.AppendInt(dst, int64(x), 10)
	}
	if math.IsNaN(x) {
		return dst
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, x, 'g', 15, 64)
	if l.DecimalSep == "." || l.DecimalSep == "" {
		return dst
	}
	for i := start; i < len(dst); i++ {
		if dst[i] == '.' {
			tail := string(dst[i+1:])
			return append(append(dst[:i], l.DecimalSep...), tail...)
		}
	}
	return dst
}
