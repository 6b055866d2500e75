package site

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/scheduler"
	"github.com/cognate-bi/cognate/services/telemetry"
)

// slowRequest is from when on a request has a row among the performance traces.
const slowRequest = 100 * time.Millisecond

// watched counts the requests of a handler of the repository's interface, and
// notes who changed what.
func (s *Site) watched(handle fasthttp.RequestHandler) fasthttp.RequestHandler {
	var packages atomic.Uint64
	return func(ctx *fasthttp.RequestCtx) {
		begun := time.Now()
		handle(ctx)
		took, method, status := time.Since(begun), string(ctx.Method()), ctx.Response.StatusCode()
		s.metrics.Request(method, status)
		number := strconv.FormatUint(packages.Add(1), 10)
		if method != fasthttp.MethodGet && method != fasthttp.MethodHead {
			s.auditRequest(ctx, number, status)
		}
		if took >= slowRequest {
			s.log.repository.trace.Info("slow request", telemetry.FacilityKey, "Performance", "Tracenumber", number, "Httpmethod", method, "Url", string(ctx.Path()),
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
		Origin: telemetry.ManagementAccess, Context: string(ctx.Path()), Command: commandOf(string(ctx.Method()), resource), Result: status, Address: ctx.RemoteIP().String(),
	}
	for part := range strings.SplitSeq(strings.ToLower(string(ctx.Path())), "/") {
		if len(part) == 36 && strings.Count(part, "-") == 4 {
			e.ObjectIDs = append(e.ObjectIDs, part)
		}
	}
	if strings.Contains(strings.ToLower(string(ctx.Request.Header.Peek("X-Qlik-Security"))), "context=appaccess") {
		e.Origin = telemetry.AppAccess
	}
	e.Message = e.Command
	s.log.repository.audit.Activity(e)
	if class, ok := securityResources[resource]; ok || status == fasthttp.StatusForbidden {
		e.Class = class
		s.log.repository.audit.Security(e)
	}
}

func commandOf(method, resource string) string {
	verb, ok := map[string]string{fasthttp.MethodPost: "Add", fasthttp.MethodPut: "Update", fasthttp.MethodDelete: "Delete"}[method]
	if !ok {
		verb = method
	}
	return verb + " " + resource
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
	log := s.log.scheduler.With(telemetry.FacilityKey, "System", telemetry.ClassKey, "Scheduler.Master.Task.TaskSession",
		"TaskName", a.task, "TaskId", a.TaskID, "User", `INTERNAL\sa_scheduler`, "ExecutionId", a.ExecutionID, "AppName", a.app, "AppId", a.appID)
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

// openMetrics adds what is asked for when somebody looks, and listens.
func (s *Site) openMetrics(context.Context) (err error) {
	m := s.metrics
	m.Gauge("repository_pool_connections", "Connections to the database.", func() float64 { return float64(s.store.Pool().Open) })
	m.Gauge("repository_pool_active", "Connections to the database in use.", func() float64 { return float64(s.store.Pool().Active) })
	m.Counter("repository_pool_waits_total", "Requests that had to wait for a connection to the database.", func() float64 { return float64(s.store.Pool().Waits) })
	m.Gauge("engine_apps", "Apps in the memory of the engine.", func() float64 { return float64(len(s.lib.OpenApps())) })
	m.Gauge("engine_apps_bytes", "Memory of apps and results kept for them.", func() float64 { return float64(s.lib.MemoryBytes()) })
	if s.proxy != nil {
		m.Gauge("proxy_sessions", "Sessions of users.", func() float64 { return float64(s.proxy.Health().Sessions) })
		m.Gauge("proxy_sockets", "Open sockets of clients, each with one to a service.", func() float64 { return float64(s.proxy.Health().Sockets) })
		m.Gauge("proxy_requests", "Requests being answered.", func() float64 { return float64(s.proxy.Health().Requests) })
		m.Gauge("proxy_tickets", "Tickets that are open.", func() float64 { return float64(s.door.tickets.Len()) })
		m.Gauge("proxy_engines", "Engines that answer.", s.fleet.healthy)
	}
	s.metricsAt, err = net.Listen("tcp", s.opt.Metrics)
	return err
}

// serveMetrics answers until ctx ends.
func (s *Site) serveMetrics(ctx context.Context) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.Handler())
	server := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(s.metricsAt); err != nil && ctx.Err() == nil {
		s.opt.Log.Error("metrics", "err", err)
	}
}
