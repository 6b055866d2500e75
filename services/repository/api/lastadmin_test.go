package api

import (
	"testing"
)

// There is always a RootAdmin who can log in, whoever wants to be rid of the
// last one.
func TestLastAdmin(t *testing.T) { onEach(t, testLastAdmin) }

func testLastAdmin(t *testing.T, s *site) {
	first, second, third := s.user("first", "RootAdmin"), s.user("second", "RootAdmin"), s.user("third", "rootadmin", "ContentAdmin")
	at := func(u doc) string { return "/qrs/user/" + u["id"].(string) }
	s.json(service, "PUT", at(second), `{"blacklisted":true}`, 200, nil)
	s.json(`DOM\first`, "PUT", at(first), `{"roles":[]}`, 200, nil) // there is the third one
	s.json(service, "PUT", at(third), `{"roles":[]}`, 400, nil)
	s.json(service, "PUT", at(first), `{"roles":["RootAdmin"]}`, 200, nil)
	s.json(service, "PUT", at(third), `{"roles":[]}`, 200, nil)
	for _, body := range []string{`{"roles":[]}`, `{"roles":["ContentAdmin"]}`, `{"inactive":true}`, `{"blacklisted":true}`, `{"removedExternally":true}`} {
		s.json(`DOM\first`, "PUT", at(first), body, 400, nil)
		s.json(service, "PUT", at(first), body, 400, nil)
	}
	s.json(service, "DELETE", at(first), "", 400, nil)
	s.json(service, "PUT", at(first), `{"name":"First","roles":["RootAdmin","AuditAdmin"]}`, 200, nil)
	s.json(service, "PUT", at(second), `{"blacklisted":false}`, 200, nil)
	s.json(`DOM\first`, "PUT", at(first), `{"roles":[]}`, 200, nil)
	s.json(service, "DELETE", at(first), "", 204, nil)
}
