package api

import (
	"github.com/cognate-bi/cognate/services/repository/rules"
)

// ruleRoles lists the roles that rules in force know.
func (s *Server) ruleRoles(r *request) (answer, error) { return ok(s.repo.Roles()) }

// ruleReset forgets the results of decisions, for who manages rules.
func (s *Server) ruleReset(r *request) (answer, error) {
	if err := s.repo.MayManageRules(r, r.caller); err != nil {
		return answer{}, err
	}
	s.repo.ResetRules("asked for by " + r.caller.String())
	return empty()
}

// ruleExplain tells why a user may, or may not, do something with a resource.
// It is ours: the original has nothing like it.
//
//	GET /qrs/systemrule/security/explain?userid&resourcetype&resourceid&action
func (s *Server) ruleExplain(r *request) (answer, error) {
	action, err := rules.ParseAction(r.query["action"])
	if err != nil {
		return answer{}, badRequest("action: %v", err)
	}
	t := s.schema.Type(r.query["resourcetype"])
	if t == nil {
		return answer{}, badRequest("resourcetype: there is no type %q", r.query["resourcetype"])
	}
	e, err := s.repo.Explain(r, r.caller, r.query["userid"], t, r.query["resourceid"], action)
	if err != nil {
		return answer{}, err
	}
	return ok(e)
}

// ruleSections returns which of the sections of the console or hub the caller
// may see.
func (s *Server) ruleSections(r *request) (answer, error) {
	var names []string
	if err := r.json(&names); err != nil {
		return answer{}, err
	}
	seen, err := s.repo.Sections(r, r.caller, names)
	if err != nil {
		return answer{}, err
	}
	return ok(seen)
}
