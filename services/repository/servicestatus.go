package repository

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// statusType is the type of entities that say how the services of nodes are.
const statusType = "ServiceStatus"

// A ServiceKind is a kind of service, by the numbers of the interface.
type ServiceKind int

// The kinds.
const (
	RepositoryKind ServiceKind = 0
	ProxyKind      ServiceKind = 1
	SchedulerKind  ServiceKind = 2
	EngineKind     ServiceKind = 3
	PrintingKind   ServiceKind = 5
)

// A ServiceState says how a service is, by the numbers of the interface.
type ServiceState int

// The states.
const (
	ServiceRuns     ServiceState = 2
	ServiceIsSilent ServiceState = 3
	ServiceIsOff    ServiceState = 4
)

// states are those of the services of a node that has just started.
func (n *Node) states() map[ServiceKind]ServiceState {
	out := map[ServiceKind]ServiceState{RepositoryKind: ServiceRuns, PrintingKind: ServiceIsOff}
	for kind, runs := range map[ServiceKind]bool{ProxyKind: n.Proxy > 0, SchedulerKind: n.Scheduler != 0, EngineKind: n.Engine > 0} {
		if out[kind] = ServiceIsOff; runs {
			out[kind] = ServiceRuns
		}
	}
	return out
}

// NoteEngine notes whether the engine of a node answers. On a node beside the
// central one it is what says whether the node is there at all. What is off
// stays so.
func (r *Repository) NoteEngine(ctx context.Context, nodeID string, answers bool) error {
	self := Service("repository")
	return r.change(ctx, &self, func(tx *store.Tx) error {
		node, err := tx.Get(ctx, "ServerNodeConfiguration", nodeID)
		if err != nil {
			return err
		}
		state := ServiceIsSilent
		if answers {
			state = ServiceRuns
		}
		known, err := statuses(ctx, tx, nodeID)
		if err != nil {
			return err
		}
		states := map[ServiceKind]ServiceState{}
		for kind, e := range known {
			if isOff := fmt.Sprint(e.Doc["serviceState"]) == fmt.Sprint(int(ServiceIsOff)); !isOff && (kind == EngineKind || !isTrue(node.Doc["isCentral"])) {
				states[kind] = state
			}
		}
		return r.noteServices(ctx, tx, nodeID, states)
	})
}

// noteServices notes how services of a node are, those that are not named stay.
// The time of a status is when it came to be.
func (r *Repository) noteServices(ctx context.Context, tx *store.Tx, nodeID string, states map[ServiceKind]ServiceState) error {
	known, err := statuses(ctx, tx, nodeID)
	if err != nil {
		return err
	}
	for _, kind := range slices.Sorted(maps.Keys(states)) {
		now := map[string]any{"serviceState": number(int(states[kind])), "timestamp": schema.FormatDate(r.now())}
		e := known[kind]
		switch {
		case e == nil:
			now["serverNodeConfiguration"], now["serviceType"] = ref(nodeID), number(int(kind))
			_, err = tx.Create(ctx, statusType, now)
		case fmt.Sprint(e.Doc["serviceState"]) != fmt.Sprint(int(states[kind])):
			_, err = tx.Update(ctx, statusType, e.ID, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// statuses returns what is known of the services of a node.
func statuses(ctx context.Context, tx *store.Tx, nodeID string) (map[ServiceKind]*store.Entity, error) {
	list, err := tx.List(ctx, statusType, store.Query{Where: filter.Equal("serverNodeConfiguration.id", nodeID)})
	if err != nil {
		return nil, err
	}
	out := map[ServiceKind]*store.Entity{}
	for _, e := range list {
		out[ServiceKind(whole(e.Doc["serviceType"]))] = e
	}
	return out, nil
}

// dropServices deletes what belongs to a node that is being deleted. Nobody
// deletes the central node: it is the one that would have to answer.
func (r *Repository) dropServices(ctx context.Context, tx *store.Tx, node *store.Entity) error {
	if isTrue(node.Doc["isCentral"]) {
		return fmt.Errorf("node %q is the central one and stays: %w", text(node.Doc["name"]), ErrInvalid)
	}
	for _, typ := range []string{statusType, "RepositoryService", "ProxyService", "SchedulerService", "EngineService"} {
		list, err := tx.List(ctx, typ, store.Query{Where: filter.Equal("serverNodeConfiguration.id", node.ID)})
		if err != nil {
			return err
		}
		for _, e := range list {
			if err := tx.Delete(ctx, typ, e.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
