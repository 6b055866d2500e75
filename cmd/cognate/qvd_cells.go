package main

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A textFormat is a way of writing rows as text: a line per row, in which
// before[i] stands in front of cell i.
type textFormat struct {
	header []byte
	before []string
	after  string
	cell   func(dst []byte, v dual.Value) []byte
}

// newTextFormat returns the format of a name: csv, tsv, or jsonl, whose lines
// are objects, or, with dual, arrays of all parts of the values.
func newTextFormat(name string, dual bool, fields []string, loc *number.Locale) (*textFormat, error) {
	switch {
	case dual && name != formatJSONL:
		return nil, fmt.Errorf("--dual is for --format jsonl: cells of %s are texts", name)
	case dual:
		return dualLines(len(fields)), nil
	case name == formatJSONL:
		return jsonLines(fields, loc), nil
	case name == formatCSV:
		return delimited(fields, ',', loc), nil
	case name == formatTSV:
		return delimited(fields, '\t', loc), nil
	}
	return nil, fmt.Errorf("format %q: want csv, tsv or jsonl", name)
}

// delimited is a line of names, then cells as they are shown; a cell is quoted
// where it has to be. NULL is an empty cell. A line of one empty cell has
// quotes, as an empty line is no row for most readers.
func delimited(fields []string, delimiter byte, loc *number.Locale) *textFormat {
	f := &textFormat{before: make([]string, len(fields)), after: "\n"}
	var text []byte
	for i, name := range fields {
		if i > 0 {
			f.before[i] = string(delimiter)
		}
		text = append(append(text, f.before[i]...), appendQuoted(nil, []byte(name), delimiter)...)
	}
	f.header = append(text, '\n')
	single := len(fields) == 1
	f.cell = func(dst []byte, v dual.Value) []byte {
		at := len(dst)
		dst = loc.AppendText(dst, v)
		switch shown := dst[at:]; {
		case len(shown) == 0 && single:
			return append(dst, `""`...)
		case needsQuotes(shown, delimiter):
			return appendQuoted(dst[:at], bytes.Clone(shown), delimiter)
		}
		return dst
	}
	return f
}

// needsQuotes reports whether a cell would be read as something else without
// quotes.
func needsQuotes(text []byte, delimiter byte) bool {
	if len(text) == 0 {
		return false
	}
	first, last := text[0], text[len(text)-1]
	return first == ' ' || last == ' ' || bytes.IndexByte(text, delimiter) >= 0 || bytes.ContainsAny(text, "\"\r\n\t")
}

func appendQuoted(dst, text []byte, delimiter byte) []byte {
	if !needsQuotes(text, delimiter) {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for _, b := range text {
		if b == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, b)
	}
	return append(dst, '"')
}

// jsonLines is an object per row. A cell is a number where that is all that is
// shown of it, else the text that is shown.
func jsonLines(fields []string, loc *number.Locale) *textFormat {
	f := &textFormat{before: make([]string, len(fields)), after: "}\n"}
	for i, name := range fields {
		open := ","
		if i == 0 {
			open = "{"
		}
		f.before[i] = open + string(appendJSONText(nil, name)) + ":"
	}
	f.cell = func(dst []byte, v dual.Value) []byte {
		if v.IsNull() {
			return append(dst, "null"...)
		}
		var shown, plain [64]byte
		text := loc.AppendText(shown[:0], v)
		if v.HasNum() && !math.IsInf(v.Num, 0) && bytes.Equal(text, loc.AppendNum(plain[:0], v.Num)) {
			return appendJSONNumber(dst, v.Num)
		}
		return appendJSONText(dst, string(text))
	}
	return f
}

// dualLines is an array per row. A cell is null or an object of the parts that
// the value has: its number as n and its text as t.
func dualLines(fields int) *textFormat {
	f := &textFormat{before: make([]string, fields), after: "]\n", cell: appendDual}
	for i := range f.before {
		f.before[i] = ","
	}
	if fields > 0 {
		f.before[0] = "["
	}
	return f
}

func appendDual(dst []byte, v dual.Value) []byte {
	switch v.Kind {
	case dual.Num:
		return append(appendJSONNumber(append(dst, `{"n":`...), v.Num), '}')
	case dual.Text:
		return append(appendJSONText(append(dst, `{"t":`...), v.Text), '}')
	case dual.Both:
		dst = appendJSONNumber(append(dst, `{"n":`...), v.Num)
		return append(appendJSONText(append(dst, `,"t":`...), v.Text), '}')
	}
	return append(dst, "null"...)
}

// appendJSONNumber appends the shortest number that reads back as x, written
// as JavaScript does it. JSON has no NaN and no infinity: they are the texts
// "NaN", "Infinity" and "-Infinity".
func appendJSONNumber(dst []byte, x float64) []byte {
	const small, large = 1e-6, 1e21
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return append(dst, `"NaN"`...)
	case math.IsInf(x, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(x, -1):
		return append(dst, `"-Infinity"`...)
	case a == 0 || a >= small && a < large:
		return strconv.AppendFloat(dst, x, 'f', -1, 64)
	}
	at := len(dst)
	dst = strconv.AppendFloat(dst, x, 'e', -1, 64)
	if i := bytes.IndexByte(dst[at:], 'e'); dst[at+i+2] == '0' { // 1e-07 is 1e-7
		dst = append(dst[:at+i+2], dst[at+i+3:]...)
	}
	return dst
}

// appendJSONText appends a text in quotes. Bytes that are no UTF-8 become
// U+FFFD.
func appendJSONText(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	dst = append(dst, '"')
	from := 0
	for i := range len(s) {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}
