package api

import (
	"strings"

	"github.com/cognate-bi/cognate/services/repository"
)

// balance answers which nodes may serve an app, each as f has it.
func (s *Server) balance(list string, f func(*repository.EngineNode) any) func(*request) (answer, error) {
	return func(r *request) (answer, error) {
		var body struct {
			ProxyID, AppID       string
			ProxyPrefix          *string
			LoadBalancingPurpose repository.Purpose
		}
		if err := r.json(&body); err != nil {
			return answer{}, err
		}
		q := repository.BalanceQuery{App: body.AppID, Proxy: body.ProxyID, Prefix: body.ProxyPrefix, Purpose: body.LoadBalancingPurpose}
		for _, id := range []*string{&q.App, &q.Proxy} {
			if *id == noSelection {
				*id = ""
			}
		}
		nodes, result, err := s.repo.Balance(r, r.caller, q)
		if err != nil {
			return answer{}, err
		}
		able := []any{}
		for i := range nodes {
			if v := f(&nodes[i]); v != "" {
				able = append(able, v)
			}
		}
		return created(map[string]any{"appID": body.AppID, list: able, "loadBalancingResultCode": result})
	}
}

func engineAddress(n *repository.EngineNode) any { return n.Address() }
func nodeHost(n *repository.EngineNode) any      { return n.Host }

func extendedNode(n *repository.EngineNode) any {
	return map[string]any{"id": n.ID, "name": n.Name, "hostName": n.Host, "engineAddress": n.Address(), "listenerPorts": append([]int{}, n.Ports...)}
}

// linkedNodes lists the nodes that rules let serve an app.
func (s *Server) linkedNodes(r *request) (answer, error) {
	if t := r.query["resourcetype"]; !strings.EqualFold(t, "App") {
		return answer{}, badRequest("resourcetype: nodes serve apps, not %q", t)
	}
	ids, err := s.repo.LinkedNodes(r, r.caller, r.query["resourceid"])
	if err != nil {
		return answer{}, err
	}
	return ok(ids)
}

// linkedObjects lists the apps that rules let a node serve.
func (s *Server) linkedObjects(r *request) (answer, error) {
	if t := r.query["resourcetype"]; !strings.EqualFold(t, "App") {
		return answer{}, badRequest("resourcetype: nodes serve apps, not %q", t)
	}
	ids, err := s.repo.LinkedApps(r, r.caller, r.query["node"])
	if err != nil {
		return answer{}, err
	}
	return ok(ids)
}
