package rules

import "fmt"

// AuditOptions say what an audit shows.
type AuditOptions struct {
	Context            Context
	Environment        Attributes
	IncludeNonGranting bool  // also rules whose filter fits but whose condition does not hold
	Preview            *Rule // a rule that is not saved, beside or instead of the stored one
}

// An Audit is who may do what on which resource, by which rule.
type Audit struct {
	Cells []AuditCell `json:"cells"` // by user, then by resource; those without a rule are left out
}

// An AuditCell is one user and one resource.
type AuditCell struct {
	UserID     string        `json:"userID"`
	ResourceID string        `json:"resourceID"`
	Granted    Action        `json:"granted"`
	Rules      []AppliedRule `json:"rules"`
}

// An AppliedRule is a rule whose filter fits, and what it grants there.
type AppliedRule struct {
	RuleID  string `json:"ruleID"`
	Granted Action `json:"granted"`
}

// Audit evaluates all rules of category Security on users × resources, without
// the session attributes of users, which are not known.
func (s *RuleSet) Audit(users, resources []Entity, o AuditOptions) (*Audit, error) {
	if o.Preview != nil {
		with, err := s.With(*o.Preview)
		if err != nil {
			return nil, err
		}
		s = with
	}
	audit := &Audit{}
	for _, user := range users {
		a, err := s.Access(Request{User: user, Context: o.Context, Environment: o.Environment})
		if err != nil {
			return nil, err
		}
		for _, resource := range resources {
			cell, err := a.audit(Security, resource, o.IncludeNonGranting)
			if err != nil {
				return nil, fmt.Errorf("rules: audit %s on %s: %w", user.ID(), resource.ID(), err)
			}
			if len(cell.Rules) > 0 {
				audit.Cells = append(audit.Cells, cell)
			}
		}
	}
	return audit, nil
}

// audit evaluates every rule that fits, to its end.
func (a *Access) audit(c Category, resource Entity, nonGranting bool) (AuditCell, error) {
	a.steps, a.err = 0, nil
	cell := AuditCell{UserID: a.request.User.ID(), ResourceID: resource.ID()}
	for _, r := range a.set.of(c) {
		if !r.alive(a.request.Context) || !r.fitsResource(resource) {
			continue
		}
		granted := a.grants(r, resource, c)
		cell.Granted |= granted
		if granted != 0 || nonGranting {
			cell.Rules = append(cell.Rules, AppliedRule{r.ID, granted})
		}
	}
	return cell, a.err
}

// grants returns what one rule grants. One that asks for privileges is
// evaluated per action, as in a decision.
func (a *Access) grants(r *rule, resource Entity, c Category) (got Action) {
	a.stack = append(a.stack[:0], frame{key: keyOf(c, resource)})
	defer func() { a.stack = a.stack[:0] }()
	if !r.condition.facts().asks {
		if a.holds(r, resource) == yes {
			return r.Actions
		}
		return None
	}
	r.Actions.Each(func(action Action) {
		a.stack[0].asked = action
		if a.holds(r, resource) == yes {
			got |= action
		}
	})
	return got
}
