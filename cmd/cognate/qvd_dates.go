package main

import (
	"math"

	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/dual"
)

// findFormat gives a field that was read from text, which has no types, the
// format of dates or times that all its numbers are written in.
func findFormat(f *storage.Field, loc *number.Locale) {
	if f.Format != nil {
		return
	}
	for _, format := range []dual.Format{
		{Type: dual.Date, Pattern: loc.DateFormat},
		{Type: dual.Date, Pattern: "YYYY-MM-DD"},
		{Type: dual.Timestamp, Pattern: loc.TimestampFormat},
		{Type: dual.Timestamp, Pattern: "YYYY-MM-DD hh:mm:ss"},
		{Type: dual.Timestamp, Pattern: "YYYY-MM-DD hh:mm:ss.fff"},
		{Type: dual.Timestamp, Pattern: "YYYY-MM-DDThh:mm:ss"},
		{Type: dual.Time, Pattern: loc.TimeFormat},
	} {
		if isWrittenIn(f.Symbols, &format, loc) {
			f.Format = &format
			return
		}
	}
}

// isWrittenIn reports whether there are numbers and each has the text that the
// format gives it.
func isWrittenIn(s *storage.Symbols, format *dual.Format, loc *number.Locale) bool {
	found := false
	for code := uint32(1); code <= uint32(s.Len()); code++ {
		x := s.Number(code)
		if math.IsNaN(x) {
			continue
		}
		if !s.HasText(code) || s.Text(code) != loc.FormatNum(x, format) {
			return false
		}
		found = true
	}
	return found
}
