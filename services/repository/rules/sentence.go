package rules

import (
	"fmt"
	"strings"
)

// sentence says in plain English why.
func (x *Explanation) sentence(user, resource Entity) string {
	subject := nameOf(user) + " may "
	if !x.Allowed {
		subject += "not "
	}
	subject += x.Action + " " + resource.Type() + " " + nameOf(resource)
	if t := x.first(Granted); t != nil {
		return subject + fmt.Sprintf(" because rule %q grants it: %s.", t.Name, t.Condition.Text)
	}
	for _, reason := range []Reason{OtherContext, IsDisabled} {
		if t := x.first(reason); t != nil && t.Condition.Holds {
			why := "counts in another context only"
			if reason == IsDisabled {
				why = "is disabled"
			}
			return subject + fmt.Sprintf(": rule %q would grant it but %s.", t.Name, why)
		}
	}
	if t := x.closest(); t != nil {
		return subject + fmt.Sprintf(": the closest rule is %q, but %s.", t.Name, failures(t.Condition.failing()))
	}
	return subject + fmt.Sprintf(": no rule in force gives this action on %s.", resource.Type())
}

// first returns a rule with the reason, rather one whose condition holds.
func (x *Explanation) first(reason Reason) *RuleTrace {
	var found *RuleTrace
	for i := range x.Rules {
		if t := &x.Rules[i]; t.Reason == reason && (found == nil || t.Condition.Holds && !found.Condition.Holds) {
			found = t
		}
	}
	return found
}

// closest returns the rule with the fewest parts that fail.
func (x *Explanation) closest() *RuleTrace {
	var found *RuleTrace
	for i := range x.Rules {
		t := &x.Rules[i]
		if t.Reason == Unfulfilled && (found == nil || len(t.Condition.failing()) < len(found.Condition.failing())) {
			found = t
		}
	}
	return found
}

func failures(parts []*Trace) string {
	texts := make([]string, len(parts))
	for i, t := range parts {
		texts[i] = t.Text + " is false"
		if t.Left != nil {
			texts[i] += " (left is " + listText(t.Left) + ", right is " + listText(t.Right) + ")"
		}
	}
	return strings.Join(texts, " and ")
}

func listText(values []string) string {
	if len(values) == 0 {
		return "missing"
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(v)
	}
	return strings.Join(quoted, ", ")
}

// nameOf returns what a reader knows an entity by: its name or its id.
func nameOf(e Entity) string {
	if names, err := e.Attr("name"); err == nil && len(names) > 0 && names[0].text != "" {
		return quote(names[0].text)
	}
	return e.ID()
}
