package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// Whatever an operation is asked, it is answered, and not by an error of the
// server.
func TestHostileRequests(t *testing.T) {
	s := newSite(t, storetest.Open(t, storetest.Config(t, store.SQLite)))
	admin := s.user("root", "RootAdmin")["id"].(string)
	const root = `DOM\root`
	var tag, selection doc
	s.json(root, "POST", "/qrs/tag", `{"name":"x"}`, 201, &tag)
	id := tag["id"].(string)
	s.json(root, "POST", "/qrs/selection", fmt.Sprintf(`{"items":[{"type":"Tag","objectID":%q},{"type":"User","objectID":%q}]}`, id, admin), 201, &selection)
	item := `{"value":{},"definition":{"id":{}}}`
	bodies := []string{
		"null", "[null]", `"x"`, strings.Repeat("[", 20000), `{"id":7,"name":{},"owner":[],"tags":{"id":[]},"modifiedDate":1e400,"privileges":7}`,
		fmt.Sprintf(`{"name":"\ud800","customProperties":[null,%s],"items":[null],"type":"Tag","columns":[{"columnType":{},"definition":"a.b"}]}`, item),
		`{"task":{"name":"t"},"schemaEvents":[null],"compositeEvents":[{}],"resourceType":"App","subjectFilter":1}`,
		fmt.Sprintf(`{"latestModifiedDate":"2100-01-01T00:00:00.000Z","properties":[{"name":"customProperties","valueIsModified":true,"value":{"added":[%s,%s]}}],"children":[{"name":"x"}]}`, item, item),
	}
	queries := []string{"skip=9223372036854775807&take=9223372036854775807", "filter=" + strings.Repeat("(", 1000), "orderby=owner.owner&filter=@x.y%20eq%201", "externalpath=..%2f%00&path=%2fcontent%2f..&since=1&types=[,]&resourcetype=App&attribute=a.b.c.d.e"}
	call := func(method, path, body string) {
		if status, text := s.do(root, method, path, body); status >= 500 && status != 501 {
			t.Errorf("%s %.200s %.200s: %d %s", method, path, body, status, text)
		}
	}
	for _, o := range New(Options{Repository: s.repo}).Operations() {
		method, path, _ := strings.Cut(o, " ")
		parts := strings.Split(path, "/")
		for i, p := range parts {
			switch {
			case p == "{sid}":
				parts[i] = selection["id"].(string)
			case p == "{type}":
				parts[i] = "user"
			case strings.HasPrefix(p, "{"):
				parts[i] = id
			}
		}
		path = strings.Join(parts, "/")
		switch method {
		case "POST", "PUT":
			for _, body := range bodies {
				call(method, path, body)
			}
		case "GET":
			for _, q := range queries {
				call(method, path+"?"+q, "")
			}
		}
	}
}
