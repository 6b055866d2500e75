package rules

import (
	"fmt"
	"log/slog"
	"testing"
)

// BenchmarkHub is the list of apps of a hub: 1000 apps, the default rules and a
// user with 50 groups, with nothing kept and with everything kept.
func BenchmarkHub(b *testing.B) {
	groups := make([]string, 50)
	for i := range groups {
		groups[i] = fmt.Sprint("group number ", i)
	}
	user := newUser("ann")
	user.put("group", groups)
	apps := make([]*thing, 1000)
	for i := range apps {
		apps[i] = newThing("App", fmt.Sprint("app", i), "stream", newThing("Stream", fmt.Sprint("stream", i%20)))
	}
	for _, warm := range []bool{false, true} {
		b.Run(fmt.Sprintf("warm=%v", warm), func(b *testing.B) {
			set, _ := Compile(Defaults())
			g := NewGuard(set, 0, slog.New(slog.DiscardHandler))
			for b.Loop() {
				if !warm {
					g.current.Store(newGeneration(set))
				}
				a, err := g.Access(Request{User: user, Context: ContextHub})
				if err != nil {
					b.Fatal(err)
				}
				for _, app := range apps {
					if got, err := a.Allowed(app, Read); got != None || err != nil {
						b.Fatal(got, err)
					}
				}
			}
		})
	}
}
