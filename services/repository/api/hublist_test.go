package api

import (
	"net/url"
	"slices"
	"testing"
)

// A hub shows one's own apps and those that are published; what others work on
// it does not, even to whom a rule lets see it. The console does.
func TestHubList(t *testing.T) { onEach(t, testHubList) }

func testHubList(t *testing.T, s *site) {
	ann, bob := s.user("ann"), s.user("bob")
	s.appOf("own", ann, false)
	s.appOf("work of bob", bob, false)
	s.appOf("published", bob, true)
	s.make("SystemRule", doc{"name": "all", "category": "Security", "type": "Custom", "rule": "true", "resourceFilter": "App_*", "actions": 2, "ruleContext": 0, "disabled": false})
	for _, tt := range []struct {
		who, path string
		want      []string
	}{
		{`DOM\ann hub`, "/qrs/app/hublist?orderby=name", []string{"own", "published"}},
		{`dom\ANN hub`, "/qrs/app/hublist/full?orderby=name&filter=" + url.QueryEscape("name eq 'own' or name so 'bob'"), []string{"own"}},
		{`DOM\ann`, "/qrs/app/hublist?orderby=name", []string{"own", "published", "work of bob"}},
		{`DOM\ann hub`, "/qrs/app?orderby=name", []string{"own", "published", "work of bob"}},
	} {
		var apps []doc
		s.json(tt.who, "GET", tt.path, "", 200, &apps)
		var names []string
		for _, app := range apps {
			names = append(names, app["name"].(string))
		}
		if !slices.Equal(names, tt.want) {
			t.Errorf("%s %s: %q, want %q", tt.who, tt.path, names, tt.want)
		}
	}
	s.json(`DOM\ann hub`, "GET", "/qrs/app/hublist?filter="+url.QueryEscape("name eq"), "", 400, nil)
}
