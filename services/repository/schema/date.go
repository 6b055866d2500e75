package schema

import (
	"fmt"
	"strings"
	"time"
)

// DateLayout is how dates are written: UTC, milliseconds. Such texts sort as
// the dates that they mean.
const DateLayout = "2006-01-02T15:04:05.000Z"

const (
	NullDate = "1753-01-01T00:00:00.000Z" // there is no date
	Never    = "9999-01-01T00:00:00.000Z" // does not end
)

// dateLayouts are what clients send. A fraction of seconds may follow any
// second.
var dateLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02",
}

// ParseDate reads a date as clients write it: ISO 8601, a blank in place of T
// and slashes allowed, without a zone in UTC. Years are 1 to 9999; what is
// below a millisecond is cut.
func ParseDate(text string) (time.Time, error) {
	s := strings.Replace(strings.ReplaceAll(strings.TrimSpace(text), "/", "-"), " ", "T", 1)
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			t = t.UTC()
			if t.Year() < 1 || t.Year() > 9999 {
				break
			}
			return t.Truncate(time.Millisecond), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no date", text)
}

// FormatDate writes t as all dates are written.
func FormatDate(t time.Time) string { return t.UTC().Format(DateLayout) }
