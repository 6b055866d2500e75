package repository

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// A boundWorld is a site with few names, so that rules meet what they speak of.
type boundWorld struct {
	*rand.Rand
	t     *testing.T
	repo  *Repository
	ids   map[string][]string // by type
	users []*Caller
	// plain makes few rules of one comparison or two, most of which read who
	// refers to resources.
	plain bool
}

var service = Service("api")

func (w *boundWorld) pick(from ...string) string { return from[w.IntN(len(from))] }

func (w *boundWorld) any(typ string) string { return w.pick(w.ids[typ]...) }

func (w *boundWorld) create(typ string, doc map[string]any) {
	w.t.Helper()
	made, err := w.repo.Create(w.t.Context(), &service, w.repo.Schema().Type(typ), doc)
	if err != nil {
		w.t.Fatal(err)
	}
	w.ids[typ] = append(w.ids[typ], made[0]["id"].(string))
}

// names have letters with two forms in small, three forms, and none of these.
func (w *boundWorld) name() string {
	return w.pick("a", "A", "s", "S", "ſ", "k", "K", "ς", "i", "İ", "b c")
}

func (w *boundWorld) properties() []any {
	var out []any
	for range w.IntN(3) {
		out = append(out, map[string]any{"value": w.pick("a", "s", "b"), "definition": ref(w.any("CustomPropertyDefinition"))})
	}
	return out
}

func (w *boundWorld) change(typ, id string) map[string]any {
	doc := map[string]any{"customProperties": w.properties(), "tags": []any{}}
	if w.IntN(2) == 0 {
		doc["tags"] = []any{ref(w.any("Tag"))}
	}
	switch typ {
	case "App":
		doc["name"], doc["description"], doc["published"] = w.name(), []any{nil, w.name()}[w.IntN(2)], w.IntN(2) == 0
		doc["owner"], doc["stream"] = ref(w.any("User")), nil
		if w.IntN(3) > 0 {
			doc["stream"] = ref(w.any("Stream"))
		}
	case "Stream":
		doc["name"], doc["owner"] = w.name()+id, ref(w.any("User"))
	case "User":
		doc["name"], doc["roles"] = w.name(), []any{w.pick("a", "s")}[:w.IntN(2)]
	}
	return doc
}

func newBoundWorld(t *testing.T, repo *Repository, seed uint64) *boundWorld {
	w := newEmptyWorld(t, repo, seed)
	w.fill(5, 25)
	return w
}

// newEmptyWorld is a world without streams and apps.
func newEmptyWorld(t *testing.T, repo *Repository, seed uint64) *boundWorld {
	w := &boundWorld{Rand: rand.New(rand.NewPCG(seed, 7)), t: t, repo: repo, ids: map[string][]string{}}
	for _, name := range []string{"dep", "kind"} {
		w.create("CustomPropertyDefinition", map[string]any{"name": name, "valueType": "Text", "choiceValues": []any{"a", "s", "b"}, "objectTypes": []any{"App", "Stream", "User"}})
	}
	for _, name := range []string{"a", "s"} {
		w.create("Tag", map[string]any{"name": name})
	}
	for i := range 3 {
		id := fmt.Sprint("u", i)
		w.users = append(w.users, &Caller{Directory: "DOM", ID: id, Context: rules.Context(i)})
		w.create("User", map[string]any{"userDirectory": "DOM", "userId": id, "name": id, "removedExternally": false, "blacklisted": false})
	}
	return w
}

func (w *boundWorld) fill(streams, apps int) {
	w.t.Helper()
	for i := range streams {
		w.create("Stream", w.change("Stream", fmt.Sprint(i)))
	}
	for range apps {
		w.create("App", w.change("App", ""))
	}
}

func (w *boundWorld) condition(depth int) string {
	if depth > 0 && w.IntN(3) > 0 {
		a, b := w.condition(depth-1), w.condition(depth-1)
		return w.pick("("+a+" and "+b+")", "("+a+" or "+b+")", "!("+a+")")
	}
	if w.plain && w.IntN(4) > 0 {
		return w.backCondition()
	}
	on := w.pick("resource", "resource", "resource.stream", "resource.owner", "resource.stream.owner", "user")
	equals := w.pick(" = ", " = ", " != ", " == ", " !== ")
	switch w.IntN(12) {
	case 0, 1:
		return w.pick("resource", "resource.stream", "resource.stream", "resource.owner", "user") + `.HasPrivilege("` + w.pick("read", "update") + `")`
	case 2:
		return w.pick("resource.stream", "resource.owner", "resource.@dep", "resource.stream.@dep", "resource.tags", "resource.stream.tags", "user.@dep") + ".Empty()"
	case 3:
		return w.pick("resource", "resource.stream") + ".IsOwned()"
	case 4:
		return w.pick("resource.owner", "resource.stream.owner", "resource") + equals + "user"
	case 5:
		return on + w.pick(".@dep", ".@KIND") + equals + w.pick("user.@dep", `"A"`, `{"a","S"}`, "user.name")
	case 6:
		return on + ".name" + w.pick(" like ", " matches ") + w.pick(`"a"`, `"S*"`, `{"k*", "b.*"}`)
	case 7:
		return on + w.pick(".name", ".description") + equals + w.pick(`"a"`, `"S"`, `"K"`, `"σ"`, `{"s", "b C"}`, `"i"`, `"İ"`, "user.name", "resource.description")
	case 8:
		return "resource.published" + equals + w.pick(`"true"`, `"FALSE"`, `"x"`)
	case 9:
		return w.pick(`resource.resourcetype`+equals+`"app"`, `"a"`+equals+`resource.tags.name`, `resource.description`+equals+`"s"`, "resource.id"+equals+`"`+w.any("App")+`"`)
	case 10:
		return w.pick("true", "false", `resource.stream`+equals+`"`+w.any("Stream")+`"`, `resource.nothing`+equals+`"a"`, `resource.modifiedDate > "2020-01-01"`)
	default:
		return "user." + w.pick("roles", "name", "@dep", "userId", "group") + equals + w.pick(`"a"`, `{"s","b"}`, `"u1"`)
	}
}

// newRules puts other rules in the place of those of before.
func (w *boundWorld) newRules() {
	w.t.Helper()
	rule := w.repo.Schema().Type("SystemRule")
	if err := w.repo.Delete(w.t.Context(), &service, rule, w.ids["SystemRule"]...); err != nil {
		w.t.Fatal(err)
	}
	w.ids["SystemRule"] = nil
	var docs []map[string]any
	n, depth := 2+w.IntN(6), 3
	if w.plain {
		n, depth = 1+w.IntN(3), 1
	}
	filters := []string{"*", "App*", "App_*", "App_*", "Stream_*", "User_*, Stream_*", "App_" + w.any("App") + ",App_" + w.any("App"), "Stream_" + w.any("Stream")}
	if w.plain {
		filters = []string{"*", "App_*", "Stream_*", "User_*, Stream_*", "Tag_*, User_*"}
	}
	for i := range n {
		docs = append(docs, map[string]any{
			"name": fmt.Sprint("random ", i), "category": "Security", "type": "Custom", "actions": 2 + 4*w.IntN(2), "ruleContext": w.IntN(3), "disabled": w.IntN(9) == 0,
			"resourceFilter": w.pick(filters...), "rule": w.condition(depth),
		})
	}
	made, err := w.repo.Create(w.t.Context(), &service, rule, docs...)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range made {
		w.ids["SystemRule"] = append(w.ids["SystemRule"], m["id"].(string))
	}
}

// readable asks for every entity by itself, with nothing kept: the oracle of a
// list.
func (w *boundWorld) readable(c *Caller, typ string) (ids []string) {
	w.t.Helper()
	r, ctx := w.repo, w.t.Context()
	user, err := r.user(ctx, c)
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := r.store.List(ctx, typ, store.Query{})
	if err != nil {
		w.t.Fatal(err)
	}
	l := r.loader(ctx, r.store, all...)
	for _, e := range all {
		access, err := r.guard.Rules().Access(rules.Request{User: l.resource(user), Context: c.Context})
		if err != nil {
			w.t.Fatal(err)
		}
		got, err := access.Allowed(l.resource(e), rules.Read)
		if err != nil {
			w.t.Fatal(err)
		}
		if got != 0 {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// TestBoundedLists: what the database leaves out of a list, no rule would have
// let the caller read; whatever rules and changes there are.
func TestBoundedLists(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		repo, err := Open(t.Context(), Options{Store: db})
		if err != nil {
			t.Fatal(err)
		}
		defer repo.Close()
		const seed = 5
		w := newBoundWorld(t, repo, seed)
		partial, nested := 0, 0
		for step := range 300 {
			repo.targetsMax = []int{0, 3, targetsMax}[w.IntN(3)]
			switch {
			case step%3 == 0:
				w.newRules()
			default:
				typ := w.pick("App", "App", "Stream", "User")
				id := w.any(typ)
				if _, err := repo.Update(t.Context(), &service, repo.Schema().Type(typ), id, w.change(typ, id)); err != nil {
					t.Fatal(err)
				}
			}
			c, typ := w.users[w.IntN(len(w.users))], w.pick("App", "App", "App", "Stream", "User")
			want := w.readable(c, typ)
			got := w.list(c, typ, Query{})
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, step %d: %s lists %d %s, want %d: %s", seed, step, c, len(got), typ, len(want), w.describe(c, typ))
			}
			if len(want) > 0 && len(want) < len(w.ids[typ]) {
				partial++
			}
			if strings.Contains(w.describe(c, typ), "behind (") {
				nested++
			}
			skip, take := w.IntN(len(want)+2), 1+w.IntN(5)
			page := want[min(skip, len(want)):min(skip+take, len(want))]
			if got := w.list(c, typ, Query{Skip: skip, Take: take}); !slices.Equal(got, page) {
				t.Fatalf("seed %d, step %d: %s lists %v of %s from %d, want %v", seed, step, c, got, typ, skip, page)
			}
		}
		if partial < 100 || nested < 60 {
			t.Errorf("only %d lists had some and left some out, and %d were bounded behind references", partial, nested)
		}
	})
}

func (w *boundWorld) list(c *Caller, typ string, q Query) (ids []string) {
	w.t.Helper()
	found, err := w.repo.Condensed(w.t.Context(), c, w.repo.Schema().Type(typ), q)
	if err != nil {
		w.t.Fatalf("%s lists %s: %v: %s", c, typ, err, w.describe(c, typ))
	}
	for _, e := range found {
		ids = append(ids, e["id"].(string))
	}
	return ids
}

func (w *boundWorld) describe(c *Caller, typ string) (text string) {
	w.t.Helper()
	d, err := w.repo.decider(w.t.Context(), c)
	if err != nil {
		return err.Error()
	}
	where, err := d.bounded(w.t.Context(), w.repo.Schema().Type(typ), store.Query{})
	text = fmt.Sprint("\nbound: ", where, " ", err)
	for _, r := range w.repo.guard.Rules().Rules() {
		if r.Type == "Custom" {
			text += fmt.Sprintf("\n%s: %s of %s in %s", r.Filter, r.Actions, r.Condition, r.Context)
		}
	}
	return text
}

// TestBoundedLetters: letters that databases and rules fold in different ways
// leave nothing out, however the condition is turned.
func TestBoundedLetters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		repo, err := Open(t.Context(), Options{Store: db})
		if err != nil {
			t.Fatal(err)
		}
		defer repo.Close()
		w := newBoundWorld(t, repo, 1)
		letters := []string{"i", "İ", "ı", "s", "ſ", "k", "\u212a", "σ", "ς"}
		for _, of := range letters {
			w.create("App", map[string]any{"name": "app", "description": of, "owner": ref(w.any("User"))})
		}
		for _, with := range letters {
			for _, condition := range []string{`resource.description = %q`, `!(resource.description = %q)`, `resource.description == %q`, `!(resource.description == %q)`} {
				condition = fmt.Sprintf(condition, with)
				if err := repo.Delete(t.Context(), &service, repo.Schema().Type("SystemRule"), w.ids["SystemRule"]...); err != nil {
					t.Fatal(err)
				}
				w.ids["SystemRule"] = nil
				w.create("SystemRule", map[string]any{"name": "letters", "category": "Security", "type": "Custom", "actions": 2, "resourceFilter": "App_*", "rule": condition})
				if got, want := w.list(w.users[0], "App", Query{}), w.readable(w.users[0], "App"); !slices.Equal(got, want) {
					t.Errorf("%s: %d apps, want %d", condition, len(got), len(want))
				}
			}
		}
	})
}

// TestNestedBounds: where no entity behind a reference is looked at, lists are
// what rules let read, and bounds tell of most conditions all the same.
func TestNestedBounds(t *testing.T) {
	conditions := []struct {
		text     string
		unknown  bool // of a list of apps, as it stands
		notKnown bool // negated
	}{
		{text: `resource.stream.name = "a0"`},
		{text: `resource.stream.name != "a0"`},
		{text: `resource.stream.@dep = "a"`},
		{text: `resource.stream.@dep = {"a", "s"}`},
		{text: `resource.owner.@dep != "a"`},
		{text: `resource.owner.roles = "a"`},
		{text: `resource.tags.name = "a"`},
		{text: `resource.tags.name != "s"`},
		{text: `resource.stream.tags.name = "a"`},
		{text: `resource.stream.owner = user`},
		{text: `resource.stream.owner.@dep = "b"`},
		{text: `resource.stream.owner.tags.name = "b"`},
		{text: `resource.stream.owner.blacklisted = "false"`},
		{text: `resource.stream.Empty()`},
		{text: `resource.tags.Empty()`},
		{text: `resource.stream.tags.Empty()`},
		{text: `resource.stream.IsOwned()`},
		{text: `resource.stream.owner.userId = "u0" or resource.stream.tags.name = "s"`},
		{text: `resource.stream.owner.userId = "u0" and resource.owner.userId != "u1"`},
		{text: `resource.stream.resourcetype = "Stream"`},
		{text: `resource.stream.name like "a*"`, notKnown: true}, // a stream there must be
		{text: `resource.stream.owner.name matches ".*s.*"`, notKnown: true},
		{text: `resource.stream.@dep.Empty()`, unknown: true},
		{text: `resource.stream.HasPrivilege("read")`, notKnown: true},
		{text: `resource.stream.HasPrivilege("read") and resource.owner.HasPrivilege("update")`, notKnown: true},
		{text: `resource.stream.owner.HasPrivilege("update")`, notKnown: true},
		{text: `resource.stream.name = resource.name`, unknown: true, notKnown: true},
	}
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		repo, err := Open(t.Context(), Options{Store: db})
		if err != nil {
			t.Fatal(err)
		}
		defer repo.Close()
		w := newBoundWorld(t, repo, 4)
		w.create("SystemRule", map[string]any{"name": "streams", "category": "Security", "type": "Custom", "actions": 2, "resourceFilter": "Stream_*", "rule": `resource.@dep = "a" or resource.owner.HasPrivilege("update")`})
		w.create("SystemRule", map[string]any{"name": "users", "category": "Security", "type": "Custom", "actions": 4, "resourceFilter": "User_*", "rule": `resource.@dep = {"a", "s"} or resource.tags.name = "a"`})
		repo.targetsMax = 0
		app := repo.Schema().Type("App")
		for _, check := range conditions {
			for _, condition := range []string{check.text, "!(" + check.text + ")"} {
				rule, err := repo.Create(t.Context(), &service, repo.Schema().Type("SystemRule"), map[string]any{"name": "r", "category": "Security", "type": "Custom", "actions": 2, "resourceFilter": "App_*", "rule": condition})
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range w.users {
					if got, want := w.list(c, "App", Query{}), w.readable(c, "App"); !slices.Equal(got, want) {
						t.Errorf("%s: %s lists %d, want %d: %s", condition, c, len(got), len(want), w.describe(c, "App"))
					}
				}
				d, err := repo.decider(t.Context(), w.users[2])
				if err != nil {
					t.Fatal(err)
				}
				where, err := d.bounded(t.Context(), app, store.Query{})
				unknown := check.unknown
				if condition != check.text {
					unknown = check.notKnown
				}
				if got := where == filter.Constant(true); err != nil || got != unknown {
					t.Errorf("%s: bound %s, %v", condition, where, err)
				}
				if err := repo.Delete(t.Context(), &service, repo.Schema().Type("SystemRule"), rule[0]["id"].(string)); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
