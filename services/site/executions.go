package site

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/scheduler"
)

// sessionType is the type of the entities that stand for executions which have
// not ended.
const sessionType = "ExecutionSession"

// show brings what the repository shows of executions in line with the board:
// an execution session for each, and the result of its attempt, which is the last
// one of its task from the beginning. Whoever starts a task and looks at its last
// result must not find that of the time before.
func (b *board) show(ctx context.Context, tx *store.Tx, before []scheduler.Execution, now *scheduler.Board) error {
	for _, e := range now.Executions {
		i := slices.IndexFunc(before, func(o scheduler.Execution) bool { return o.ID == e.ID })
		if i >= 0 && before[i] == *e {
			continue
		}
		if err := b.showOne(ctx, tx, e); err != nil {
			return err
		}
		if i < 0 {
			if err := countTrigger(ctx, tx, e); err != nil {
				return err
			}
		}
	}
	for _, o := range before {
		if now.Execution(o.ID) != nil {
			continue
		}
		if err := tx.Delete(ctx, sessionType, o.ID); err != nil && !errors.Is(err, store.ErrNotFound) { // it goes with its task, too
			return err
		}
	}
	return nil
}

func (b *board) showOne(ctx context.Context, tx *store.Tx, e *scheduler.Execution) error {
	task, err := tx.Get(ctx, "Task", e.TaskID)
	if errors.Is(err, store.ErrNotFound) { // deleted meanwhile: nobody asks for it
		return nil
	}
	if err != nil {
		return err
	}
	started, abortAt := schema.NullDate, schema.NullDate
	if e.Worker != "" {
		started = schema.FormatDate(e.Started)
		if minutes := whole(task.Doc["taskSessionTimeout"]); minutes > 0 {
			abortAt = schema.FormatDate(e.Started.Add(time.Duration(minutes) * time.Minute))
		}
	}
	nodeID, err := nodeIDOf(ctx, tx, e.Worker)
	if err != nil {
		return err
	}
	result, err := put(ctx, tx, "ExecutionResult", resultID(e.ID, e.Attempt, e.Worker), map[string]any{
		"executingNodeID": nodeID, "taskID": e.TaskID, "executionID": e.ID, "appID": objectOf(task.Doc["app"])["id"], "executingNodeName": nodeOf(e.Worker), "status": number(int(e.Status)),
		"startTime": started, "stopTime": schema.NullDate, "duration": number(0), "scriptLogAvailable": false,
	})
	if err != nil {
		return err
	}
	node, err := schedulerOf(ctx, tx, e.Worker)
	if err != nil {
		return err
	}
	doc := map[string]any{
		repository.TaskField(task.Type): ref(task.ID), "executionResult": ref(result.ID), "executingNode": node, "app": task.Doc["app"],
		"abortAt": abortAt, "abortReason": number(int(e.Abort)), "retries": number(max(0, e.Attempt-1)), "user": tx.User,
	}
	if _, err := put(ctx, tx, sessionType, e.ID, doc); err != nil {
		return err
	}
	return setLast(ctx, tx, task, result.ID)
}

// countTrigger notes of the event that has triggered an execution that it has.
func countTrigger(ctx context.Context, tx *store.Tx, e *scheduler.Execution) error {
	kind, id, fired := e.TriggeredBy()
	if !fired {
		return nil
	}
	typ := map[scheduler.EventKind]string{scheduler.BySchedule: "SchemaEvent", scheduler.ByChain: "CompositeEvent"}[kind]
	event, err := tx.Get(ctx, typ, id)
	if errors.Is(err, store.ErrNotFound) { // deleted meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	was, err := tx.Get(ctx, typ+"Operational", refID(event.Doc["operational"]))
	if err != nil {
		return err
	}
	now := map[string]any{"timesTriggered": number(whole(was.Doc["timesTriggered"]) + 1)}
	if kind == scheduler.BySchedule {
		now["lastEventDate"] = schema.FormatDate(e.Triggered)
	}
	_, err = tx.Update(ctx, was.Type, was.ID, now)
	return err
}

// schedulerOf returns a reference to the scheduler of a worker's node; for what
// waits, to one of the site's.
func schedulerOf(ctx context.Context, tx *store.Tx, worker string) (any, error) {
	for _, where := range []filter.Node{filter.Equal("serverNodeConfiguration.name", nodeOf(worker)), nil} {
		found, err := tx.List(ctx, "SchedulerService", store.Query{Where: where, Take: 1})
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return ref(found[0].ID), nil
		}
	}
	return nil, nil
}

// nodeIDOf returns the id of a worker's node; nil while there is none, or when
// it is gone.
func nodeIDOf(ctx context.Context, tx *store.Tx, worker string) (any, error) {
	if nodeOf(worker) == "" {
		return nil, nil
	}
	found, err := tx.List(ctx, "ServerNodeConfiguration", store.Query{Where: filter.Equal("name", nodeOf(worker)), Take: 1})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0].ID, nil
}

// nodeOf returns the name of a worker's node. Behind it comes an id of the
// worker's own.
func nodeOf(worker string) string { return worker[:max(0, strings.LastIndexByte(worker, ' '))] }

// resultID is the id of the result of an attempt, from when it is waited for
// until it has ended. Without a worker the next attempt is waited for.
func resultID(executionID string, attempt int, worker string) string {
	if worker == "" {
		attempt++
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(executionID+" "+strconv.Itoa(attempt))).String()
}

// put changes an entity, or makes it where it is not there.
func put(ctx context.Context, tx *store.Tx, typ, id string, doc map[string]any) (*store.Entity, error) {
	e, err := tx.Update(ctx, typ, id, doc)
	if errors.Is(err, store.ErrNotFound) {
		doc[schema.ID] = id
		return tx.Create(ctx, typ, doc)
	}
	return e, err
}

// setLast makes a result the last one of a task.
func setLast(ctx context.Context, tx *store.Tx, task *store.Entity, resultID string) error {
	was, err := tx.Get(ctx, task.Type+"Operational", refID(task.Doc["operational"]))
	if err != nil {
		return err
	}
	before := refID(was.Doc["lastExecutionResult"])
	if before == resultID {
		return nil
	}
	if _, err := tx.Update(ctx, was.Type, was.ID, map[string]any{"lastExecutionResult": ref(resultID)}); err != nil {
		return err
	}
	return repository.DropNeverStarted(ctx, tx, before)
}
