// Package number reads and writes numbers, dates, times, money and intervals
// by the format codes of the script language.
//
// A [Locale] holds the settings of one script (SET ThousandSep=',' ...). It
// reads text without an explicit format ([Locale.Interpret]), by an explicit
// one (ParseNum, ParseDate ...), and makes display text ([Locale.Text]).
// Dates are serial numbers: days since 1899-12-30, the time of day in the
// fraction (serial.go).
package number

import (
	"strconv"
	"strings"
	"sync"

	"github.com/cognate-bi/cognate/engine/number/memo"
	"github.com/cognate-bi/cognate/storage/dual"
)

// A Locale is the set of format variables in force while a script runs or a
// chart is shown.
//
// Start from [Default] and change single settings with [Locale.With]; a Locale
// is not changed once it is used, and any number of goroutines may use it.
// MonthNames and LongMonthNames start with January, DayNames and LongDayNames
// with Monday. FirstWeekDay is 0 for Monday.
type Locale struct {
	DecimalSep, ThousandSep           string
	MoneyDecimalSep, MoneyThousandSep string
	MoneyFormat                       string
	DateFormat                        string
	TimeFormat                        string
	TimestampFormat                   string
	MonthNames, LongMonthNames        []string
	DayNames, LongDayNames            []string
	FirstWeekDay                      int
	BrokenWeeks                       int
	ReferenceDay                      int
	FirstMonthOfYear                  int
	CollationLocale                   string
	NumericalAbbreviation             string

	derived *derived // nil only in a Locale written as a literal: works, but slowly
}

// derived is what a Locale computes from its settings, on demand.
type derived struct {
	once     sync.Once
	auto     auto
	numbers  memo.Map[numberKey, *numberPattern]
	clocks   memo.Map[string, *clockPattern]
	formats  memo.Map[dual.Format, *dual.Format]
	byFormat memo.Map[*dual.Format, *presentation]
}

// Default returns the settings of an app whose script sets none.
func Default() *Locale {
	return &Locale{
		DecimalSep: ".", ThousandSep: ",",
		MoneyDecimalSep: ".", MoneyThousandSep: ",",
		MoneyFormat:           "$#,##0.00;-$#,##0.00",
		DateFormat:            "YYYY-MM-DD",
		TimeFormat:            "hh:mm:ss",
		TimestampFormat:       "YYYY-MM-DD hh:mm:ss[.fff]",
		MonthNames:            strings.Split("Jan;Feb;Mar;Apr;May;Jun;Jul;Aug;Sep;Oct;Nov;Dec", ";"),
		LongMonthNames:        strings.Split("January;February;March;April;May;June;July;August;September;October;November;December", ";"),
		DayNames:              strings.Split("Mon;Tue;Wed;Thu;Fri;Sat;Sun", ";"),
		LongDayNames:          strings.Split("Monday;Tuesday;Wednesday;Thursday;Friday;Saturday;Sunday", ";"),
		ReferenceDay:          4,
		FirstMonthOfYear:      1,
		NumericalAbbreviation: "3:k;6:M;9:G;12:T;15:P;18:E;21:Z;24:Y;-3:m;-6:μ;-9:n;-12:p;-15:f;-18:a;-21:z;-24:y",
		derived:               new(derived),
	}
}

// With returns a copy of l with one system variable changed. It reports false,
// and returns l itself, if the name (case-sensitive, as variables are) belongs
// to no setting. A value that is not valid for an integer setting leaves it.
func (l *Locale) With(variable, value string) (*Locale, bool) {
	c := *l
	c.derived = new(derived)
	if s := c.textSetting(variable); s != nil {
		*s = value
		return &c, true
	}
	if s := c.listSetting(variable); s != nil {
		*s = strings.Split(value, ";")
		return &c, true
	}
	if s := c.intSetting(variable); s != nil {
		if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
			*s = n
		}
		return &c, true
	}
	return l, false
}

func (l *Locale) textSetting(variable string) *string {
	switch variable {
	case "DecimalSep":
		return &l.DecimalSep
	case "ThousandSep":
		return &l.ThousandSep
	case "MoneyDecimalSep":
		return &l.MoneyDecimalSep
	case "MoneyThousandSep":
		return &l.MoneyThousandSep
	case "MoneyFormat":
		return &l.MoneyFormat
	case "DateFormat":
		return &l.DateFormat
	case "TimeFormat":
		return &l.TimeFormat
	case "TimestampFormat":
		return &l.TimestampFormat
	case "CollationLocale":
		return &l.CollationLocale
	case "NumericalAbbreviation":
		return &l.NumericalAbbreviation
	}
	return nil
}

func (l *Locale) listSetting(variable string) *[]string {
	switch variable {
	case "MonthNames":
		return &l.MonthNames
	case "LongMonthNames":
		return &l.LongMonthNames
	case "DayNames":
		return &l.DayNames
	case "LongDayNames":
		return &l.LongDayNames
	}
	return nil
}

func (l *Locale) intSetting(variable string) *int {
	switch variable {
	case "FirstWeekDay":
		return &l.FirstWeekDay
	case "BrokenWeeks":
		return &l.BrokenWeeks
	case "ReferenceDay":
		return &l.ReferenceDay
	case "FirstMonthOfYear":
		return &l.FirstMonthOfYear
	}
	return nil
}

func (l *Locale) own() *derived {
	if l.derived != nil {
		return l.derived
	}
	return new(derived)
}

// Format returns the one format of l that has these parts, so that all values
// an expression makes share a pointer. Empty parts mean the settings of l.
func (l *Locale) Format(t dual.FormatType, pattern, decimal, thousand string) *dual.Format {
	f := dual.Format{Type: t, Pattern: pattern, Decimal: decimal, Thousand: thousand}
	return l.own().formats.Get(f, func() *dual.Format { return &f })
}
