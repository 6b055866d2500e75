package scheduler

import (
	"context"
	"errors"
	"fmt"
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
	current map[string]context.CancelFunc // by execution
	heard   time.Time                     // when the board last knew of this worker
	wg      sync.WaitGroup
}

// NewWorker returns a worker of a name that no other one has, which runs as many
// attempts at a time as it has slots.
func NewWorker(name string, slots int, store Store, run Executor, s Settings) *Worker {
	w := &Worker{name: name, store: store, run: run, set: s.withDefaults(), current: map[string]context.CancelFunc{}}
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
		err := w.step(ctx)
		switch {
		case err == nil:
			w.heard = w.set.Now()
		case ctx.Err() == nil:
			w.set.Log.Error("the worker could not reach the board", "worker", w.name, "err", err)
			w.fence()
		}
	})
	w.stopAll()
	w.wg.Wait()
}

// step tells the board that the worker lives, stops what is to be stopped, and
// claims what it has slots for.
func (w *Worker) step(ctx context.Context) error {
	var attempts []Attempt
	var stop []string
	free := max(0, w.Slots()-w.Running())
	err := update(ctx, w.store, &w.set, func(r *Rules, b *Board) ([]Result, error) {
		r.Queue = w.Queue
		stop = r.Heard(b, w.name)
		attempts = r.Claim(b, w.name, free)
		return nil, nil
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
	if w.set.Now().Sub(w.heard) >= w.set.Silence*2/3 {
		w.stopAll()
	}
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
	for id, cancel := range w.current {
		if slices.Contains(ids, id) {
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
	w.current[a.ExecutionID] = cancel
	w.mu.Unlock()
	w.wg.Go(func() {
		defer func() {
			cancel()
			w.mu.Lock()
			delete(w.current, a.ExecutionID)
			w.mu.Unlock()
		}()
		done, err := w.attempt(run, a)
		w.finish(context.WithoutCancel(ctx), a, done, err)
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

// finish tells the board how an attempt ended. It tries until the attempt is
// given up on anyway.
func (w *Worker) finish(ctx context.Context, a Attempt, done Done, failure error) {
	if failure != nil {
		done.Details = append(done.Details, Detail{DetailError, failure.Error(), w.set.Now()})
	}
	ctx, cancel := context.WithTimeout(ctx, w.set.Silence)
	defer cancel()
	every(ctx, w.set.Tick, func() {
		err := update(ctx, w.store, &w.set, func(r *Rules, b *Board) ([]Result, error) {
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
		case ctx.Err() == nil:
			w.set.Log.Error("the end of an attempt could not be told", "execution", a.ExecutionID, "err", err)
		}
	})
}
