package scheduler

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Status is the status of an execution, by the numbers of the interface.
type Status int

// The statuses.
const (
	NeverStarted Status = iota
	Triggered
	Started
	Queued
	AbortInitiated
	Aborting
	Aborted
	FinishedSuccess
	FinishedFail
	Skipped
	Retry
	Error
	Reset
)

// statusNames are the names that filters and logs use.
var statusNames = [...]string{
	"NeverStarted", "Triggered", "Started", "Queued", "AbortInitiated", "Aborting", "Aborted", "FinishedSuccess", "FinishedFail", "Skipped", "Retry", "Error", "Reset",
}

// String returns the name of the status.
func (s Status) String() string {
	if s < 0 || int(s) >= len(statusNames) {
		return "Unknown"
	}
	return statusNames[s]
}

// waits reports whether a worker may begin with what has the status.
func (s Status) waits() bool { return s == Triggered || s == Queued || s == Retry }

// Ended reports whether nothing follows the status.
func (s Status) Ended() bool {
	return s == Aborted || s == FinishedSuccess || s == FinishedFail || s == Skipped || s == Error
}

// Abort is why an execution is stopped, by the numbers of the interface.
type Abort int

// The reasons.
const (
	NotAborted Abort = iota
	AbortedByHand
	AbortedByTimeout
	AbortedByDeletion
)

// reason is what results say of an abort.
func (a Abort) reason() string {
	switch a {
	case AbortedByTimeout:
		return "aborted: the task took longer than its time-out"
	case AbortedByDeletion:
		return "aborted: the task was deleted"
	}
	return "aborted by hand"
}

// A Task is what is run. It is read anew for each step, so a change holds from
// the next one on.
type Task struct {
	ID, Name string
	Queue    string // who claims it: workers of this queue
	Enabled  bool
	Retries  int           // attempts after the first one
	Timeout  time.Duration // of an attempt; 0 = none
}

// An Event starts its task by a schedule.
type Event struct {
	ID       string
	TaskID   string
	Enabled  bool
	Schedule *Schedule
}

// A Plan is the tasks and events of a site, as the repository has them.
type Plan struct {
	Tasks  map[string]*Task
	Events []*Event
	Chains []*Chain
}

// A Board is all that is going on. It is kept as JSON.
type Board struct {
	Executions []*Execution         // that have not ended, in the order in which they were triggered
	Fired      map[string]time.Time // by schema event: its last slot that was dealt with
	Schedules  map[string]string    // by schema event: the schedule that this is about
	Met        map[string][]Met     // by chain: the rules that are met
	Workers    map[string]time.Time // when each was last heard of
	Queues     map[string]string    // by worker: its queue, if it has a name
	Last       map[string]Outcome   // by task: how its last execution ended
}

// An Outcome is how an execution ended.
type Outcome struct {
	ExecutionID string
	Status      Status
	Ended       time.Time
}

// An Execution is one run of a task with all its attempts.
type Execution struct {
	ID        string // of the execution session
	TaskID    string
	Cause     string // what triggered it: "schedule …", "chain …", "manual", "api"
	Status    Status
	Triggered time.Time
	Attempt   int // from 1 on; 0 before the first
	Worker    string
	Started   time.Time // of the attempt
	Abort     Abort     // asked for
	Passed    int       // chains that led to it, one after the other
}

// An EventKind is a kind of event that triggers tasks.
type EventKind int

// The kinds.
const (
	BySchedule EventKind = iota
	ByChain
)

// TriggeredBy returns the event that triggered the execution; fired is false if
// none did.
func (e *Execution) TriggeredBy() (kind EventKind, id string, fired bool) {
	words := strings.Fields(e.Cause)
	if len(words) < 2 {
		return 0, "", false
	}
	switch words[0] {
	case "schedule":
		return BySchedule, words[1], true
	case "chain":
		return ByChain, words[1], true
	}
	return 0, "", false
}

// A Result is how an attempt ended; it becomes an execution result of the
// repository.
type Result struct {
	ExecutionID, TaskID, Worker string
	Attempt                     int
	Status                      Status
	Abort                       Abort
	Started, Stopped            time.Time
	Details                     []Detail
	ScriptLog                   string // where it is kept; "" = none
}

// A Detail is a line of a result.
type Detail struct {
	Severity DetailSeverity
	Message  string
	Created  time.Time
}

// DetailSeverity is the kind of a detail, by the numbers of the interface.
type DetailSeverity int

// The severities.
const (
	DetailError DetailSeverity = iota
	DetailWarning
	DetailInformation
)

// A Store keeps the board of a site. Any number of processes may use it.
type Store interface {
	// Update calls change with the board and keeps what it makes of it, and the
	// results, in one transaction: all of it or, after an error, nothing. No other
	// change is made meanwhile. change may be called again where transactions are
	// in each other's way.
	Update(ctx context.Context, change func(b *Board) (results []Result, err error)) error
	// Plan returns the tasks and events as they are.
	Plan(ctx context.Context) (*Plan, error)
}

// Execution returns the execution with the id, nil if there is none that has
// not ended.
func (b *Board) Execution(id string) *Execution {
	for _, e := range b.Executions {
		if e.ID == id {
			return e
		}
	}
	return nil
}

// running returns the execution of a task, nil if there is none: a task has at
// most one.
func (b *Board) running(taskID string) *Execution {
	for _, e := range b.Executions {
		if e.TaskID == taskID {
			return e
		}
	}
	return nil
}

// remove takes an execution that has ended off the board.
func (b *Board) remove(e *Execution) {
	b.Executions = slices.DeleteFunc(b.Executions, func(o *Execution) bool { return o == e })
}
