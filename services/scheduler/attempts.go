package scheduler

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Errors of steps.
var (
	ErrNoTask      = errors.New("no such task")
	ErrNoExecution = errors.New("no such execution, or it has ended")
	ErrLost        = errors.New("the attempt is not this worker's any more")
)

// An Attempt is what a worker has claimed: it has to run it, and to tell how it
// ended.
type Attempt struct {
	ExecutionID, TaskID, Worker string
	Number                      int
	Deadline                    time.Time // of the time-out; zero = none
}

// Claim gives a worker as many attempts of its queue as it has free slots, those
// that wait longest first.
func (r *Rules) Claim(b *Board, worker string, slots int) (attempts []Attempt) {
	r.Heard(b, worker)
	for _, e := range b.Executions {
		if len(attempts) >= slots {
			break
		}
		if !e.Status.waits() || r.queue(e.TaskID) != r.Queue {
			continue
		}
		e.Status, e.Worker, e.Started = Started, worker, r.Now
		e.Attempt++
		a := Attempt{ExecutionID: e.ID, TaskID: e.TaskID, Worker: worker, Number: e.Attempt}
		if t := r.Tasks[e.TaskID]; t != nil && t.Timeout > 0 {
			a.Deadline = r.Now.Add(t.Timeout)
		}
		attempts = append(attempts, a)
	}
	return attempts
}

// queue is that of a task.
func (r *Rules) queue(taskID string) string {
	if t := r.Tasks[taskID]; t != nil {
		return t.Queue
	}
	return ""
}

// heartbeats is how often the board notes that a worker lives, before it would
// be taken for silent.
const heartbeats = 6

// Heard notes that a worker lives. It returns which of its attempts are to be
// stopped.
func (r *Rules) Heard(b *Board, worker string) (stop []string) {
	if b.Workers == nil {
		b.Workers = map[string]time.Time{}
	}
	if gap := r.Now.Sub(b.Workers[worker]); gap >= r.Silence/heartbeats || gap < 0 { // an idle board is not written each second
		b.Workers[worker] = r.Now
	}
	if r.Queue != "" && b.Queues[worker] != r.Queue {
		if b.Queues == nil {
			b.Queues = map[string]string{}
		}
		b.Queues[worker] = r.Queue
	}
	for _, e := range b.Executions {
		if e.Worker == worker && e.Abort != NotAborted {
			e.Status = Aborting
			stop = append(stop, e.ID)
		}
	}
	return stop
}

// Missing ends the attempts that the board says a worker has, and that it does
// not, because it did not learn that it had claimed them.
func (r *Rules) Missing(b *Board, worker string, holds []held) (results []Result) {
	for _, e := range slices.Clone(b.Executions) {
		if e.Worker == worker && !slices.Contains(holds, held{e.ID, e.Attempt}) {
			lost := r.detail(DetailError, "worker "+worker+" does not have the attempt")
			results = append(results, r.ended(b, e, Error, []Detail{lost})...)
		}
	}
	return results
}

// Finish notes how an attempt ended. Whoever has lost it is told so, and
// nothing changes.
func (r *Rules) Finish(b *Board, a Attempt, ok bool, details []Detail, scriptLog string) ([]Result, error) {
	e := b.Execution(a.ExecutionID)
	if e == nil || e.Worker != a.Worker || e.Attempt != a.Number {
		return nil, fmt.Errorf("finish attempt %d of %s: %w", a.Number, a.ExecutionID, ErrLost)
	}
	status := FinishedFail
	if ok {
		status = FinishedSuccess
	}
	results := r.ended(b, e, status, details)
	results[0].ScriptLog = scriptLog
	return results, nil
}

// Stop asks for the end of an execution. One that no worker has ends at once.
func (r *Rules) Stop(b *Board, id string, why Abort) ([]Result, error) {
	e := b.Execution(id)
	if e == nil {
		return nil, fmt.Errorf("stop %s: %w", id, ErrNoExecution)
	}
	if e.Abort == NotAborted {
		e.Abort = why
	}
	if e.Worker == "" {
		return r.end(b, e, Aborted, nil), nil
	}
	if e.Status == Started {
		e.Status = AbortInitiated
	}
	return nil, nil
}

// prompt is how long a worker with a free slot may take to claim an execution:
// what waits for longer waits for a slot.
const prompt = 3 * time.Second

// Tend ends what nobody will end any more: attempts of workers that are silent,
// those beyond their time-out, and executions of tasks that are gone. It notes
// what waits for a free slot, too.
func (r *Rules) Tend(b *Board) (results []Result) {
	for _, e := range append([]*Execution(nil), b.Executions...) {
		task := r.Tasks[e.TaskID]
		switch {
		case task == nil && e.Worker == "":
			e.Abort = AbortedByDeletion
			results = append(results, r.end(b, e, Aborted, nil)...)
		case e.Worker == "":
			if e.Status == Triggered && r.Now.Sub(e.Triggered) >= prompt {
				e.Status = Queued
			}
		case b.Workers[e.Worker].Sub(r.Now) > r.Silence: // the clock was wrong
			b.Workers[e.Worker] = r.Now
		case !r.Patient && r.Now.Sub(b.Workers[e.Worker]) >= r.Silence:
			lost := r.detail(DetailError, fmt.Sprintf("worker %s was not heard of for %s", e.Worker, r.Silence))
			results = append(results, r.ended(b, e, Error, []Detail{lost})...)
		case e.Abort != NotAborted:
		case task == nil:
			e.Abort, e.Status = AbortedByDeletion, AbortInitiated
		case task.Timeout > 0 && r.Now.Sub(e.Started) >= task.Timeout:
			e.Abort, e.Status = AbortedByTimeout, AbortInitiated
		}
	}
	for worker, heard := range b.Workers {
		if r.Now.Sub(heard) > 24*time.Hour {
			delete(b.Workers, worker)
			delete(b.Queues, worker)
		}
	}
	return results
}

// ended notes that an attempt ended; the execution goes on where attempts are
// left.
func (r *Rules) ended(b *Board, e *Execution, status Status, details []Detail) []Result {
	task := r.Tasks[e.TaskID]
	switch {
	case status == FinishedSuccess: // also if its abort was on the way
		e.Abort = NotAborted
	case e.Abort != NotAborted:
		status = Aborted
	case task != nil && task.Enabled && e.Attempt <= task.Retries:
		result := e.result(status, r.Now, details)
		e.Status, e.Worker = Retry, ""
		return []Result{result}
	}
	return r.end(b, e, status, details)
}

// end ends an execution, and triggers what waits for that.
func (r *Rules) end(b *Board, e *Execution, status Status, details []Detail) []Result {
	if status == Aborted { // what stopped says of that only that it was
		details = append(details, r.detail(DetailError, e.Abort.reason()))
	}
	results := []Result{e.result(status, r.Now, details)}
	b.remove(e)
	if b.Last == nil {
		b.Last = map[string]Outcome{}
	}
	b.Last[e.TaskID] = Outcome{e.ID, status, r.Now}
	return append(results, r.follow(b, e, status)...)
}

func (e *Execution) result(status Status, now time.Time, details []Detail) Result {
	started := e.Started
	if started.IsZero() {
		started = now
	}
	return Result{
		ExecutionID: e.ID, TaskID: e.TaskID, Worker: e.Worker, Attempt: e.Attempt, Status: status, Abort: e.Abort,
		Started: started, Stopped: now, Details: details,
	}
}
