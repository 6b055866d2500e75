package number

import (
	"math"
	"strconv"
	"strings"
)

// pow10 holds the powers of ten that are exact in a double.
var pow10 = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// A scan is a decimal number as read: mantissa * 10^exp10.
type scan struct {
	mantissa uint64
	digits   int // significant ones; more than 19 do not fit the mantissa
	exp10    int
	negative bool
}

// readNumber reads all of s as a number: sign, digits with thousands
// separators in valid places only (after one to three digits, then every
// three), decimals, exponent. It allocates only where the value needs the slow
// exact conversion and s has separators.
func readNumber(s, decimal, thousand string) (float64, bool) {
	var n scan
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		n.negative = s[i] == '-'
		i++
	}
	i, grouped, ok := n.readInteger(s, i, thousand)
	if !ok {
		return 0, false
	}
	hasInt := i > 0 && isDigit(s[i-1])
	hasFrac := false
	if decimal != "" && strings.HasPrefix(s[i:], decimal) {
		start := i + len(decimal)
		for i = start; i < len(s) && isDigit(s[i]); i++ {
			n.add(s[i])
			n.exp10--
		}
		if hasFrac = i > start; !hasFrac {
			return 0, false
		}
	}
	if !hasInt && !hasFrac {
		return 0, false
	}
	if i < len(s) {
		if i, ok = n.readExponent(s, i); !ok || i != len(s) {
			return 0, false
		}
	}
	return n.value(s, decimal, thousand, grouped)
}

// readInteger reads the digits before the decimal separator, from s[i:].
func (n *scan) readInteger(s string, i int, thousand string) (end int, grouped, ok bool) {
	run := 0 // digits since the start or the last separator
	for i < len(s) {
		if isDigit(s[i]) {
			n.add(s[i])
			run++
			i++
			continue
		}
		// A separator counts if a digit follows; else it ends the number.
		next := i + len(thousand)
		if thousand == "" || next >= len(s) || !isDigit(s[next]) || s[i:next] != thousand {
			break
		}
		if run == 0 || run > 3 || grouped && run != 3 {
			return i, grouped, false
		}
		grouped, run, i = true, 0, next
	}
	return i, grouped, !grouped || run == 3
}

func (n *scan) readExponent(s string, i int) (end int, ok bool) {
	if s[i] != 'e' && s[i] != 'E' {
		return i, false
	}
	i++
	sign := 1
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		if s[i] == '-' {
			sign = -1
		}
		i++
	}
	start, e := i, 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		if e < 10000 { // far beyond a double; the sum cannot overflow
			e = e*10 + int(s[i]-'0')
		}
	}
	n.exp10 += sign * e
	return i, i > start
}

func (n *scan) add(c byte) {
	if n.digits > 0 || c != '0' {
		n.digits++
	}
	if n.digits <= 19 {
		n.mantissa = n.mantissa*10 + uint64(c-'0')
	}
}

// value converts exactly: a mantissa and a power of ten that both fit a double
// give a correctly rounded result in one operation, all else goes to strconv.
func (n *scan) value(s, decimal, thousand string, grouped bool) (float64, bool) {
	var x float64
	switch {
	case n.mantissa < 1<<53 && n.digits <= 19 && n.exp10 >= 0 && n.exp10 <= 22:
		x = float64(n.mantissa) * pow10[n.exp10]
	case n.mantissa < 1<<53 && n.digits <= 19 && n.exp10 < 0 && n.exp10 >= -22:
		x = float64(n.mantissa) / pow10[-n.exp10]
	default:
		if grouped {
			s = strings.ReplaceAll(s, thousand, "")
		}
		if decimal != "." && decimal != "" {
			s = strings.Replace(s, decimal, ".", 1)
		}
		x, err := strconv.ParseFloat(s, 64)
		return x, err == nil && !math.IsInf(x, 0)
	}
	if n.negative {
		x = -x
	}
	return x, true
}

func isDigit(c byte) bool { return c-'0' <= 9 }
