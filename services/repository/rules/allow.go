package rules

import "fmt"

// Nodes returns those of the nodes that rules of category Sync let serve an
// app, in their order. Whether a node runs and fits the purpose is not asked.
func (s *RuleSet) Nodes(app Entity, nodes []Entity) ([]Entity, error) {
	var able []Entity
	for _, node := range nodes {
		// Balancing rules do not see users.
		a, err := s.Access(Request{User: Section(""), Node: node})
		if err != nil {
			return nil, err
		}
		got, err := a.decide(LoadBalancing, app, Allow)
		if err != nil {
			return nil, fmt.Errorf("rules: node %s: %w", node.ID(), err)
		}
		if got == Allow {
			able = append(able, node)
		}
	}
	return able, nil
}

// Licensed says whether rules of category License give the user of a request
// an access of the group or type, such as License.ProfessionalAccessGroup.
func (s *RuleSet) Licensed(r Request, group Entity) (bool, error) {
	a, err := s.Access(r)
	if err != nil {
		return false, err
	}
	got, err := a.decide(License, group, Allow)
	return got == Allow, err
}
