package scheduler

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// An Executor runs tasks.
type Executor interface {
	// Run runs an attempt until it ends or ctx does. An error is a failure and
	// becomes a detail of the result. It must leave nothing half done, and change
	// nothing any more once ctx has ended.
	Run(ctx context.Context, a Attempt) (Done, error)
}

// Done is what an executor tells of an attempt.
type Done struct {
	Details   []Detail
	ScriptLog string
}

// A Worker runs attempts.
type Worker struct {
	// Queue is whose tasks it runs. It may be set before Run.
	Queue string

	name  string
	slots atomic.Int64
	store Store
	run   Executor
	set   Settings

	mu      sync.Mutex
	current map[held]context.CancelFunc
	reached time.Time // since when the board could be reached; zero = it cannot
	heard   time.Time // when the board last knew of this worker, at the latest
	wg      sync.WaitGroup
}

// held is an attempt that a worker runs, or whose end it has still to tell. One
// that was given up on may end when the next one of the execution runs here.
type held struct {
	executionID string
	number      int
}

// NewWorker returns a worker of a name that no other one has, which runs as many
// attempts at a time as it has slots.
func NewWorker(name string, slots int, store Store, run Executor, s Settings) *Worker {
	w := &Worker{name: name, store: store, run: run, set: s.withDefaults(), current: map[held]context.CancelFunc{}}
	w.SetSlots(slots)
	return w
}

// Slots is how many attempts the worker runs at a time.
func (w *Worker) Slots() int { return int(w.slots.Load()) }

// SetSlots changes that. What runs goes on.
func (w *Worker) SetSlots(n int) { w.slots.Store(int64(max(1, n))) }

// Run works until ctx ends, and then until what it was running has stopped.
func (w *Worker) Run(ctx context.Context) {
	w.heard = w.set.Now()
	every(ctx, w.set.Tick, func() {
		now := w.set.Now()
		err := w.step(ctx)
		w.note(err == nil, now)
		switch {
		case err == nil:
			w.heard = now
		case ctx.Err() == nil:
			w.set.Log.Error("the worker could not reach the board", "worker", w.name, "err", err)
			w.fence()
		}
	})
	w.stopAll()
	w.wg.Wait()
}

// note notes whether the board can be reached.
func (w *Worker) note(reached bool, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !reached:
		w.reached = time.Time{}
	case w.reached.IsZero():
		w.reached = now
	}
}

// refused reports whether the board did not take something since a time although
// it could be reached for long enough.
func (w *Worker) refused(since time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.set.Now()
	return !w.reached.IsZero() && now.Sub(w.reached) >= w.set.Silence && now.Sub(since) >= w.set.Silence
}

// step tells the board that the worker lives and what it runs, stops what is to
// be stopped, and claims what it has slots for.
func (w *Worker) step(ctx context.Context) error {
	var attempts []Attempt
	var stop []string
	holds := w.holds()
	free := max(0, w.Slots()-len(holds))
	within, cancel := context.WithTimeout(ctx, w.patience())
	defer cancel()
	err := update(within, w.store, &w.set, func(r *Rules, b *Board) ([]Result, error) {
		r.Queue = w.Queue
		stop = r.Heard(b, w.name)
		results := r.Missing(b, w.name, holds)
		attempts = r.Claim(b, w.name, free)
		return results, nil
	})
	if err != nil {
		return err
	}
	w.stop(stop)
	for _, a := range attempts {
		w.begin(ctx, a)
	}
	return nil
}

// fence stops everything before others may believe that this worker is gone:
// what it runs is given to others soon.
func (w *Worker) fence() {
	if w.unfenced() <= 0 {
		w.stopAll()
	}
}

// unfenced is how long the worker may go on without the board.
func (w *Worker) unfenced() time.Duration { return w.set.Silence*2/3 - w.set.Now().Sub(w.heard) }

// patience is how long a step waits for a store that does not answer: it must not
// keep the worker from stopping what it runs.
func (w *Worker) patience() time.Duration {
	if left := w.unfenced(); left > 0 {
		return left
	}
	return w.set.Silence / 3
}

// holds returns the attempts that the worker has.
func (w *Worker) holds() []held {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.current))
}

// Running returns how many attempts run here.
func (w *Worker) Running() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.current)
}

func (w *Worker) stop(ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for a, cancel := range w.current {
		if slices.Contains(ids, a.executionID) {
			cancel()
		}
	}
}

func (w *Worker) stopAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, cancel := range w.current {
		cancel()
	}
}

// begin runs an attempt beside the others.
func (w *Worker) begin(ctx context.Context, a Attempt) {
	run, cancel := context.WithCancel(ctx)
	w.mu.Lock()
	w.current[held{a.ExecutionID, a.Number}] = cancel
	w.mu.Unlock()
	w.wg.Go(func() {
		defer func() {
			cancel()
			w.mu.Lock()
			delete(w.current, held{a.ExecutionID, a.Number})
			w.mu.Unlock()
		}()
		done, err := w.attempt(run, a)
		w.finish(ctx, a, done, err)
	})
}

// attempt runs an attempt. A panic of an executor is its failure only.
func (w *Worker) attempt(ctx context.Context, a Attempt) (done Done, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the task broke off: %v", p)
		}
	}()
	return w.run.Run(ctx, a)
}

// finish tells the board how an attempt ended. It tries until the board knows, or
// has given up on the attempt; after the end of the worker, which nobody hears of
// any more, only until that is bound to happen. What the board will not take is
// missed at the next step.
func (w *Worker) finish(ctx context.Context, a Attempt, done Done, failure error) {
	if failure != nil {
		done.Details = append(done.Details, Detail{DetailError, failure.Error(), w.set.Now()})
	}
	ended := w.set.Now()
	within, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(w.set.Silence, cancel) })()
	every(within, w.set.Tick, func() {
		try, end := context.WithTimeout(within, w.set.Silence/3)
		defer end()
		err := update(try, w.store, &w.set, func(r *Rules, b *Board) ([]Result, error) {
			return r.Finish(b, a, failure == nil, done.Details, done.ScriptLog)
		})
		switch {
		case err == nil:
			w.set.Counts.ended(failure, false)
			cancel()
		case errors.Is(err, ErrLost):
			w.set.Counts.ended(failure, true)
			w.set.Log.Warn("an attempt ended that was given up on", "execution", a.ExecutionID, "attempt", a.Number)
			cancel()
		case within.Err() == nil:
			w.set.Log.Error("the end of an attempt could not be told", "execution", a.ExecutionID, "err", err)
			if w.refused(ended) {
				cancel()
			}
		}
	})
}
