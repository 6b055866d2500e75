package repository

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// A Node is a machine, or a process, of a site and the services that it runs.
type Node struct {
	Name    string
	Host    string // by which the others reach it
	Central bool
	Engine  int // port of its engine; 0 = none
	Proxy   int // port of its proxy for users; 0 = none
	Rest    int // port of its proxy for modules
	// Scheduler says what it does of the scheduler's work.
	Scheduler SchedulerRole
}

// A SchedulerRole is what a node does of the scheduler's work.
type SchedulerRole int

// The roles, with the numbers of the interface, but for none.
const (
	SchedulesAndRuns SchedulerRole = iota + 1
	Schedules
	Runs
)

// wire is the number that the interface has for a role.
func (r SchedulerRole) wire() int {
	return map[SchedulerRole]int{Schedules: 0, Runs: 1, SchedulesAndRuns: 2}[r]
}

// Join notes that a node runs, and returns its id. It is made at its first
// start; then its engine is one of the default virtual proxy's, as people could
// open nothing there else. What administrators have set since stays.
func (r *Repository) Join(ctx context.Context, n Node) (id string, err error) {
	self := Service("repository")
	err = r.change(ctx, &self, func(tx *store.Tx) error {
		id, err = r.join(ctx, tx, n)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("node %q: %w", n.Name, err)
	}
	r.local.Store(&id)
	return id, nil
}

// LocalID is the id of this node, empty until it has joined.
func (r *Repository) LocalID() string {
	if id := r.local.Load(); id != nil {
		return *id
	}
	return ""
}

// Local returns what an entity of this node is: the node itself, or one of its
// services, by its type.
func (r *Repository) Local(ctx context.Context, c *Caller, t *schema.Type) (map[string]any, error) {
	id := r.local.Load()
	if id == nil {
		return nil, fmt.Errorf("this node has not joined the site: %w", ErrNotFound)
	}
	if t.Name == "ServerNodeConfiguration" {
		return r.Get(ctx, c, t, *id, false)
	}
	found, err := r.List(ctx, c, t, Query{where: filter.Equal("serverNodeConfiguration.id", *id)})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s of this node: %w", t.Name, ErrNotFound)
	}
	return found[0], nil
}

func (r *Repository) join(ctx context.Context, tx *store.Tx, n Node) (string, error) {
	row := map[string]any{
		"name": n.Name, "hostName": n.Host, "isCentral": n.Central, "engineEnabled": n.Engine > 0, "proxyEnabled": n.Proxy > 0,
		"schedulerEnabled": n.Scheduler != 0, "printingEnabled": false,
	}
	// Nodes that start at a time change the same entities: one after the other.
	clusters, err := tx.List(ctx, "ServiceCluster", store.Query{})
	if err != nil {
		return "", err
	}
	for _, c := range clusters {
		if _, err := tx.Lock(ctx, c.Type, c.ID); err != nil {
			return "", err
		}
		row["serviceCluster"] = ref(c.ID)
	}
	known, err := knownNode(ctx, tx, n)
	if err != nil {
		return "", err
	}
	if known != nil {
		delete(row, "serviceCluster")
		if err := giveRoles(ctx, tx, n, known.Doc, row); err != nil {
			return "", err
		}
		if n.Central { // whatever its name is by now
			delete(row, "name")
		}
		if _, err := tx.Update(ctx, "ServerNodeConfiguration", known.ID, row); err != nil {
			return "", err
		}
		return known.ID, r.services(ctx, tx, known.ID, n)
	}
	row["nodePurpose"] = number(2)
	if err := giveRoles(ctx, tx, n, nil, row); err != nil {
		return "", err
	}
	made, err := tx.Create(ctx, "ServerNodeConfiguration", row)
	if err != nil {
		return "", err
	}
	if err := r.services(ctx, tx, made.ID, n); err != nil {
		return "", err
	}
	if n.Engine == 0 {
		return made.ID, nil
	}
	return made.ID, balanceOver(ctx, tx, made.ID)
}

// rolesOfSite is how many roles a site has, which one node has at a time: the
// master of the scheduler, and what else is done in one place.
const rolesOfSite = 6

// giveRoles adds to the row of the central node the roles of the site, unless
// it has them.
func giveRoles(ctx context.Context, tx *store.Tx, n Node, known, row map[string]any) error {
	if !n.Central || len(refIDs(known["roles"])) > 0 {
		return nil
	}
	var roles []any
	for definition := range rolesOfSite {
		e, err := tx.Create(ctx, "ServerNodeRole", map[string]any{"definition": number(definition)})
		if err != nil {
			return err
		}
		roles = append(roles, ref(e.ID))
	}
	row["roles"] = roles
	return nil
}

// knownNode returns the row of a node, nil if there is none. There is one
// central node, whatever its name.
func knownNode(ctx context.Context, tx *store.Tx, n Node) (*store.Entity, error) {
	list, err := tx.List(ctx, "ServerNodeConfiguration", store.Query{})
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		central, _ := e.Doc["isCentral"].(bool)
		if central && n.Central {
			return e, nil
		}
		if same := strings.EqualFold(text(e.Doc["name"]), n.Name); same && !n.Central {
			if central {
				return nil, fmt.Errorf("the central node has this name: %w", ErrExists)
			}
			return e, nil
		}
	}
	return nil, nil
}

// services makes the rows of a node's services that are missing, and brings
// what the node itself knows of them up to date.
func (r *Repository) services(ctx context.Context, tx *store.Tx, node string, n Node) error {
	if err := r.noteServices(ctx, tx, node, n.states()); err != nil {
		return err
	}
	for _, s := range []struct {
		typ string
		own map[string]int // what the node knows
	}{
		{"RepositoryService", nil},
		{"ProxyService", map[string]int{"listenPort": n.Proxy, "restListenPort": n.Rest}},
		{"SchedulerService", map[string]int{"schedulerServiceType": n.Scheduler.wire()}},
		{"EngineService", map[string]int{"listenerPorts": n.Engine}},
	} {
		found, err := tx.List(ctx, s.typ, store.Query{Where: filter.Equal("serverNodeConfiguration.id", node)})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			settings, err := defaultSettings(ctx, tx, s.typ)
			if err != nil {
				return err
			}
			own(settings, s.own)
			if _, err := tx.Create(ctx, s.typ, map[string]any{"serverNodeConfiguration": ref(node), "settings": settings}); err != nil {
				return err
			}
			continue
		}
		settings, _ := found[0].Doc["settings"].(map[string]any)
		added, err := completed(ctx, tx, s.typ, settings)
		if err != nil {
			return err
		}
		if !own(settings, s.own) && !added {
			continue
		}
		if _, err := tx.Update(ctx, s.typ, found[0].ID, map[string]any{"settings": settings}); err != nil {
			return err
		}
	}
	return nil
}

// completed adds the settings that a service lacks, having been made by an
// earlier version.
func completed(ctx context.Context, tx *store.Tx, typ string, settings map[string]any) (news bool, err error) {
	defaults, err := defaultSettings(ctx, tx, typ)
	for name, value := range defaults {
		if settings[name] == nil && name != "virtualProxies" { // those were taken away
			settings[name], news = value, true
		}
	}
	return news, err
}

// own sets what a node knows of a service, and reports whether that is news.
// Ports of what it does not run stay as they are.
func own(settings map[string]any, known map[string]int) (news bool) {
	for name, n := range known {
		if n == 0 && name != "schedulerServiceType" {
			continue
		}
		var value any = number(n)
		if name == "listenerPorts" {
			value = []any{number(n)}
		}
		if fmt.Sprint(settings[name]) != fmt.Sprint(value) {
			settings[name], news = value, true
		}
	}
	return news
}

// defaultSettings are those of a new service.
func defaultSettings(ctx context.Context, tx *store.Tx, typ string) (map[string]any, error) {
	none := map[string]any{}
	switch typ {
	case "RepositoryService":
		return map[string]any{
			"logVerbosity": none, "externalCertificate": none, "synchronization": map[string]any{
				"synchronizationInterval": number(60_000), "snapshotTimeInterval": number(60), "snapshotSizeInterval": number(1000),
			},
			"cleaningAgent": map[string]any{
				"cleaningInterval": number(60), "databaseCleaningThreshold": number(30), "inMemoryCleaningThreshold": number(60),
			},
		}, nil
	case "SchedulerService":
		return map[string]any{"logVerbosity": none, "maxConcurrentEngines": number(4), "engineTimeout": number(30)}, nil
	case "EngineService":
		return map[string]any{
			"documentDirectory": "Apps", "autosaveInterval": number(30), "documentTimeout": number(28_800), "genericUndoBufferMaxSize": number(100),
			"globalLogMinuteInterval": number(5), "workingSetSizeLoPct": number(70), "workingSetSizeHiPct": number(90), "workingSetSizeMode": number(0),
			"objectTimeLimitSec": number(-1), "exportTimeLimitSec": number(-1), "reloadTimeLimitSec": number(-1), "hyperCubeMemoryLimit": number(-1),
			"exportMemoryLimit": number(-1), "reloadMemoryLimit": number(-1), "standardReload": true, "qrsHttpNotificationPort": number(4748),
		}, nil
	}
	list, err := tx.List(ctx, "VirtualProxyConfig", store.Query{Where: isDefault()})
	var defaults []any
	for _, e := range list {
		defaults = append(defaults, ref(e.ID))
	}
	return map[string]any{
		"logVerbosity": none, "listenPort": number(443), "unencryptedListenPort": number(80), "authenticationListenPort": number(4244),
		"unencryptedAuthenticationListenPort": number(4248), "restListenPort": number(4243), "virtualProxies": defaults,
		"keepAliveTimeoutSeconds": number(10), "maxHeaderSizeBytes": number(16_384), "maxHeaderLines": number(100), "performanceLoggingInterval": number(5),
	}, err
}

// isDefault finds the default virtual proxy.
func isDefault() filter.Node {
	return &filter.Comparison{Path: []string{"defaultVirtualProxy"}, Op: filter.Eq, Value: filter.Value{Text: "true"}}
}

// balanceOver adds a node to those whose engines the default virtual proxy may
// use.
func balanceOver(ctx context.Context, tx *store.Tx, node string) error {
	list, err := tx.List(ctx, "VirtualProxyConfig", store.Query{Where: isDefault()})
	if err != nil {
		return err
	}
	for _, e := range list {
		nodes, _ := e.Doc["loadBalancingServerNodes"].([]any)
		nodes = append(slices.Clone(nodes), ref(node))
		if _, err := tx.Update(ctx, e.Type, e.ID, map[string]any{"loadBalancingServerNodes": nodes}); err != nil {
			return err
		}
	}
	return nil
}
