package rules

import (
	"reflect"
	"testing"
)

func TestRoles(t *testing.T) {
	want := []string{AuditAdmin, ContentAdmin, DeploymentAdmin, HubAdmin, RootAdmin, SecurityAdmin}
	if got := compileOK(t, Defaults()...).Roles(); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

func TestReads(t *testing.T) {
	s := compileOK(t, securityRule("r", "App_*", Read, `resource.IsOwned() and !(resource.Stream.@x = user.y) and user.z = "1"`))
	if got := s.Reads("app"); !reflect.DeepEqual(got, []string{"owner", "stream.@x"}) {
		t.Errorf("%v", got)
	}
	if got := s.Reads("Stream"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
