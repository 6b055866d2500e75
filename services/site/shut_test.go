package site

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/repository"
)

// Who is blocked or deleted while he is logged in is out at once, his sockets
// included, however busy he keeps his session.
func TestShut(t *testing.T) {
	s := run(t, Options{Dir: t.TempDir(), Roles: Roles{Proxy: true, Engine: true}})
	self := repository.Service("api")
	users := s.repo.Schema().Type("User")
	for name, end := range map[string]func(id string) error{
		"blocked": func(id string) error {
			_, err := s.repo.Update(t.Context(), &self, users, id, map[string]any{"blacklisted": true})
			return err
		},
		"renamed": func(id string) error {
			_, err := s.repo.Update(t.Context(), &self, users, id, map[string]any{"userId": "somebody"})
			return err
		},
		"deleted": func(id string) error { return s.repo.Delete(t.Context(), &self, users, id) },
	} {
		t.Run(name, func(t *testing.T) {
			password, err := s.accounts.Reset(name)
			if err != nil {
				t.Fatal(err)
			}
			v := s.visitor(t)
			if status, path := v.logIn(name, password); status != 200 || path != "/hub/" {
				t.Fatalf("log-in: %d %s", status, path)
			}
			_, text := v.ask("GET", "qrs/user", nil)
			var found []struct{ ID string }
			if err := json.Unmarshal(text, &found); err != nil || len(found) != 1 {
				t.Fatalf("%s, %v", text, err)
			}
			running := s.sessions.OfUser("", LocalDirectory, name)
			if len(running) != 1 {
				t.Fatalf("%d sessions", len(running))
			}
			if err := end(found[0].ID); err != nil {
				t.Fatal(err)
			}
			select {
			case <-running[0].Done():
			case <-time.After(5 * time.Second):
				t.Fatal("the session goes on")
			}
			if status, text := v.ask("GET", "qrs/app", nil); fmt.Sprintf("%.1s", text) == "[" {
				t.Errorf("still answered: %d %s", status, text)
			}
		})
	}
}
