package telemetry

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/google/uuid"
)

// A pattern writes a record as a layout says: text with words like
// %-5level or %property{TaskName}.
type pattern []piece

// A piece is text, or a word with how wide it is at least and at most.
type piece struct {
	text     string
	word     func(x *record) string
	min, max int // characters; 0 = any
	left     bool
}

// converters are the types by which a layout may name words of its own, each
// with the word that it stands for.
var converters = map[string]string{
	"counterpatternconverter": "rownum", "hostnamepatternconverter": "hostname", "iso8601timeoffsetpatternconverter": "longiso8601date", "serviceusernamecachedpatternconverter": "user",
	"serviceusernamepatternconverter": "user", "encodedmessagepatternconverter": "encodedmessage", "encodedexceptionpatternconverter": "encodedexception", "guidpatternconverter": "guid",
}

// parsePattern reads a pattern. own are words of the layout's own, by names in
// lower case, with those that they stand for.
func parsePattern(text, machine string, own map[string]string) (p pattern, err error) {
	for text != "" {
		at := strings.IndexByte(text, '%')
		if at != 0 {
			if at < 0 {
				at = len(text)
			}
			p = append(p, piece{text: text[:at]})
			text = text[at:]
			continue
		}
		var q piece
		if q, text, err = parseWord(text[1:], machine, own); err != nil {
			return nil, err
		}
		p = append(p, q)
	}
	return p, nil
}

// widthMax bounds what a word may be widened to.
const widthMax = 1000

// parseWord reads what follows on a %: -min.max, a word, and {an option}.
func parseWord(text, machine string, own map[string]string) (q piece, rest string, err error) {
	whole := text
	if strings.HasPrefix(text, "%") {
		return piece{text: "%"}, text[1:], nil
	}
	if q.left = strings.HasPrefix(text, "-"); q.left {
		text = text[1:]
	}
	q.min, text = digits(text)
	if strings.HasPrefix(text, ".") {
		q.max, text = digits(text[1:])
	}
	end := strings.IndexFunc(text, func(c rune) bool { return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') })
	if end < 0 {
		end = len(text)
	}
	name, option := strings.ToLower(text[:end]), ""
	text = text[end:]
	if strings.HasPrefix(text, "{") {
		closing := strings.IndexByte(text, '}')
		if closing < 0 {
			return q, "", fmt.Errorf("pattern: no } in %%%.40s", whole)
		}
		option, text = text[1:closing], text[closing+1:]
	}
	if q.min > widthMax || q.max > widthMax {
		return q, "", fmt.Errorf("pattern: %%%.40s is wider than %d", whole, widthMax)
	}
	if stands := own[name]; stands != "" {
		name = stands
	}
	if q.word, err = wordOf(name, option, machine); err != nil {
		return q, "", fmt.Errorf("pattern: %%%.40s: %w", whole, err)
	}
	return q, text, nil
}

// digits reads a number; one that is far too large stays so.
func digits(text string) (n int, rest string) {
	for text != "" && text[0] >= '0' && text[0] <= '9' {
		n, text = min(n*10+int(text[0]-'0'), 1<<30), text[1:]
	}
	return n, text
}

// wordOf returns what a word writes.
func wordOf(name, option, machine string) (func(*record) string, error) {
	switch name {
	case "message", "m":
		return func(x *record) string { return x.message }, nil
	case "newline", "n":
		return func(*record) string { return "\n" }, nil
	case "level", "p":
		return func(x *record) string { return traceLevel(x.level) }, nil
	case "logger", "c":
		return loggerWord(option)
	case "thread", "t":
		return func(*record) string { return thread }, nil
	case "hostname":
		return func(*record) string { return machine }, nil
	case "guid":
		return func(*record) string { return uuid.NewString() }, nil
	case "serviceuser", "user", "username", "u", "identity":
		return func(*record) string { return serviceUser() }, nil
	case "property", "x", "mdc":
		if option == "" {
			return nil, fmt.Errorf("the name of a property is missing")
		}
		return func(x *record) string { return x.property(option) }, nil
	case "longiso8601date":
		return func(x *record) string { return x.time.Format(timestamp) }, nil
	case "date", "d", "utcdate":
		return dateWord(option, name == "utcdate"), nil
	case "rownum":
		return counterWord(option)
	case "encodedmessage":
		most, err := most(option)
		return func(x *record) string { return cut(field(x.message), most) }, err
	case "encodedexception", "exception":
		return exceptionWord(option)
	}
	return nil, fmt.Errorf("there is no word %q", name)
}

// loggerWord writes the name of the logger, or its last parts.
func loggerWord(option string) (func(*record) string, error) {
	parts, err := most(option)
	return func(x *record) string {
		if all := strings.Split(x.logger, "."); parts > 0 && parts < len(all) {
			return strings.Join(all[len(all)-parts:], ".")
		}
		return x.logger
	}, err
}

// counterWord numbers rows from 1 up to the option, and from there anew.
func counterWord(option string) (func(*record) string, error) {
	last, err := most(option)
	if last == 0 {
		last = sequenceMax
	}
	var n atomic.Uint64
	return func(*record) string { return strconv.FormatUint((n.Add(1)-1)%uint64(last)+1, 10) }, err
}

// exceptionWord writes a part of what went wrong, up to so many characters:
// {innermostmessage:100}.
func exceptionWord(option string) (func(*record) string, error) {
	part, limit, _ := strings.Cut(option, ":")
	most, err := most(limit)
	switch part = strings.ToLower(part); part {
	case "", "message", "innermostmessage":
		return func(x *record) string { return cut(field(x.values[errKey]), most) }, err
	case "stacktrace":
		return func(x *record) string { return cut(field(x.values[stackKey]), most) }, err
	case "source", "targetsite", "helplink": // which errors do not have here
		return func(*record) string { return "" }, err
	}
	return nil, fmt.Errorf("there is no part %q of exceptions", part)
}

// dateWord writes the time, as 2006-01-02 15:04:05,000 unless the option says
// otherwise in the letters of .NET.
func dateWord(option string, utc bool) func(*record) string {
	layout := map[string]string{"": "2006-01-02 15:04:05,000", "iso8601": "2006-01-02 15:04:05,000", "absolute": "15:04:05,000", "date": "02 Jan 2006 15:04:05,000"}[strings.ToLower(option)]
	if layout == "" {
		layout = strings.NewReplacer("yyyy", "2006", "yy", "06", "MMM", "Jan", "MM", "01", "dd", "02", "HH", "15", "mm", "04", "ss", "05", "fff", "000", "zzz", "-07:00").Replace(option)
	}
	return func(x *record) string {
		if utc {
			return x.time.UTC().Format(layout)
		}
		return x.time.Format(layout)
	}
}

// most reads the number of an option; none is 0.
func most(option string) (int, error) {
	if option == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(strings.TrimSpace(option), 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", option)
	}
	return int(n), nil
}

// cut returns at most so many characters of a text; 0 is all.
func cut(text string, most int) string {
	if most <= 0 || utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most])
}

// append writes a record.
func (p pattern) append(dst []byte, x *record) []byte {
	for i := range p {
		q := &p[i]
		if q.word == nil {
			dst = append(dst, q.text...)
			continue
		}
		text := q.word(x)
		n := utf8.RuneCountInString(text)
		if q.max > 0 && n > q.max { // its beginning is left out
			text, n = string([]rune(text)[n-q.max:]), q.max
		}
		blank := strings.Repeat(" ", max(0, q.min-n))
		if q.left {
			dst = append(append(dst, text...), blank...)
		} else {
			dst = append(append(dst, blank...), text...)
		}
	}
	return dst
}
