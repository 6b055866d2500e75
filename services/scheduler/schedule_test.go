package scheduler

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

const anyDay = "* * - * * * * *"

func TestSchedule(t *testing.T) {
	for _, tt := range []struct {
		name             string
		start, zone      string
		daylight         Daylight
		increment, which string
		after            string
		want             string // times, one behind the other
	}{
		{"once", "2026-03-01T10:00:00Z", "UTC", 0, "0 0 0 0", anyDay, "2026-01-01T00:00:00Z", "2026-03-01T10:00:00Z never"},
		{"once, past", "2026-03-01T10:00:00Z", "UTC", 0, "0 0 0 0", anyDay, "2026-03-01T10:00:00Z", "never"},
		{"minutes", "2026-03-01T10:00:00Z", "UTC", 0, "20 0 0 0", anyDay, "2026-03-05T10:07:00Z", "2026-03-05T10:20:00Z 2026-03-05T10:40:00Z"},
		{"hours pass whatever clocks do", "2026-03-28T22:30:00Z", "Europe/Stockholm", 0, "0 2 0 0", anyDay, "2026-03-28T22:30:00Z", "2026-03-29T00:30:00Z 2026-03-29T02:30:00Z"},
		{"daily at the same clock", "2026-03-27T08:00:00Z", "Europe/Stockholm", 0, "0 0 1 0", anyDay, "2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z 2026-03-30T07:00:00Z"},
		{"permanent standard", "2026-03-27T08:00:00Z", "Europe/Stockholm", PermanentStandard, "0 0 1 0", anyDay, "2026-03-28T08:00:00Z", "2026-03-29T08:00:00Z"},
		{"permanent daylight", "2026-03-27T08:00:00Z", "Europe/Stockholm", PermanentDaylight, "0 0 1 0", anyDay, "2026-03-29T06:00:00Z", "2026-03-29T08:00:00Z"},
		{"a time that does not exist", "2026-03-27T01:30:00Z", "Europe/Stockholm", 0, "0 0 1 0", anyDay, "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z 2026-03-30T00:30:00Z"},
		{"a time that comes twice", "2026-10-23T00:30:00Z", "Europe/Stockholm", 0, "0 0 1 0", anyDay, "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z 2026-10-26T01:30:00Z"},
		{"every third day", "2026-01-30T12:00:00Z", "UTC", 0, "0 0 3 0", anyDay, "2026-01-30T12:00:00Z", "2026-02-02T12:00:00Z 2026-02-05T12:00:00Z"},
		{"every two weeks on Monday and Friday", "2026-01-06T06:00:00Z", "UTC", 0, "0 0 1 0", "* * - 1,5 2 * * *", "2026-01-01T00:00:00Z", "2026-01-09T06:00:00Z 2026-01-19T06:00:00Z 2026-01-23T06:00:00Z 2026-02-02T06:00:00Z"},
		{"the 31st", "2026-01-31T06:00:00Z", "UTC", 0, "0 0 1 0", "* * - * * 31 * *", "2026-01-31T06:00:00Z", "2026-03-31T06:00:00Z 2026-05-31T06:00:00Z"},
		{"the 29th of February alone", "2027-03-01T06:00:00Z", "UTC", 0, "0 0 1 0", "* * - * * 29,30 * *", "2027-01-01T00:00:00Z", "2027-03-29T06:00:00Z 2027-03-30T06:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := NewSchedule(SchemaEvent{Start: at(tt.start), TimeZone: tt.zone, Daylight: tt.daylight, Increment: tt.increment, Filter: []string{tt.which}})
			if err != nil {
				t.Fatal(err)
			}
			after := at(tt.after)
			var got []string
			for range strings.Fields(tt.want) {
				next, ok := s.Next(after)
				if !ok {
					got = append(got, "never")
					break
				}
				got = append(got, next.UTC().Format(time.RFC3339))
				after = next
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got  %v\nwant %v", got, tt.want)
			}
		})
	}
}

func TestScheduleExpires(t *testing.T) {
	s, err := NewSchedule(SchemaEvent{Start: at("2020-01-01T00:00:00Z"), Expire: at("2020-01-01T03:00:00Z"), Increment: "0 1 0 0"})
	if err != nil {
		t.Fatal(err)
	}
	if next, ok := s.Next(at("2020-01-01T01:59:00Z")); !ok || !next.Equal(at("2020-01-01T02:00:00Z")) {
		t.Errorf("before the end: %v, %v", next, ok)
	}
	if next, ok := s.Next(at("2020-01-01T02:00:00Z")); ok {
		t.Errorf("fires at %v, when it has expired", next)
	}
}

func TestBadSchedules(t *testing.T) {
	good := SchemaEvent{Start: at("2020-01-01T00:00:00Z"), Increment: "0 0 1 0", Filter: []string{anyDay}}
	for name, change := range map[string]func(*SchemaEvent){
		"timeZone":                func(e *SchemaEvent) { e.TimeZone = "Mars/Olympus" },
		`timeZone "Local"`:        func(e *SchemaEvent) { e.TimeZone = "Local" },
		"daylightSavingTime":      func(e *SchemaEvent) { e.Daylight = 7 },
		"incrementDescription":    func(e *SchemaEvent) { e.Increment = "1 2" },
		"incrementDescription ":   func(e *SchemaEvent) { e.Increment = "0 -1 0 0" },
		"schemaFilterDescription": func(e *SchemaEvent) { e.Filter = []string{"* *"} },
		"weekdays":                func(e *SchemaEvent) { e.Filter = []string{"* * - 7 1 * * *"} },
		"weeks":                   func(e *SchemaEvent) { e.Filter = []string{"* * - 1 0 * * *"} },
		"days of the month":       func(e *SchemaEvent) { e.Filter = []string{"* * - * * 32 * *"} },
		"both":                    func(e *SchemaEvent) { e.Filter = []string{"* * - 1 1 1 * *"} },
	} {
		e := good
		change(&e)
		if _, err := NewSchedule(e); !errors.Is(err, ErrSchedule) || !strings.Contains(err.Error(), strings.TrimSpace(name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestScheduleAsClocksGo holds Next against a walk from minute to minute that
// looks at the clock.
func TestScheduleAsClocksGo(t *testing.T) {
	zones := []string{"Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "UTC"}
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		year := []int{2011, 2018, 2026}[rng.IntN(3)]
		e := SchemaEvent{
			Start:    time.Date(year, time.Month(1+rng.IntN(12)), 1+rng.IntN(28), rng.IntN(24), 15*rng.IntN(4), 0, 0, time.UTC),
			TimeZone: zones[rng.IntN(len(zones))],
		}
		switch rng.IntN(3) {
		case 0:
			e.Increment = fmt.Sprintf("0 0 %d 0", 1+rng.IntN(3))
		case 1:
			e.Increment, e.Filter = "0 0 1 0", []string{fmt.Sprintf("* * - %d,%d %d * * *", rng.IntN(7), rng.IntN(7), 1+rng.IntN(3))}
		default:
			e.Increment, e.Filter = "0 0 1 0", []string{fmt.Sprintf("* * - * * %d,%d * *", 1+rng.IntN(31), 1+rng.IntN(31))}
		}
		s, err := NewSchedule(e)
		if err != nil {
			t.Fatal(err)
		}
		want := walk(s, 400*24*time.Hour)
		var got []time.Time
		for after := e.Start.Add(-time.Second); ; {
			next, ok := s.Next(after)
			if !ok || next.Sub(e.Start) >= 400*24*time.Hour {
				break
			}
			got = append(got, next)
			after = next
		}
		if !slices.EqualFunc(got, want, time.Time.Equal) {
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || !got[i].Equal(want[i]) {
					t.Fatalf("seed %d, %+v: run %d of %d, %d:\ngot  %v\nwant %v", seed, e, i, len(got), len(want), got[max(0, i-1):min(len(got), i+2)], want[max(0, i-1):min(len(want), i+2)])
				}
			}
		}
	}
}

// walk goes from quarter to quarter of an hour and keeps those at which the
// clock shows the time of day first, or first shows a later one on a day that
// does not have it.
func walk(s *Schedule, horizon time.Duration) (runs []time.Time) {
	start := s.Start.In(s.zone)
	ofDay := func(t time.Time) int { return t.Hour()*60 + t.Minute() }
	done := map[int]bool{} // days that have run
	for t := start; t.Sub(start) < horizon; t = t.Add(15 * time.Minute) {
		day := dayNumber(t)
		before := t.Add(-15 * time.Minute)
		jumped := dayNumber(before) == day && ofDay(before) < ofDay(start) && ofDay(t) > ofDay(start) ||
			dayNumber(before) < day && ofDay(t) > ofDay(start) && ofDay(t) > 0 && ofDay(before)+15 >= 24*60
		if (ofDay(t) == ofDay(start) || jumped) && !done[day] && s.isDay(t) {
			done[day] = true
			runs = append(runs, t)
		}
	}
	return runs
}
