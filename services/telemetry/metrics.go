package telemetry

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the counters and gauges of a node, for Prometheus. All names begin
// with cognate_; what there is of each is bounded.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	tasks    *prometheus.CounterVec
}

// NewMetrics returns metrics with those of the process and of Go.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cognate_repository_requests_total", Help: "Answers of the repository's interface by method and status."}, []string{"method", "status"}),
		tasks:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cognate_scheduler_attempts_total", Help: "Attempts of tasks that this node has seen end, by status."}, []string{"status"}),
	}
	m.registry.MustRegister(m.requests, m.tasks, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Request counts an answer of the repository's interface.
func (m *Metrics) Request(method string, status int) {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH":
	default:
		method = "other" // clients can think of many
	}
	m.requests.WithLabelValues(method, strconv.Itoa(status)).Inc()
}

// Attempt counts an attempt of a task that has ended.
func (m *Metrics) Attempt(status string) { m.tasks.WithLabelValues(status).Inc() }

// Gauge adds a value that is asked for when somebody looks.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "cognate_" + name, Help: help}, value))
}

// Counter adds a value that only grows, asked for when somebody looks.
func (m *Metrics) Counter(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "cognate_" + name, Help: help}, value))
}

// Handler answers GET /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
