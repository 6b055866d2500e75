package scheduler

import (
	"sync/atomic"
	"time"
)

// Counts are what the manager and the worker of a process do, for monitors:
// Settings has one for both. What other processes do with the board is theirs to
// count. The zero value is ready; any number of goroutines may use it.
type Counts struct {
	triggered, started, retries, stops, skipped atomic.Int64
	done, failed, lost                          atomic.Int64
	updates, errors, plans                      atomic.Int64
	waiting, running, workers                   atomic.Int64
	plan                                        atomic.Pointer[Plan]
}

// A Tally is what was counted.
type Tally struct {
	Triggered int64 // executions that were queued
	Started   int64 // attempts that a worker has claimed
	Retries   int64 // attempts that another one was to follow
	Stops     int64 // executions whose end was asked for
	Skipped   int64 // executions that were not begun: disabled, or running already

	Done   int64 // attempts that ended well, as the board knows
	Failed int64 // the same, and did not
	Lost   int64 // attempts that were given to others meanwhile

	Updates int64 // looks at the board, each of which may change it
	Errors  int64 // of them that did not come about
	Plans   int64 // times that tasks or events had changed

	Waiting, Running int64 // executions on the board when it was last looked at
	Workers          int64 // that had been heard of not long before, those of named queues left out
}

// Tally tells what was counted so far.
func (c *Counts) Tally() Tally {
	return Tally{
		Triggered: c.triggered.Load(), Started: c.started.Load(), Retries: c.retries.Load(), Stops: c.stops.Load(), Skipped: c.skipped.Load(),
		Done: c.done.Load(), Failed: c.failed.Load(), Lost: c.lost.Load(), Updates: c.updates.Load(), Errors: c.errors.Load(), Plans: c.plans.Load(),
		Waiting: c.waiting.Load(), Running: c.running.Load(), Workers: c.workers.Load(),
	}
}

// A delta is what an update has made of a board. It is counted once it is
// stored.
type delta struct {
	triggered, started, retries, stops, skipped int64
	waiting, running, workers                   int64
}

// A seen is what changes of an execution are told from.
type seen struct {
	status  Status
	attempt int
	abort   Abort
}

func look(b *Board) map[string]seen {
	all := make(map[string]seen, len(b.Executions))
	for _, e := range b.Executions {
		all[e.ID] = seen{e.Status, e.Attempt, e.Abort}
	}
	return all
}

// compare tells what has become of a board.
func compare(before map[string]seen, b *Board, results []Result, now time.Time, silence time.Duration) (c delta) {
	for _, e := range b.Executions {
		was, there := before[e.ID]
		c.triggered += one(!there)
		c.started += int64(e.Attempt - was.attempt)
		c.retries += one(e.Status == Retry && was.status != Retry)
		c.stops += one(e.Abort != NotAborted && was.abort == NotAborted)
		waits := e.Worker == ""
		c.waiting += one(waits)
		c.running += one(!waits)
	}
	for i := range results {
		r := &results[i]
		was, there := before[r.ExecutionID]
		c.skipped += one(r.Status == Skipped)
		c.stops += one(there && r.Abort != NotAborted && was.abort == NotAborted && b.Execution(r.ExecutionID) == nil)
	}
	for worker, heard := range b.Workers {
		c.workers += one(b.Queues[worker] == "" && now.Sub(heard) < silence)
	}
	return c
}

func one(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// updated counts an update.
func (c *Counts) updated(by delta, err error) {
	c.updates.Add(1)
	if err != nil {
		c.errors.Add(1)
		return
	}
	c.triggered.Add(by.triggered)
	c.started.Add(by.started)
	c.retries.Add(by.retries)
	c.stops.Add(by.stops)
	c.skipped.Add(by.skipped)
	c.waiting.Store(by.waiting)
	c.running.Store(by.running)
	c.workers.Store(by.workers)
}

// planned counts the plans that differ from those before.
func (c *Counts) planned(p *Plan) {
	if c.plan.Swap(p) != p {
		c.plans.Add(1)
	}
}

// ended counts an attempt whose end was told.
func (c *Counts) ended(failure error, lost bool) {
	switch {
	case lost:
		c.lost.Add(1)
	case failure != nil:
		c.failed.Add(1)
	default:
		c.done.Add(1)
	}
}
