package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
)

// Tasks is what the interface asks the scheduler.
type Tasks interface {
	// Start starts a task and returns the id of its execution.
	Start(ctx context.Context, taskID string) (executionID string, err error)
	// Stop asks for the end of a task's execution, if it has one.
	Stop(ctx context.Context, taskID string) error
}

// errNoTasks says that no scheduler is there.
var errNoTasks = &statusError{501, "this node has no scheduler"}

// mayRun reports whether the caller may start and stop a task: who may change
// it.
func (s *Server) mayRun(r *request, id string) error {
	if s.opt.Tasks == nil {
		return errNoTasks
	}
	return s.repo.Check(r, r.caller, s.schema.Type("Task"), id, rules.Update)
}

func (s *Server) startTask(r *request, id string) (execution string, err error) {
	if err := s.mayRun(r, id); err != nil {
		return "", err
	}
	execution, err = s.opt.Tasks.Start(r, id)
	if _, bad := uuid.Parse(execution); bad != nil {
		execution = uuid.Nil.String() // it did not start
	}
	return execution, err
}

// named returns the id of the task that the path or the query names.
func (s *Server) named(r *request) (string, error) {
	if id := r.args["id"]; id != "" {
		return id, nil
	}
	name := r.query["name"]
	if name == "" {
		return "", badRequest("the name of a task is missing")
	}
	ids, err := s.repo.TasksNamed(r, r.caller, name)
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", fmt.Errorf("task %q: %w", name, repository.ErrNotFound)
	case len(ids) > 1:
		return "", badRequest("%d tasks have the name %q: start one of them by its id", len(ids), name)
	}
	return ids[0], nil
}

func (s *Server) start(r *request) (answer, error) {
	id, err := s.named(r)
	if err != nil {
		return answer{}, err
	}
	if _, err := s.startTask(r, id); err != nil {
		return answer{}, err
	}
	return empty()
}

// startSynchronous answers the id of the execution, at once.
func (s *Server) startSynchronous(r *request) (answer, error) {
	id, err := s.named(r)
	if err != nil {
		return answer{}, err
	}
	execution, err := s.startTask(r, id)
	if err != nil {
		return answer{}, err
	}
	return created(value(execution))
}

// each does something with the tasks of a body, all of which the caller may
// start and stop.
func (s *Server) each(do func(context.Context, string) error) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		var ids []string
		if err := r.json(&ids); err != nil {
			return answer{}, err
		}
		for _, id := range ids {
			if err := s.mayRun(r, id); err != nil {
				return answer{}, err
			}
		}
		for _, id := range ids {
			if err := do(r, id); err != nil {
				return answer{}, err
			}
		}
		return empty()
	}
}

func (s *Server) startMany(r *request) (answer, error) {
	return s.each(func(ctx context.Context, id string) error {
		_, err := s.opt.Tasks.Start(ctx, id)
		return err
	})(r)
}

func (s *Server) stopMany(r *request) (answer, error) {
	return s.each(func(ctx context.Context, id string) error { return s.opt.Tasks.Stop(ctx, id) })(r)
}

func (s *Server) stopTask(r *request) (answer, error) {
	if err := s.mayRun(r, r.args["id"]); err != nil {
		return answer{}, err
	}
	if err := s.opt.Tasks.Stop(r, r.args["id"]); err != nil {
		return answer{}, err
	}
	return empty()
}

func (s *Server) copyTask(r *request) (answer, error) {
	withProperties, err := r.flag("includecustomproperties", false)
	if err != nil {
		return answer{}, err
	}
	withTags, err := r.flag("includetags", false)
	if err != nil {
		return answer{}, err
	}
	task, err := s.repo.CopyTask(r, r.caller, r.args["id"], r.query["name"], withProperties, withTags)
	if err != nil {
		return answer{}, err
	}
	return created(task)
}

// changeTask creates or changes a task with its events, all or nothing.
func (s *Server) changeTask(typ string, status func(any) (answer, error), change func(context.Context, *repository.Caller, *schema.Type, repository.TaskChange) (map[string]any, error)) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		var body repository.TaskChange
		if err := r.json(&body); err != nil {
			return answer{}, err
		}
		task, err := change(r, r.caller, s.schema.Type(typ), body)
		if err != nil {
			return answer{}, err
		}
		return status(task)
	}
}

// taskRoutes are the special operations on tasks.
func (s *Server) taskRoutes() []route {
	return []route{
		at("POST /task/start", s.start),
		at("POST /task/start/synchronous", s.startSynchronous),
		at("POST /task/start/many", s.startMany),
		at("POST /task/stop/many", s.stopMany),
		at("POST /task/{id}/start", s.start),
		at("POST /task/{id}/start/synchronous", s.startSynchronous),
		at("POST /task/{id}/stop", s.stopTask),
		at("POST /task/{id}/copy", s.copyTask),
		at("POST /reloadtask/create", s.changeTask("ReloadTask", created, s.repo.CreateTask)),
		at("POST /reloadtask/update", s.changeTask("ReloadTask", ok, s.repo.UpdateTask)),
		at("POST /externalprogramtask/create", s.changeTask("ExternalProgramTask", created, s.repo.CreateTask)),
		at("POST /externalprogramtask/update", s.changeTask("ExternalProgramTask", ok, s.repo.UpdateTask)),
		at("GET /reloadtask/{id}/scriptlog", s.scriptLog("filereferenceid")),
		at("GET /reloadtask/{id}/scriptlogfile", s.scriptLog("executionresultid")),
		at("GET /download/reloadtask/{ticket}/{name}", s.downloadScriptLog),
	}
}

// scriptLog makes a ticket for the script log of the result that a parameter
// names.
func (s *Server) scriptLog(parameter string) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		id, err := uuid.Parse(r.query[parameter])
		if err != nil {
			return answer{}, badRequest("%s: %v", parameter, err)
		}
		result, reference := id.String(), ""
		if parameter == "filereferenceid" {
			result, reference = "", result
		}
		ticket, err := s.repo.ScriptLog(r, r.caller, r.args["id"], result, reference)
		if err != nil {
			return answer{}, err
		}
		return ok(value(ticket))
	}
}

// downloadScriptLog answers the log of a ticket, once.
func (s *Server) downloadScriptLog(r *request) (answer, error) {
	f, err := s.repo.FetchScriptLog(r.caller, r.args["ticket"])
	if err != nil {
		return answer{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return answer{}, errors.Join(err, f.Close())
	}
	return answer{fasthttp.StatusOK, download{f, info.Size(), "text/plain; charset=utf-8"}}, nil
}
