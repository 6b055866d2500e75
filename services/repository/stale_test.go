package repository

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// backCondition is a condition that reads who refers to a resource, to what it
// refers to, or to the user.
func (w *boundWorld) backCondition() string {
	on := w.pick("resource.apps", "resource.apps", "resource.streams", "resource.owner.streams", "resource.stream.apps", "resource.tags.apps", "resource.stream.owner.apps",
		"resource.apps.stream", "user.apps", "user.streams", "user.apps.stream", "user.apps.tags")
	equals := w.pick(" = ", " != ")
	switch w.IntN(7) {
	case 0, 1:
		return on + ".Empty()"
	case 2:
		return on + equals + fmt.Sprintf("%q", w.any(w.pick("App", "Stream")))
	case 3:
		return on + ".owner" + equals + "user"
	case 4:
		return on + `.HasPrivilege("` + w.pick("read", "update") + `")`
	case 5:
		return on + ".IsOwned()"
	default:
		return on + w.pick(".name", ".description", ".@dep") + equals + w.pick(`"a"`, `{"s", "k"}`, "user.name", `"b c"`)
	}
}

// disturb does one random change: of what an entity is, of what it refers to, or
// of whether it is there.
func (w *boundWorld) disturb() {
	w.t.Helper()
	ctx, typ := w.t.Context(), w.pick("App", "App", "App", "Stream", "User")
	id := w.any(typ)
	var err error
	switch n := w.IntN(6); {
	case n == 0 && typ != "User":
		w.create(typ, w.change(typ, fmt.Sprint(w.Uint32())))
	case n == 1 && typ != "User" && len(w.ids[typ]) > 3:
		err = w.repo.Delete(ctx, &service, w.repo.Schema().Type(typ), id)
		w.ids[typ] = slices.DeleteFunc(w.ids[typ], func(known string) bool { return known == id })
	default:
		_, err = w.repo.Update(ctx, &service, w.repo.Schema().Type(typ), id, w.change(typ, id))
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestDecisionsAreNeverStale: after any change everyone is told the same as if
// nothing had been kept, also by rules that read who refers to a resource.
func TestDecisionsAreNeverStale(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		repo, err := Open(t.Context(), Options{Store: db})
		if err != nil {
			t.Fatal(err)
		}
		defer repo.Close()
		const seed = 11
		w := newEmptyWorld(t, repo, seed)
		w.plain = true
		w.fill(8, 5)
		turned, before := 0, map[string][]string{}
		for step := range 240 {
			if step%12 == 0 {
				w.newRules()
			} else {
				w.disturb()
			}
			for _, c := range w.users {
				for _, typ := range []string{"App", "Stream", "User", "Tag"} {
					want, got := w.readable(c, typ), w.list(c, typ, Query{})
					if !slices.Equal(got, want) {
						t.Fatalf("seed %d, step %d: %s lists %d %s, want %d: %s", seed, step, c, len(got), typ, len(want), w.describe(c, typ))
					}
					of := c.ID + typ
					if step%12 != 0 && !slices.Equal(want, before[of]) {
						turned++
					}
					before[of] = want
				}
			}
		}
		if turned < 200 {
			t.Errorf("only %d lists were turned by a change", turned)
		}
	})
}

// TestRollbackLeavesNoDecision: what is decided inside a transaction by changes
// that are never committed is forgotten.
func TestRollbackLeavesNoDecision(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		repo, err := Open(t.Context(), Options{Store: db})
		if err != nil {
			t.Fatal(err)
		}
		defer repo.Close()
		w := newEmptyWorld(t, repo, 1)
		w.create("Stream", map[string]any{"name": "closed"})
		w.create("App", map[string]any{"name": "app", "owner": ref(w.ids["User"][0]), "stream": ref(w.any("Stream"))})
		w.create("SystemRule", map[string]any{"name": "r", "category": "Security", "type": "Custom", "actions": 2, "resourceFilter": "App_*", "rule": `resource.stream.name = "open"`})
		c, undo := w.users[1], errors.New("undo")
		access, err := repo.guard.Access(rules.Request{User: w.user(c), Context: c.Context})
		if err != nil {
			t.Fatal(err)
		}
		err = repo.change(t.Context(), c, func(tx *store.Tx) error {
			if _, err := tx.Update(t.Context(), "Stream", w.any("Stream"), map[string]any{"name": "open"}); err != nil {
				return err
			}
			d := &decider{r: repo, caller: c, access: access}
			app, err := tx.Get(t.Context(), "App", w.any("App"))
			if err != nil {
				return err
			}
			if got, err := d.may(repo.loader(t.Context(), tx, app), app, rules.Read); err != nil || got != rules.Read {
				t.Errorf("inside: %s, %v", got, err)
			}
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		if _, err := repo.Get(t.Context(), c, repo.Schema().Type("App"), w.any("App"), false); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s reads the app by a change that was undone: %v", c, err)
		}
	})
}

// user returns the user that a caller is, as rules see him.
func (w *boundWorld) user(c *Caller) *resource {
	w.t.Helper()
	user, err := w.repo.user(w.t.Context(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.repo.loader(w.t.Context(), w.repo.store).resource(user)
}

// TestGeneration: whatever a rule looks at, a change of it is one of the rights
// on objects; what none looks at is not.
func TestGeneration(t *testing.T) {
	repo, err := Open(t.Context(), Options{Store: storetest.Open(t, storetest.Config(t, store.SQLite))})
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	w := newEmptyWorld(t, repo, 1)
	w.create("DataConnection", map[string]any{"name": "files", "connectionstring": "/data", "type": "folder", "owner": ref(w.ids["User"][0])})
	for _, check := range []struct {
		condition, typ string
		want           bool
	}{
		{"", "Tag", false},
		{"", "DataConnection", false},
		{"", "User", true},
		{`resource.app.tags.name = "x"`, "Tag", true},
		{`resource.app.tags.name = "x"`, "DataConnection", false},
		{`resource.owner.DataConnections.name = "x"`, "DataConnection", true},
	} {
		if check.condition != "" {
			w.create("SystemRule", map[string]any{"name": "r", "category": "Security", "type": "Custom", "actions": 2, "resourceFilter": "App.Object_*", "rule": check.condition})
		}
		before := repo.Generation()
		if _, err := repo.Update(t.Context(), &service, repo.Schema().Type(check.typ), w.any(check.typ), map[string]any{"name": w.name() + "x"}); err != nil {
			t.Fatal(err)
		}
		if got := repo.Generation() != before; got != check.want {
			t.Errorf("%s with %q: %t", check.typ, check.condition, got)
		}
	}
}
