package scheduler

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// A Chain is a composite event: it starts its task once all of its rules are
// met within the window.
type Chain struct {
	ID      string
	TaskID  string // that it starts
	Enabled bool
	Rules   []ChainRule
	Window  time.Duration // from the first rule that is met to the last; 0 = the default
}

// WindowDefault is the window of a chain that names none.
const WindowDefault = 360 * time.Minute

// A ChainRule is met when a task ends in success, or in failure.
type ChainRule struct {
	TaskID  string
	Success bool
}

// UnmarshalJSON reads a rule. Boards used to have its number here, which says
// nothing about rules as they are now: such a rule is none.
func (r *ChainRule) UnmarshalJSON(text []byte) error {
	type plain ChainRule
	if len(text) > 0 && text[0] != '{' {
		*r = ChainRule{}
		return nil
	}
	return json.Unmarshal(text, (*plain)(r))
}

// A Met is a rule of a chain that is met. It is named by what it says: rules may
// be changed meanwhile.
type Met struct {
	Rule        ChainRule
	At          time.Time
	ExecutionID string
	// Passed is the chains that led to the execution, so that chains in a circle
	// come to an end.
	Passed int
}

// passedMax bounds how many chains one after the other may trigger each other
// without a schedule or a person between them. Circles are legal: the original
// runs them for ever.
const passedMax = 100

// follow notes which rules the end of an execution meets, and triggers the
// tasks of chains all of whose rules are.
func (r *Rules) follow(b *Board, e *Execution, status Status) (results []Result) {
	if status == Skipped {
		return nil
	}
	for _, c := range r.Chains {
		if !c.Enabled || !c.meet(b, e, status, r.Now) {
			continue
		}
		passed := 0
		for _, m := range b.Met[c.ID] {
			passed = max(passed, m.Passed)
		}
		cause := c.cause(b.Met[c.ID])
		delete(b.Met, c.ID)
		if passed >= passedMax {
			stopped := &Execution{ID: r.NewID(), TaskID: c.TaskID, Cause: cause, Started: r.Now}
			results = append(results, stopped.result(Skipped, r.Now, []Detail{r.detail(DetailError, "chains have started each other a hundred times: the circle is cut")}))
			continue
		}
		if r.Tasks[c.TaskID] == nil {
			continue
		}
		id, skipped, err := r.Trigger(b, c.TaskID, cause)
		if err != nil {
			continue
		}
		if next := b.Execution(id); next != nil {
			next.Passed = passed + 1
		}
		results = append(results, skipped...)
	}
	return results
}

// cause names a chain and the executions that completed it.
func (c *Chain) cause(met []Met) string {
	var ids []string
	for _, m := range met {
		ids = append(ids, m.ExecutionID)
	}
	return "chain " + c.ID + " after " + strings.Join(ids, " ")
}

// meet notes the rules that the end of an execution meets and reports whether
// all are. Rules that were met too long ago are not any more.
func (c *Chain) meet(b *Board, e *Execution, status Status, now time.Time) bool {
	window := c.Window
	if window <= 0 {
		window = WindowDefault
	}
	hit := false
	met := make([]Met, 0, len(c.Rules))
	for _, m := range b.Met[c.ID] {
		if now.Sub(m.At) <= window && slices.Contains(c.Rules, m.Rule) {
			met = append(met, m)
		}
	}
	for _, rule := range c.Rules {
		if rule.TaskID != e.TaskID || rule.Success != (status == FinishedSuccess) {
			continue
		}
		hit = true
		met = put(met, Met{rule, now, e.ID, e.Passed})
	}
	if !hit {
		return false
	}
	if b.Met == nil {
		b.Met = map[string][]Met{}
	}
	b.Met[c.ID] = met
	return !slices.ContainsFunc(c.Rules, func(rule ChainRule) bool {
		return !slices.ContainsFunc(met, func(m Met) bool { return m.Rule == rule })
	})
}

// put adds a rule that is met, or meets it anew.
func put(met []Met, m Met) []Met {
	for i := range met {
		if met[i].Rule == m.Rule {
			met[i] = m
			return met
		}
	}
	return append(met, m)
}

func (r *Rules) chain(id string) *Chain {
	for _, c := range r.Chains {
		if c.ID == id {
			return c
		}
	}
	return nil
}
