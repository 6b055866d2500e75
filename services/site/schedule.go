package site

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/scheduler"
)

// A board keeps the scheduler's board and its results in the store of the
// repository: a change of the board and the results that come of it are one
// transaction.
//
// What has not changed is not written, and the plan is read anew only after
// changes: managers and workers look every second.
type board struct {
	db    *store.Store
	logs  repository.ScriptLogs
	ended func(*endedAttempt) // told of each attempt that has ended, once it is stored

	mu   sync.Mutex
	plan *scheduler.Plan // as it was at a change of the store
	seq  int64
}

var _ scheduler.Store = (*board)(nil)

// stateName is where the board lies.
const stateName = "scheduler"

// Update implements [scheduler.Store].
func (b *board) Update(ctx context.Context, change func(*scheduler.Board) ([]scheduler.Result, error)) error {
	var ended []*endedAttempt
	err := b.db.Tx(ctx, func(tx *store.Tx) error {
		ended = nil // it may be done again
		tx.User = repository.InternalDirectory + `\sa_scheduler`
		var was json.RawMessage
		if err := tx.State(ctx, stateName, &was); err != nil {
			return err
		}
		now := &scheduler.Board{}
		if was != nil {
			if err := json.Unmarshal(was, now); err != nil {
				return fmt.Errorf("board of the scheduler: %w", err)
			}
		}
		executions := make([]scheduler.Execution, len(now.Executions))
		for i, e := range now.Executions {
			executions[i] = *e
		}
		before, err := json.Marshal(now)
		if err != nil {
			return err
		}
		results, err := change(now)
		if err != nil {
			return err
		}
		for i := range results {
			task, err := b.record(ctx, tx, now, &results[i])
			if err != nil {
				return err
			}
			if task != nil {
				a := describe(ctx, tx, task, &results[i])
				a.last = now.Execution(a.ExecutionID) == nil
				ended = append(ended, a)
			}
		}
		after, err := json.Marshal(now)
		if err != nil || bytes.Equal(before, after) {
			return err
		}
		if err := b.show(ctx, tx, executions, now); err != nil {
			return err
		}
		return tx.SetState(ctx, stateName, json.RawMessage(after))
	})
	if err != nil {
		return err
	}
	for _, a := range ended {
		b.ended(a)
	}
	return nil
}

// A getter is the store, or what a transaction sees of it.
type getter interface {
	Get(ctx context.Context, typ, id string) (*store.Entity, error)
}

// describe adds to a result what logs tell of it.
func describe(ctx context.Context, db getter, task *store.Entity, r *scheduler.Result) *endedAttempt {
	a := &endedAttempt{Result: *r, task: text(task, "name")}
	if id, ok := objectOf(task.Doc["app"])["id"].(string); ok {
		a.appID = id
		if app, err := db.Get(ctx, "App", id); err == nil { // else it is gone, and has no name
			a.app = text(app, "name")
		}
	}
	return a
}

// record stores the result of an attempt, and makes it the last one of its
// task, which it returns; nil if that is gone. What was skipped because the task
// runs is not its last result: who waits for the run would take it for its end.
func (b *board) record(ctx context.Context, tx *store.Tx, now *scheduler.Board, r *scheduler.Result) (*store.Entity, error) {
	task, err := tx.Get(ctx, "Task", r.TaskID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, endOrphan(ctx, tx, r)
	}
	if err != nil {
		return nil, err
	}
	var details []any
	for _, d := range r.Details {
		e, err := tx.Create(ctx, "ExecutionResultDetail", map[string]any{
			"detailsType": number(int(d.Severity)), "message": plain(d.Message), "detailCreatedDate": schema.FormatDate(d.Created),
		})
		if err != nil {
			return nil, err
		}
		details = append(details, ref(e.ID))
	}
	node, err := nodeIDOf(ctx, tx, r.Worker)
	if err != nil {
		return nil, err
	}
	doc := map[string]any{
		"executingNodeID": node, "taskID": r.TaskID, "executionID": r.ExecutionID, "appID": objectOf(task.Doc["app"])["id"], "executingNodeName": nodeOf(r.Worker), "status": number(int(r.Status)),
		"startTime": schema.FormatDate(r.Started), "stopTime": schema.FormatDate(r.Stopped), "duration": number(int(r.Stopped.Sub(r.Started).Milliseconds())),
		"details": details, "scriptLogAvailable": false,
	}
	if size, there := b.logs.Size(r.ScriptLog); there && r.ScriptLog != "" {
		doc["scriptLogAvailable"], doc["scriptLogLocation"], doc["scriptLogSize"], doc["fileReferenceID"] = true, r.ScriptLog, number(int(size)), uuid.NewString()
	}
	result, err := put(ctx, tx, "ExecutionResult", resultID(r.ExecutionID, r.Attempt, r.Worker), doc)
	if err != nil {
		return nil, err
	}
	runs := slices.ContainsFunc(now.Executions, func(e *scheduler.Execution) bool { return e.TaskID == r.TaskID })
	if r.Status == scheduler.Skipped && runs {
		return task, nil
	}
	return task, setLast(ctx, tx, task, result.ID)
}

// endOrphan ends the result of a task that was deleted while it ran: it stays,
// and must not look as if it went on for ever.
func endOrphan(ctx context.Context, tx *store.Tx, r *scheduler.Result) error {
	_, err := tx.Update(ctx, "ExecutionResult", resultID(r.ExecutionID, r.Attempt, r.Worker), map[string]any{
		"status": number(int(r.Status)), "stopTime": schema.FormatDate(r.Stopped), "duration": number(int(r.Stopped.Sub(r.Started).Milliseconds())),
	})
	if errors.Is(err, store.ErrNotFound) { // nobody has seen it
		return nil
	}
	return err
}

// plain returns what can be stored of a message, which scripts and programs may
// have put anything into: a result that cannot be stored has no end.
func plain(message string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(message, "\uFFFD"), "\x00", "\uFFFD")
}

func ref(id string) map[string]any { return map[string]any{"id": id} }

// refID returns the id of a reference, "" of none.
func refID(v any) string {
	id, _ := objectOf(v)["id"].(string)
	return id
}

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// Plan implements [scheduler.Store].
func (b *board) Plan(ctx context.Context) (*scheduler.Plan, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	seq, err := b.db.LastChange(ctx) // before the plan is read: what changes meanwhile is read again
	if err != nil {
		return nil, err
	}
	if b.plan != nil && seq == b.seq {
		return b.plan, nil
	}
	plan, err := b.readPlan(ctx)
	if err != nil {
		return nil, err
	}
	b.plan, b.seq = plan, seq
	return plan, nil
}

// readPlan reads tasks and events. An event that is no schedule is left out: it
// was refused when it was saved, or comes from elsewhere.
func (b *board) readPlan(ctx context.Context) (*scheduler.Plan, error) {
	plan := &scheduler.Plan{Tasks: map[string]*scheduler.Task{}}
	tasks, err := b.db.List(ctx, "Task", store.Query{})
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		plan.Tasks[t.ID] = &scheduler.Task{
			ID: t.ID, Name: text(t, "name"), Queue: queueOf(t.Type), Enabled: truth(t, "enabled"), Retries: whole(t.Doc["maxRetries"]),
			Timeout: time.Duration(whole(t.Doc["taskSessionTimeout"])) * time.Minute,
		}
	}
	events, err := b.db.List(ctx, "SchemaEvent", store.Query{})
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		s, err := scheduler.NewSchedule(schemaEvent(e))
		if err == nil {
			plan.Events = append(plan.Events, &scheduler.Event{ID: e.ID, TaskID: target(e.Doc), Enabled: truth(e, "enabled"), Schedule: s})
		}
	}
	chains, err := b.db.List(ctx, "CompositeEvent", store.Query{})
	if err != nil {
		return nil, err
	}
	for _, e := range chains {
		plan.Chains = append(plan.Chains, chain(e))
	}
	return plan, nil
}

// syncQueue is the queue of tasks that the central node alone runs: it reads
// user directories, and needs no engine for that.
const syncQueue = "user directories"

// queueOf is the queue of tasks of a type.
func queueOf(typ string) string {
	if typ == "UserSyncTask" {
		return syncQueue
	}
	return ""
}

// checkSchedule says what is wrong with the schedule of an event that is about
// to be saved.
func checkSchedule(event map[string]any) error {
	_, err := scheduler.NewSchedule(schemaEvent(&store.Entity{Doc: event}))
	return err
}

func schemaEvent(e *store.Entity) scheduler.SchemaEvent {
	out := scheduler.SchemaEvent{
		TimeZone: text(e, "timeZone"), Daylight: scheduler.Daylight(whole(e.Doc["daylightSavingTime"])), Increment: text(e, "incrementDescription"),
		Start: date(e, "startDate"), Expire: date(e, "expirationDate"),
	}
	filters, _ := e.Doc["schemaFilterDescription"].([]any)
	for _, f := range filters {
		out.Filter = append(out.Filter, fmt.Sprint(f))
	}
	return out
}

func chain(e *store.Entity) *scheduler.Chain {
	window, _ := e.Doc["timeConstraint"].(map[string]any)
	c := &scheduler.Chain{
		ID: e.ID, TaskID: target(e.Doc), Enabled: truth(e, "enabled"),
		Window: time.Duration(whole(window["days"]))*24*time.Hour + time.Duration(whole(window["hours"]))*time.Hour +
			time.Duration(whole(window["minutes"]))*time.Minute + time.Duration(whole(window["seconds"]))*time.Second,
	}
	rules, _ := e.Doc["compositeRules"].([]any)
	for _, r := range rules {
		rule, _ := r.(map[string]any)
		c.Rules = append(c.Rules, scheduler.ChainRule{TaskID: target(rule), Success: whole(rule["ruleState"]) == 1})
	}
	return c
}

// target returns the id of the task that an event or a rule is about.
func target(doc map[string]any) string {
	for _, kind := range []string{"reloadTask", "externalProgramTask", "userSyncTask"} {
		if task, ok := doc[kind].(map[string]any); ok {
			return fmt.Sprint(task["id"])
		}
	}
	return ""
}

func text(e *store.Entity, field string) string {
	s, _ := e.Doc[field].(string)
	return s
}

func truth(e *store.Entity, field string) bool {
	b, _ := e.Doc[field].(bool)
	return b
}

func whole(v any) int {
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return int(i)
}

func date(e *store.Entity, field string) time.Time {
	t, err := schema.ParseDate(text(e, field))
	if err != nil || t.Year() <= 1753 || t.Year() >= 9999 {
		return time.Time{}
	}
	return t
}

// tasks is what the repository's interface asks the scheduler.
type tasks struct {
	board   *board
	manager *scheduler.Manager
}

// Start starts a task and returns the id of its execution.
func (t tasks) Start(ctx context.Context, taskID string) (string, error) {
	return t.manager.Trigger(ctx, taskID, "manual")
}

// Stop asks for the end of a task's execution, if it has one.
func (t tasks) Stop(ctx context.Context, taskID string) error {
	id := ""
	err := t.board.Update(ctx, func(b *scheduler.Board) ([]scheduler.Result, error) {
		for _, e := range b.Executions {
			if e.TaskID == taskID {
				id = e.ID
			}
		}
		return nil, nil
	})
	if err != nil || id == "" {
		return err
	}
	if err := t.manager.Stop(ctx, id); !errors.Is(err, scheduler.ErrNoExecution) {
		return err
	}
	return nil
}
