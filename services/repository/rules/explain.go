package rules

import (
	"fmt"
)

// A Reason says what became of a rule in a decision.
type Reason string

// The reasons, best first.
const (
	Granted      Reason = "granted"
	Unfulfilled  Reason = "condition" // the filter fits, the condition does not hold
	OtherContext Reason = "context"
	IsDisabled   Reason = "disabled"
	IsBad        Reason = "bad" // cannot be read
)

// An Explanation says why a user may, or may not, do something.
type Explanation struct {
	Allowed  bool        `json:"allowed"`
	Action   string      `json:"action"`
	Sentence string      `json:"sentence"`
	Rules    []RuleTrace `json:"rules"` // whose filter fits and whose actions contain the one
}

// A RuleTrace is one rule of an explanation.
type RuleTrace struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Reason    Reason `json:"reason"`
	Error     string `json:"error,omitempty"`
	Condition *Trace `json:"condition,omitempty"`
}

// A Trace is one part of a condition: its text, whether it holds, the values
// that were compared, and its parts.
type Trace struct {
	Text  string   `json:"text"`
	Holds bool     `json:"holds"`
	Left  []string `json:"left,omitempty"`
	Right []string `json:"right,omitempty"`
	Parts []*Trace `json:"parts,omitempty"`

	both, either bool // a conjunction, a disjunction
}

// Explain tells why a single action on a resource is allowed or not. It tries
// all rules, also those that are disabled or of another context.
func (s *RuleSet) Explain(r Request, resource Entity, action Action) (*Explanation, error) {
	if !action.single() {
		return nil, fmt.Errorf("rules: explain %s: one action expected", action)
	}
	a, err := s.Access(r)
	if err != nil {
		return nil, err
	}
	x := &Explanation{Action: action.String()}
	key := keyOf(Security, resource)
	a.stack = append(a.stack, frame{key: key, asked: action})
	for _, rule := range s.of(Security) {
		if rule.Actions&action == 0 || rule.err == nil && !rule.fitsResource(resource) {
			continue
		}
		t := a.traceRule(rule, resource)
		x.Allowed = x.Allowed || t.Reason == Granted
		x.Rules = append(x.Rules, t)
	}
	if a.err != nil {
		return nil, fmt.Errorf("rules: explain %s %s: %w", resource.Type(), resource.ID(), a.err)
	}
	x.Sentence = x.sentence(r.User, resource)
	return x, nil
}

func (r *rule) fitsResource(e Entity) bool {
	if section, id, ok := sectionOf(e); ok && r.filter.Matches(section, id) {
		return true
	}
	return r.filter.Matches(e.Type(), e.ID())
}

func (a *Access) traceRule(r *rule, resource Entity) RuleTrace {
	t := RuleTrace{ID: r.ID, Name: r.Name}
	if r.err != nil {
		t.Reason, t.Error = IsBad, r.err.Error()
		return t
	}
	t.Condition = a.trace(r.condition, resource)
	switch {
	case r.Disabled:
		t.Reason = IsDisabled
	case !r.Rule.Context.fits(a.request.Context):
		t.Reason = OtherContext
	case t.Condition.Holds:
		t.Reason = Granted
	default:
		t.Reason = Unfulfilled
	}
	return t
}

func (a *Access) trace(n node, resource Entity) *Trace {
	if kept, ok := n.(*keptNode); ok {
		n = kept.node
	}
	t := &Trace{Holds: n.eval(a, resource) == yes}
	switch n := n.(type) {
	case *constantNode:
		t.Text = n.value.String()
		return t
	case *notNode:
		t.Parts = []*Trace{a.trace(n.kid, resource)}
	case *listNode:
		t.both, t.either = n.stop == no, n.stop == yes
		for _, kid := range n.kids {
			t.Parts = append(t.Parts, a.trace(kid, resource))
		}
	case *compareNode:
		t.Left, t.Right = valueTexts(n.left.get(a, resource)), valueTexts(n.right.get(a, resource))
	}
	t.Text = exprText(n.source())
	return t
}

func valueTexts(values []Value) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.text
	}
	return texts
}

// failing returns the parts that keep a condition from holding; of an "or" the
// alternative with the fewest.
func (t *Trace) failing() []*Trace {
	switch {
	case t.Holds:
		return nil
	case !t.either && !t.both:
		return []*Trace{t}
	}
	var all, fewest []*Trace
	for _, part := range t.Parts {
		f := part.failing()
		all = append(all, f...)
		if fewest == nil || len(f) < len(fewest) {
			fewest = f
		}
	}
	if t.either {
		return fewest
	}
	return all
}
