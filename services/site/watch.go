package site

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/scheduler"
	"github.com/cognate-bi/cognate/services/telemetry"
)

// slowRequest is from when on a request has a row among the performance traces
// that is information; others have one when faults are looked for.
const slowRequest = 100 * time.Millisecond

// watched counts the requests of a handler of the repository's interface, and
// notes who changed what.
func (s *Site) watched(handle fasthttp.RequestHandler) fasthttp.RequestHandler {
	var packages atomic.Uint64
	performance := s.log.repository.trace.With(telemetry.FacilityKey, "Performance")
	return func(ctx *fasthttp.RequestCtx) {
		begun := time.Now()
		handle(ctx)
		took, method, status := time.Since(begun), string(ctx.Method()), ctx.Response.StatusCode()
		s.metrics.Request(method, status)
		number := strconv.FormatUint(packages.Add(1), 10)
		if method != fasthttp.MethodGet && method != fasthttp.MethodHead || isExport(ctx) {
			s.auditRequest(ctx, number, status)
		}
		level := slog.LevelDebug
		if took >= slowRequest {
			level = slog.LevelInfo
		}
		if performance.Enabled(context.Background(), level) {
			performance.Log(context.Background(), level, "request", "Tracenumber", number, "Httpmethod", method, "Url", string(ctx.Path()),
				"Resourcetype", resourceOf(ctx), "Method", strconv.Itoa(status), "Elapsedmilliseconds", took.Milliseconds())
		}
	}
}

// resourceOf is the first part of a path below /qrs.
func resourceOf(ctx *fasthttp.RequestCtx) string {
	parts := strings.Split(strings.ToLower(strings.Trim(string(ctx.Path()), "/")), "/")
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}

// securityResources are those whose changes are of interest to who looks after
// the security of a site.
var securityResources = map[string]telemetry.SecurityClass{
	"systemrule": telemetry.ClassSecurity, "user": telemetry.ClassSecurity, "userdirectory": telemetry.ClassSecurity, "virtualproxyconfig": telemetry.ClassSecurity, "proxyservice": telemetry.ClassSecurity,
	"license": telemetry.ClassLicense, "certificatedistribution": telemetry.ClassCertificate, "proxyservicecertificate": telemetry.ClassCertificate,
}

// auditRequest notes a request that changes something, whoever it was refused
// to included.
func (s *Site) auditRequest(ctx *fasthttp.RequestCtx, number string, status int) {
	c, _ := callerOf(ctx)
	resource := resourceOf(ctx)
	e := telemetry.Event{
		SessionID: string(ctx.Request.Header.Peek("X-Qlik-ProxySession")), PackageID: number, RequestSequence: "1", UserDirectory: c.Directory, UserID: c.ID,
		Origin: telemetry.ManagementAccess, Context: string(ctx.Path()), Command: commandOf(ctx, resource), Result: status, Address: ctx.RemoteIP().String(),
	}
	for part := range strings.SplitSeq(strings.ToLower(string(ctx.Path())), "/") {
		if len(part) == 36 && strings.Count(part, "-") == 4 {
			e.ObjectIDs = append(e.ObjectIDs, part)
		}
	}
	if id, name := answered(ctx); id != "" {
		e.ObjectIDs, e.ObjectNames = []string{id}, []string{name}
	}
	if strings.Contains(strings.ToLower(string(ctx.Request.Header.Peek("X-Qlik-Security"))), "context=appaccess") {
		e.Origin = telemetry.AppAccess
	}
	e.Message = e.Command
	s.log.repository.audit.Activity(e)
	if action := actions[strings.SplitN(e.Command, " ", 2)[0]]; action != "" && telemetry.Succeeded(status) {
		s.log.repository.trace.Info(e.Command, telemetry.FacilityKey, "Audit", "Action", action, "ActiveUserDirectory", c.Directory, "ActiveUserId", c.ID, "ResourceId", strings.Join(e.ObjectIDs, "|"))
	}
	if class, ok := securityResources[resource]; ok || status == fasthttp.StatusForbidden {
		e.Class = class
		s.log.repository.audit.Security(e)
	}
}

// commandOf says what a request is for.
func commandOf(ctx *fasthttp.RequestCtx, resource string) string {
	method := string(ctx.Method())
	verb, ok := map[string]string{fasthttp.MethodPost: "Add", fasthttp.MethodPut: "Update", fasthttp.MethodPatch: "Update", fasthttp.MethodDelete: "Delete"}[method]
	switch {
	case isExport(ctx):
		verb = "Export"
	case !ok:
		verb = method
	}
	return verb + " " + resource
}

// actions are the verbs of commands that the audit trace knows.
var actions = map[string]string{"Add": "add", "Update": "update", "Delete": "delete", "Export": "export"}

// isExport reports whether a request takes something out of the site.
func isExport(ctx *fasthttp.RequestCtx) bool {
	path := "/" + strings.ToLower(strings.Trim(string(ctx.Path()), "/")) + "/"
	return strings.Contains(path, "/export/")
}

// answeredMax bounds an answer that is looked into.
const answeredMax = 64 << 10

// answered returns id and name of what a request has made or changed, if the
// answer is that.
func answered(ctx *fasthttp.RequestCtx) (id, name string) {
	if ctx.Response.IsBodyStream() || len(ctx.Response.Body()) > answeredMax || ctx.Response.StatusCode() >= 300 {
		return "", ""
	}
	var made struct{ ID, Name string }
	if json.Unmarshal(ctx.Response.Body(), &made) != nil {
		return "", ""
	}
	return made.ID, made.Name
}

// taskLog is where monitors look for what becomes of a task.
func (s *Site) taskLog(a *endedAttempt) *slog.Logger {
	return s.log.scheduler.With(telemetry.FacilityKey, "System", telemetry.ClassKey, "Scheduler.Master.Task.TaskSession",
		"TaskName", a.task, "TaskId", a.TaskID, "User", `INTERNAL\sa_scheduler`, "ExecutionId", a.ExecutionID, "AppName", a.app, "AppId", a.appID)
}

// unclaimed tells of an execution that no worker is there for.
func (s *Site) unclaimed(e scheduler.Execution) {
	ctx, cancel := ask()
	defer cancel()
	task, err := s.store.Get(ctx, "Task", e.TaskID)
	if err != nil {
		task = &store.Entity{ID: e.TaskID}
	}
	a := describe(ctx, s.store, task, &scheduler.Result{ExecutionID: e.ID, TaskID: e.TaskID})
	s.taskLog(a).Error("Could not reserve an executor for task", "waits since", e.Triggered)
}

// An endedAttempt is an attempt of a task with what logs tell of it.
type endedAttempt struct {
	scheduler.Result
	task, app, appID string
	last             bool // no attempt follows
}

// attemptEnded counts and logs an attempt that has ended, in the words that
// monitors look for.
func (s *Site) attemptEnded(a *endedAttempt) {
	s.metrics.Attempt(a.Status.String())
	log := s.taskLog(a)
	reason := ""
	for _, d := range a.Details {
		if d.Severity == scheduler.DetailError {
			reason = d.Message
		}
	}
	status := "failed"
	switch {
	case a.Status == scheduler.FinishedSuccess:
		status = "successful"
		log.Info("Execution State Change to FinishedSuccess")
	case a.Status == scheduler.Aborted:
		status = "aborted"
		log.Warn("Execution State Change to Aborting")
	case a.Status == scheduler.Skipped:
		status = "skipped"
		log.Info("Execution State Change to Skipped")
	case !a.last:
		status = "retry"
		log.Warn("Execution State Change to Retry", "reason", reason)
	default:
		log.Error("Max retries reached", "reason", reason)
	}
	took := a.Stopped.Sub(a.Started).Milliseconds()
	s.log.scheduler.trace.Info("Task execution "+status, telemetry.FacilityKey, "TaskExecution", "TaskId", a.TaskID, "TaskName", a.task, "AppId", a.appID, "AppName", a.app,
		"ExecutionId", a.ExecutionID, "ExecutionNodeId", a.Worker, "Status", status, "StartTime", a.Started, "StopTime", a.Stopped, "Duration", took, "FailureReason", reason)
	result := 200
	if status == "failed" || status == "aborted" {
		result = 500
	}
	s.log.scheduler.audit.Activity(telemetry.Event{
		ObjectIDs: []string{a.TaskID, a.appID}, ObjectNames: []string{a.task, a.app}, Origin: telemetry.ManagementAccess, Context: "Scheduler", Command: "Run task", Result: result, Message: "Task " + status,
	})
}
