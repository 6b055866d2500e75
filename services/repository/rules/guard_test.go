package rules

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

func TestInvalidation(t *testing.T) {
	var log strings.Builder
	user, stream := newUser("u1"), newThing("Stream", "s1", "@open", "yes")
	app := newThing("App", "a1", "stream", stream)
	on := func(condition string) *RuleSet { return compileOK(t, securityRule("r", "App_*", Read, condition)) }
	g := NewGuard(on(`resource.stream.@open = "yes"`), 0, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	check := func(what string, want bool) {
		t.Helper()
		a, err := g.Access(Request{User: user})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := a.Allowed(app, Read); err != nil || (got == Read) != want {
			t.Errorf("%s: %s, %v", what, got, err)
		}
	}
	check("open", true)
	stream.put("@open", "no")
	check("without a word the old result stays", true)
	g.EntityChanged("s1", "custom property")
	check("a change of what was looked at", false)

	g.Replace(on(`user.boss.name = "ann"`), "rule saved")
	check("other rules", false)
	user.put("boss", newUser("ann"))
	check("not told", false)
	g.UserChanged("u1", "attribute")
	check("a change of the user", true)
	user.put("boss", newUser("bob"))
	g.Reset("database away")
	check("everything", false)
	for _, kind := range []string{"Complete", "User", "Entity"} {
		if !strings.Contains(log.String(), "kind="+kind) {
			t.Errorf("no %s in the log:\n%s", kind, &log)
		}
	}
}

// TestReferrers: a new referrer is a change of those results only that looked at
// who refers to an entity by that name.
func TestReferrers(t *testing.T) {
	var apps []Entity
	looked := 0
	stream := newThing("Stream", "s1", "name", "x")
	stream.backs["apps"] = func() []Entity {
		looked++
		return apps
	}
	g := NewGuard(compileOK(t, securityRule("r", "Stream_*", Read, `!resource.apps.Empty()`)), 0, slog.New(slog.DiscardHandler))
	check := func(what string, want bool, looks int) {
		t.Helper()
		a, err := g.Access(Request{User: newUser("u1")})
		if err != nil {
			t.Fatal(err)
		}
		looked = 0
		if got, err := a.Allowed(stream, Read); err != nil || (got == Read) != want || looked != looks {
			t.Errorf("%s: %s, %v, looked %d times", what, got, err, looked)
		}
	}
	check("nobody refers to it", false, 1)
	apps = []Entity{newThing("App", "a1")}
	g.ReferrersChanged("s1", "appobjects", "other referrers")
	g.ReferrersChanged("s2", "apps", "another target")
	check("what is kept stays", false, 0)
	g.ReferrersChanged("s1", "apps", "App a1 refers to it")
	check("a new referrer", true, 1)
	check("again", true, 0)
	apps = nil
	g.EntityChanged("a1", "it refers to another")
	check("a referrer less", false, 1)
}

// TestReferrersOfUser: what is evaluated once for all resources of a request is
// what each of them depends on.
func TestReferrersOfUser(t *testing.T) {
	var apps []Entity
	user := newUser("u1")
	user.backs["apps"] = func() []Entity { return apps }
	g := NewGuard(compileOK(t, securityRule("r", "Stream_*", Read, `!user.apps.Empty()`)), 0, slog.New(slog.DiscardHandler))
	for _, want := range []Action{None, Read} {
		a, err := g.Access(Request{User: user})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"s1", "s2", "s3"} {
			if got, err := a.Allowed(newThing("Stream", id), Read); err != nil || got != want {
				t.Errorf("%s: %s, %v; want %s", id, got, err, want)
			}
		}
		apps = []Entity{newThing("App", "a1")}
		g.ReferrersChanged("u1", "apps", "App a1 refers to it")
	}
}

func TestUsersAreBounded(t *testing.T) {
	g := NewGuard(compileOK(t, securityRule("r", "*", Read, "true")), 2, slog.New(slog.DiscardHandler))
	for _, id := range []string{"a", "b", "c", "c"} {
		if _, err := g.Access(Request{User: newUser(id)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := g.current.Load(); n.recent.Len() != 2 || len(n.users) != 2 {
		t.Errorf("%d users kept", n.recent.Len())
	}
}

func TestDraftIsNotKept(t *testing.T) {
	g := NewGuard(compileOK(t, securityRule("r", "*", Read, `resource.name = "ok"`)), 0, slog.New(slog.DiscardHandler))
	a, err := g.Access(Request{User: newUser("u1")})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.AllowedDraft(newThing("App", "a1", "name", "ok"), Read); got != Read || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := a.Allowed(newThing("App", "a1", "name", "no"), Read); got != None || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

func TestInvalidationReachesFar(t *testing.T) {
	stream := newThing("Stream", "s1", "@open", "yes")
	object := newThing("App.Object", "o1", "app", newThing("App", "a1", "stream", stream))
	g := NewGuard(compileOK(t,
		securityRule("object", "App.Object_*", Read, `resource.app.HasPrivilege("read")`),
		securityRule("app", "App_*", Read, `resource.stream.HasPrivilege("read")`),
		securityRule("stream", "Stream_*", Read, `resource.@open = "yes"`)), 0, slog.New(slog.DiscardHandler))
	for _, want := range []Action{Read, None} {
		a, err := g.Access(Request{User: newUser("u1")})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := a.Allowed(object, Read); got != want || err != nil {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
		stream.put("@open", "no")
		g.EntityChanged("s1", "custom property")
	}
}

func TestGuardIsConcurrent(t *testing.T) {
	set := compileOK(t, Defaults()...)
	g := NewGuard(set, 3, slog.New(slog.DiscardHandler))
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 300 {
				a, err := g.Access(Request{User: newUser(fmt.Sprint("u", (worker+i)%5)), Context: ContextHub})
				if err != nil {
					t.Error(err)
					return
				}
				app := newThing("App", fmt.Sprint("a", i%7), "stream", newThing("Stream", EveryoneStreamID))
				if got, err := a.Allowed(app, Read|Update); got != Read || err != nil {
					t.Error(got, err)
				}
				switch i % 50 {
				case 10:
					g.EntityChanged("a1", "test")
				case 20:
					g.UserChanged("u1", "test")
				case 30:
					g.Reset("test")
				}
			}
		})
	}
	wg.Wait()
}
