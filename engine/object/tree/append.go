package tree

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// Append writes n as JSON without blanks.
func (n *Node) Append(dst []byte) []byte {
	switch n.Kind() {
	case Bool:
		return strconv.AppendBool(dst, n.flag)
	case Number:
		return append(dst, n.text...)
	case String:
		return AppendString(dst, n.text)
	case Array:
		dst = append(dst, '[')
		for i, item := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.Append(dst)
		}
		return append(dst, ']')
	case Object:
		dst = append(dst, '{')
		for i, item := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(AppendString(dst, n.keys[i]), ':')
			dst = item.Append(dst)
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

// JSON returns n as text.
func (n *Node) JSON() string { return string(n.Append(nil)) }

// AppendKey writes a member name with its colon, and a comma before it unless
// the object has just been opened.
func AppendKey(dst []byte, key string) []byte {
	return append(AppendString(AppendComma(dst), key), ':')
}

// AppendComma writes a comma unless an object or array has just been opened.
func AppendComma(dst []byte) []byte {
	if k := len(dst); k > 0 && dst[k-1] != '{' && dst[k-1] != '[' {
		return append(dst, ',')
	}
	return dst
}

// AppendFloat writes a number in its shortest form, integers without point or
// exponent. What is not finite is written as the protocol's strings.
func AppendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return AppendString(dst, notFinite(f))
	case f == math.Trunc(f) && math.Abs(f) < 1<<53:
		return strconv.AppendInt(dst, int64(f), 10)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

func notFinite(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case f > 0:
		return "Infinity"
	default:
		return "-Infinity"
	}
}

const hexDigits = "0123456789abcdef"

// AppendString writes a JSON string. Bytes that are no UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(append(dst, s[start:i]...), "\ufffd"...)
		} else {
			dst = appendEscape(append(dst, s[start:i]...), c)
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
