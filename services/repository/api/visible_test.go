package api

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// A filter, an order and a count tell nothing of entities that the caller may
// not read, but for what condensed forms show of them.
func TestFiltersTellNoSecrets(t *testing.T) { onEach(t, testFiltersTellNoSecrets) }

func testFiltersTellNoSecrets(t *testing.T, s *site) {
	s.user("root", "RootAdmin")
	ann, eve := s.user("ann"), s.user("eve")
	const root, hub = `DOM\root`, `DOM\eve hub`
	for _, u := range []struct{ id, mail string }{{ann["id"].(string), "ann@example.com"}, {eve["id"].(string), "eve@example.com"}} {
		s.json(service, "PUT", "/qrs/user/"+u.id, fmt.Sprintf(`{"attributes":[{"attributeType":"email","attributeValue":%q,"externalId":"x"}]}`, u.mail), 200, nil)
	}
	shown := s.appOf("shown", ann, true)
	s.appOf("mine", eve, false)
	s.make("ReloadTask", doc{"name": "t", "app": doc{"id": shown}, "taskSessionTimeout": 60, "maxRetries": 0})
	for _, tt := range []struct {
		who, typ, filter string
		want             int
		why              string
	}{
		{hub, "app", "owner.attributes.attributeValue sw 'ann@'", 0, "the mail address of somebody else"},
		{hub, "app", "owner.attributes.attributeValue ne 'x'", 1, "nor that it is none in particular"},
		{hub, "app", "owner.attributes.attributeValue sw 'eve@'", 1, "one's own"},
		{hub, "app", "owner.blacklisted eq false", 1, "a flag"},
		{hub, "app", "owner.createdDate gt '2001-01-01'", 1, "what every entity has"},
		{hub, "app", "stream.owner.attributes.attributeValue sw 'a' or name eq 'mine'", 1, "two steps"},
		{hub, "app", "owner.userId eq 'ann'", 1, "what is shown"},
		{hub, "app", "owner.userDirectory eq 'DOM' and stream.name eq 'Everyone'", 1, "and what the stream is called"},
		{hub, "app", "stream.name eq null", 1, "or that there is none"},
		{hub, "app", "stream.createdDate ne '2001-01-01'", 2, "a stream that everybody may read, or none"},
		{root, "app", "owner.attributes.attributeValue sw 'ann@'", 1, "administrators read all users"},
		{root, "reloadtask", "app.owner.attributes.attributeValue sw 'ann@'", 1, "and behind two steps"},
		{root, "task/full", "app.owner.attributes.attributeValue sw 'ann@'", 1, "and of all tasks"},
	} {
		path := "/qrs/" + strings.TrimSuffix(tt.typ, "/full") + "/count"
		if strings.HasSuffix(tt.typ, "/full") {
			path = "/qrs/" + tt.typ
		}
		status, text := s.do(tt.who, "GET", path+"?filter="+url.QueryEscape(tt.filter), "")
		got := strings.Count(text, `"isPartialReload"`)
		if status == 200 && strings.Contains(path, "count") {
			if _, err := fmt.Sscanf(text, `{"value":%d}`, &got); err != nil {
				t.Fatal(text)
			}
		}
		if status != 200 || got != tt.want {
			t.Errorf("%s: %s of %s by %s: %d %.200s, want %d", tt.why, tt.filter, tt.typ, tt.who, status, text, tt.want)
		}
	}
	for _, tt := range []struct {
		who, order string
		status     int
	}{
		{hub, "owner.inactive", 400},
		{hub, "owner.modifiedDate desc", 400},
		{hub, "owner.name,stream.name", 200},
		{root, "owner.modifiedDate desc", 200},
		{hub, "owner.nothing", 400},
	} {
		if status, text := s.do(tt.who, "GET", "/qrs/app?orderby="+url.QueryEscape(tt.order), ""); status != tt.status {
			t.Errorf("order %s by %s: %d %.200s, want %d", tt.order, tt.who, status, text, tt.status)
		}
	}
	many := strings.Repeat(" or owner.blacklisted eq true", 100)
	if status, text := s.do(hub, "GET", "/qrs/app/count?filter="+url.QueryEscape("name eq 'x'"+many), ""); status != 400 {
		t.Errorf("a hundred lists for one filter: %d %.100s", status, text)
	}
}
