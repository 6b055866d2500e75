package scheduler

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestCounts lets a manager and a worker do each thing that is counted.
func TestCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memoryStore{plan: planOf(&Task{ID: "good", Enabled: true}, &Task{ID: "bad", Enabled: true, Retries: 2}, &Task{ID: "long", Enabled: true}, &Task{ID: "off"})}
		run := executorFunc(func(ctx context.Context, a Attempt) (Done, error) {
			switch a.TaskID {
			case "bad":
				return Done{}, errors.New("no such table")
			case "long":
				<-ctx.Done()
				return Done{}, ctx.Err()
			}
			return Done{}, nil
		})
		counts := new(Counts)
		set := Settings{NewID: counter(), Counts: counts}
		manager := NewManager(store, set)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		trigger := func(task string) string {
			t.Helper()
			id, err := manager.Trigger(ctx, task, "manual")
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		trigger("good")
		trigger("bad")
		trigger("off")
		trigger("good") // it waits already
		if c := counts.Tally(); c.Triggered != 2 || c.Skipped != 2 || c.Waiting != 2 || c.Running != 0 || c.Started != 0 || c.Workers != 0 || c.Plans != 1 {
			t.Errorf("before there is a worker: %+v", c)
		}
		wg.Go(func() { NewWorker("w", 4, store, run, set).Run(ctx) })
		settle := func(d time.Duration) Tally {
			time.Sleep(d)
			synctest.Wait()
			return counts.Tally()
		}
		if c := settle(10 * time.Second); c.Started != 4 || c.Retries != 2 || c.Done != 1 || c.Failed != 3 || c.Waiting != 0 || c.Workers != 1 || c.Errors != 0 {
			t.Errorf("all have ended: %+v", c)
		}
		id := trigger("long")
		if c := settle(3 * time.Second); c.Running != 1 || c.Started != 5 {
			t.Errorf("one runs: %+v", c)
		}
		if err := manager.Stop(ctx, id); err != nil {
			t.Fatal(err)
		}
		if c := settle(3 * time.Second); c.Stops != 1 || c.Running != 0 || c.Failed != 4 {
			t.Errorf("it was stopped: %+v", c)
		}
		store.setBroken(true)
		if c := settle(3 * time.Second); c.Errors < 2 || c.Triggered != 3 || c.Plans != 1 {
			t.Errorf("the board is away: %+v", c)
		}
		store.setBroken(false)
		changed := *store.plan
		store.mu.Lock()
		store.plan = &changed
		store.mu.Unlock()
		if c := settle(3 * time.Second); c.Plans != 2 {
			t.Errorf("the plan was changed: %+v", c)
		}
		cancel()
		wg.Wait()
	})
}

// An execution that waits is gone with its stop, and was stopped all the same;
// an attempt that was given to another worker is lost to the one that had it.
func TestCountsOfWhatIsGone(t *testing.T) {
	store := &memoryStore{plan: planOf(&Task{ID: "a", Enabled: true, Retries: 1})}
	now := at("2026-01-01T00:00:00Z")
	counts := new(Counts)
	set := Settings{NewID: counter(), Counts: counts, Now: func() time.Time { return now }, Tick: time.Millisecond}
	manager := NewManager(store, set)
	id, err := manager.Trigger(t.Context(), "a", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := manager.Stop(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if c := counts.Tally(); c.Stops != 1 || c.Waiting != 0 {
		t.Errorf("stopped while it waited: %+v", c)
	}
	if _, err := manager.Trigger(t.Context(), "a", ""); err != nil {
		t.Fatal(err)
	}
	w := NewWorker("w", 1, store, executorFunc(func(context.Context, Attempt) (Done, error) {
		now = now.Add(time.Hour) // nobody hears of the worker meanwhile
		return Done{}, manager.Step(context.Background())
	}), set)
	if err := w.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wg.Wait()
	if c := counts.Tally(); c.Lost != 1 || c.Done != 0 || c.Retries != 1 || c.Workers != 0 || c.Waiting != 1 {
		t.Errorf("its attempt is another's: %+v", c)
	}
}
