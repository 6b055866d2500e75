package api

import (
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/services/repository"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/schema"
)

// typeParameter returns the type that a parameter names.
func (s *Server) typeParameter(r *request, name string) (*schema.Type, error) {
	t := s.schema.Type(r.query[name])
	if t == nil || t.Embedded {
		return nil, badRequest("%s: there is no type %q", name, r.query[name])
	}
	return t, nil
}

// accessibleAttributes lists what conditions may read of a type.
func (s *Server) accessibleAttributes(r *request) (answer, error) {
	t, err := s.typeParameter(r, "resourcetype")
	if err != nil {
		return answer{}, err
	}
	names, err := s.repo.Attributes(r, r.caller, t)
	if err != nil {
		return answer{}, err
	}
	return ok(names)
}

// attributeValues lists values of an attribute.
func (s *Server) attributeValues(r *request) (answer, error) {
	t, err := s.typeParameter(r, "resourcetype")
	if err != nil {
		return answer{}, err
	}
	limit := -1
	if text := r.query["limit"]; text != "" {
		if limit, err = strconv.Atoi(text); err != nil {
			return answer{}, badRequest("limit=%s is no number", text)
		}
	}
	ids, err := s.selectedIDs(r, r.query["selection"], t)
	if err != nil {
		return answer{}, err
	}
	values, err := s.repo.AttributeValues(r, r.caller, t, r.query["attribute"], r.query["filter"], limit, ids)
	if err != nil {
		return answer{}, err
	}
	return ok(append([]string{}, values...))
}

// parseTree answers a condition as the form of an editor has it, or why it has
// none.
func (s *Server) parseTree(r *request) (answer, error) {
	out := map[string]any{
		"schemaPath": "BacktrackedRule", "resourceType": "", "resourceConditions": [][]any{}, "userConditions": [][]any{}, "message": "", "backtracked": false,
	}
	parsed, err := rules.Parse(r.query["rule"])
	if err != nil {
		out["message"] = err.Error()
		return ok(out)
	}
	form, err := parsed.Form()
	if err != nil {
		out["message"] = "a form cannot show this condition: " + err.Error()
		return ok(out)
	}
	out["resourceType"], out["resourceConditions"], out["userConditions"], out["backtracked"] = form.ResourceType, conditions(form.Resource), conditions(form.User), true
	return ok(out)
}

func conditions(alternatives [][]rules.Part) [][]any {
	out := make([][]any, len(alternatives))
	for i, parts := range alternatives {
		for _, p := range parts {
			out[i] = append(out[i], map[string]any{"schemaPath": "RuleCondition", "property": p.Property, "operator": p.Operator, "value": p.Value})
		}
	}
	return out
}

// associatedRules lists the rules of a category about some resources.
func (s *Server) associatedRules(r *request) (answer, error) {
	category, known := categories[strings.ToLower(r.args["category"])]
	if !known {
		return answer{}, badRequest("there is no category %q: there are security, license and sync", r.args["category"])
	}
	t, err := s.typeParameter(r, "resourcetype")
	if err != nil {
		return answer{}, err
	}
	privileges, err := r.flag("privileges", false)
	if err != nil {
		return answer{}, err
	}
	found, err := s.repo.AssociatedRules(r, r.caller, category, t, repository.Query{Filter: r.query["resourcefilter"], Privileges: privileges})
	if err != nil {
		return answer{}, err
	}
	return ok(append([]map[string]any{}, found...))
}

var categories = map[string]rules.Category{"security": rules.Security, "license": rules.License, "sync": rules.LoadBalancing}
