package api

import (
	"encoding/json"
	"strconv"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/schema"
)

// localTypes are the types of which this node has one entity.
var localTypes = []string{"EngineService", "ProxyService", "SchedulerService", "PrintingService", "RepositoryService", "ServerNodeConfiguration"}

// localRoutes answer what this node is, and its services.
func (s *Server) localRoutes() []route {
	var out []route
	for _, name := range localTypes {
		t := s.schema.Type(name)
		out = append(out, at("GET /"+t.Path+"/local", func(r *request) (answer, error) {
			e, err := s.repo.Local(r, r.caller, t)
			if err != nil {
				return answer{}, err
			}
			return ok(e)
		}))
	}
	return out
}

// license answers the licence of the site, null if there is none: there is at
// most one.
func (s *Server) license(r *request) (answer, error) {
	privileges, err := r.flag("privileges", false)
	if err != nil {
		return answer{}, err
	}
	found, err := s.repo.List(r, r.caller, s.schema.Type("License"), repository.Query{Privileges: privileges, Take: 1})
	if err != nil {
		return answer{}, err
	}
	if len(found) == 0 {
		return ok(json.RawMessage("null"))
	}
	return ok(found[0])
}

// favorites lists the apps that the caller has marked.
func (s *Server) favorites(r *request) (answer, error) {
	ids, err := s.repo.Favorites(r, r.caller)
	if err != nil {
		return answer{}, err
	}
	return ok(ids)
}

// ownedResources lists what the users of a selection own.
func (s *Server) ownedResources(r *request) (answer, error) {
	users, err := s.selectedIDs(r, r.query["userselection"], s.schema.Type("User"))
	if err != nil {
		return answer{}, err
	}
	if users == nil {
		return answer{}, badRequest("userselection is missing")
	}
	limit := -1
	if text := r.query["limit"]; text != "" {
		if limit, err = strconv.Atoi(text); err != nil {
			return answer{}, badRequest("limit=%s is no number", text)
		}
	}
	privileges, err := r.flag("privileges", false)
	if err != nil {
		return answer{}, err
	}
	found, err := s.repo.OwnedResources(r, r.caller, users, repository.Query{Filter: r.filter(), Privileges: privileges}, limit)
	if err != nil {
		return answer{}, err
	}
	out := make([]any, len(found))
	for i, o := range found {
		kind := o.Type.SchemaPath
		if of, isText := o.Resource["objectType"].(string); isText {
			kind = of
		}
		resource := map[string]any{}
		for _, name := range []string{schema.ID, schema.CreatedDate, schema.ModifiedDate, schema.ModifiedByUserName, schema.SchemaPath, schema.Privileges, "name"} {
			if v, has := o.Resource[name]; has {
				resource[name] = v
			}
		}
		out[i] = map[string]any{"schemaPath": "OwnedResource", "owner": o.Resource["owner"], "resourceType": o.Type.SchemaPath, "resource": resource, "objectType": kind}
	}
	return ok(out)
}
