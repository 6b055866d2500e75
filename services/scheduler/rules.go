package scheduler

import (
	"fmt"
	"time"
)

// Rules are what a manager knows beside the board: the plan, the time and how
// to name executions. Its methods change a board and return the results of
// attempts that ended by that.
type Rules struct {
	*Plan
	Queue string // of the worker that claims
	Now   time.Time
	NewID func() string
	// Silence is after how long a worker that was not heard of has lost its
	// attempts.
	Silence time.Duration
	// Patient says that no worker has been silent, whatever the clock says: it
	// has jumped.
	Patient bool
}

// Trigger starts a task: its execution waits for a worker. A task that is running
// already, or is disabled, is skipped, which is a result, too. The id is that of
// the execution; skipped ones have one as well.
func (r *Rules) Trigger(b *Board, taskID, cause string) (id string, results []Result, err error) {
	task := r.Tasks[taskID]
	if task == nil {
		return "", nil, fmt.Errorf("trigger task %s: %w", taskID, ErrNoTask)
	}
	id = r.NewID()
	if reason := r.skips(b, task); reason != "" {
		e := &Execution{ID: id, TaskID: taskID, Cause: cause, Started: r.Now}
		return id, r.end(b, e, Skipped, []Detail{r.detail(DetailInformation, reason)}), nil
	}
	b.Executions = append(b.Executions, &Execution{ID: id, TaskID: taskID, Cause: cause, Status: Triggered, Triggered: r.Now})
	return id, nil, nil
}

// skips returns why a task is not started, "" if it is.
func (r *Rules) skips(b *Board, task *Task) string {
	switch {
	case !task.Enabled:
		return "the task is disabled"
	case b.running(task.ID) != nil:
		return "the task is running already"
	}
	return ""
}

func (r *Rules) detail(s DetailSeverity, message string) Detail { return Detail{s, message, r.Now} }

// Fire triggers the tasks of all schedules that are due. Of the slots that
// passed while nobody looked the last one counts, and only for a while: a site
// that comes back after a day does not run a day's worth of tasks.
func (r *Rules) Fire(b *Board) (results []Result) {
	for _, e := range r.Events {
		last, known := b.Fired[e.ID]
		if last.Sub(r.Now) > late { // the clock was wrong when it fired: it does not wait until then
			known = false
		}
		if b.changed(e) {
			known = false
		}
		if !known { // new, or changed: what has passed is past
			last = r.Now.Add(-time.Second)
		}
		slot, due := e.due(last, r.Now)
		if !due && known {
			continue
		}
		if b.Fired == nil {
			b.Fired = map[string]time.Time{}
		}
		if !due {
			b.Fired[e.ID] = last
			continue
		}
		b.Fired[e.ID] = slot
		if !e.Enabled || r.Now.Sub(slot) > late || r.Tasks[e.TaskID] == nil {
			continue
		}
		_, skipped, err := r.Trigger(b, e.TaskID, "schedule "+e.ID+" "+slot.UTC().Format(time.RFC3339))
		if err == nil {
			results = append(results, skipped...)
		}
	}
	r.forget(b)
	return results
}

// changed notes the schedule of an event, and reports whether it was another one
// before.
func (b *Board) changed(e *Event) bool {
	was, known := b.Schedules[e.ID]
	if was == e.Schedule.text {
		return false
	}
	if b.Schedules == nil {
		b.Schedules = map[string]string{}
	}
	b.Schedules[e.ID] = e.Schedule.text
	return known
}

// late is how late a slot may still fire.
const late = time.Hour

// due returns the last slot after one and not after now.
func (e *Event) due(last, now time.Time) (slot time.Time, ok bool) {
	for at := last; ; {
		next, more := e.Schedule.Next(at)
		if !more || next.After(now) {
			return slot, ok
		}
		if gap := now.Sub(next); gap > late && e.Schedule.every > 0 { // a day of minutes need not be counted
			next = next.Add((gap - late) / e.Schedule.every * e.Schedule.every)
		}
		slot, ok, at = next, true, next
	}
}

// forget drops what the board knows of events that are gone.
func (r *Rules) forget(b *Board) {
	for id := range b.Fired {
		if !r.hasEvent(id) {
			delete(b.Fired, id)
			delete(b.Schedules, id)
		}
	}
	for id := range b.Met {
		if r.chain(id) == nil {
			delete(b.Met, id)
		}
	}
}

func (r *Rules) hasEvent(id string) bool {
	for _, e := range r.Events {
		if e.ID == id {
			return true
		}
	}
	return false
}
