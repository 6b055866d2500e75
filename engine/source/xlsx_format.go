package source

import (
	"strings"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage/dual"
)

// xlsxKinds are the formats that cells of a workbook get, one pointer each.
// Dates and times take the script's own patterns.
type xlsxKinds struct {
	general, integer, fix, date, time, timestamp, interval *dual.Format
}

func xlsxFormats(loc *number.Locale) xlsxKinds {
	return xlsxKinds{
		general:   &dual.Format{Type: dual.Real, Pattern: "##############"},
		integer:   &dual.Format{Type: dual.Integer, Pattern: "###0"},
		fix:       &dual.Format{Type: dual.Fix, Pattern: "###0" + loc.DecimalSep + "00"},
		date:      &dual.Format{Type: dual.Date, Pattern: loc.DateFormat},
		time:      &dual.Format{Type: dual.Time, Pattern: loc.TimeFormat},
		timestamp: &dual.Format{Type: dual.Timestamp, Pattern: loc.TimestampFormat},
		interval:  &dual.Format{Type: dual.Interval, Pattern: "hh:mm:ss"},
	}
}

// format returns the format of a number format id and, for those above 163,
// its code. Formats that are neither plain numbers nor dates are general, as
// the original reads them.
func (k *xlsxKinds) format(id int, code string) *dual.Format {
	switch {
	case code != "":
		return k.custom(code)
	case id == 1 || id == 3:
		return k.integer
	case id == 2 || id == 4:
		return k.fix
	case id >= 14 && id <= 17 || id >= 27 && id <= 31 || id == 36 || id >= 50 && id <= 58:
		return k.date
	case id >= 18 && id <= 21 || id == 45 || id == 47 || id >= 32 && id <= 35:
		return k.time
	case id == 22:
		return k.timestamp
	case id == 46:
		return k.interval
	}
	return k.general
}

// custom reads the letters of a format code outside quotes, escapes and
// brackets: y or d make a date, h or s a time, m whichever it stands with.
func (k *xlsxKinds) custom(code string) *dual.Format {
	switch code {
	case "0":
		return k.integer
	case "0.00":
		return k.fix
	}
	var date, clock, month, elapsed bool
	for i := 0; i < len(code); i++ {
		switch c := code[i] | 0x20; {
		case code[i] == '\\' || code[i] == '_' || code[i] == '*':
			i++
		case code[i] == '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return k.general
			}
			i += end + 1
		case code[i] == '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return k.general
			}
			elapsed = elapsed || strings.Trim(strings.ToLower(code[i+1:i+end]), "hms") == "" && end > 1
			i += end
		case code[i] == ';':
			i = len(code) // the first section decides
		case c == 'y' || c == 'd':
			date = true
		case c == 'h' || c == 's':
			clock = true
		case c == 'm':
			month = true
		case code[i] == 'E' || code[i] == 'e' || code[i] == '#' || code[i] == '?':
			return k.general
		}
	}
	switch {
	case elapsed:
		return k.interval
	case date && clock:
		return k.timestamp
	case date || month && !clock:
		return k.date
	case clock:
		return k.time
	}
	return k.general
}
