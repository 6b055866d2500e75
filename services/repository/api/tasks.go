package api

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
)

// Tasks is what the interface asks the scheduler.
type Tasks interface {
	// Start starts a task and returns the id of its execution.
	Start(ctx context.Context, taskID string) (executionID string, err error)
	// Stop asks for the end of a task's execution, if it has one.
	Stop(ctx context.Context, taskID string) error
	// Execution returns what an execution is doing; ok is false when it has ended.
	Execution(ctx context.Context, id string) (taskID string, status int, ok bool, err error)
}

// errNoTasks says that no scheduler is there.
var errNoTasks = &statusError{501, "this node has no scheduler"}

// startTask starts a task for who may change it.
func (s *Server) startTask(r *request) (id string, err error) {
	if s.opt.Tasks == nil {
		return "", errNoTasks
	}
	if err := s.repo.Check(r, r.caller, s.schema.Type("Task"), r.args["id"], rules.Update); err != nil {
		return "", err
	}
	return s.opt.Tasks.Start(r, r.args["id"])
}

func (s *Server) start(r *request) (answer, error) {
	if _, err := s.startTask(r); err != nil {
		return answer{}, err
	}
	return empty()
}

// startSynchronous answers the id of the execution, at once.
func (s *Server) startSynchronous(r *request) (answer, error) {
	id, err := s.startTask(r)
	if err != nil {
		return answer{}, err
	}
	if _, err := uuid.Parse(id); err != nil {
		id = uuid.Nil.String()
	}
	return created(value(id))
}

func (s *Server) stopTask(r *request) (answer, error) {
	if s.opt.Tasks == nil {
		return answer{}, errNoTasks
	}
	if err := s.repo.Check(r, r.caller, s.schema.Type("Task"), r.args["id"], rules.Update); err != nil {
		return answer{}, err
	}
	if err := s.opt.Tasks.Stop(r, r.args["id"]); err != nil {
		return answer{}, err
	}
	return empty()
}

// execution answers an execution that has not ended.
func (s *Server) execution(r *request) (answer, error) {
	if s.opt.Tasks == nil {
		return answer{}, errNoTasks
	}
	task, status, there, err := s.opt.Tasks.Execution(r, r.args["id"])
	if err != nil {
		return answer{}, err
	}
	if !there {
		return answer{}, fmt.Errorf("execution session %s: %w", r.args["id"], repository.ErrNotFound)
	}
	if err := s.repo.Check(r, r.caller, s.schema.Type("Task"), task, rules.Read); err != nil {
		return answer{}, err
	}
	return ok(map[string]any{
		"id": r.args["id"], "reloadTask": map[string]any{"id": task}, "executionResult": map[string]any{"status": status}, "abortReason": 0, "retries": 0,
		"schemaPath": "ExecutionSession",
	})
}

// createTask creates a task with its events, all or nothing.
func (s *Server) createTask(r *request) (answer, error) {
	var body struct {
		Task                          map[string]any
		CompositeEvents, SchemaEvents []map[string]any
	}
	if err := r.json(&body); err != nil {
		return answer{}, err
	}
	task, err := s.repo.CreateTask(r, r.caller, body.Task, body.SchemaEvents, body.CompositeEvents)
	if err != nil {
		return answer{}, err
	}
	return created(task)
}
