package site

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/services/enginehost"
	"github.com/cognate-bi/cognate/services/repository/api"
	"github.com/cognate-bi/cognate/services/scheduler"
	"github.com/cognate-bi/cognate/services/telemetry"
)

// serveInternal answers whoever has a certificate of the site: besides the
// repository's interface, metrics.
func (s *Site) serveInternal(server *api.Server, ctx *fasthttp.RequestCtx) {
	if string(ctx.Path()) == "/metrics" {
		enginehost.ServePage(ctx, s.metrics.Handler())
		return
	}
	serveRepository(server, ctx)
}

// openMetrics adds what is asked for when somebody looks, and listens, if there
// is an address for that. Who comes from elsewhere needs a certificate there.
func (s *Site) openMetrics(context.Context) (err error) {
	m := s.metrics
	m.Counter("log_failures_total", "Rows of logs that could not be written.", func() float64 { return float64(s.logs.failures.Load()) })
	m.Gauge("repository_pool_connections", "Connections to the database.", func() float64 { return float64(s.store.Pool().Open) })
	m.Gauge("repository_pool_active", "Connections to the database in use.", func() float64 { return float64(s.store.Pool().Active) })
	m.Gauge("repository_pool_queue", "Requests that wait for a connection to the database.", func() float64 { return float64(s.store.Pool().Waiting) })
	m.Counter("repository_pool_completed_total", "Uses of connections to the database that have ended.", func() float64 { return float64(s.store.Pool().Done) })
	m.Counter("repository_pool_waits_total", "Requests that had to wait for a connection to the database.", func() float64 { return float64(s.store.Pool().Waits) })
	m.Gauge("engine_apps", "Apps in the memory of the engine.", func() float64 { return float64(len(s.lib.OpenApps())) })
	m.Gauge("engine_apps_bytes", "Memory of apps and results kept for them.", func() float64 { return float64(s.lib.MemoryBytes()) })
	n := s.lib.Results()
	m.Counter("engine_cache_lookups_total", "Results that were looked for among those that are kept.", func() float64 { return float64(n.Lookups.Load()) })
	m.Counter("engine_cache_hits_total", "Results that were found.", func() float64 { return float64(n.Hits.Load()) })
	m.Counter("engine_cache_added_total", "Results that were kept.", func() float64 { return float64(n.Added.Load()) })
	m.Counter("engine_cache_added_bytes_total", "Memory of the results that were kept.", func() float64 { return float64(n.AddedBytes.Load()) })
	m.Counter("engine_cache_replaced_total", "Results that were given up for others.", func() float64 { return float64(n.Replaced.Load()) })
	if s.engine != nil {
		s.engineMetrics(m)
	}
	if s.proxy != nil {
		s.proxyMetrics(m)
	}
	s.schedulerMetrics(m)
	if s.opt.Metrics == "" {
		return nil
	}
	s.metricsAt, err = net.Listen("tcp", s.opt.Metrics)
	if err == nil && !s.metricsAt.Addr().(*net.TCPAddr).IP.IsLoopback() {
		s.metricsAt = tlsListener(s.metricsAt, s.certs, s.opt.Log)
	}
	return err
}

// engineMetrics adds what a health check tells, too.
func (s *Site) engineMetrics(m *telemetry.Metrics) {
	gauge := func(name, help string, value func(*enginehost.Health) float64) {
		m.Gauge("engine_"+name, help, func() float64 { return value(s.engine.Health()) })
	}
	gauge("sessions", "Sessions of the engine.", func(h *enginehost.Health) float64 { return float64(h.Session.Total) })
	gauge("sessions_active", "Sessions that were used within the last five minutes.", func(h *enginehost.Health) float64 { return float64(h.Session.Active) })
	gauge("users", "Users with a session of the engine.", func(h *enginehost.Health) float64 { return float64(h.Users.Total) })
	gauge("users_active", "Users who were active within the last five minutes.", func(h *enginehost.Health) float64 { return float64(h.Users.Active) })
	gauge("cpu_percent", "Use of all processors by the process, mean of 30 s.", func(h *enginehost.Health) float64 { return h.CPU.Total })
	gauge("saturated", "Whether the engine is at its limits.", func(h *enginehost.Health) float64 {
		if h.Saturated {
			return 1
		}
		return 0
	})
	counter := func(name, help string, value func(*enginehost.Health) float64) {
		m.Counter("engine_"+name+"_total", help, func() float64 { return value(s.engine.Health()) })
	}
	counter("calls", "Requests of clients.", func(h *enginehost.Health) float64 { return float64(h.Apps.Calls) })
	counter("selections", "Requests of clients that select.", func(h *enginehost.Health) float64 { return float64(h.Apps.Selections) })
	counter("received_bytes", "Bytes of requests.", func(h *enginehost.Health) float64 { o := h.Overview(); return float64(o.Received) })
	counter("sent_bytes", "Bytes of answers.", func(h *enginehost.Health) float64 { o := h.Overview(); return float64(o.Sent) })
	counter("app_loads", "Apps that sessions have opened.", func(h *enginehost.Health) float64 { o := h.Overview(); return float64(o.Opened) })
	counter("app_load_failures", "Apps that could not be opened.", func(h *enginehost.Health) float64 { o := h.Overview(); return float64(o.Unopened) })
}

func (s *Site) proxyMetrics(m *telemetry.Metrics) {
	m.Gauge("proxy_sessions", "Sessions of users.", func() float64 { return float64(s.proxy.Health().Sessions) })
	m.Gauge("proxy_sockets", "Open sockets of clients, each with one to a service.", func() float64 { return float64(s.proxy.Health().Sockets) })
	m.Gauge("proxy_engine_sockets", "Open sockets to engines.", func() float64 { return float64(s.proxy.Health().EngineSockets) })
	m.Gauge("proxy_engine_users", "Users with an open socket to an engine.", func() float64 { return float64(s.proxy.Health().EngineUsers) })
	m.Gauge("proxy_connections", "Open connections of clients.", func() float64 { return float64(s.proxy.Health().Connections) })
	m.Gauge("proxy_requests", "Requests being answered.", func() float64 { return float64(s.proxy.Health().Requests) })
	m.Gauge("proxy_tickets", "Tickets that are open.", func() float64 { return float64(s.door.tickets.Len()) })
	m.Gauge("proxy_engines", "Engines that answer.", s.fleet.healthy)
	m.Counter("proxy_decisions_total", "Engines chosen for requests and sockets.", func() float64 { return float64(s.proxy.Health().Decisions) })
}

// schedulerMetrics adds what manager and worker of this node do, and how the
// board of the site was when they last looked at it.
func (s *Site) schedulerMetrics(m *telemetry.Metrics) {
	type value = func(t *scheduler.Tally) int64
	told := func(value value) func() float64 {
		return func() float64 { t := s.counts.Tally(); return float64(value(&t)) }
	}
	for _, c := range []struct {
		name, help string
		value      value
	}{
		{"triggers", "Executions that were queued.", func(t *scheduler.Tally) int64 { return t.Triggered }},
		{"skipped", "Executions that were not begun: the task was disabled, or running.", func(t *scheduler.Tally) int64 { return t.Skipped }},
		{"starts", "Attempts that were begun.", func(t *scheduler.Tally) int64 { return t.Started }},
		{"stops", "Executions whose end was asked for.", func(t *scheduler.Tally) int64 { return t.Stops }},
		{"retries", "Attempts that another one was to follow.", func(t *scheduler.Tally) int64 { return t.Retries }},
		{"done", "Attempts whose good end the board has taken.", func(t *scheduler.Tally) int64 { return t.Done }},
		{"failed", "Attempts whose failure the board has taken.", func(t *scheduler.Tally) int64 { return t.Failed }},
		{"lost", "Attempts that were given to others meanwhile.", func(t *scheduler.Tally) int64 { return t.Lost }},
		{"settings_updates", "Times that tasks or events had changed.", func(t *scheduler.Tally) int64 { return t.Plans }},
		{"board_updates", "Looks at the board of the site.", func(t *scheduler.Tally) int64 { return t.Updates }},
		{"board_errors", "Looks at the board that failed.", func(t *scheduler.Tally) int64 { return t.Errors }},
	} {
		m.Counter("scheduler_"+c.name+"_total", c.help, told(c.value))
	}
	m.Gauge("scheduler_waiting", "Executions of the site that wait.", told(func(t *scheduler.Tally) int64 { return t.Waiting }))
	m.Gauge("scheduler_running", "Executions of the site that run.", told(func(t *scheduler.Tally) int64 { return t.Running }))
	m.Gauge("scheduler_workers", "Workers of the site that are there.", told(func(t *scheduler.Tally) int64 { return t.Workers }))
	if workers := s.workers(); len(workers) > 0 {
		m.Gauge("scheduler_attempts_running", "Attempts of tasks that run on this node.", func() (n float64) {
			for _, w := range workers {
				n += float64(w.Running())
			}
			return n
		})
	}
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

// tellPerformance writes rows of what the proxy does until ctx ends.
func (s *Site) tellPerformance(ctx context.Context) {
	if s.proxy == nil {
		return
	}
	for {
		set, err := s.settingsOf(ctx, "ProxyService")
		if err != nil {
			s.opt.Log.Error("settings of the proxy", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(set.number("performanceLoggingInterval", logInterval)) * time.Minute):
			s.proxyPerformance()
		}
	}
}

func (s *Site) proxyPerformance() {
	h := s.proxy.Health()
	s.log.proxy.trace.Info("Performance", telemetry.FacilityKey, "Performance", "ActiveConnections", int(h.Requests)+h.Sockets, "ActiveStreams", h.Requests, "ActiveSessions", h.Sessions,
		"LoadBalancingDecisions", h.Decisions, "PrintingLoadBalancingDecisions", 0, "Tickets", s.door.tickets.Len(), "ActiveClientWebsockets", h.Sockets, "ActiveEngineWebsockets", h.EngineSockets)
}
