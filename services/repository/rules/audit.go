package rules

import (
	"context"
	"errors"
	"fmt"
)

// AuditOptions say what an audit shows.
type AuditOptions struct {
	Category           Category // "" = Security
	Context            Context
	Environment        Attributes
	IncludeNonGranting bool  // also rules whose filter fits but whose condition does not hold
	Preview            *Rule // a rule that is not saved, beside or instead of the stored one
	CellsMax           int   // 0 = no limit
}

// ErrAuditMax says that an audit has more cells than it may have.
var ErrAuditMax = errors.New("rules: the audit is too large: ask for fewer users or resources")

// An Audit is who may do what on which resource, by which rule.
type Audit struct {
	Cells []AuditCell `json:"cells"` // by subject, then by resource; those without a rule are left out
}

// An AuditCell is one user, or node, and one resource.
type AuditCell struct {
	SubjectID  string        `json:"subjectID"`
	ResourceID string        `json:"resourceID"`
	Granted    Action        `json:"granted"`
	Rules      []AppliedRule `json:"rules"`
}

// An AppliedRule is a rule whose filter fits, and what it grants there.
type AppliedRule struct {
	RuleID  string `json:"ruleID"`
	Granted Action `json:"granted"`
}

// Audit evaluates all rules of a category on users × resources, without the
// session attributes of users, which are not known.
func (s *RuleSet) Audit(ctx context.Context, users, resources []Entity, o AuditOptions) (*Audit, error) {
	requests := make([]Request, len(users))
	for i, user := range users {
		requests[i] = Request{User: user, Context: o.Context, Environment: o.Environment}
	}
	if o.Category == "" {
		o.Category = Security
	}
	return s.audit(ctx, requests, users, resources, o)
}

// AuditNodes evaluates all rules of category Sync on nodes × resources.
func (s *RuleSet) AuditNodes(ctx context.Context, nodes, resources []Entity, o AuditOptions) (*Audit, error) {
	requests := make([]Request, len(nodes))
	for i, node := range nodes {
		requests[i] = Request{User: Section(""), Node: node}
	}
	o.Category = LoadBalancing
	return s.audit(ctx, requests, nodes, resources, o)
}

func (s *RuleSet) audit(ctx context.Context, requests []Request, subjects, resources []Entity, o AuditOptions) (*Audit, error) {
	if o.Preview != nil {
		with, err := s.With(*o.Preview)
		if err != nil {
			return nil, err
		}
		s = with
	}
	rules := s.of(o.Category)
	audit := &Audit{}
	for i, request := range requests {
		a, err := s.Access(request)
		if err != nil {
			return nil, err
		}
		for _, resource := range resources {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			cell, err := a.audit(rules, o.Category, resource, o.IncludeNonGranting)
			if err != nil {
				return nil, fmt.Errorf("rules: audit %s on %s: %w", subjects[i].ID(), resource.ID(), err)
			}
			if len(cell.Rules) == 0 {
				continue
			}
			if o.CellsMax > 0 && len(audit.Cells) == o.CellsMax {
				return nil, ErrAuditMax
			}
			cell.SubjectID = subjects[i].ID()
			audit.Cells = append(audit.Cells, cell)
		}
	}
	return audit, nil
}

// audit evaluates every rule that fits, to its end.
func (a *Access) audit(rules []*rule, c Category, resource Entity, nonGranting bool) (AuditCell, error) {
	a.steps, a.err = 0, nil
	cell := AuditCell{ResourceID: resource.ID()}
	for _, r := range rules {
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
