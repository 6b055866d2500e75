package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/services/repository"
)

// What helps to write rules tells nobody else what entities have that he may
// not read.
func TestEditorIsForRuleWriters(t *testing.T) { onEach(t, testEditorIsForRuleWriters) }

func testEditorIsForRuleWriters(t *testing.T, s *site) {
	s.user("ann")
	s.user("audit", "AuditAdmin")
	s.user("security", "SecurityAdmin")
	var boss doc
	s.json(service, "POST", "/qrs/user", `{"userDirectory":"DOM","userId":"boss","name":"boss","roles":["RootAdmin"],"attributes":[{"attributeType":"mail","attributeValue":"boss@secret"}]}`, 201, &boss)
	api := repository.Service("api")
	if _, err := s.repo.Create(t.Context(), &api, s.repo.Schema().Type("App"), doc{
		"name": "Published", "published": true, "owner": doc{"id": boss["id"]}, "stream": doc{"id": "aaec8d41-5201-43ab-809f-3063750dfafd"},
	}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		who, attribute string
		status         int
		want           []string
	}{
		{`DOM\ann hub`, "owner.mail", 403, nil},
		{`DOM\ann`, "owner.roles", 403, nil},
		{`DOM\ann hub`, "name", 403, nil},
		{`DOM\security`, "owner.mail", 200, []string{"boss@secret"}},
		{`DOM\audit`, "owner.roles", 200, []string{"RootAdmin"}},
	} {
		status, text := s.do(tt.who, "GET", fmt.Sprintf("/qrs/systemrule/security/attributevalues?resourcetype=App&attribute=%s&filter=", tt.attribute), "")
		var got []string
		if status == 200 {
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatal(err)
			}
		}
		if status != tt.status || !slices.Equal(got, tt.want) {
			t.Errorf("%s by %s: %d %s, want %d %v", tt.attribute, tt.who, status, text, tt.status, tt.want)
		}
	}
	s.json(`DOM\ann`, "GET", "/qrs/systemrule/security/accessibleattributes?resourcetype=User", "", 403, nil)
	s.json(`DOM\audit`, "GET", "/qrs/systemrule/security/accessibleattributes?resourcetype=User", "", 200, nil)
}
