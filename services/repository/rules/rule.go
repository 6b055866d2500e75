package rules

import (
	"fmt"
	"strings"
)

// A Category says what a rule decides.
type Category string

// The categories as stored.
const (
	Security      Category = "Security"
	License       Category = "License" // who gets which access; action Allow
	LoadBalancing Category = "Sync"    // which node may serve which app; action Allow
)

// Kinds of rules as stored in Rule.Type.
const (
	KindDefault  = "Default"
	KindReadOnly = "Read only"
	KindCustom   = "Custom"
)

// A Rule is a rule as stored; JSON names are those of the repository.
type Rule struct {
	ID        string   `json:"id"`
	SeedID    string   `json:"seedId,omitempty"`
	Category  Category `json:"category"`
	Type      string   `json:"type"`
	Name      string   `json:"name"`
	Condition string   `json:"rule"`
	Filter    string   `json:"resourceFilter"`
	Actions   Action   `json:"actions"`
	Comment   string   `json:"comment,omitempty"`
	Disabled  bool     `json:"disabled"`
	Context   Context  `json:"ruleContext"`
}

// Check says why a rule cannot be saved, or nil.
func (r *Rule) Check() error {
	_, err := compileRule(r, &compiler{})
	return err
}

// A rule is a compiled one. Everything but its score is fixed.
type rule struct {
	*Rule
	index     int
	err       error // why it never matches
	filter    *Filter
	condition node
	score     score
}

func compileRule(r *Rule, c *compiler) (*rule, error) {
	compiled := &rule{Rule: r, condition: &constantNode{}}
	compiled.err = compiled.compile(c)
	return compiled, compiled.err
}

func (r *rule) compile(c *compiler) (err error) {
	known := false
	for _, category := range []Category{Security, License, LoadBalancing} {
		known = known || strings.EqualFold(string(r.Category), string(category))
	}
	if !known {
		return fmt.Errorf("rules: no category %q", r.Category)
	}
	if r.Context < ContextBoth || r.Context > ContextConsole {
		return fmt.Errorf("rules: no context %d", int(r.Context))
	}
	if r.filter, err = ParseFilter(r.Rule.Filter); err != nil {
		return err
	}
	parsed, err := Parse(r.Rule.Condition)
	if err != nil {
		return err
	}
	r.condition = c.compile(parsed.root)
	return nil
}

// alive says whether the rule can match in a request of the context.
func (r *rule) alive(request Context) bool {
	return r.err == nil && !r.Disabled && r.Rule.Context.fits(request)
}
