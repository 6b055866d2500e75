package repository

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// A TaskChange is a task with changes of the events that start it. The task and
// events that have an id are changed, others are created.
type TaskChange struct {
	Task                                          map[string]any
	CompositeEvents, SchemaEvents                 []map[string]any
	CompositeEventsToDelete, SchemaEventsToDelete []string
}

// CreateTask creates a task of a type with its events, all or nothing.
func (r *Repository) CreateTask(ctx context.Context, c *Caller, t *schema.Type, change TaskChange) (map[string]any, error) {
	return r.changeTask(ctx, c, t, &change, func(tx *store.Tx, d *decider) (*store.Entity, error) {
		return r.create(ctx, tx, d, t, change.Task)
	})
}

// UpdateTask changes a task and its events, all or nothing.
func (r *Repository) UpdateTask(ctx context.Context, c *Caller, t *schema.Type, change TaskChange) (map[string]any, error) {
	id := text(change.Task[schema.ID])
	if id == "" {
		return nil, &schema.Error{Field: "task." + schema.ID, Reason: "is missing"}
	}
	return r.changeTask(ctx, c, t, &change, func(tx *store.Tx, d *decider) (*store.Entity, error) {
		return r.update(ctx, tx, d, t, id, change.Task)
	})
}

func (r *Repository) changeTask(ctx context.Context, c *Caller, t *schema.Type, change *TaskChange, task func(*store.Tx, *decider) (*store.Entity, error)) (map[string]any, error) {
	d, err := r.decider(ctx, c)
	if err != nil {
		return nil, err
	}
	var e *store.Entity
	err = r.change(ctx, c, func(tx *store.Tx) error {
		if e, err = task(tx, d); err != nil {
			return err
		}
		if err := r.changeEvents(ctx, tx, d, e, "SchemaEvent", change.SchemaEvents, change.SchemaEventsToDelete); err != nil {
			return err
		}
		return r.changeEvents(ctx, tx, d, e, "CompositeEvent", change.CompositeEvents, change.CompositeEventsToDelete)
	})
	if err != nil {
		return nil, err
	}
	return r.one(ctx, d, e, false)
}

// TaskField is the field of events and executions that names a task of the type.
func TaskField(typ string) string { return strings.ToLower(typ[:1]) + typ[1:] }

// changeEvents changes the events of one type of a task. An event of another
// task is not touched.
func (r *Repository) changeEvents(ctx context.Context, tx *store.Tx, d *decider, task *store.Entity, typ string, events []map[string]any, gone []string) error {
	t, field := r.schema.Type(typ), TaskField(task.Type)
	own := func(id string) error {
		e, err := tx.Get(ctx, typ, id)
		if err == nil && refID(e.Doc[field]) != task.ID {
			err = fmt.Errorf("%s %s is one of another task: %w", typ, id, ErrInvalid)
		}
		return err
	}
	for _, id := range gone {
		if err := own(id); err != nil {
			return err
		}
		if err := r.delete(ctx, tx, d, t, id); err != nil {
			return err
		}
	}
	for _, event := range events {
		if event == nil {
			return &schema.Error{Field: "events", Reason: "one is null"}
		}
		event = maps.Clone(event)
		event[field] = ref(task.ID)
		id := text(event[schema.ID])
		if id == "" || id == noID {
			delete(event, schema.ID)
			if _, err := r.create(ctx, tx, d, t, event); err != nil {
				return err
			}
			continue
		}
		if err := own(id); err != nil {
			return err
		}
		if _, err := r.update(ctx, tx, d, t, id, event); err != nil {
			return err
		}
	}
	return nil
}

// dropEvents deletes the events of a task that is being deleted, and what shows
// that it runs, and takes it out of the chains of others: one that watches
// nothing any more goes, too.
func (r *Repository) dropEvents(ctx context.Context, tx *store.Tx, task *store.Entity) error {
	referrers, err := tx.Referrers(ctx, task.ID)
	if err != nil {
		return err
	}
	field, seen := TaskField(task.Type), map[string]bool{}
	for _, p := range referrers {
		if p.Type == executionType {
			if err := tx.Delete(ctx, p.Type, p.ID); err != nil {
				return err
			}
		}
		if seen[p.ID] || p.Type != "SchemaEvent" && p.Type != "CompositeEvent" {
			continue
		}
		seen[p.ID] = true
		event, err := tx.Lock(ctx, p.Type, p.ID)
		if err != nil {
			return err
		}
		left := []any{}
		for _, rule := range objects(event.Doc["compositeRules"]) {
			if refID(rule[field]) != task.ID {
				left = append(left, rule)
			}
		}
		if refID(event.Doc[field]) == task.ID || len(left) == 0 {
			err = r.deleteOperated(ctx, tx, event)
		} else {
			_, err = tx.Update(ctx, p.Type, p.ID, map[string]any{"compositeRules": left})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// noID is what clients send for an entity that has no id yet.
const noID = "00000000-0000-0000-0000-000000000000"

// CopyTask makes a task of another one, without its events and results. Tags
// and custom properties come along where that is said.
func (r *Repository) CopyTask(ctx context.Context, c *Caller, id, name string, withProperties, withTags bool) (map[string]any, error) {
	_, from, err := r.allowed(ctx, c, "Task", id, rules.Read)
	if err != nil {
		return nil, err
	}
	doc := maps.Clone(from.Doc)
	delete(doc, "isManuallyTriggered")
	if !withProperties {
		delete(doc, "customProperties")
	}
	if !withTags {
		delete(doc, "tags")
	}
	if doc["name"] = name; name == "" {
		doc["name"] = text(from.Doc["name"]) + "(1)"
	}
	made, err := r.Create(ctx, c, r.schema.Type(from.Type), doc)
	if err != nil {
		return nil, err
	}
	return made[0], nil
}

// executionType is the type of entities that stand for executions which have not
// ended.
const executionType = "ExecutionSession"

// execution is allowed for one of those, which may be read by who may read its
// task: whoever started it waits for its end.
func (r *Repository) execution(ctx context.Context, c *Caller, id string) (*decider, *store.Entity, error) {
	e, err := r.store.Get(ctx, executionType, id)
	if err != nil {
		return nil, nil, err
	}
	for _, typ := range r.schema.Concrete(r.schema.Type("Task")) {
		if task := refID(e.Doc[TaskField(typ)]); task != "" {
			d, _, err := r.allowed(ctx, c, typ, task, rules.Read)
			return d, e, err
		}
	}
	return nil, nil, fmt.Errorf("execution session %s: %w", id, ErrNotFound)
}

// TasksNamed returns the ids of the tasks of a name that the caller may read.
func (r *Repository) TasksNamed(ctx context.Context, c *Caller, name string) ([]string, error) {
	found, err := r.Condensed(ctx, c, r.schema.Type("Task"), Query{Filter: filter.Equal("name", name).String()})
	ids := make([]string, len(found))
	for i, t := range found {
		ids[i] = text(t[schema.ID])
	}
	return ids, err
}

// ManualTask returns the id of the task by which an app is reloaded by hand,
// made at the first time, for who may reload the app.
func (r *Repository) ManualTask(ctx context.Context, c *Caller, appID string) (string, error) {
	_, app, err := r.allowed(ctx, c, "App", appID, rules.Update)
	if err != nil {
		return "", err
	}
	var id string
	err = r.change(ctx, c, func(tx *store.Tx) error {
		tasks, err := tx.List(ctx, "ReloadTask", store.Query{Where: filter.Equal("app.id", app.ID)})
		if err != nil {
			return err
		}
		for _, t := range tasks {
			if manual, _ := t.Doc["isManuallyTriggered"].(bool); manual {
				id = t.ID
				return nil
			}
		}
		name := []rune("Manually triggered reload of " + text(app.Doc["name"]))
		made, err := createOperated(ctx, tx, r.schema.Type("ReloadTask"), map[string]any{
			"name": string(name[:min(len(name), 500)]), "app": ref(app.ID), "enabled": true, "isManuallyTriggered": true, "taskSessionTimeout": number(1440), "maxRetries": number(0),
		})
		if err == nil {
			id = made.ID
		}
		return err
	})
	return id, err
}
