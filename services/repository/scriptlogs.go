package repository

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
)

// ScriptLogs is the folder of the logs of reloads, which all nodes of a site
// share. The files are called <app>.<time>.<execution>.log.
type ScriptLogs string

// scriptLogsKept is how many logs of an app stay.
const scriptLogsKept = 4

// Create makes the log of an attempt to reload an app; its name is the base of
// the file's.
func (l ScriptLogs) Create(appID, executionID string, at time.Time) (*os.File, error) {
	if err := os.MkdirAll(string(l), 0o700); err != nil {
		return nil, fmt.Errorf("script log: %w", err)
	}
	name := fmt.Sprintf("%s.%s.%s.log", appID, at.UTC().Format("20060102T150405.000Z"), executionID)
	f, err := os.OpenFile(filepath.Join(string(l), filepath.Base(name)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("script log: %w", err)
	}
	return f, nil
}

// Prune removes the logs of an app but the newest.
func (l ScriptLogs) Prune(appID string) error {
	files, err := filepath.Glob(filepath.Join(string(l), filepath.Base(appID)+".*.log"))
	if err != nil {
		return err
	}
	slices.Sort(files) // by time
	for _, f := range files[:max(0, len(files)-scriptLogsKept)] {
		err = errors.Join(err, os.Remove(f))
	}
	return err
}

// Size returns the bytes of a log; false if it is not there any more.
func (l ScriptLogs) Size(name string) (int64, bool) {
	info, err := os.Stat(filepath.Join(string(l), filepath.Base(name)))
	if err != nil {
		return 0, false
	}
	return info.Size(), true
}

// ScriptLog makes a ticket with which the caller may fetch the log of a result
// of a task, once. The result is found by its id or by the file reference that
// older clients know.
func (r *Repository) ScriptLog(ctx context.Context, c *Caller, taskID, resultID, fileReference string) (ticket string, err error) {
	if _, _, err := r.allowed(ctx, c, "ReloadTask", taskID, rules.Read); err != nil {
		return "", err
	}
	where := "taskID eq " + taskID + " and "
	switch {
	case resultID != "":
		where += "id eq " + resultID
	default:
		where += "fileReferenceID eq " + fileReference
	}
	self := Service("repository") // results have no rights of their own
	found, err := r.List(ctx, &self, r.schema.Type("ExecutionResult"), Query{Filter: where})
	var bad *filter.Error
	switch {
	case errors.As(err, &bad):
		return "", fmt.Errorf("script log of %s%s: %w", resultID, fileReference, ErrNotFound)
	case err != nil:
		return "", err
	}
	if len(found) == 0 {
		return "", fmt.Errorf("script log of %s%s: %w", resultID, fileReference, ErrNotFound)
	}
	name := text(found[0]["scriptLogLocation"])
	if _, there := r.scriptLogs.Size(name); name == "" || !there {
		return "", fmt.Errorf("script log of result %s: the newest %d of an app are kept: %w", text(found[0]["id"]), scriptLogsKept, ErrNotFound)
	}
	return r.tickets.issue(c, name, r.now()), nil
}

// FetchScriptLog opens the log of a ticket of the caller's, once.
func (r *Repository) FetchScriptLog(c *Caller, ticket string) (*os.File, error) {
	name := r.tickets.take(c, ticket, r.now())
	if name == "" {
		return nil, fmt.Errorf("ticket %s: %w", ticket, ErrNotFound)
	}
	f, err := os.Open(filepath.Join(string(r.scriptLogs), filepath.Base(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("script log %s: %w", name, ErrNotFound)
	}
	return f, err
}
