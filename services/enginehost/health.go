package enginehost

import (
	"encoding/json"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cognate-bi/cognate/engine/session"
)

// startedFormat is that of the time of the start in a health check; monitors
// cut it up.
const startedFormat = "20060102T150405.000-0700"

// saturatedPercent is from what load on an engine is saturated.
const saturatedPercent = 95

// A Health is what a health check answers: the numbers that monitors read, with
// the names that they know.
type Health struct {
	Version string `json:"version"`
	Started string `json:"started"`
	Mem     struct {
		Committed float64 `json:"committed"` // MB, as the next ones
		Allocated float64 `json:"allocated"`
		Free      float64 `json:"free"`
		Total     float64 `json:"total"`
		Tight     bool    `json:"tight"` // apps in use take more than is allowed
	} `json:"mem"`
	CPU struct {
		Total float64 `json:"total"` // percent of all processors, mean of 30 s
	} `json:"cpu"`
	Session struct {
		Active int `json:"active"`
		Total  int `json:"total"`
	} `json:"session"`
	Apps struct {
		Active     []string `json:"active_docs"`
		Loaded     []string `json:"loaded_docs"`
		InMemory   []string `json:"in_memory_docs"`
		Calls      int64    `json:"calls"`
		Selections int64    `json:"selections"`
	} `json:"apps"`
	Users struct {
		Active int `json:"active"`
		Total  int `json:"total"`
	} `json:"users"`
	Cache struct {
		Hits       int64 `json:"hits"`
		Lookups    int64 `json:"lookups"`
		Added      int64 `json:"added"`
		Replaced   int64 `json:"replaced"`
		BytesAdded int64 `json:"bytes_added"`
	} `json:"cache"`
	Saturated bool `json:"saturated"`

	overview session.Overview
}

// Overview is what the sessions did when the health was looked at.
func (h *Health) Overview() session.Overview { return h.overview }

// Health tells how the engine is.
func (h *Host) Health() *Health {
	x := &Health{Version: h.opt.Version, Started: h.started.Format(startedFormat), overview: h.sessions.Overview()}
	m := readMachine()
	x.Mem.Committed, x.Mem.Allocated, x.Mem.Free, x.Mem.Total = megabytes(m.committed), megabytes(m.allocated), megabytes(m.free), megabytes(m.total)
	x.CPU.Total = h.load.percent(time.Now(), processorTime())
	o := &x.overview
	x.Session.Active, x.Session.Total = o.Active, o.Total
	x.Users.Active, x.Users.Total = o.ActiveUsers, o.TotalUsers
	x.Apps.Active, x.Apps.Loaded, x.Apps.InMemory = o.ActiveApps, o.LoadedApps, h.lib.OpenApps()
	if x.Apps.InMemory == nil {
		x.Apps.InMemory = []string{}
	}
	x.Apps.Calls, x.Apps.Selections = o.Calls, o.Selections
	n := h.lib.Results()
	x.Cache.Hits, x.Cache.Lookups, x.Cache.Added = n.Hits.Load(), n.Lookups.Load(), n.Added.Load()
	x.Cache.Replaced, x.Cache.BytesAdded = n.Replaced.Load(), n.AddedBytes.Load()
	x.Mem.Tight = h.tight.Load()
	x.Saturated = x.Mem.Tight || x.CPU.Total >= saturatedPercent
	return x
}

func megabytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// isHealthCheck reports whether a path asks how the engine is. Proxies pass the
// longer one on as it came.
func isHealthCheck(path string) bool {
	switch path {
	case "/healthcheck", "/healthcheck/", "/engine/healthcheck", "/engine/healthcheck/", "/healthz":
		return true
	}
	return false
}

func (h *Host) health(ctx *fasthttp.RequestCtx) {
	h.mu.Lock()
	closing := h.closing
	h.mu.Unlock()
	body, err := json.Marshal(h.Health())
	if err != nil {
		panic("enginehost: BUG: health that is no JSON: " + err.Error())
	}
	if closing {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
	}
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetContentType("application/json; charset=utf-8")
	ctx.SetBody(body)
}
