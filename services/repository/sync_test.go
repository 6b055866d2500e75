package repository

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// A townHall is directories of a test: of one type, with the people that the
// test puts in.
type townHall struct {
	mu     sync.Mutex
	people []DirectoryUser
	fail   error
	asked  []string // the names that were asked for last; "*" is everybody
	told   *Directory
	during func() // called while the directory is read
}

var _ Directories = (*townHall)(nil)

func (h *townHall) Types() []DirectoryType {
	return []DirectoryType{{ID: "Town.Hall", Name: "Town hall", Settings: []DirectorySetting{
		{Name: directoryNameSetting, Category: "Connection"}, {Name: "Path", Also: []string{"Way"}, Leads: true, Default: "here"}, {Name: "Password", Secret: true}, {Name: "Page size", Kind: 1, Default: "7"},
	}}}
}

func (h *townHall) Check(d *Directory) (string, error) {
	name := ""
	for _, v := range d.Values {
		switch {
		case strings.EqualFold(v[0], directoryNameSetting) && name == "":
			name = v[1]
		case strings.EqualFold(v[0], "Path") && v[1] == "":
			return name, errors.New("Path: is empty")
		}
	}
	if name == "" {
		return "", errors.New(directoryNameSetting + ": is empty")
	}
	return name, nil
}

func (h *townHall) Read(ctx context.Context, d *Directory, ids []string) (*DirectoryPeople, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.during != nil {
		h.during()
	}
	h.told, h.asked = d, []string{"*"}
	if h.fail != nil {
		return nil, h.fail
	}
	out := &DirectoryPeople{Nobody: len(h.people) == 0}
	if ids != nil {
		h.asked = slices.Sorted(slices.Values(ids))
	}
	for _, p := range h.people {
		if ids == nil || slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(id, p.ID) }) {
			out.List = append(out.List, p)
		}
	}
	return out, ctx.Err()
}

func (h *townHall) set(people ...DirectoryUser) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.people = people
}

// person is somebody in groups.
func person(id string, groups ...string) DirectoryUser {
	u := DirectoryUser{ID: id, Name: strings.ToUpper(id)}
	for _, g := range groups {
		u.Attributes = append(u.Attributes, DirectoryAttribute{"group", g, "cn=" + g})
	}
	return u
}

// A syncWorld is a repository with a town hall.
type syncWorld struct {
	t    *testing.T
	repo *Repository
	hall *townHall
	id   string // of the directory
}

func newSyncWorld(t *testing.T, db *store.Store, doc map[string]any) *syncWorld {
	t.Helper()
	w := &syncWorld{t: t, hall: &townHall{}}
	var err error
	if w.repo, err = Open(t.Context(), Options{Store: db, Directories: w.hall}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.repo.Close)
	all := map[string]any{"name": "Hall", "type": "Town.Hall", "syncOnlyLoggedInUsers": false, "settings": []any{
		map[string]any{"name": "user directory name", "value": "TOWN"}, map[string]any{"name": "Password", "value": "geheim"},
	}}
	maps.Copy(all, doc)
	w.id = text(w.create(directoryType, all)["id"])
	return w
}

func (w *syncWorld) create(typ string, doc map[string]any) map[string]any {
	w.t.Helper()
	made, err := w.repo.Create(w.t.Context(), &service, w.repo.Schema().Type(typ), doc)
	if err != nil {
		w.t.Fatal(err)
	}
	return made[0]
}

func (w *syncWorld) get(typ, id string) map[string]any {
	w.t.Helper()
	e, err := w.repo.Get(w.t.Context(), &service, w.repo.Schema().Type(typ), id, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *syncWorld) sync() *Synced {
	w.t.Helper()
	did, err := w.repo.SyncDirectory(w.t.Context(), w.id)
	if err != nil {
		w.t.Fatal(err)
	}
	return did
}

// state is the directory's own state, in one line.
func (w *syncWorld) state() string {
	e := w.get(directoryType, w.id)
	return fmt.Sprint("configured ", e["configured"], e["configuredError"], " operational ", e["operational"], e["operationalError"], " status ", e["syncStatus"])
}

// users are the users of the directory, a line each.
func (w *syncWorld) users() (lines []string) {
	w.t.Helper()
	list, err := w.repo.store.List(w.t.Context(), "User", store.Query{Where: filter.Equal("userDirectory", "TOWN")})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range list {
		line := text(e.Doc["userId"]) + " (" + text(e.Doc["name"]) + ")"
		for _, flag := range []string{"removedExternally", "inactive", "blacklisted"} {
			if isTrue(e.Doc[flag]) {
				line += " " + flag
			}
		}
		var attributes []string
		for _, a := range objects(e.Doc["attributes"]) {
			attributes = append(attributes, text(a["attributeType"])+"="+text(a["attributeValue"]))
		}
		slices.Sort(attributes)
		lines = append(lines, strings.TrimSpace(line+" "+strings.Join(attributes, " ")))
	}
	slices.Sort(lines)
	return lines
}

func (w *syncWorld) expect(why string, want ...string) {
	w.t.Helper()
	if got := w.users(); !slices.Equal(got, want) {
		w.t.Errorf("%s:\n%q, want\n%q", why, got, want)
	}
}

func TestSyncDirectory(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		w := newSyncWorld(t, db, nil)
		w.hall.set(person("ann", "Sales", "All"), person("Bob", "All"))
		if got, want := w.sync().String(), "user directory TOWN: 2 users read, 2 added, 0 changed, 0 came back, 0 vanished"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		w.expect("new users", "Bob (BOB) group=All", "ann (ANN) group=All group=Sales")
		if got, want := w.state(), "configured true operational true status 0"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if w.hall.told.Values[1] != [2]string{"Password", "geheim"} {
			t.Errorf("the directory was told %q", w.hall.told.Values)
		}
		before := w.get(directoryType, w.id)
		if did := w.sync(); did.Added+did.Changed+did.Gone+did.Back != 0 {
			t.Errorf("what is the same was changed: %s", did)
		}
		if after := w.get(directoryType, w.id); text(after["syncLastSuccessfulEnded"]) < text(before["syncLastSuccessfulEnded"]) {
			t.Errorf("ended at %s, before %s", after["syncLastSuccessfulEnded"], before["syncLastSuccessfulEnded"])
		}

		// What is set by hand stays.
		users, err := w.repo.List(t.Context(), &service, w.repo.Schema().Type("User"), Query{Filter: "userId eq 'ann'"})
		if err != nil || len(users) != 1 {
			t.Fatal(users, err)
		}
		ann := users[0]
		ann["roles"], ann["blacklisted"], ann["inactive"] = []any{"ContentAdmin"}, true, true
		ann["attributes"] = append(ann["attributes"].([]any), map[string]any{"attributeType": "desk", "attributeValue": "7"})
		if _, err := w.repo.Update(t.Context(), &service, w.repo.Schema().Type("User"), text(ann["id"]), ann); err != nil {
			t.Fatal(err)
		}
		kept := map[string]any{}
		for _, a := range objects(w.get("User", text(ann["id"]))["attributes"]) {
			kept[text(a["attributeValue"])] = a["id"]
		}
		w.hall.set(person("ANN", "All", "Board"), person("cem"))
		if got, want := w.sync().String(), "user directory TOWN: 2 users read, 1 added, 1 changed, 0 came back, 1 vanished"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		w.expect("changed, new and gone", "Bob (BOB) removedExternally group=All", "ann (ANN) inactive blacklisted desk=7 group=All group=Board", "cem (CEM)")
		now := w.get("User", text(ann["id"]))
		for _, a := range objects(now["attributes"]) {
			if id := kept[text(a["attributeValue"])]; id != nil && id != a["id"] {
				t.Errorf("the attribute %s has another id", a["attributeValue"])
			}
		}
		if fmt.Sprint(now["roles"]) != "[ContentAdmin]" || now[connectorField] != "Hall" {
			t.Errorf("ann has the roles %v and came by %v", now["roles"], now[connectorField])
		}
		if _, _, err := w.repo.LogIn(t.Context(), &Caller{Directory: "TOWN", ID: "bob"}, ""); !errors.Is(err, ErrInactive) {
			t.Errorf("who has vanished logs in: %v", err)
		}
		w.hall.set(person("ann"), person("bob", "New"), person("cem"))
		if got, want := w.sync().String(), "user directory TOWN: 3 users read, 0 added, 2 changed, 1 came back, 0 vanished"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		w.expect("back again", "Bob (BOB) group=New", "ann (ANN) inactive blacklisted desk=7", "cem (CEM)")
		if _, _, err := w.repo.LogIn(t.Context(), &Caller{Directory: "TOWN", ID: "bob"}, ""); err != nil {
			t.Errorf("who is back does not log in: %v", err)
		}
	})
}

// A directory that fails, or is empty all at once, changes nobody.
func TestSyncErrors(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		w := newSyncWorld(t, db, nil)
		if did := w.sync(); did.Read != 0 {
			t.Error(did)
		}
		w.create("User", map[string]any{"userDirectory": "town", "userId": "old", "name": "old", "removedExternally": false, "blacklisted": false})
		w.sync() // who never came from the directory has not vanished from it
		w.hall.set(person("ann", "All"))
		w.sync()
		want := []string{"ann (ANN) group=All", "old (old)"}
		for why, prepare := range map[string]func(){
			"the server hung up amid": func() { w.hall.fail = errors.New("the server hung up amid") },
			"no users at all":         func() { w.hall.set() },
		} {
			prepare()
			_, err := w.repo.SyncDirectory(t.Context(), w.id)
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: %v", why, err)
			}
			w.expect(why, want...)
			if got := w.state(); !strings.Contains(got, "operational false") || !strings.Contains(got, why) || !strings.HasSuffix(got, "status 0") {
				t.Errorf("after %s: %s", why, got)
			}
			w.hall.fail = nil
			w.hall.set(person("ann", "All"))
			w.sync()
			if got := w.state(); got != "configured true operational true status 0" {
				t.Errorf("again: %s", got)
			}
		}
		stopped, cancel := context.WithCancel(t.Context())
		w.hall.during = cancel
		if _, err := w.repo.SyncDirectory(stopped, w.id); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped: %v", err)
		}
		if got := w.state(); got != "configured true operational true status 0" {
			t.Errorf("stopped: %s", got)
		}
	})
}

// Of two synchronisations of a directory one is refused, in this process or in
// another one; one that goes on after another has begun stores nothing.
func TestOneSyncAtATime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		w := newSyncWorld(t, db, nil)
		other, err := Open(t.Context(), Options{Store: db, Directories: w.hall, Member: true})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		w.hall.set(person("ann"))
		var here, there error
		var state string
		w.hall.during = func() {
			_, here = w.repo.SyncDirectory(t.Context(), w.id)
			_, there = other.SyncDirectory(t.Context(), w.id)
			state = w.state()
		}
		w.sync()
		if !errors.Is(here, ErrSyncing) || !errors.Is(there, ErrSyncing) || !strings.HasSuffix(state, "status 1") {
			t.Errorf("beside another: %v; %v; %s", here, there, state)
		}
		w.hall.during = func() {
			other.now = func() time.Time { return time.Now().Add(syncLease + time.Minute) }
			self := &syncing{repo: other, id: w.id}
			if err := self.begin(t.Context()); err != nil {
				t.Errorf("after the lease: %v", err)
			}
		}
		w.hall.people = []DirectoryUser{person("ann"), person("bob")}
		if _, err := w.repo.SyncDirectory(t.Context(), w.id); !errors.Is(err, ErrSyncing) {
			t.Errorf("overtaken: %v", err)
		}
		w.expect("overtaken", "ann (ANN)")
		if err := w.repo.endSyncs(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := w.state(); !strings.HasSuffix(got, "status 0") {
			t.Errorf("after a start: %s", got)
		}
	})
}

func TestSyncOnlyLoggedIn(t *testing.T) {
	w := newSyncWorld(t, storetest.Open(t, storetest.Config(t, store.SQLite)), map[string]any{"syncOnlyLoggedInUsers": nil})
	if !isTrue(w.get(directoryType, w.id)["syncOnlyLoggedInUsers"]) {
		t.Fatal("users who have not logged in are wanted by default")
	}
	w.hall.set(person("ann", "All"), person("bob", "All"))
	w.sync()
	w.expect("nobody has logged in")
	if _, _, err := w.repo.LogIn(t.Context(), &Caller{Directory: "town", ID: "Ann"}, "From a ticket"); err != nil {
		t.Fatal(err)
	}
	w.expect("the first log-in fetches", "Ann (ANN) group=All")
	w.hall.set(person("ann", "New"), person("bob", "All"))
	if w.sync(); !slices.Equal(w.hall.asked, []string{"Ann"}) {
		t.Errorf("asked for %q", w.hall.asked)
	}
	w.expect("in sync", "Ann (ANN) group=New")
	w.hall.set(person("bob", "All"))
	w.sync()
	w.expect("the only one has vanished", "Ann (ANN) removedExternally group=New")
	w.hall.fail = errors.New("away")
	if _, _, err := w.repo.LogIn(t.Context(), &Caller{Directory: "TOWN", ID: "cem"}, "Cem"); err != nil {
		t.Errorf("a directory that is away keeps somebody out: %v", err)
	}
}

func TestSyncUser(t *testing.T) {
	w := newSyncWorld(t, storetest.Open(t, storetest.Config(t, store.SQLite)), nil)
	w.hall.set(person("ann", "All"), person("bob", "All"))
	sync := func(c *Caller, id string) string {
		t.Helper()
		there, err := w.repo.SyncUser(t.Context(), c, "town", id)
		switch {
		case errors.Is(err, ErrForbidden), errors.Is(err, ErrNotFound):
			return "not allowed"
		case err != nil:
			t.Fatal(err)
		}
		return fmt.Sprint(there)
	}
	stranger := &Caller{Directory: "X", ID: "x", Context: rules.ContextConsole}
	for _, step := range []struct {
		c        *Caller
		id, want string
	}{{stranger, "ann", "not allowed"}, {&service, "ANN", "true"}, {&service, "nobody", "false"}, {stranger, "ann", "not allowed"}} {
		if got := sync(step.c, step.id); got != step.want {
			t.Errorf("%s for %s: %s, want %s", step.id, step.c, got, step.want)
		}
	}
	w.expect("one user", "ann (ANN) group=All")
	w.hall.set(person("bob"))
	if got := sync(&service, "ann"); got != "false" {
		t.Errorf("ann is there: %s", got)
	}
	w.expect("the user has vanished", "ann (ANN) removedExternally group=All")
	if _, err := w.repo.SyncUser(t.Context(), &service, "elsewhere", "ann"); !errors.Is(err, ErrNotFound) {
		t.Errorf("without a connector: %v", err)
	}
}

// Rules see what a directory says at once.
func TestRulesSeeDirectories(t *testing.T) {
	w := newSyncWorld(t, storetest.Open(t, storetest.Config(t, store.SQLite)), nil)
	stream := w.create("Stream", map[string]any{"name": "Sales", "owner": ref(w.userID("sa_api"))})
	w.create("SystemRule", map[string]any{
		"name": "sales", "category": "Security", "type": "Custom", "rule": `((user.group="Sales"))`, "resourceFilter": "Stream_*", "actions": number(int(rules.Read)), "ruleContext": number(0), "disabled": false,
	})
	ann := &Caller{Directory: "TOWN", ID: "ann", Context: rules.ContextHub}
	reads := func() bool {
		t.Helper()
		_, err := w.repo.Get(t.Context(), ann, w.repo.Schema().Type("Stream"), text(stream["id"]), false)
		if err != nil && !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	for _, step := range []struct {
		groups []string
		want   bool
	}{{[]string{"All"}, false}, {[]string{"All", "Sales"}, true}, {nil, false}} {
		w.hall.set(person("ann", step.groups...))
		w.sync()
		if got := reads(); got != step.want {
			t.Errorf("in %q ann reads the stream: %v", step.groups, got)
		}
	}
}

func (w *syncWorld) userID(id string) string {
	w.t.Helper()
	list, err := w.repo.store.List(w.t.Context(), "User", store.Query{Where: filter.Equal("userId", id)})
	if err != nil || len(list) != 1 {
		w.t.Fatal(list, err)
	}
	return list[0].ID
}
