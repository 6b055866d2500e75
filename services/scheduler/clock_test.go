package scheduler

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestClockJumps sets the clock forwards and back while an attempt runs: a
// worker that lives keeps its attempt, a schedule fires once per slot and does
// not wait for a time that the clock has shown by mistake, and a worker that is
// gone is found out all the same.
func TestClockJumps(t *testing.T) {
	hourly, err := NewSchedule(SchemaEvent{Start: at("2026-01-01T00:00:00Z"), Increment: "0 1 0 0", Filter: []string{"* * - * * * * *"}})
	if err != nil {
		t.Fatal(err)
	}
	plan := planOf(&Task{ID: "load", Enabled: true, Timeout: 24 * time.Hour}, &Task{ID: "long", Enabled: true})
	plan.Events = []*Event{{ID: "hourly", TaskID: "load", Enabled: true, Schedule: hourly}}
	store := &memoryStore{plan: plan}
	now := at("2026-01-01T08:30:00Z")
	m := NewManager(store, Settings{Now: func() time.Time { return now }, NewID: counter(), Log: slog.New(slog.DiscardHandler)})
	step := func(alive bool) {
		t.Helper()
		if alive {
			w := NewWorker("w", 4, store, executorFunc(nil), m.set)
			if err := store.Update(t.Context(), func(b *Board) ([]Result, error) {
				(&Rules{Plan: plan, Now: now, Silence: m.set.Silence}).Heard(b, w.name)
				return nil, nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	step(true)
	if _, err := m.Trigger(t.Context(), "long", "manual"); err != nil {
		t.Fatal(err)
	}
	if err := store.Update(t.Context(), func(b *Board) ([]Result, error) {
		(&Rules{Plan: plan, Now: now, NewID: m.set.NewID, Silence: m.set.Silence}).Claim(b, "w", 1)
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	runs := func() (queued int) {
		for _, e := range store.get().Executions {
			if e.TaskID == "load" {
				queued++
			}
		}
		return queued
	}
	for _, jump := range []time.Duration{2 * time.Hour, -2 * time.Hour, 400 * 24 * time.Hour, -400 * 24 * time.Hour} {
		now = now.Add(jump)
		step(false) // the manager looks before the worker has said that it lives
		for range 60 {
			now = now.Add(time.Second)
			step(true)
		}
		if got := statuses(store.taken()); store.get().running("long") == nil || strings.Contains(got, "long") {
			t.Errorf("after a jump of %v: %q", jump, got)
		}
	}
	before := runs()
	now = at("2026-01-01T09:00:00Z").Add(-30 * time.Minute)
	for range 60 { // an hour of minutes, by a clock that is right again
		now = now.Add(time.Minute)
		step(true)
	}
	if got := store.get().Fired["hourly"]; !got.Equal(at("2026-01-01T09:00:00Z")) || before == 0 {
		t.Errorf("the schedule has last fired for %v", got)
	}
	for range 40 {
		now = now.Add(time.Second)
		step(false)
	}
	if got := store.taken(); len(got) == 0 || got[len(got)-1].TaskID != "long" || got[len(got)-1].Status != Error && got[len(got)-1].Status != FinishedFail {
		t.Errorf("a worker that is gone: %q", statuses(got))
	}
}
