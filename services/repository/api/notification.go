package api

import (
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// subscribe keeps a wish to be told of changes, at the address that the body
// is, and answers its handle.
func (s *Server) subscribe(r *request) (answer, error) {
	var address string
	if err := r.json(&address); err != nil {
		return answer{}, err
	}
	if r.query["condition"] != "" {
		return answer{}, badRequest("condition: use filter, conditions of rules are not for notifications")
	}
	sub := repository.Subscription{Type: r.query["name"], ID: r.query["id"], Filter: r.filter(), Property: r.query["propertyname"], URL: address}
	if sub.ID == noSelection {
		sub.ID = ""
	}
	kind, err := changeKind(r.query["changetype"])
	if err != nil {
		return answer{}, err
	}
	sub.Kind = kind
	handle, err := s.repo.Subscribe(r, r.caller, sub)
	if err != nil {
		return answer{}, err
	}
	return created(value(handle))
}

// changeKind reads a kind of change as its number or its name.
func changeKind(text string) (store.ChangeKind, error) {
	for i, name := range []string{"undefined", "add", "update", "delete"} {
		if strings.EqualFold(text, name) || text == strconv.Itoa(i) {
			return store.ChangeKind(i), nil
		}
	}
	if text == "" {
		return 0, nil
	}
	return 0, badRequest("changetype=%s is none of 0, 1, 2, 3", text)
}

func (s *Server) unsubscribe(r *request) (answer, error) {
	if r.query["handle"] == "" {
		return answer{}, badRequest("handle is missing")
	}
	if err := s.repo.Unsubscribe(r, r.caller, r.query["handle"]); err != nil {
		return answer{}, err
	}
	return empty()
}

// changes lists what has changed since a time.
func (s *Server) changes(r *request) (answer, error) {
	since, err := schema.ParseDate(r.query["since"])
	if err != nil {
		return answer{}, badRequest("since: %v", err)
	}
	var types []string
	for name := range strings.SplitSeq(strings.Trim(r.query["types"], "[]"), ",") {
		name = strings.Trim(strings.TrimSpace(name), `"'`)
		if name == "" {
			continue
		}
		if t := s.schema.Type(name); t == nil || t.Embedded {
			return answer{}, badRequest("types: there is no type %q", name)
		}
		types = append(types, name)
	}
	if len(types) == 0 {
		return answer{}, badRequest("types are missing")
	}
	found, err := s.repo.ChangesSince(r, r.caller, since, types...)
	if err != nil {
		return answer{}, err
	}
	out := make([]any, len(found))
	for i, h := range found {
		path := s.schema.Type(h.Type).SchemaPath
		object := map[string]any{schema.ID: h.ID, schema.SchemaPath: path}
		if h.Entity != nil {
			object = s.object(h.Entity)
		}
		out[i] = map[string]any{
			schema.ID: h.ID, "changeType": h.Kind, "type": path, "changeDate": schema.FormatDate(h.At), "object": object, schema.SchemaPath: "ChangesSinceOutput",
		}
	}
	return ok(out)
}

// object is what every entity has, and its name.
func (s *Server) object(e *store.Entity) map[string]any {
	o := s.brief(e, "name")
	o[schema.CreatedDate], o[schema.ModifiedDate], o[schema.ModifiedByUserName] = schema.FormatDate(e.Created), schema.FormatDate(e.Modified), e.ModifiedBy
	return o
}

// trigger sends a system notification, triggerMany those of the body.
func (s *Server) trigger(r *request) (answer, error) {
	if err := s.repo.Trigger(r, r.caller, r.args["id"]); err != nil {
		return answer{}, err
	}
	return empty()
}

func (s *Server) triggerMany(r *request) (answer, error) {
	var ids []string
	if err := r.json(&ids); err != nil {
		return answer{}, err
	}
	if err := s.repo.Trigger(r, r.caller, ids...); err != nil {
		return answer{}, err
	}
	return empty()
}
