package repository

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// A Purpose is what engines are wanted for.
type Purpose int

// The purposes, with the numbers of the interface.
const (
	Production Purpose = iota
	Development
	AnyPurpose
)

// UnmarshalJSON reads a purpose by number or name, as all enumerations of the
// interface are.
func (p *Purpose) UnmarshalJSON(text []byte) error {
	for i, name := range []string{"Production", "Development", "Any"} {
		if s := string(text); s == strconv.Itoa(i) || strings.EqualFold(s, `"`+name+`"`) {
			*p = Purpose(i)
			return nil
		}
	}
	return fmt.Errorf("%s is no purpose of load balancing", text)
}

// A BalanceResult says what came of looking for engines.
type BalanceResult int

// The results, with the numbers of the interface.
const (
	BalanceOK BalanceResult = iota
	BalanceNoApp
	BalanceNoProxy
	BalanceNoPrefix
	BalanceNoEngine // no rule lets a node serve the app
)

// A BalanceQuery asks which nodes may serve an app.
type BalanceQuery struct {
	App     string  // id; "" is none: which nodes may serve anything
	Proxy   string  // id of a proxy service; "" is any
	Prefix  *string // of a virtual proxy, whose nodes count only; nil is none
	Purpose Purpose
}

// An EngineNode is a node that may serve an app.
type EngineNode struct {
	ID, Name, Host string
	Ports          []int // of its engine
}

// Address is where the engine answers, "" if it does not say.
func (n *EngineNode) Address() string {
	if len(n.Ports) == 0 {
		return ""
	}
	return net.JoinHostPort(n.Host, strconv.Itoa(n.Ports[0]))
}

// ValidEngines returns the nodes whose engines may serve an app, by the rules
// of load balancing. Whether they answer is for the caller to see.
func (r *Repository) ValidEngines(ctx context.Context, who *Caller, appID string) ([]EngineNode, error) {
	nodes, result, err := r.Balance(ctx, who, BalanceQuery{App: appID, Purpose: AnyPurpose})
	if err == nil && result == BalanceNoApp {
		err = fmt.Errorf("app %s: %w", appID, ErrNotFound)
	}
	return nodes, err
}

// Balance returns the nodes with an engine that fit the purpose, are the
// virtual proxy's, and may serve the app by a rule of category Sync. An app that
// the caller may not read does not exist for him.
func (r *Repository) Balance(ctx context.Context, who *Caller, q BalanceQuery) ([]EngineNode, BalanceResult, error) {
	var app *store.Entity
	if q.App != "" {
		var err error
		if _, app, err = r.allowed(ctx, who, "App", q.App, rules.Read); errors.Is(err, ErrNotFound) {
			return nil, BalanceNoApp, nil
		} else if err != nil {
			return nil, BalanceOK, err
		}
	}
	listed, result, err := r.nodesOfProxy(ctx, q)
	if err != nil || result != BalanceOK {
		return nil, result, err
	}
	all, err := r.store.List(ctx, "ServerNodeConfiguration", store.Query{Where: filter.Equal("engineEnabled", "true")})
	if err != nil {
		return nil, BalanceOK, err
	}
	fits := slices.DeleteFunc(all, func(n *store.Entity) bool {
		return !q.Purpose.fits(n) || listed != nil && !slices.Contains(listed, n.ID)
	})
	if app != nil {
		if fits, err = r.serving(ctx, app, fits); err != nil {
			return nil, BalanceOK, err
		}
	}
	if len(fits) == 0 {
		return nil, BalanceNoEngine, nil
	}
	nodes, err := r.engineNodes(ctx, fits)
	return nodes, BalanceOK, err
}

// fits reports whether a node serves a purpose: production, development, both.
func (p Purpose) fits(node *store.Entity) bool {
	const both = 2
	of, _ := strconv.Atoi(fmt.Sprint(node.Doc["nodePurpose"])) // none is production
	return p == AnyPurpose || of == both || of == int(p)
}

// serving returns those of the nodes that rules let serve an app.
func (r *Repository) serving(ctx context.Context, app *store.Entity, nodes []*store.Entity) ([]*store.Entity, error) {
	able, err := r.guard.Rules().Nodes(r.loader(ctx, r.store, app).resource(app), r.entities(ctx, nodes))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(nodes, func(n *store.Entity) bool {
		return !slices.ContainsFunc(able, func(e rules.Entity) bool { return e.ID() == n.ID })
	}), nil
}

// nodesOfProxy returns the ids of the nodes that a virtual proxy uses, nil if
// none is asked for.
func (r *Repository) nodesOfProxy(ctx context.Context, q BalanceQuery) ([]string, BalanceResult, error) {
	var proxies []string // ids of virtual ones
	if q.Proxy != "" {
		proxy, err := r.store.Get(ctx, "ProxyService", q.Proxy)
		if errors.Is(err, ErrNotFound) {
			return nil, BalanceNoProxy, nil
		}
		if err != nil {
			return nil, BalanceOK, err
		}
		settings, _ := proxy.Doc["settings"].(map[string]any)
		proxies = append([]string{}, refIDs(settings["virtualProxies"])...)
	}
	if q.Prefix == nil {
		return nil, BalanceOK, nil
	}
	all, err := r.store.List(ctx, "VirtualProxyConfig", store.Query{})
	if err != nil {
		return nil, BalanceOK, err
	}
	for _, v := range all {
		if strings.EqualFold(text(v.Doc["prefix"]), *q.Prefix) && (proxies == nil || slices.Contains(proxies, v.ID)) {
			return append([]string{}, refIDs(v.Doc["loadBalancingServerNodes"])...), BalanceOK, nil
		}
	}
	return nil, BalanceNoPrefix, nil
}

// engineNodes adds the ports of the engines.
func (r *Repository) engineNodes(ctx context.Context, nodes []*store.Entity) ([]EngineNode, error) {
	engines, err := r.store.List(ctx, "EngineService", store.Query{})
	if err != nil {
		return nil, err
	}
	out := make([]EngineNode, len(nodes))
	for i, n := range nodes {
		out[i] = EngineNode{ID: n.ID, Name: text(n.Doc["name"]), Host: text(n.Doc["hostName"])}
		for _, e := range engines {
			if refID(e.Doc["serverNodeConfiguration"]) != n.ID {
				continue
			}
			settings, _ := e.Doc["settings"].(map[string]any)
			ports, _ := settings["listenerPorts"].([]any)
			for _, p := range ports {
				if port, err := strconv.Atoi(fmt.Sprint(p)); err == nil {
					out[i].Ports = append(out[i].Ports, port)
				}
			}
		}
	}
	return out, nil
}

// LinkedNodes returns the ids of the nodes that may serve an app, whatever they
// do; LinkedApps those of the apps that a node may serve. Callers see what they
// may read.
func (r *Repository) LinkedNodes(ctx context.Context, c *Caller, appID string) ([]string, error) {
	_, app, err := r.allowed(ctx, c, "App", appID, rules.Read)
	if err != nil {
		return nil, err
	}
	_, nodes, err := r.list(ctx, c, r.schema.Type("ServerNodeConfiguration"), Query{})
	if err != nil {
		return nil, err
	}
	nodes, err = r.serving(ctx, app, nodes)
	return idsOf(nodes), err
}

// LinkedApps returns the ids of the apps that a node may serve.
func (r *Repository) LinkedApps(ctx context.Context, c *Caller, nodeID string) ([]string, error) {
	_, node, err := r.allowed(ctx, c, "ServerNodeConfiguration", nodeID, rules.Read)
	if err != nil {
		return nil, err
	}
	_, apps, err := r.list(ctx, c, r.schema.Type("App"), Query{})
	if err != nil {
		return nil, err
	}
	audit, err := r.guard.Rules().AuditNodes(ctx, r.entities(ctx, []*store.Entity{node}), r.entities(ctx, apps), rules.AuditOptions{})
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, cell := range audit.Cells {
		if cell.Granted&rules.Allow != 0 {
			ids = append(ids, cell.ResourceID)
		}
	}
	return ids, nil
}

func idsOf(list []*store.Entity) []string {
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	return ids
}
