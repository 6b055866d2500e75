package site

import (
	"testing"

	"github.com/cognate-bi/cognate/services/repository"
)

// A site whose default virtual proxy cannot stand starts, so that it can be
// mended; nobody logs in there until then.
func TestStartWithoutDefaultVirtualProxy(t *testing.T) {
	dir := t.TempDir()
	self := repository.Service("api")
	headers := func(s *running, text string) {
		t.Helper()
		typ := s.repo.Schema().Type("VirtualProxyConfig")
		found, err := s.repo.List(t.Context(), &self, typ, repository.Query{Filter: "defaultVirtualProxy eq true"})
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		if _, err := s.repo.Update(t.Context(), &self, typ, found[0]["id"].(string), map[string]any{"additionalResponseHeaders": text}); err != nil {
			t.Fatal(err)
		}
	}
	var password string
	t.Run("set up wrongly", func(t *testing.T) {
		s := start(t, dir)
		password = s.password
		headers(s, "no header")
	})
	t.Run("mended", func(t *testing.T) {
		s := start(t, dir)
		v := s.visitor(t)
		a, err := v.Get(s.URL() + "hub/")
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		if a.StatusCode < 400 {
			t.Errorf("somebody comes in: %d", a.StatusCode)
		}
		headers(s, "X-Ours: yes")
		eventually(t, "a log-in", func() bool {
			a, err := v.Get(s.URL() + "hub/")
			if err != nil {
				return false
			}
			_ = a.Body.Close()
			return a.Header.Get("X-Ours") == "yes"
		})
		if status, path := v.logIn("admin", password); status != 200 || path != "/hub/" {
			t.Errorf("log-in: %d at %s", status, path)
		}
	})
}
