package site

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/singleflight"

	"github.com/cognate-bi/cognate/services/proxy/balance"
	"github.com/cognate-bi/cognate/services/proxy/session"
	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// A fleet is the engines of the site, as the repository lists them and as they
// say that they are.
type fleet struct {
	store  *store.Store
	repo   *repository.Repository
	client *fasthttp.Client
	log    *slog.Logger
	checks singleflight.Group

	mu      sync.Mutex
	engines []engineState
}

// An engineState is an engine with what it said last.
type engineState struct {
	node, name, address string
	healthy             bool
	health              engineHealth
	check               uint64 // number of the health check
}

// An engineHealth is what a health check tells, as far as it counts here.
type engineHealth struct {
	Saturated bool `json:"saturated"` // by its processors or its memory
	Mem       struct {
		Tight bool `json:"tight"`
	} `json:"mem"`
	Apps struct {
		InMemory []string `json:"in_memory_docs"`
	} `json:"apps"`
	Session struct {
		Active float64 `json:"active"`
	} `json:"session"`
	CPU struct {
		Total float64 `json:"total"` // percent
	} `json:"cpu"`
}

// load compares engines: sessions, and what they do.
func (h *engineHealth) load() float64 { return h.Session.Active + h.CPU.Total/100 }

// Timings of health checks: an engine that is gone is out of the choice after
// a check; until then a request to it goes on to the next one.
const (
	healthEvery   = 2 * time.Second
	healthTimeout = 2 * time.Second
	healthMax     = 1 << 20 // bytes of an answer
)

func newFleet(db *store.Store, repo *repository.Repository, c *tls.Config, log *slog.Logger) *fleet {
	return &fleet{store: db, repo: repo, log: log, client: &fasthttp.Client{
		TLSConfig: c, ReadTimeout: healthTimeout, WriteTimeout: healthTimeout, MaxResponseBodySize: healthMax, NoDefaultUserAgentHeader: true,
	}}
}

// read reads which engines there are, and asks each one at once.
func (f *fleet) read(ctx context.Context) error {
	nodes, err := f.store.List(ctx, "ServerNodeConfiguration", store.Query{})
	if err != nil {
		return fmt.Errorf("engines: %w", err)
	}
	services, err := f.store.List(ctx, "EngineService", store.Query{})
	if err != nil {
		return fmt.Errorf("engines: %w", err)
	}
	f.mu.Lock()
	before := f.engines
	f.engines = nil
	for _, n := range nodes {
		if at := address(n, services); at != "" && truth(n, "engineEnabled") {
			e := engineState{node: n.ID, name: text(n, "name"), address: at}
			if i := slices.IndexFunc(before, func(b engineState) bool { return b.node == e.node && b.address == e.address }); i >= 0 {
				e.healthy, e.health, e.check = before[i].healthy, before[i].health, before[i].check
			}
			f.engines = append(f.engines, e)
		}
	}
	f.mu.Unlock()
	f.askAll()
	return nil
}

// address is where the engine of a node answers, "" if it does not say.
func address(node *store.Entity, services []*store.Entity) string {
	for _, s := range services {
		ports, _ := objectOf(s.Doc["settings"])["listenerPorts"].([]any)
		if objectOf(s.Doc["serverNodeConfiguration"])["id"] == node.ID && len(ports) > 0 {
			return net.JoinHostPort(text(node, "hostName"), strconv.Itoa(whole(ports[0])))
		}
	}
	return ""
}

// watch asks the engines how they are until ctx ends.
func (f *fleet) watch(ctx context.Context) {
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			f.client.CloseIdleConnections()
			return
		case <-tick.C:
			f.check()
		}
	}
}

// check is askAll, once for all who want it at the same time.
func (f *fleet) check() {
	_, _, _ = f.checks.Do("", func() (any, error) { f.askAll(); return nil, nil })
}

// askAll asks all engines how they are, at a time.
func (f *fleet) askAll() {
	f.mu.Lock()
	list := slices.Clone(f.engines)
	f.mu.Unlock()
	var asked sync.WaitGroup
	for i := range list {
		asked.Go(func() {
			health, err := f.ask(list[i].address)
			f.note(list[i], health, err)
		})
	}
	asked.Wait()
}

func (f *fleet) ask(address string) (h engineHealth, err error) {
	status, body, err := f.client.GetTimeout(nil, "https://"+address+"/healthcheck", healthTimeout)
	if err != nil {
		return h, err
	}
	if status != fasthttp.StatusOK {
		return h, fmt.Errorf("health check: status %d", status)
	}
	return h, json.Unmarshal(body, &h)
}

// note notes what an engine said, and logs when that changes.
func (f *fleet) note(e engineState, h engineHealth, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.engines {
		now := &f.engines[i]
		if now.node != e.node || now.address != e.address {
			continue
		}
		switch {
		case err != nil && now.healthy:
			f.log.Warn("an engine does not answer", "node", e.name, "address", e.address, "err", err)
		case err == nil && !now.healthy:
			f.log.Info("an engine answers", "node", e.name, "address", e.address)
		}
		now.healthy, now.health, now.check = err == nil, h, now.check+1
	}
}

// Engines implements [proxy.Engines]. If no engine answered when it was asked
// last, they are asked again first: nobody is sent away for a check that failed
// a moment ago.
func (f *fleet) Engines(ctx context.Context, u session.User, app string) ([]balance.Engine, error) {
	allowed, err := f.allowed(ctx, u, app)
	if err != nil {
		return nil, err
	}
	if f.healthy() == 0 {
		f.check()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []balance.Engine
	for i := range f.engines {
		e := &f.engines[i]
		list = append(list, balance.Engine{
			Node: e.node, Address: e.address, Allowed: allowed(e.node), Healthy: e.healthy, Full: e.health.Mem.Tight, Busy: e.health.Saturated,
			HasApp: slices.Contains(e.health.Apps.InMemory, app), Load: e.health.load(), Check: e.check,
		})
	}
	return list, nil
}

// allowed tells which nodes the rules of load balancing give a user an app on.
// What he may not read, or what is no app of the site, any engine may refuse.
func (f *fleet) allowed(ctx context.Context, u session.User, app string) (func(node string) bool, error) {
	all := func(string) bool { return true }
	if id, _ := uuid.Parse(app); id == uuid.Nil { // none, or one of a session only
		return all, nil
	}
	c := repository.Caller{Directory: u.Directory, ID: u.ID, Context: rules.ContextHub, Session: rules.Attributes{}, Environment: rules.Attributes{}}
	for _, a := range u.Attributes {
		note(&c, strings.ToLower(a.Name), a.Value)
	}
	nodes, err := f.repo.ValidEngines(ctx, &c, app)
	if errors.Is(err, repository.ErrNotFound) {
		return all, nil
	}
	return func(node string) bool {
		return slices.ContainsFunc(nodes, func(n repository.EngineNode) bool { return n.ID == node })
	}, err
}

// healthy is how many engines answer.
func (f *fleet) healthy() (n float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.engines {
		if f.engines[i].healthy {
			n++
		}
	}
	return n
}
