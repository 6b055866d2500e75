package site

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/scheduler"
	"github.com/cognate-bi/cognate/services/telemetry"
)

// An executor runs the tasks of a node.
type executor struct {
	repo     *repository.Repository
	store    *store.Store
	logs     repository.ScriptLogs
	log      *slog.Logger
	users    *serviceLog // where changes of users by directories are told
	programs []string    // that external program tasks may run, with their folders
}

var _ scheduler.Executor = (*executor)(nil)

// Run implements [scheduler.Executor].
func (x *executor) Run(ctx context.Context, a scheduler.Attempt) (scheduler.Done, error) {
	task, err := x.store.Get(ctx, "Task", a.TaskID)
	if err != nil {
		return scheduler.Done{}, err
	}
	switch task.Type {
	case "ReloadTask":
		return x.reload(ctx, a, task)
	case "ExternalProgramTask":
		return x.program(ctx, task)
	case "UserSyncTask":
		return x.syncUsers(ctx, task)
	}
	return scheduler.Done{}, fmt.Errorf("tasks of the type %s cannot be run by this server yet", task.Type)
}

// reload runs the script of an app, and keeps its log. An app that cannot be
// logged is reloaded all the same.
func (x *executor) reload(ctx context.Context, a scheduler.Attempt, task *store.Entity) (done scheduler.Done, err error) {
	app := fmt.Sprint(objectOf(task.Doc["app"])["id"])
	log, err := x.logs.Create(app, a.ExecutionID, time.Now())
	if err != nil {
		return done, err
	}
	done.ScriptLog = filepath.Base(log.Name())
	self := repository.Service("scheduler")
	err = x.repo.Reload(ctx, &self, app, truth(task, "isPartialReload"), log)
	if bad := errors.Join(log.Close(), x.logs.Prune(app)); bad != nil {
		done.Details = append(done.Details, scheduler.Detail{Severity: scheduler.DetailWarning, Message: "script log: " + bad.Error(), Created: time.Now()})
	}
	x.log.Info("Exiting execute of Reload task request.", telemetry.ClassKey, "Scheduler.Slave.Tasks.ReloadTask",
		"TaskName", text(task, "name"), "TaskId", task.ID, "User", self.String(), "ExecutionId", a.ExecutionID, "AppId", app)
	return done, err
}
