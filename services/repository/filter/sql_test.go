package filter_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// TestSQL: of random entities, each database finds those for a random filter
// that Matches finds one by one.
func TestSQL(t *testing.T) {
	const seed = 3
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		s := open(t, cfg)
		w := newWorld(t, s, rand.New(rand.NewPCG(seed, 1)))
		g := generator{world: w, rng: rand.New(rand.NewPCG(seed, 2))}
		found := 0
		for range 600 {
			n, err := filter.Parse(g.filter(2))
			if err != nil {
				t.Fatal(err)
			}
			p, err := filter.Resolve(n, s.Schema(), s.Schema().Type("App"))
			if err != nil {
				t.Fatalf("%s: %v", n, err)
			}
			var want, got []string
			for _, app := range w.apps {
				if p.Matches(w.docs[app], func(id string) map[string]any { return w.docs[id] }) {
					want = append(want, app)
				}
			}
			list, err := s.List(t.Context(), "App", store.Query{Where: n})
			if err != nil {
				t.Fatalf("%s: %v", n, err)
			}
			for _, e := range list {
				got = append(got, e.ID)
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				sql, args := p.AppendSQL(nil, nil, filter.SQLite(), "e")
				t.Fatalf("seed %d: %s\nfound %d, want %d\n%s\n%v", seed, n, len(got), len(want), sql, args)
			}
			if len(got) > 0 && len(got) < len(w.apps) {
				found++
			}
		}
		if found < 120 {
			t.Errorf("only %d filters told entities apart", found)
		}
	})
}

// TestOrderSQL: both databases sort as the folded texts and numbers do.
func TestOrderSQL(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, rand.New(rand.NewPCG(5, 1)))
		for _, text := range []string{"name", "stream.name", "owner.name desc", "fileSize desc", "publishTime"} {
			order, err := filter.ParseOrder(text)
			if err != nil {
				t.Fatal(err)
			}
			list, err := s.List(t.Context(), "App", store.Query{OrderBy: order})
			if err != nil || len(list) != len(w.apps) {
				t.Fatalf("%s: %d, %v", text, len(list), err)
			}
			keys := make([]string, len(list))
			for i, e := range list {
				keys[i] = sortKey(w, w.docs[e.ID], order[0].Path)
			}
			if order[0].Descending {
				slices.Reverse(keys)
			}
			if !slices.IsSorted(keys) {
				t.Errorf("%s: %q", text, keys)
			}
		}
	})
}

// open opens a store whose ids are the same in each run, so that a failure
// repeats.
func open(t *testing.T, cfg store.Config) *store.Store {
	t.Helper()
	n := 0
	cfg.NewID = func() string {
		n++
		return fmt.Sprintf("5b0f1f1e-7a52-4c3c-9c92-%012d", n)
	}
	return storetest.Open(t, cfg)
}

// sortKey returns a text that sorts as the value; null as an empty one.
func sortKey(w *world, doc map[string]any, path []string) string {
	v := doc[path[0]]
	if len(path) > 1 {
		object, _ := v.(map[string]any)
		id, _ := object["id"].(string)
		return sortKey(w, w.docs[id], path[1:])
	}
	switch {
	case v == nil:
		return ""
	case path[0] == "fileSize":
		return fmt.Sprintf("%030s", v)
	}
	return "-" + filter.Fold(fmt.Sprint(v))
}

// words are texts that are hard to compare or to write.
var words = []string{
	"", "a", "A", "ab", "AB", "Straße", "STRASSE", "Ärger", "ärger", "İstanbul", "ΣΑΣ", "σας", "50%", "5_", `C:\`, `\'`, "it's", `say "so"`, "Б", "б", "日本", "null", "true", "7",
}

var numbers = []string{"0", "1", "2", "4", "-1", "9007199254740993", "9007199254740992", "9223372036854775807", "1.5", "1e3", "0.1"}

var dates = []string{schema.NullDate, "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z", "2026/05/05", schema.Never}

// world is a store with entities that refer to each other.
type world struct {
	docs map[string]map[string]any // with base fields, by id
	apps []string
}

func newWorld(t *testing.T, s *store.Store, rng *rand.Rand) *world {
	t.Helper()
	w := &world{docs: map[string]map[string]any{}}
	pick := func(list []string) string { return list[rng.IntN(len(list))] }
	err := s.Tx(t.Context(), func(tx *store.Tx) error {
		add := func(typ string, doc map[string]any) string {
			e, err := tx.Create(t.Context(), typ, doc)
			if err != nil {
				t.Fatalf("%s %v: %v", typ, doc, err)
			}
			full := s.Full(e)
			w.docs[e.ID] = full
			return e.ID
		}
		var users, streams, tags, properties []string
		for i, word := range words {
			users = append(users, add("User", map[string]any{"userId": fmt.Sprint(i), "userDirectory": "D", "name": word}))
		}
		for i, word := range []string{"a", "Ärger", "50%", "c"} {
			tags = append(tags, add("Tag", map[string]any{"name": word}))
			properties = append(properties, add("CustomPropertyDefinition", map[string]any{"name": fmt.Sprintf("P%d", i), "valueType": "Text"}))
			streams = append(streams, add("Stream", map[string]any{"name": word, "owner": ref(pick(users)), "tags": some(rng, tags)}))
		}
		for range 60 {
			app := map[string]any{"name": "x" + pick(words), "owner": ref(pick(users)), "tags": some(rng, tags), "published": rng.IntN(2) == 0, "availabilityStatus": rng.IntN(6)}
			maybe(rng, app, "description", pick(words))
			maybe(rng, app, "stream", ref(pick(streams)))
			maybe(rng, app, "fileSize", rng.Int64N(5))
			maybe(rng, app, "publishTime", pick(dates))
			maybe(rng, app, "targetAppId", pick(users))
			if rng.IntN(4) == 0 {
				app["fileSize"] = int64(9007199254740992 + rng.IntN(2))
			}
			var values []any
			for range rng.IntN(3) {
				values = append(values, map[string]any{"value": pick(words), "definition": ref(pick(properties))})
			}
			app["customProperties"] = append([]any{}, values...)
			w.apps = append(w.apps, add("App", app))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func ref(id string) map[string]any { return map[string]any{"id": id} }

func some(rng *rand.Rand, ids []string) []any {
	list := []any{}
	for _, id := range ids {
		if rng.IntN(3) == 0 {
			list = append(list, ref(id))
		}
	}
	return list
}

func maybe(rng *rand.Rand, doc map[string]any, name string, v any) {
	if rng.IntN(3) > 0 {
		doc[name] = v
	}
}

// generator makes filters on apps.
type generator struct {
	world *world
	rng   *rand.Rand
}

func (g *generator) pick(list ...string) string { return list[g.rng.IntN(len(list))] }

func (g *generator) filter(depth int) string {
	if depth == 0 || g.rng.IntN(3) == 0 {
		return g.comparison()
	}
	return "(" + g.filter(depth-1) + g.pick(" and ", " or ") + g.filter(depth-1) + ")"
}

func (g *generator) comparison() string {
	const ordered = "eq ne gt ge lt le"
	switch g.rng.IntN(8) {
	case 0:
		return g.pick("fileSize", "availabilityStatus") + " " + g.pick(strings.Fields(ordered)...) + " " + g.pick(numbers...)
	case 1:
		return g.pick("publishTime", "lastReloadTime", "createdDate", "modifiedDate", "stream.createdDate", "tags.modifiedDate") + " " + g.pick(strings.Fields(ordered)...) + " '" + g.pick(dates...) + "'"
	case 2:
		return g.pick("published eq true", "published ne true", "published eq false", "availabilityStatus ge NotSynced", "owner.inactive eq false", "stream.owner.blacklisted ne true")
	case 3:
		return g.pick("id", "owner", "stream", "tags", "stream.owner", "stream.id", "targetAppId", "tags.id", "customProperties.definition", "stream.tags") + " " + g.pick("eq", "ne") + " " + g.id()
	case 4:
		return g.path() + " " + g.pick("eq", "ne") + " null"
	case 5:
		return g.pick("publishTime", "stream", "owner", "customProperties", "tags", "id", "published", "fileSize", "stream.tags", "createdDate", "stream.modifiedDate") + " " + g.pick("eq", "ne") + " null"
	}
	word := g.pick(words...)
	if r := []rune(word); len(r) > 0 && g.rng.IntN(3) == 0 {
		word = string(r[g.rng.IntN(len(r)):])
	}
	if g.rng.IntN(4) == 0 {
		word = "x" + word
	}
	return g.path() + " " + g.pick("eq", "ne", "sw", "ew", "so") + " " + filter.Value{Text: word, Quoted: true}.String()
}

// path leads to texts.
func (g *generator) path() string {
	return g.pick("name", "description", "owner.name", "stream.name", "tags.name", "stream.owner.name", "stream.tags.name", "customProperties.value",
		"customProperties.definition.name", "@P1", "@p2", "@nobody", "modifiedByUserName", "owner.userId", "schemaPath", "stream.modifiedByUserName")
}

func (g *generator) id() string {
	ids := make([]string, 0, len(g.world.docs))
	for id := range g.world.docs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return g.pick(ids...)
}
