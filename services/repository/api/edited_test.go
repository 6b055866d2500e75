package api

import (
	"encoding/json"
	"testing"
)

// A default rule that is edited is a custom one from then on, whatever the
// client sends of its type; one that is only switched off, or sent as it was
// read, is not.
func TestEditedRule(t *testing.T) { onEach(t, testEditedRule) }

func testEditedRule(t *testing.T, s *site) {
	s.user("root", "RootAdmin")
	path := "/qrs/systemrule/" + ruleID(s, "CreateApp")
	for _, tt := range []struct {
		field string
		value any
		want  string
	}{
		{"comment", "ours", "Default"},
		{"disabled", true, "Default"},
		{"rule", `user.group = "Makers"`, "Custom"},
		{"rule", `!user.IsAnonymous()`, "Custom"},
	} {
		var rule doc
		s.json(`DOM\root`, "GET", path, "", 200, &rule)
		rule[tt.field] = tt.value
		body, err := json.Marshal(rule)
		if err != nil {
			t.Fatal(err)
		}
		s.json(`DOM\root`, "PUT", path, string(body), 200, &rule)
		if rule["type"] != tt.want {
			t.Errorf("%s changed to %v: the rule is %v, want %s", tt.field, tt.value, rule["type"], tt.want)
		}
	}
}
