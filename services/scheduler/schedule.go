package scheduler

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Daylight says how a schedule deals with daylight saving time.
type Daylight int

// The ways to deal with it, as numbers of the interface.
const (
	ObserveDaylight   Daylight = iota // by the clocks of the zone
	PermanentStandard                 // by the zone's standard time all year
	PermanentDaylight                 // by its daylight saving time all year
)

// A Schedule is when a schema event fires: at its start, and then again and
// again until it expires, by the clocks of its zone.
type Schedule struct {
	Start, Expire time.Time
	zone          *time.Location
	text          string // what tells it from others; the end does not count
	// Repeats by what has passed since the start: zero for those by the clock.
	every time.Duration
	// Repeats by the clock, at the start's time of day:
	days      int            // every so many days
	weekdays  []time.Weekday // on these days of each so manyth week, which begins on Sunday
	weeks     int
	monthdays []int // on these days of each month that has them
}

// A SchemaEvent is a schedule as the interface of the repository has it.
//
// Increment is "minutes hours days weeks". Filter is eight fields of which
// three count: "* * - weekdays weeks monthdays * *", weekdays 0 to 6 from
// Sunday on. Clients say all kinds of repetition by the same option, so the two
// texts tell which it is (reference: qrs-api, section 7).
type SchemaEvent struct {
	Start, Expire time.Time
	TimeZone      string // IANA; "" is UTC
	Daylight      Daylight
	Increment     string
	Filter        []string
}

// ErrSchedule marks an event that is no schedule.
var ErrSchedule = errors.New("bad schedule")

// NewSchedule reads a schema event. Errors wrap [ErrSchedule] and name the
// field.
func NewSchedule(e SchemaEvent) (*Schedule, error) {
	zone, err := loadZone(e.TimeZone, e.Daylight, e.Start)
	if err != nil {
		return nil, err
	}
	// Runs are at whole seconds: a time of day has no parts of one.
	s := &Schedule{Start: e.Start.Truncate(time.Second), Expire: e.Expire, zone: zone}
	s.text = fmt.Sprintf("%d %q %d %q %q", e.Start.Unix(), e.TimeZone, e.Daylight, e.Increment, e.Filter)
	if err := s.increment(e.Increment); err != nil {
		return nil, err
	}
	return s, s.filter(e.Filter)
}

func loadZone(name string, d Daylight, at time.Time) (*time.Location, error) {
	if strings.EqualFold(name, "Local") { // the machine's, which is another one on each node
		return nil, fmt.Errorf("%w: timeZone %q", ErrSchedule, name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%w: timeZone %q: %w", ErrSchedule, name, err)
	}
	standard, daylight := offsets(zone, at)
	switch d {
	case ObserveDaylight:
		return zone, nil
	case PermanentStandard:
		return time.FixedZone(name+" standard", standard), nil
	case PermanentDaylight:
		return time.FixedZone(name+" daylight", daylight), nil
	}
	return nil, fmt.Errorf("%w: daylightSavingTime %d", ErrSchedule, d)
}

// offsets returns the seconds east of UTC of a zone's standard and daylight
// saving time around a time; a zone that has none is an hour off.
func offsets(zone *time.Location, at time.Time) (standard, daylight int) {
	year := at.In(zone).Year()
	_, a := time.Date(year, 1, 1, 12, 0, 0, 0, zone).Zone()
	_, b := time.Date(year, 7, 1, 12, 0, 0, 0, zone).Zone()
	if a == b {
		return a, a + 3600
	}
	return min(a, b), max(a, b)
}

// incrementMax bounds the numbers of an increment.
const incrementMax = 100_000

func (s *Schedule) increment(text string) error {
	parts := strings.Fields(text)
	var n [4]int
	if len(parts) != len(n) {
		return fmt.Errorf("%w: incrementDescription %q is not four numbers", ErrSchedule, text)
	}
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || v < 0 || v > incrementMax {
			return fmt.Errorf("%w: incrementDescription %q: %q is no number from 0 to %d", ErrSchedule, text, p, incrementMax)
		}
		n[i] = v
	}
	s.every = time.Duration(n[0])*time.Minute + time.Duration(n[1])*time.Hour
	s.days = n[2] + 7*n[3]
	if s.every > 0 && s.days > 0 { // mixed: all of it as time that passes
		s.every += time.Duration(s.days) * 24 * time.Hour
		s.days = 0
	}
	return nil
}

// filter reads what restricts the days.
func (s *Schedule) filter(filters []string) error {
	if len(filters) == 0 {
		return nil
	}
	if len(filters) > 1 {
		return fmt.Errorf("%w: schemaFilterDescription has %d entries, one is supported", ErrSchedule, len(filters))
	}
	parts := strings.Fields(filters[0])
	if len(parts) != 8 {
		return fmt.Errorf("%w: schemaFilterDescription %q is not eight fields", ErrSchedule, filters[0])
	}
	weekdays, err := numbers(parts[3], 0, 6)
	if err != nil {
		return fmt.Errorf("weekdays in %q: %w", filters[0], err)
	}
	for _, d := range weekdays {
		s.weekdays = append(s.weekdays, time.Weekday(d))
	}
	s.weeks = 1
	if weeks, err := numbers(parts[4], 1, 520); err != nil || len(weeks) > 1 {
		return fmt.Errorf("%w: weeks in %q", ErrSchedule, filters[0])
	} else if len(weeks) == 1 {
		s.weeks = weeks[0]
	}
	if s.monthdays, err = numbers(parts[5], 1, 31); err != nil {
		return fmt.Errorf("days of the month in %q: %w", filters[0], err)
	}
	if len(s.weekdays) > 0 && len(s.monthdays) > 0 {
		return fmt.Errorf("%w: %q has days of both the week and the month", ErrSchedule, filters[0])
	}
	return nil
}

// numbers reads a list with commas; * is none.
func numbers(text string, lo, hi int) (list []int, err error) {
	if text == "*" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < lo || n > hi {
			return nil, fmt.Errorf("%w: %q is no number from %d to %d", ErrSchedule, part, lo, hi)
		}
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list, nil
}

// Next returns the first time after the given one at which the event fires; ok
// is false if there is none any more. What lies between, while nobody was
// there, is left out.
func (s *Schedule) Next(after time.Time) (next time.Time, ok bool) {
	switch {
	case after.Before(s.Start):
		next, ok = s.first()
	case s.every > 0:
		n := after.Sub(s.Start)/s.every + 1
		next, ok = s.Start.Add(n*s.every), true
	default:
		next, ok = s.nextDay(after)
	}
	if !ok || !s.Expire.IsZero() && !next.Before(s.Expire) {
		return time.Time{}, false
	}
	return next, true
}

// first returns the first time of all: the start, if its day is one of those
// of the schedule.
func (s *Schedule) first() (time.Time, bool) {
	if len(s.weekdays) == 0 && len(s.monthdays) == 0 || s.isDay(s.Start.In(s.zone)) {
		return s.Start, true
	}
	return s.nextDay(s.Start)
}

// dayMax bounds the search for the next day: eight years hold a 29th of
// February, also around 2100, and ten years of weeks.
const dayMax = 520*7 + 366

// nextDay looks for the next day of a schedule by the clock.
func (s *Schedule) nextDay(after time.Time) (time.Time, bool) {
	if s.days == 0 && len(s.weekdays) == 0 && len(s.monthdays) == 0 {
		return time.Time{}, false // once
	}
	day := after.In(s.zone).AddDate(0, 0, -1) // a time of day that was skipped may belong to the day before
	if start := s.Start.In(s.zone); day.Before(start) {
		day = start
	}
	for range dayMax {
		if s.isDay(day) {
			if at := s.timeOn(day); at.After(after) && !at.Before(s.Start) {
				return at, true
			}
		}
		day = noon(day).AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

// noon returns the middle of a day, from which days can be counted whatever
// clocks do at night.
func noon(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, t.Location())
}

// isDay reports whether the schedule fires on the day of t.
func (s *Schedule) isDay(t time.Time) bool {
	since := dayNumber(t) - dayNumber(s.Start.In(s.zone))
	switch {
	case len(s.monthdays) > 0:
		return slices.Contains(s.monthdays, t.Day())
	case len(s.weekdays) > 0:
		week := floorDiv(since+int(s.Start.In(s.zone).Weekday()), 7)
		return slices.Contains(s.weekdays, t.Weekday()) && week%s.weeks == 0
	case s.days > 0:
		return since%s.days == 0
	}
	return since == 0
}

// dayNumber numbers days.
func dayNumber(t time.Time) int {
	return floorDiv(int(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix()), 24*3600)
}

func floorDiv(a, b int) int {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}

// timeOn returns the schedule's time of day on the day of t. One that the day
// does not have, as clocks go forward, is the next minute that it has; of one
// that it has twice the first counts.
func (s *Schedule) timeOn(t time.Time) time.Time {
	clock := s.Start.In(s.zone)
	h, m, sec := clock.Clock()
	at := time.Date(t.Year(), t.Month(), t.Day(), h, m, sec, 0, s.zone)
	from, to := at.ZoneBounds()
	if hh, mm, ss := at.Clock(); hh != h || mm != m || ss != sec { // skipped
		if !from.IsZero() && at.Sub(from) < 24*time.Hour {
			return from
		}
		return to
	}
	if from.IsZero() {
		return at
	}
	// The same clock before the last change of clocks?
	_, now := at.Zone()
	_, before := from.Add(-time.Second).Zone()
	if earlier := at.Add(time.Duration(now-before) * time.Second); earlier.Before(from) && now < before {
		return earlier
	}
	return at
}
