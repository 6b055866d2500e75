package scheduler

import (
	"testing"
	"time"
)

// TestUpcoming looks at what comes next of several schedules of a task.
func TestUpcoming(t *testing.T) {
	daily := func(start string) *Schedule {
		s, err := NewSchedule(SchemaEvent{Start: at(start), TimeZone: "UTC", Increment: "0 0 1 0", Filter: []string{anyDay}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	p := &Plan{
		Tasks: map[string]*Task{"on": {Enabled: true}, "off": {}},
		Events: []*Event{
			{ID: "late", TaskID: "on", Enabled: true, Schedule: daily("2026-01-01T20:00:00Z")},
			{ID: "soon", TaskID: "on", Enabled: true, Schedule: daily("2026-01-01T08:00:00Z")},
			{ID: "disabled", TaskID: "on", Schedule: daily("2026-01-01T07:00:00Z")},
			{ID: "of a disabled task", TaskID: "off", Enabled: true, Schedule: daily("2026-01-01T07:00:00Z")},
			{ID: "of no task", TaskID: "gone", Enabled: true, Schedule: daily("2026-01-01T07:00:00Z")},
		},
	}
	u := p.Upcoming(at("2026-02-03T06:00:00Z"))
	soon, late := at("2026-02-03T08:00:00Z"), at("2026-02-03T20:00:00Z")
	same := func(got map[string]time.Time, want map[string]time.Time) bool {
		for id, at := range want {
			if !got[id].Equal(at) {
				return false
			}
		}
		return len(got) == len(want)
	}
	if !same(u.Events, map[string]time.Time{"soon": soon, "late": late}) || !same(u.Tasks, map[string]time.Time{"on": soon}) || !u.First.Equal(soon) {
		t.Errorf("next: %+v", u)
	}
}
