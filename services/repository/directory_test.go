package repository

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cognate-bi/cognate/services/repository/filter"
	"github.com/cognate-bi/cognate/services/repository/schema"
	"github.com/cognate-bi/cognate/services/repository/store"
	"github.com/cognate-bi/cognate/services/repository/store/storetest"
)

// change changes the directory and returns it.
func (w *syncWorld) change(doc map[string]any) (map[string]any, error) {
	return w.repo.Update(w.t.Context(), &service, w.repo.Schema().Type(directoryType), w.id, doc)
}

// password is that of the directory as it is told it.
func (w *syncWorld) password() string {
	w.t.Helper()
	e, err := w.repo.store.Get(w.t.Context(), directoryType, w.id)
	if err != nil {
		w.t.Fatal(err)
	}
	d, err := directory(w.t.Context(), w.repo.store, e)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, v := range d.Values {
		if strings.EqualFold(v[0], "Password") {
			return v[1]
		}
	}
	return "none"
}

// settingsOf returns the settings of an answer by their names.
func settingsOf(e map[string]any) map[string]map[string]any {
	by := map[string]map[string]any{}
	for _, o := range objects(e["settings"]) {
		by[text(o["name"])] = o
	}
	return by
}

// Secrets are sealed however they come, and no answer has them.
func TestDirectorySecrets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		w := newSyncWorld(t, db, nil)
		e := w.get(directoryType, w.id)
		by := settingsOf(e)
		if len(by) != 4 || fmt.Sprintf("%v %v %v %v %q", by["Page size"]["value"], by["Page size"]["userDirectorySettingType"], by["Path"]["value"], by["Password"]["secret"], by["Password"]["value"]) != `7 1 here true ""` {
			t.Errorf("the settings are %v", by)
		}
		raw, err := json.Marshal(e)
		if err != nil || strings.Contains(string(raw), "geheim") {
			t.Errorf("the answer has the password: %s, %v", raw, err)
		}
		if got := w.password(); got != "geheim" {
			t.Errorf("the password is %q", got)
		}
		// A client that has read it writes it back.
		if _, err = w.change(e); err != nil {
			t.Fatal(err)
		}
		if got := w.password(); got != "geheim" {
			t.Errorf("written back, the password is %q", got)
		}
		// One that knows no ids, and says that a password is none.
		setting := func(name, value string) map[string]any {
			return map[string]any{"name": name, "value": value, "secret": false}
		}
		if _, err = w.change(map[string]any{"settings": []any{setting("user directory name", "TOWN"), map[string]any{"name": "PASSWORD"}, setting("Page size", "9")}}); err != nil {
			t.Fatal(err)
		}
		if got := w.password(); got != "geheim" {
			t.Errorf("of a client that knows no ids: %q", got)
		}
		if _, err = w.change(map[string]any{"settings": []any{setting("user directory name", "TOWN"), setting("Password", "other")}}); err != nil {
			t.Fatal(err)
		}
		if got := w.password(); got != "other" {
			t.Errorf("the password is %q", got)
		}
		for why, settings := range map[string]any{"no list": "x", "no object": []any{"x"}, "too long": []any{setting("Password", strings.Repeat("x", 300))}} {
			var wrong *schema.Error
			if _, err := w.change(map[string]any{"settings": settings}); !errors.As(err, &wrong) {
				t.Errorf("%s: %v", why, err)
			}
		}
		changes, err := db.Changes(t.Context(), 0, 10000)
		if err != nil {
			t.Fatal(err)
		}
		raw, err = json.Marshal(changes)
		if err != nil || strings.Contains(string(raw), "geheim") {
			t.Error("a change tells the password")
		}
	})
}

// Whoever lets a directory lead elsewhere has to know the password, as it would
// go there.
func TestDirectoryLeadsElsewhere(t *testing.T) {
	w := newSyncWorld(t, storetest.Open(t, storetest.Config(t, store.SQLite)), nil)
	with := func(name, value string) map[string]any {
		e := w.get(directoryType, w.id)
		settingsOf(e)[name]["value"] = value
		return e
	}
	if _, err := w.change(with("Path", "thief")); err == nil || !strings.Contains(err.Error(), "Path leads elsewhere now: send Password again") {
		t.Errorf("another path: %v", err)
	}
	if _, err := w.change(map[string]any{"type": "Other"}); err == nil || !strings.Contains(err.Error(), "send Password again") {
		t.Errorf("another type: %v", err)
	}
	e := with("Path", "thief")
	password := settingsOf(e)["Password"]
	password["id"] = strings.ToUpper(text(password["id"]))
	if _, err := w.change(e); err == nil || !strings.Contains(err.Error(), "send Password again") {
		t.Errorf("another path, the id written otherwise: %v", err)
	}
	e = with("Page size", "7")
	settingsOf(e)["user directory name"]["name"], settingsOf(e)["Password"]["name"] = "Password", "user directory name"
	if changed, err := w.change(e); strings.Contains(fmt.Sprint(changed, w.get(directoryType, w.id)), "geheim") {
		t.Errorf("the password is the name now: %v, %v", changed, err)
	}
	w = newSyncWorld(t, storetest.Open(t, storetest.Config(t, store.SQLite)), nil)
	if _, err := w.change(with("Page size", "8")); err != nil {
		t.Errorf("another page size: %v", err)
	}
	e = with("Path", "there")
	settingsOf(e)["Password"]["value"] = "geheim"
	if _, err := w.change(e); err != nil {
		t.Errorf("with the password: %v", err)
	}
	e = with("Path", "elsewhere")
	e["settings"] = slices.DeleteFunc(e["settings"].([]any), func(v any) bool { return v.(map[string]any)["name"] == "Password" })
	if _, err := w.change(e); err != nil {
		t.Errorf("without a password any more: %v", err)
	}
}

// What the repository says of a directory is true, and not for clients to say.
func TestDirectoryConfigured(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		w := newSyncWorld(t, db, map[string]any{"configured": false, "operational": true, "operationalError": "x", "syncStatus": number(2), "userDirectoryName": "SENT"})
		if got := w.state(); got != "configured true operational false status 0" {
			t.Errorf("new: %s", got)
		}
		if e := w.get(directoryType, w.id); e["userDirectoryName"] != "TOWN" {
			t.Errorf("the name is %v", e["userDirectoryName"])
		}
		named := func(name string) any {
			return []any{map[string]any{"name": directoryNameSetting, "value": name}}
		}
		for why, tt := range map[string]struct {
			doc  map[string]any
			want string
		}{
			"the same name": {map[string]any{"settings": named("town")}, `"town" is that of the connector "Hall" already`},
			"no name":       {map[string]any{}, directoryNameSetting + ": is empty"},
			"the site's":    {map[string]any{"settings": named("Internal")}, "accounts of the site"},
			"the field":     {map[string]any{"userDirectoryName": "FIELD"}, ""},
			"no path":       {map[string]any{"settings": append(named("P").([]any), map[string]any{"name": "Path", "value": ""})}, "Path: is empty"},
		} {
			tt.doc["name"], tt.doc["type"] = why, "Town.Hall"
			made := w.create(directoryType, tt.doc)
			if isTrue(made["configured"]) != (tt.want == "") || !strings.Contains(text(made["configuredError"]), tt.want) {
				t.Errorf("%s: configured %v, %v", why, made["configured"], made["configuredError"])
			}
		}
		if _, err := w.change(map[string]any{"settings": named("CITY")}); err != nil {
			t.Fatal(err)
		}
		if err := w.repo.RefreshDirectories(t.Context(), &service); err != nil {
			t.Fatal(err)
		}
		list, err := w.repo.List(t.Context(), &service, w.repo.Schema().Type(directoryType), Query{Filter: "name eq 'the same name'"})
		if err != nil || len(list) != 1 || !isTrue(list[0]["configured"]) {
			t.Errorf("the name that is free now: %v, %v", list, err)
		}
	})
}

// A task comes and goes with its directory.
func TestSyncTask(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		w := newSyncWorld(t, db, nil)
		tasks, err := db.List(t.Context(), syncTaskType, store.Query{Where: filter.Equal("userDirectory.id", w.id)})
		if err != nil || len(tasks) != 1 || !isTrue(tasks[0].Doc["enabled"]) || fmt.Sprint(tasks[0].Doc["taskType"]) != "2" {
			t.Fatalf("%v, %v", tasks, err)
		}
		id, err := w.repo.SyncTask(t.Context(), &service, w.id)
		if err != nil || id != tasks[0].ID {
			t.Errorf("the task is %s, %v", id, err)
		}
		task := w.repo.Schema().Type(syncTaskType)
		if _, err := w.repo.Update(t.Context(), &service, task, id, map[string]any{"enabled": false}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.repo.SyncTask(t.Context(), &service, w.id); !errors.Is(err, ErrInvalid) {
			t.Errorf("a disabled task: %v", err)
		}
		w.create("SchemaEvent", map[string]any{
			"name": "nightly", "enabled": true, "userSyncTask": ref(id), "timeZone": "UTC", "daylightSavingTime": number(0), "incrementOption": number(2), "incrementDescription": "0 0 1 0",
			"startDate": "2026-01-01T00:00:00.000Z", "expirationDate": "9999-01-01T00:00:00.000Z", "schemaFilterDescription": []any{"* * - * * * * *"},
		})
		if err := w.repo.Delete(t.Context(), &service, w.repo.Schema().Type(directoryType), w.id); err != nil {
			t.Fatal(err)
		}
		for _, typ := range []string{directoryType, syncTaskType, "SchemaEvent"} {
			if n, err := db.Count(t.Context(), typ, store.Query{}); err != nil || n != 0 {
				t.Errorf("%d of %s are left, %v", n, typ, err)
			}
		}
	})
}

func TestDeleteDirectoryAndUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		w := newSyncWorld(t, db, nil)
		twin := text(w.create(directoryType, map[string]any{"name": "Twin", "type": "Town.Hall", "userDirectoryName": "TOWN"})["id"])
		internal := text(w.create(directoryType, map[string]any{"name": "Inner", "type": "Town.Hall", "userDirectoryName": InternalDirectory})["id"])
		w.hall.set(person("ann"), person("bob"))
		w.sync()
		for _, id := range []string{twin, internal} {
			if err := w.repo.DeleteDirectoryAndUsers(t.Context(), &service, id); !errors.Is(err, ErrInvalid) {
				t.Errorf("users of another one: %v", err)
			}
		}
		stream := w.create("Stream", map[string]any{"name": "Ann's", "owner": ref(w.userID("ann"))})
		var used *store.ErrInUse
		if err := w.repo.DeleteDirectoryAndUsers(t.Context(), &service, w.id); !errors.As(err, &used) {
			t.Errorf("ann owns a stream: %v", err)
		}
		w.expect("nothing was deleted", "ann (ANN)", "bob (BOB)")
		if err := w.repo.Delete(t.Context(), &service, w.repo.Schema().Type("Stream"), text(stream["id"])); err != nil {
			t.Fatal(err)
		}
		stranger := &Caller{Directory: "X", ID: "x"}
		if err := w.repo.DeleteDirectoryAndUsers(t.Context(), stranger, w.id); !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrForbidden) {
			t.Errorf("a stranger: %v", err)
		}
		if err := w.repo.DeleteDirectoryAndUsers(t.Context(), &service, w.id); err != nil {
			t.Fatal(err)
		}
		w.expect("all were deleted")
		if _, err := db.Get(t.Context(), directoryType, w.id); !errors.Is(err, ErrNotFound) {
			t.Errorf("the directory: %v", err)
		}
	})
}
